"""Certificates that stand in one state, page by page."""

from collections.abc import Collection
from datetime import datetime

from governance.kernel.errors import Invalid
from governance.pki.queries.certificates import certificates
from governance.pki.standing import STATES, standing_of
from governance.pki.status import Certificate

# States are computed, so a filter reads certificates in batches until a page is full.
_BATCH = 500


def in_state(
    state: str,
    *,
    at: datetime,
    namespaces: Collection[str],
    after: tuple[str, str] | None = None,
    limit: int,
) -> list[Certificate]:
    """Up to `limit` certificates by (namespace, name), those after `after`, that stand in `state`; empty: in any."""
    if not state:
        return certificates(namespaces=namespaces, after=after, limit=limit)
    if state not in STATES:
        raise Invalid(f"{state[:40]!r} is not one of {', '.join(STATES)}", field="state")
    found: list[Certificate] = []
    while len(found) < limit:
        batch = certificates(namespaces=namespaces, after=after, limit=_BATCH)
        found += [each for each in batch if standing_of(each).state(at) == state]
        if len(batch) < _BATCH:
            break
        after = batch[-1].namespace, batch[-1].name
    return found[:limit]
