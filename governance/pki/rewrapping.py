"""Puts every private key that is kept here under the key-encryption key of today."""

from dataclasses import dataclass

import structlog

from governance.kernel.actor import Actor
from governance.kernel.errors import GovernanceError
from governance.ledger.execute import execute
from governance.pki.commands.rewrapping import Kind, RewrapKeys, Rewrapped
from governance.pki.keyring import rewrapped
from governance.pki.queries.keys import sealed_keys

BATCH = 200
KINDS: tuple[Kind, ...] = ("authority", "issued", "log")
log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How many keys were put under the key of today, and how many neither that one nor the old one opens."""

    moved: int
    left: int


def rewrap_all(*, by: Actor) -> Outcome:
    """Go through all keys, in batches of one fact each; done again, or after a crash, it does what is left to do.

    A key that cannot be rewrapped stays as it is, and holds up no other.
    """
    moved = left = 0
    for kind in KINDS:
        after = ""
        while batch := sealed_keys(kind, after=after, limit=BATCH):
            after = batch[-1][0]
            items: list[Rewrapped] = []
            for of, was in batch:
                try:
                    fresh = rewrapped(was)
                except GovernanceError as error:
                    log.warning("a private key stays as it is", kind=kind, of=of, reason=str(error))
                    left += 1
                    continue
                if fresh != was:
                    items.append(Rewrapped(of=of, was=was, now=fresh))
            moved += _store(kind, items, by)
    return Outcome(moved=moved, left=left)


def _store(kind: Kind, items: list[Rewrapped], by: Actor) -> int:
    if not items:
        return 0
    receipt = execute(RewrapKeys(kind=kind, items=tuple(items)), by=by, reason="the key-encryption key was changed")
    return int((receipt.after or {}).get("moved", 0))
