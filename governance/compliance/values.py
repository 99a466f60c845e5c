"""What is recorded of one call; pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Outcome = Literal["success", "refused", "failed"]


@dataclass(frozen=True, slots=True, kw_only=True)
class CallRecord:
    """One call of one of our doors, or an attempt at it.

    `status` is the name of the gRPC code or the HTTP status. Texts may come from strangers: they are cut,
    cleaned and searched for secrets when written. `detail` may hold anything JSON can, floats become text.
    """

    action: str
    namespace: str = "*"
    thing: str = ""
    actor: str = "anonymous"
    actor_kind: str = "stranger"
    outcome: Outcome = "success"
    status: str = "OK"
    message: str = ""
    door: str = "local"
    address: str = ""
    trace_id: str = ""
    request_id: str = ""
    duration_us: int = 0
    detail: Mapping[str, Any] = field(default_factory=dict)
