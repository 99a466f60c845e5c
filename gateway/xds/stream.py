"""One xDS stream: which message goes out next."""

from collections.abc import Callable
from typing import Any, Literal

from envoy.service.discovery.v3.discovery_pb2 import DeltaDiscoveryResponse, DiscoveryResponse

from gateway.xds import metrics
from gateway.xds.names import CLUSTER, ENDPOINT, LISTENER, ORDER, ROUTE, SECRET, SHORT, TRUST, service_of
from gateway.xds.node import Node, node_of
from gateway.xds.secret_subscription import SecretSubscription
from gateway.xds.secrets import Held
from gateway.xds.snapshot import Snapshot, TypeState
from gateway.xds.subscription import Due, Subscription
from governance.dataplane.values import Client
from governance.kernel.clock import now

Mode = Literal["sotw", "delta"]
# An Envoy that is sent a cluster acknowledges it once it is warm; what refers to it waits that long, and no longer.
WARM_LIMIT_S = 2.0
MAX_UNKNOWN_TYPES = 16
DISPLAYED_ID = 100


class Stream:
    """The state of one stream. `receive` and `next_message` are called by its own tasks, on one event loop.

    `wake` is called whenever there may be something to send; `snapshot`, which its group has in common, and `secrets`,
    which are those of its `identity`, are read each time anew.
    """

    def __init__(
        self,
        *,
        id: str,  # noqa: A002
        mode: Mode,
        address: str,
        wake: Callable[[], None],
        identity: str = "",
    ) -> None:
        self.id, self.mode, self.address, self.wake, self.identity = id, mode, address, wake, identity
        self.node: Node | None = None
        self.snapshot: Snapshot | None = None
        self.secrets: TypeState | None = None
        self.subscriptions: dict[str, Subscription] = {}
        self.connected_at = self.seen_at = now()
        self.connected = True
        self.held = False
        self._nonces = self._reached = 0
        self._nothing: dict[str, TypeState] = {}  # of types of which there is nothing for it

    @property
    def name(self) -> str:
        """Unique, and stable while the stream lasts."""
        return f"{self.node.id[:DISPLAYED_ID] if self.node else ''}~{self.id}"

    def receive(self, request: Any) -> None:
        """Take in a request: who it is, what it wants, what it thinks of the last response."""
        self.seen_at = now()
        if self.node is None:
            self.node = node_of(request.node, identity=self.identity)
        kind = request.type_url
        subscription = self.subscriptions.get(kind)
        first = subscription is None
        if subscription is None:
            unknown = sum(each not in SHORT for each in self.subscriptions)
            if kind not in SHORT and unknown >= MAX_UNKNOWN_TYPES:
                return
            subscription = self.subscriptions[kind] = self._subscription(kind)
        fresh = request.response_nonce == subscription.nonce
        if fresh and request.response_nonce:
            self._answer(subscription, request)
        if self.mode == "delta":
            self._subscribe(subscription, request, first=first)
        elif fresh or first or not request.response_nonce:  # a stale nonce: a newer request is under way
            subscription.subscribe_all(request.resource_names)
        self.wake()

    def _subscription(self, kind: str) -> Subscription:
        delta = self.mode == "delta"
        return SecretSubscription(delta=delta) if kind == SECRET else Subscription(kind, delta=delta)

    def end(self) -> None:
        """It is closed, by whichever side."""
        self.connected, self.seen_at = False, now()

    def _answer(self, subscription: Subscription, request: Any) -> None:
        short = SHORT.get(subscription.type, "other")
        if subscription.in_flight is None:
            return
        if request.HasField("error_detail"):
            subscription.nack(request.error_detail.message)
            metrics.nacks[short].inc()
            return
        if subscription.acked_version and subscription.type in SHORT:
            metrics.push_seconds.observe(self._state(subscription.type).age_s())
        subscription.ack()
        metrics.acks[short].inc()

    def _subscribe(self, subscription: Subscription, request: Any, *, first: bool) -> None:
        added, removed = request.resource_names_subscribe, request.resource_names_unsubscribe
        subscription.subscribe(added, removed, first=first)
        if first:
            held = dict(request.initial_resource_versions)
            subscription.known = {
                name: content for name, content in held.items() if subscription.wildcard or name in subscription.names
            }

    def next_message(self) -> bytes | None:
        """The next response as bytes, or None when nothing is due now; then `held` says that something waits."""
        self.held = False
        if self.snapshot is None:
            return None
        for kind, subscription in self._in_order():
            state = self._state(kind)
            if subscription.settled is state:
                continue
            subscription.watch_withheld(state)
            if subscription.in_flight is not None:
                continue
            if kind in (LISTENER, ROUTE) and self._warming:
                self.held = True
                continue
            keep = self._referred(kind)
            due = subscription.due(state, keep=keep)
            message = self._message(subscription, state, due) if due is not None else None
            if not keep and (message is None or kind != SECRET):  # secrets may be due one after the other
                subscription.settled = state
            if message is not None:
                return message
        return None

    def _message(self, subscription: Subscription, state: TypeState, due: Due) -> bytes:
        if subscription.type == CLUSTER:
            self._repeat_endpoints(subscription, due)
        self._nonces += 1
        nonce = str(self._nonces)
        subscription.sent(due, version=state.version, nonce=nonce)
        metrics.pushes[SHORT.get(state.type, "other")].inc()
        if subscription.delta:
            head = DeltaDiscoveryResponse(
                system_version_info=state.version, type_url=state.type, nonce=nonce, removed_resources=due.removed
            )
            return bytes(head.SerializeToString()) + b"".join(item.delta for item in due.resources.values())
        return state.body(due.resources) + bytes(DiscoveryResponse(nonce=nonce).SerializeToString())

    def _repeat_endpoints(self, clusters: Subscription, due: Due) -> None:
        """An Envoy warms a changed cluster until it is sent its endpoints, changed or not: 15 s, if we did not."""
        endpoints = self.subscriptions.get(ENDPOINT)
        if endpoints is not None and self.node is not None and self.node.group.plane == "envoy":
            changed = {name for name, item in due.resources.items() if clusters.known.get(name) != item.hash}
            endpoints.again |= changed & endpoints.names
            endpoints.settled = None

    def _in_order(self) -> list[tuple[str, Subscription]]:
        known = [(kind, self.subscriptions[kind]) for kind in ORDER if kind in self.subscriptions]
        return known + [(kind, each) for kind, each in self.subscriptions.items() if kind not in SHORT]

    def _state(self, kind: str) -> TypeState:
        if kind == SECRET:
            return self.secrets or self._empty(kind)
        return (self.snapshot.types.get(kind) if self.snapshot else None) or self._empty(kind)

    def _empty(self, kind: str) -> TypeState:
        return self._nothing.setdefault(kind, TypeState(kind, "0", {}))

    @property
    def _warming(self) -> bool:
        """Whether clusters that were sent are waited for."""
        clusters = self.subscriptions.get(CLUSTER)
        if clusters is None or clusters.in_flight is None or clusters.sent_at is None:
            return False
        return (now() - clusters.sent_at).total_seconds() < WARM_LIMIT_S

    def _referred(self, kind: str) -> bool:
        """Whether listeners or routes that may refer to what goes are still to be brought up to date."""
        if kind not in (CLUSTER, ENDPOINT, SECRET):
            return False
        above = [self.subscriptions[each] for each in (LISTENER, ROUTE) if each in self.subscriptions]
        return any(each.in_flight is not None or each.pending(self._state(each.type)) for each in above)

    @property
    def up_to_date(self) -> bool:
        """Whether everything the snapshot asks for was sent."""
        return self.snapshot is not None and all(
            not each.pending(self._state(kind)) for kind, each in self.subscriptions.items()
        )

    def holdings(self) -> list[Held]:
        """The certificates and the trusted roots that it acknowledged; nothing before the first."""
        secrets = self.subscriptions.get(SECRET)
        if secrets is None or self.node is None:
            return []
        held = secrets.held(self._state(SECRET))
        roots = held.pop(TRUST).mark if TRUST in held else ""
        certificates = {(item.path, item.mark) for item in held.values()} or ({("", "")} if roots else set())
        return [
            Held(identity=self.identity, stream=self.name, secret=path, serial=serial, roots=roots)
            for path, serial in sorted(certificates)
        ]

    def client(self) -> Client | None:
        """Its state for display; None before its first request was answered for."""
        node = self.node
        if node is None or self.snapshot is None:
            return None
        if self.up_to_date:
            self._reached = self.snapshot.revision
        return Client(
            name=self.name,
            node_id=node.id,
            kind=node.kind,
            version=node.version,
            zone=node.group.zone,
            address=self.address,
            mode=self.mode,
            lb_extensions=node.lb_extensions,
            connected=self.connected,
            connected_at=self.connected_at,
            seen_at=self.seen_at,
            types=tuple(each.report() for kind, each in self._in_order() if kind in SHORT),
            services=self.services(),
            revision=self._reached,
        )

    def services(self) -> tuple[str, ...]:
        """The "namespace/name" of every service it subscribes to, was sent, or is a server of, of those there are."""
        names: set[str] = set()
        for kind, each in self.subscriptions.items():
            if kind in SHORT and kind != SECRET:
                names |= each.names | each.known.keys()
        listeners = self._state(LISTENER).resources
        own = {listeners[name].path for name in names if name in listeners and listeners[name].path}
        called = names & self._state(CLUSTER).resources.keys()
        return tuple(sorted(own.union("/".join(service_of(name)) for name in called)))
