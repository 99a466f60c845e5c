"""Whether certificates are in the logs: in a word for lists, and for one certificate timestamp by timestamp."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from governance.kernel.errors import GovernanceError, Invalid
from governance.ledger import note
from governance.pki.ct import explaining, proof_file
from governance.pki.ct.explaining import Explained, Timestamp
from governance.pki.ct.standing import Checked, Mode
from governance.pki.queries import logs
from governance.pki.queries.watching import logged_or_not
from governance.pki.status import Certificate, IssuedCertificate


@dataclass(frozen=True, slots=True, kw_only=True)
class Stands:
    """How one stands: `state` is a key of LOGGED, or "none" before the first issue; `at` is when it was looked up."""

    state: str
    why: str = ""
    at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Promise:
    """One timestamp with what it is worth; `size` is that of the checkpoint in which its entry is proven."""

    of: Timestamp
    size: int | None

    @property
    def log_name(self) -> str:
        """What people call the log; empty when nobody knows it."""
        return self.of.verdict.log.description if self.of.verdict.log else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Panel:
    """Everything about one issue. `refusal` says why nothing can be told, and then there is nothing else."""

    issue: IssuedCertificate
    mode: Mode
    explained: Explained | None = None
    promises: Sequence[Promise] = ()
    refusal: str = ""

    @property
    def proven(self) -> list[Promise]:
        """Those for which there is a proof to take along."""
        return [each for each in self.promises if each.of.proof]


def stands(certificates: Iterable[Certificate]) -> Mapping[str, Stands]:
    """How each certificate stands, by uid; what waits for its proof says so, whatever is in force meanwhile."""
    found = list(certificates)
    known = logged_or_not([each.serial for each in found if each.serial])
    return {each.uid: _stands(each, known) for each in found}


def _stands(certificate: Certificate, known: Mapping[str, Checked]) -> Stands:
    if certificate.pending:
        return Stands(state="pending", why=certificate.pending.why, at=certificate.pending.since)
    return of_serial(certificate.serial, known)


def of_issue(issue: IssuedCertificate, of: Certificate, known: Mapping[str, Checked]) -> Stands:
    """How one issue of a certificate stands: the one that waits says so."""
    if of.pending and issue.serial == of.pending.serial:
        return Stands(state="pending", why=of.pending.why, at=of.pending.since)
    return of_serial(issue.serial, known)


def of_serial(serial: str, known: Mapping[str, Checked]) -> Stands:
    """How one issue stands by what is known; one that was never checked cannot be told."""
    if not serial:
        return Stands(state="none")
    checked = known.get(serial)
    if checked is None:
        return Stands(state="unknown")
    return Stands(state=checked.state, why=checked.why, at=checked.checked_at)


def panel(issue: IssuedCertificate, *, issuer: str) -> Panel:
    """One issue, explained by what is kept; no log is asked."""
    mode = logs.mode_of(issuer)
    try:
        explained = explaining.of_issued(issue.serial)
    except GovernanceError as refusal:
        return Panel(issue=issue, mode=mode, refusal=refusal.message)
    promises = [Promise(of=each, size=_size(each.proof)) for each in explained.timestamps]
    return Panel(issue=issue, mode=mode, explained=explained, promises=promises)


def _size(proof: str) -> int | None:
    if not proof:
        return None
    try:
        return note.read(proof_file.read(proof).checkpoint).size
    except Invalid:
        return None
