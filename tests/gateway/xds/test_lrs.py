"""Load reports, from the wire to samples."""

import asyncio
from collections.abc import Collection
from typing import Any

import grpc
import pytest
from envoy.config.core.v3.base_pb2 import Node
from envoy.service.load_stats.v3.lrs_pb2 import LoadStatsRequest, LoadStatsResponse

from gateway.xds.lrs import METHODS, LoadReports
from governance.dataplane.observe import Sample


def report(*, user_agent: str = "gRPC Go", features: Collection[str] = ()) -> Any:
    message = LoadStatsRequest(node=Node(id="pod-1", user_agent_name=user_agent, client_features=features))
    stats = message.cluster_stats.add(cluster_name="pay.shop")
    stats.load_report_interval.seconds = 2
    for name, issued in (("p0", 30), ("p1", 0)):
        stats.upstream_locality_stats.add(
            locality={"zone": "z1", "sub_zone": name},
            total_issued_requests=issued,
            total_successful_requests=max(issued - 1, 0),
            total_error_requests=1 if issued else 0,
        )
    return message


class Serving:
    """A load reporting service whose samples are kept in a list."""

    def __init__(self) -> None:
        self.samples: list[Sample] = []
        self.stored = asyncio.Event()
        self.reports = LoadReports(
            identify=lambda context: "",
            clusters=lambda identity: ["pay.shop"],
            client=lambda node, identity: f"{node}~1",
            store=self.store,
        )
        self.server = grpc.aio.server()
        self.server.add_generic_rpc_handlers((self.reports.handler(),))
        self.address = f"127.0.0.1:{self.server.add_insecure_port('127.0.0.1:0')}"
        self.loop = asyncio.get_running_loop()

    def store(self, samples: Collection[Sample]) -> None:
        self.samples += samples
        self.loop.call_soon_threadsafe(self.stored.set)

    async def __aenter__(self) -> "Serving":
        await self.server.start()
        self.reports.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.reports.stop()
        await self.server.stop(None)


@pytest.mark.parametrize(
    ("agent", "features", "everything", "every_s"),
    [
        ("gRPC Go", (), False, 1),
        ("gRPC Go", ("envoy.lrs.supports_send_all_clusters",), True, 1),
        ("envoy", (), True, 2),
    ],
)
async def test_a_client_is_asked_for_what_it_can_report(
    agent: str, features: Collection[str], everything: bool, every_s: int
) -> None:
    async with Serving() as serving, grpc.aio.insecure_channel(serving.address) as channel:
        method: Any = channel.stream_stream(
            METHODS[0], LoadStatsRequest.SerializeToString, LoadStatsResponse.FromString
        )
        call = method()
        await call.write(report(user_agent=agent, features=features))
        wanted = await call.read()
        assert wanted.load_reporting_interval.seconds == every_s
        assert (wanted.send_all_clusters, list(wanted.clusters)) == (everything, [] if everything else ["pay.shop"])


async def test_a_report_becomes_a_sample_per_endpoint_that_was_called() -> None:
    async with Serving() as serving, grpc.aio.insecure_channel(serving.address) as channel:
        method: Any = channel.stream_stream(
            METHODS[0], LoadStatsRequest.SerializeToString, LoadStatsResponse.FromString
        )
        call = method()
        await call.write(report())
        await asyncio.wait_for(serving.stored.wait(), 10)
        (sample,) = serving.samples
        assert (sample.client, sample.node_id) == ("pod-1~1", "pod-1")
        assert (sample.namespace, sample.service, sample.endpoint) == ("shop", "pay", "p0")
        assert (sample.issued, sample.succeeded, sample.errors) == (30, 29, 1)
        assert (sample.at - sample.started_at).total_seconds() == 2
