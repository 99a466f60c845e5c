"""What certificates of an issuer need before they are put in force."""

from dataclasses import dataclass
from typing import ClassVar, get_args

from governance.kernel.errors import Invalid
from governance.kernel.ids import check_label
from governance.ledger.command import Change, Command, handles
from governance.pki import models
from governance.pki.commands.authorities import issuer_row
from governance.pki.ct.standing import GATE, Mode


@dataclass(frozen=True, slots=True, kw_only=True)
class SetTransparency(Command):
    """Let an issuer's certificates be put in force only when they are proven to be logged, or also otherwise.

    With "gate" a new issue waits for its proof while the one before serves on; with "alarm" it is put in force and what
    lacks is reported; with "off" nobody is told.
    """

    permission: ClassVar[str] = "pki.transparency"
    action: ClassVar[str] = "pki.transparency.set"
    issuer: str
    mode: Mode

    def __post_init__(self) -> None:
        check_label(self.issuer, field="issuer")
        if self.mode not in get_args(Mode):
            raise Invalid(f"{self.mode[:40]!r} is not one of {', '.join(get_args(Mode))}", field="mode")

    @property
    def thing(self) -> str:
        """The gate of the issuer."""
        return f"transparency/{self.issuer}"

    def check_reason(self, reason: str) -> None:
        """Whoever opens the gate says why; to close it needs no reason."""
        if self.mode != GATE and not reason.strip():
            raise Invalid("is missing: say why certificates need no proof any more", field="reason")


@handles(SetTransparency)
def set_transparency(command: SetTransparency, revision: int) -> Change:
    """Insert or change the mode."""
    issuer_row(command.issuer)
    row = models.TransparencyGate.objects.filter(pk=command.issuer).first()
    row = row or models.TransparencyGate(issuer=command.issuer, mode=GATE)
    before = row.as_json()
    row.mode, row.revision = command.mode, revision
    row.save()
    return Change(before, row.as_json())
