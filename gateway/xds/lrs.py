"""The Load Reporting Service: calls per endpoint, as clients count them."""

import asyncio
from collections.abc import AsyncIterator, Callable, Collection
from typing import Any

import grpc
import structlog
from envoy.service.load_stats.v3.lrs_pb2 import LoadStatsRequest, LoadStatsResponse
from google.protobuf.duration_pb2 import Duration

from gateway.xds import metrics
from gateway.xds.aside import aside
from gateway.xds.identity import identified
from gateway.xds.load import Reporter
from gateway.xds.node import Node, node_of
from gateway.xds.periodic import Periodic
from governance.dataplane.observe import Sample
from governance.kernel.clock import now

SERVICE = "envoy.service.load_stats.v3.LoadReportingService"
METHODS = (f"/{SERVICE}/StreamLoadStats",)
GRPC_S, MANY_GRPC_S = 1, 5
ENVOY_S, MANY_ENVOYS_S = 2, 10
MANY_GRPC = 200
MANY_ENVOYS = 50  # each Envoy report carries its node, 61 KB
MAX_WAITING = 20_000
FLUSH_S = 0.25
log = structlog.get_logger(__name__)


class LoadReports:
    """Takes reports in and stores their samples in batches; `store` is called in a thread.

    `identify` says whose stream it is by its connection, and may refuse it; `clusters` names the clusters that an
    identity is shown, and may report; `client` finds a node's stream.
    """

    def __init__(
        self,
        *,
        identify: Callable[[Any], str],
        clusters: Callable[[str], Collection[str]],
        client: Callable[[str, str], str],
        store: Callable[[Collection[Sample]], None],
    ) -> None:
        self._identify, self._clusters, self._client, self._store = identify, clusters, client, store
        self._waiting: list[Sample] = []
        self._open: dict[asyncio.Event, bool] = {}  # bell of each stream -> whether it is an Envoy's
        self._storing = Periodic(self._flush, every_s=FLUSH_S)

    def handler(self) -> grpc.GenericRpcHandler:
        """The one method."""
        method = grpc.stream_stream_rpc_method_handler(
            self._serve,
            request_deserializer=LoadStatsRequest.FromString,
            response_serializer=LoadStatsResponse.SerializeToString,
        )
        return grpc.method_handlers_generic_handler(SERVICE, {"StreamLoadStats": method})

    def start(self) -> None:
        """Begin to store."""
        self._storing.start()

    async def stop(self) -> None:
        """End every stream and store what is left."""
        for bell in list(self._open):
            bell.set()
        await self._storing.stop()

    async def _serve(self, requests: AsyncIterator[Any], context: Any) -> AsyncIterator[Any]:
        identity = await identified(context, self._identify)
        first = await anext(requests, None)
        if first is None:
            return
        node, bell = node_of(first.node), asyncio.Event()
        reporter = Reporter(node.id, identity)
        self._take(first, reporter)
        self._open[bell] = node.kind == "envoy"
        reader = asyncio.create_task(self._read(requests, reporter, bell))
        try:
            yield self._wanted(first.node, node, identity)
            await bell.wait()
        finally:
            del self._open[bell]
            reader.cancel()

    async def _read(self, requests: AsyncIterator[Any], reporter: Reporter, bell: asyncio.Event) -> None:
        try:
            async for request in requests:
                metrics.reports.inc()
                self._take(request, reporter)
        finally:
            bell.set()

    def _wanted(self, sender: Any, node: Node, identity: str) -> Any:
        envoys = sum(self._open.values())
        if node.kind == "envoy":
            every_s = ENVOY_S if envoys <= MANY_ENVOYS else MANY_ENVOYS_S
        else:
            every_s = GRPC_S if len(self._open) - envoys <= MANY_GRPC else MANY_GRPC_S
        wanted = LoadStatsResponse(load_reporting_interval=Duration(seconds=every_s))
        if "envoy.lrs.supports_send_all_clusters" in sender.client_features or node.kind == "envoy":
            wanted.send_all_clusters = True
        else:
            wanted.clusters.extend(self._clusters(identity))
        return wanted

    def _take(self, request: Any, reporter: Reporter) -> None:
        client = self._client(reporter.node_id, reporter.identity)
        clusters = frozenset(self._clusters(reporter.identity))
        taken = reporter.samples(request, client=client, clusters=clusters, at=now())
        self._waiting += list(taken)[: MAX_WAITING - len(self._waiting)]

    async def _flush(self) -> None:
        if not self._waiting:
            return
        batch, self._waiting = self._waiting, []
        try:
            await aside(self._store, batch)
        except Exception:  # the outermost edge of this task: a lost sample is a gap in a chart, nothing more
            log.exception("load samples not stored", samples=len(batch))
