"""Putting private keys under another key-encryption key."""

from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

from governance.kernel.errors import Invalid
from governance.ledger.command import Change, Command, handles
from governance.pki import models
from governance.pki.ct.models import CtLog

Kind = Literal["authority", "issued", "log"]
MAX_BATCH = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Rewrapped:
    """The key of the authority, the issued certificate or the log `of`, as it was read and as it is to be kept."""

    of: str
    was: bytes = field(repr=False)
    now: bytes = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class RewrapKeys(Command):
    """Keep private keys under another key-encryption key; those that changed since they were read are left out."""

    permission: ClassVar[str] = "pki.maintain"
    action: ClassVar[str] = "pki.keys.rewrap"
    kind: Kind
    items: tuple[Rewrapped, ...]

    def __post_init__(self) -> None:
        if not 1 <= len(self.items) <= MAX_BATCH:
            raise Invalid(f"are {len(self.items)}; 1 to {MAX_BATCH}", field="items")

    @property
    def thing(self) -> str:
        """All private keys."""
        return "private-keys"

    def as_json(self) -> dict[str, Any]:
        """How many there are: no key, however it is kept."""
        return {"kind": self.kind, "keys": len(self.items)}


@handles(RewrapKeys)
def rewrap_keys(command: RewrapKeys, revision: int) -> Change:
    """Replace each, unless it is another key by now or is kept no more; the fact says how many were replaced."""
    del revision
    done = sum(_replaced(command.kind, each) for each in command.items)
    return Change({"kind": command.kind, "moved": 0}, {"kind": command.kind, "moved": done})


def _replaced(kind: Kind, one: Rewrapped) -> int:
    """On SQLite the log is in another database: it may have the other key without the fact, but not the reverse."""
    if kind == "log":
        return CtLog.objects.filter(name=one.of, sealed_key=one.was).update(sealed_key=one.now)
    table: type[models.Authority] | type[models.Issued]
    table = models.Authority if kind == "authority" else models.Issued
    return table.objects.filter(pk=one.of, sealed_key=one.was).update(sealed_key=one.now)
