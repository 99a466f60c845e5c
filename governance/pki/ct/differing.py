"""Where what was issued, what is logged and what is served say different things; pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Literal

from governance.pki.ct.standing import FindingKind, Noticed

Kind = Literal[
    "issued_not_logged",
    "logged_not_issued",
    "issued_not_served",
    "served_not_issued",
    "served_not_newest",
    "abandoned",
]
# A new issue is on its way for a while before it lacks anywhere, and longer before somebody is told.
SHOWN_AFTER, TOLD_AFTER = timedelta(minutes=2), timedelta(minutes=10)
NAMED = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One difference. With the state "unknown" nobody can tell at the moment, as somebody who knows does not answer.

    `namespace` is that of the people who may see it, "*" for what belongs to the installation; `subject` the
    certificate (namespace/name) or the address; `since` when it became so, as far as that is known. `target` says where
    more is to be seen: ("certificate", namespace, name), ("issued", serial), ("port", address, server name),
    ("entry", log name, index) or ("finding", id). `key` is that of its finding, and empty where it makes none.
    """

    kind: Kind
    state: Literal["so", "unknown"] = "so"
    namespace: str
    service: str = ""
    subject: str
    serial: str = ""
    since: datetime | None = None
    sentence: str
    target: tuple[str, ...] = ()
    key: str = ""
    detail: Mapping[str, Any] = field(default_factory=dict)

    def told(self, at: datetime) -> bool:
        """Whether somebody is to be told: at once of what must never be, of delays only after a while."""
        if self.state != "so" or not self.key:
            return False
        return self.kind == "served_not_issued" or self.since is None or self.since <= at - TOLD_AFTER


_FINDING: Mapping[Kind, FindingKind] = {
    "served_not_issued": "served_not_issued",
    "served_not_newest": "served_old",
    "issued_not_served": "not_served",
}


def noticed(rows: Iterable[Row], at: datetime) -> list[Noticed]:
    """The findings that these rows are: what is wrong with one certificate at many places is one."""
    told: dict[str, list[Row]] = {}
    for row in rows:
        if row.told(at):
            told.setdefault(row.key, []).append(row)
    return [_noticed(some) for some in told.values()]


def _noticed(rows: Sequence[Row]) -> Noticed:
    first = rows[0]
    others = f"; so do {len(rows) - 1} other places" if len(rows) > 1 else ""
    return Noticed(
        key=first.key,
        kind=_FINDING[first.kind],
        namespace=first.namespace,
        subject=first.subject,
        message=first.sentence + others,
        detail={**first.detail, "places": [row.subject for row in rows[:NAMED]]},
    )
