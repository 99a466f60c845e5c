"""How far a switch has come: sent, acknowledged, observed; pure."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from governance.dataplane.values import Client, Load, TypeSync
from governance.registry.values import Endpoint
from governance.traffic.capability import Verdict, verdict
from governance.traffic.shares import PPM, intended
from governance.traffic.values import Balancing

Delivery = Literal["pending", "sent", "acked", "nacked", "offline"]
# Fewer calls than this say little about shares: one standard deviation of a 25 % share is then 3 points.
ENOUGH_CALLS = 200


@dataclass(frozen=True, slots=True)
class ClientAnswer:
    """What one connected client would make of a policy."""

    client: Client
    verdict: Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientProgress:
    """How one client stands to a revision."""

    client: Client
    delivery: Delivery
    nack_text: str
    effective: str
    acked_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """One endpoint's share in parts per million; None where nothing was observed or nothing is intended."""

    endpoint: str
    observed_ppm: int | None
    intended_ppm: int | None
    calls: int
    errors: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """The whole state of a switch."""

    revision: int
    at: datetime
    clients: tuple[ClientProgress, ...]
    shares: tuple[Share, ...]

    @property
    def calls(self) -> int:
        """Calls observed since the switch."""
        return sum(share.calls for share in self.shares)

    @property
    def settled(self) -> bool:
        """Everyone answered, and enough calls were observed to compare shares."""
        return not self.count("pending") and not self.count("sent") and self.calls >= ENOUGH_CALLS

    def count(self, delivery: Delivery) -> int:
        """How many clients stand so."""
        return sum(each.delivery == delivery for each in self.clients)


def answers(balancing: Balancing, clients: Collection[Client]) -> list[ClientAnswer]:
    """What each client would make of `balancing`."""
    return [ClientAnswer(each, _verdict(balancing, each)) for each in clients]


def delivery_of(client: Client, revision: int, *, path: str = "") -> Delivery:
    """How `client` stands to the change of `revision`; types that it did not touch do not count.

    With the `path` ("namespace/name") of a service, what the client refuses of others counts only while it keeps the
    client from acknowledging.
    """
    if not client.connected:
        return "offline"
    if client.revision < revision:
        return "pending"
    touched = [each for each in client.types if _number(each.sent_version) >= revision]
    acked = all(_number(each.acked_version) >= revision for each in touched)
    refusing = [each for each in client.types if _number(each.nack_version) >= revision]
    if any(not acked or concerns(each, path) for each in refusing):
        return "nacked"
    return "acked" if acked else "sent"


def concerns(sync: TypeSync, path: str) -> bool:
    """Whether what the client refuses may be about the service at `path`."""
    return not path or not sync.refused or "*" in sync.refused or path in sync.refused


def client_progress(client: Client, revision: int, balancing: Balancing, *, path: str = "") -> ClientProgress:
    """How `client` stands to the switch of the service at `path` to `balancing` at `revision`."""
    delivery = delivery_of(client, revision, path=path)
    texts = [each.nack_text for each in client.types if _number(each.nack_version) >= revision]
    acked = [each.acked_at for each in client.types if each.acked_at and _number(each.acked_version) >= revision]
    return ClientProgress(
        client=client,
        delivery=delivery,
        nack_text="\n".join(texts) if delivery == "nacked" else "",
        effective=_verdict(balancing, client).effective,
        acked_at=max(acked, default=None) if delivery == "acked" else None,
    )


def observed_shares(
    balancing: Balancing,
    endpoints: Sequence[Endpoint],
    loads: Collection[Load],
    calls_by_zone: Mapping[str, int],
) -> tuple[Share, ...]:
    """Observed beside intended share per endpoint; under zone_aware the intended one follows the zones' calls."""
    total = sum(load.issued for load in loads)
    by_name = {load.endpoint: load for load in loads}
    meant = _meant(balancing, endpoints, calls_by_zone)
    names = sorted({endpoint.name for endpoint in endpoints} | set(by_name))
    return tuple(
        Share(
            endpoint=name,
            observed_ppm=round(by_name[name].issued * PPM / total if name in by_name else 0) if total else None,
            intended_ppm=meant.get(name, 0) if meant is not None else None,
            calls=by_name[name].issued if name in by_name else 0,
            errors=by_name[name].errors if name in by_name else 0,
        )
        for name in names
    )


def _meant(
    balancing: Balancing, endpoints: Sequence[Endpoint], calls_by_zone: Mapping[str, int]
) -> Mapping[str, int] | None:
    if balancing.policy != "zone_aware":
        return intended(balancing, endpoints)
    total = sum(calls_by_zone.values())
    if not total:
        return None
    mixed = {endpoint.name: 0.0 for endpoint in endpoints}
    for zone, calls in calls_by_zone.items():
        for name, ppm in (intended(balancing, endpoints, client_zone=zone) or {}).items():
            mixed[name] += ppm * calls / total
    return {name: round(ppm) for name, ppm in mixed.items()}


def _verdict(balancing: Balancing, client: Client) -> Verdict:
    return verdict(balancing, kind=client.kind, lb_extensions=client.lb_extensions)


def _number(version: str) -> int:
    return int(version) if version.isdigit() else 0
