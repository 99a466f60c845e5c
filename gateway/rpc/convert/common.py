"""What every service converts: receipts, times, the fields of a mutation."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from typing import Any, TypedDict

from google.protobuf.timestamp_pb2 import Timestamp

from gateway.proto import common_pb2 as pb
from governance.kernel import canonical
from governance.kernel.errors import Invalid, Violation
from governance.ledger.command import Receipt


class Terms(TypedDict):
    """The arguments of `execute` that every mutation carries."""

    request_id: str
    if_revision: int | None
    reason: str
    validate_only: bool


def terms(mutation: pb.Mutation) -> Terms:
    """What a mutation says about how it is to be executed."""
    return Terms(
        request_id=mutation.request_id,
        if_revision=mutation.if_revision if mutation.HasField("if_revision") else None,
        reason=mutation.reason,
        validate_only=mutation.validate_only,
    )


def timestamp(at: datetime | None) -> Timestamp | None:
    """`at` as a message; None stays unset."""
    if at is None:
        return None
    message = Timestamp()
    message.FromDatetime(at)
    return message


def json_text(state: Mapping[str, Any] | None) -> str:
    """A state as canonical JSON; empty for none."""
    return canonical.encode(state).decode() if state is not None else ""


def receipt(value: Receipt) -> pb.Receipt:
    """The answer to a mutation."""
    return pb.Receipt(
        revision=value.revision,
        changed=value.changed,
        thing=value.thing,
        action=value.action,
        at=timestamp(value.at),
        before_json=json_text(value.before),
        after_json=json_text(value.after),
        replayed=value.replayed,
    )


@contextmanager
def inside(message: str, names: frozenset[str]) -> Iterator[None]:
    """Say where in the request a refused field stands: those in `names` are fields of its `message`."""
    try:
        yield
    except Invalid as refusal:
        moved = [Violation(_path(message, names, each.field), each.message) for each in refusal.violations]
        field = _path(message, names, refusal.field)
        raise Invalid(refusal.message, field=field, violations=moved) from None


def _path(message: str, names: frozenset[str], field: str) -> str:
    return f"{message}.{field}" if field.partition("[")[0] in names else field
