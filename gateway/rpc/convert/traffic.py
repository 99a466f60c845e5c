"""Balancing policies, verdicts and the progress of a switch."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields

from gateway.proto import traffic_pb2 as pb
from gateway.rpc.convert.common import timestamp
from governance.ledger.queries import Entry
from governance.registry.values import Endpoint
from governance.traffic.progress import ClientAnswer, Progress
from governance.traffic.shares import intended
from governance.traffic.values import DEFAULT, Balancing, long_name

FIELDS = frozenset(field.name for field in fields(Balancing))
_VERDICTS = {
    "ok": pb.VERDICT_OK,
    "falls_back": pb.VERDICT_FALLS_BACK,
    "would_reject": pb.VERDICT_WOULD_REJECT,
}
_DELIVERIES = {
    "pending": pb.DELIVERY_PENDING,
    "sent": pb.DELIVERY_SENT,
    "acked": pb.DELIVERY_ACKED,
    "nacked": pb.DELIVERY_NACKED,
    "offline": pb.DELIVERY_OFFLINE,
}


def balancing_of(message: pb.Balancing) -> Balancing:
    """The policy that a message describes; what is not set in it is not given."""
    return Balancing(
        policy=long_name(message.policy),
        timeout_ms=message.timeout_ms if message.HasField("timeout_ms") else DEFAULT.timeout_ms,
        weights=dict(message.weights) or None,
        weigh_by=message.weigh_by or None,
        choice_count=message.choice_count if message.HasField("choice_count") else None,
        strict=message.strict or None,
        hash_header=message.hash_header or None,
        hash_function=message.hash_function or None,
        min_ring_size=message.min_ring_size if message.HasField("min_ring_size") else None,
        order=tuple(message.order) or None,
        spill_pct=message.spill_pct or None,
    )


def balancing(value: Balancing) -> pb.Balancing:
    """A policy as a message, with the parameters it takes."""
    return pb.Balancing(**value.as_json())


def shares(value: Balancing, endpoints: Sequence[Endpoint]) -> list[pb.IntendedShares]:
    """What each group of clients should see: one per zone under zone_aware, else one for all."""
    zones = sorted({endpoint.zone for endpoint in endpoints}) if value.policy == "zone_aware" else [""]
    return [
        pb.IntendedShares(client_zone=zone, share_ppm=intended(value, endpoints, client_zone=zone) or {})
        for zone in zones
    ]


def revision(entry: Entry) -> pb.BalancingRevision:
    """One switch or restore of the past."""
    return pb.BalancingRevision(
        revision=entry.revision,
        at=timestamp(entry.at),
        actor=entry.actor,
        reason=entry.reason,
        action=entry.action,
        door=entry.door,
        balancing=balancing(Balancing.from_json(entry.after)) if entry.after else None,
    )


def verdicts(answers: Iterable[ClientAnswer]) -> list[pb.ClientVerdict]:
    """What each connected client would make of a policy."""
    return [
        pb.ClientVerdict(
            client=answer.client.name,
            node_id=answer.client.node_id,
            kind=answer.client.kind,
            version=answer.client.version,
            verdict=_VERDICTS[answer.verdict.answer],
            effective_policy=answer.verdict.effective,
            note=answer.verdict.note,
        )
        for answer in answers
    ]


def progress(value: Progress, acked_after_ms: Mapping[str, int]) -> pb.SwitchProgress:
    """How far a switch has come; `acked_after_ms` by client name."""
    return pb.SwitchProgress(
        revision=value.revision,
        at=timestamp(value.at),
        clients=[
            pb.ClientDelivery(
                client=each.client.name,
                node_id=each.client.node_id,
                kind=each.client.kind,
                zone=each.client.zone,
                delivery=_DELIVERIES[each.delivery],
                acked_after_ms=acked_after_ms.get(each.client.name),
                nack_text=each.nack_text,
                effective_policy=each.effective,
            )
            for each in value.clients
        ],
        shares=[
            pb.EndpointShare(
                endpoint=share.endpoint,
                observed_ppm=share.observed_ppm,
                intended_ppm=share.intended_ppm,
                calls=share.calls,
                errors=share.errors,
            )
            for share in value.shares
        ],
        acked=value.count("acked"),
        nacked=value.count("nacked"),
        waiting=value.count("pending") + value.count("sent"),
        calls=value.calls,
        settled=value.settled,
    )
