"""Whether a certificate is logged: every timestamp in it checked, every entry found in a believed checkpoint."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from cryptography import x509

from governance.kernel.errors import GovernanceError, Invalid, NotFound, Unavailable
from governance.pki.ct import proof_file
from governance.pki.ct.believing import believed_head, caught
from governance.pki.ct.check import SctVerdict, check_sct
from governance.pki.ct.checkpoint import Head
from governance.pki.ct.entry import Entry, entry_of_final, leaf_hash, timestamped
from governance.pki.ct.logs import Log
from governance.pki.ct.logset import view_of
from governance.pki.ct.misbehaviour import Misbehaved
from governance.pki.ct.reading import LogView
from governance.pki.ct.sct import embedded_in
from governance.pki.ct.standing import Logged
from governance.pki.ct.tbs import read


@dataclass(frozen=True, slots=True, kw_only=True)
class Inclusion:
    """What became of one timestamp: whether it holds, and whether its entry is in the log, with the proof if it is."""

    verdict: SctVerdict
    state: Logged
    why: str
    index: int | None = None
    proof: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How a certificate stands towards the logs. `why` says what lacks, empty when it is logged."""

    state: Logged
    why: str
    inclusions: tuple[Inclusion, ...] = ()

    @property
    def proofs(self) -> Mapping[str, str]:
        """The proofs there are, by log id in hex."""
        return {each.verdict.sct.log_id.hex(): each.proof for each in self.inclusions if each.proof}


class Prover:
    """Checks certificates against logs, each of which it asks once for its newest checkpoint.

    `needed` are the logs without which a certificate is not logged; timestamps of others count when they are there.
    """

    def __init__(self, logs: Mapping[bytes, Log], *, needed: Sequence[bytes], at: datetime) -> None:
        self._logs, self._needed, self._at = logs, tuple(needed), at
        self._views: dict[bytes, LogView] = {}
        self._heads: dict[bytes, Head | GovernanceError | Misbehaved] = {}

    def standing(self, leaf: x509.Certificate, above: Sequence[x509.Certificate]) -> Standing:
        """How `leaf` stands; `above` are the certificates above it, the nearest first."""
        try:
            body = read(leaf.tbs_certificate_bytes)
            scts = embedded_in(body)
            if not scts:
                return Standing(state="not_logged", why="there is no timestamp of a log in it")
            entry = entry_of_final(body, above)
        except Invalid as refusal:
            return Standing(state="not_logged", why=f"its timestamps cannot be read: {refusal}")
        not_after = leaf.not_valid_after_utc
        verdicts = [check_sct(sct, entry, self._logs, at=self._at, not_after=not_after) for sct in scts]
        return self._judged([self.included(verdict, entry) for verdict in verdicts])

    def _judged(self, inclusions: Sequence[Inclusion]) -> Standing:
        there = {each.verdict.sct.log_id for each in inclusions if each.verdict.state == "valid"}
        missing = [
            f"{self._logs[log_id].description} gave no timestamp for it"
            for log_id in self._needed
            if log_id not in there
        ]
        counted = [each for each in inclusions if each.state != "logged"]
        said = "; ".join((*missing, *(each.why for each in counted)))
        if missing or any(each.state == "not_logged" for each in counted):
            state: Logged = "not_logged"
        else:
            state = "unknown" if counted else "logged"
        return Standing(state=state, why=said, inclusions=tuple(inclusions))

    def included(self, verdict: SctVerdict, entry: Entry) -> Inclusion:
        """Whether the entry that a timestamp promises is in its log, by what is believed of that log."""
        if verdict.log is None or verdict.state != "valid":
            return Inclusion(verdict=verdict, state="not_logged", why=verdict.why)
        sct, log = verdict.sct, verdict.log
        leaf = leaf_hash(timestamped(entry, timestamp_ms=sct.timestamp_ms, extensions=sct.extensions))
        try:
            head = self.head(log)
            index, path = self._view(log).inclusion(leaf, sct.leaf_index, head)
        except NotFound as error:
            return self._missing(verdict, log, leaf, error)
        except Misbehaved as lie:
            self._caught(log, lie)
            return Inclusion(verdict=verdict, state="unknown", why=f"{log.description} is not believed: {lie}")
        except GovernanceError as error:
            return Inclusion(verdict=verdict, state="unknown", why=f"{log.description} cannot be read: {error.message}")
        proof = proof_file.write(index, path, head.text)
        return Inclusion(verdict=verdict, state="logged", why=verdict.why, index=index, proof=proof)

    def _missing(self, verdict: SctVerdict, log: Log, leaf: bytes, error: NotFound) -> Inclusion:
        """An entry that is not there: where it was promised to be stands another, or nothing yet.

        In the latter case nobody can tell before the time is over that the log takes for merging.
        """
        sct, head = verdict.sct, self.head(log)
        why = f"{log.description} promised it at {sct.at:%Y-%m-%d %H:%M:%S} and does not have it"
        if sct.leaf_index is not None and sct.leaf_index < head.size:
            evidence = {"checkpoint": head.text, "sct": sct.encode().hex(), "leaf": leaf.hex()}
            lie = Misbehaved("wrong_entry", f"entry {sct.leaf_index} is another than the one promised there", evidence)
            self._caught(log, lie)
            return Inclusion(verdict=verdict, state="not_logged", why=f"{why}: {lie}")
        if self._at > sct.at + timedelta(seconds=log.mmd_s):
            return Inclusion(verdict=verdict, state="not_logged", why=f"{why}: {error.message}")
        return Inclusion(verdict=verdict, state="unknown", why=f"{why} yet; it may take {log.mmd_s} s")

    def _caught(self, log: Log, lie: Misbehaved) -> None:
        """Store a lie that is news, and believe nothing of this log any more."""
        if self._heads.get(log.log_id) is not lie:
            self._heads[log.log_id] = lie
            caught(self._view(log), lie)

    def head(self, log: Log) -> Head:
        """The checkpoint of this log that is believed, asked for once."""
        found = self._heads.get(log.log_id)
        if found is None:
            try:
                found = believed_head(self._view(log))
            except (Unavailable, Misbehaved) as error:
                found = error
            self._heads[log.log_id] = found
        if isinstance(found, Head):
            return found
        raise found

    def _view(self, log: Log) -> LogView:
        if log.log_id not in self._views:
            self._views[log.log_id] = view_of(log)
        return self._views[log.log_id]
