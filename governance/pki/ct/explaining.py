"""Says of any certificate how it stands towards the logs: each timestamp with its verdict, and Chrome's policy."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Literal

from cryptography import x509

from governance.kernel.clock import now
from governance.kernel.errors import Invalid, NotFound
from governance.pki.certificates import found, is_issued_by, serial_of
from governance.pki.ct import policy, proof_file, sct
from governance.pki.ct.check import SctVerdict, check_sct
from governance.pki.ct.entry import Entry, entry_of_certificate, entry_of_embedded, leaf_hash, timestamped
from governance.pki.ct.logs import Log
from governance.pki.ct.logset import all_logs, pinned
from governance.pki.ct.policy import Advice
from governance.pki.ct.proving import Inclusion, Prover
from governance.pki.ct.standing import Logged, Pending
from governance.pki.pem import chain_from_pem
from governance.pki.queries import authorities, logs
from governance.pki.queries.certificates import issued

Delivery = Literal["embedded", "stapled", "tls"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Timestamp:
    """One timestamp: whose it is, whether it holds and why not, and whether the entry that it promises is there.

    `index` is where in the log, None when that is not known; `proof` is the tlog-proof file, empty without one.
    """

    delivery: Delivery
    verdict: SctVerdict
    included: Logged
    why: str
    index: int | None
    proof: str = field(default="", repr=False)

    @property
    def log_id(self) -> str:
        """The log's id in hex."""
        return self.verdict.sct.log_id.hex()

    @property
    def operator(self) -> str:
        """Who ran the log when it gave the timestamp; empty when the log is not known."""
        return self.verdict.log.operator_at(self.verdict.sct.at) if self.verdict.log else ""

    @property
    def pinned(self) -> bool:
        """Whether certificates of ours are to be in this log."""
        return self.verdict.log is not None and self.verdict.log.source != "listed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Explained:
    """All of it about one certificate. `state` and `why` are about the timestamps as a whole.

    `checked_at` is when the logs were asked last, None when never. `advice` is what Chrome would say, which counts only
    for certificates of public authorities: None where no log is public.
    """

    serial: str
    dns_names: tuple[str, ...]
    not_before: datetime
    not_after: datetime
    state: Logged
    why: str
    checked_at: datetime | None
    timestamps: tuple[Timestamp, ...]
    advice: Advice | None
    pending: Pending | None = None


def of_issued(serial: str) -> Explained:
    """A certificate that was issued here, by the proofs that are kept and the last check of the logs; asks nobody.

    Raises NotFound when none with this serial was.
    """
    row, kept, checked = issued(serial), logs.proof_of(serial), logs.checks([serial]).get(serial)
    if row is None:
        raise NotFound(f"no certificate with serial {serial} was issued here", field="serial")
    leaf, *above = _chain(row.chain_pem)
    proofs = kept.proofs if kept else {}
    timestamps = _timestamps(leaf, above, (("embedded", sct.embedded(leaf)),), partial(_kept, proofs))
    state, why = (checked.state, checked.why) if checked else _whole(timestamps)
    at = checked.checked_at if checked else kept.proven_at if kept else None
    return _explained(leaf, timestamps, state=state, why=why, checked_at=at, pending=logs.pending_with(serial))


def of_pem(pem: str, *, stapled: bytes = b"", tls: bytes = b"") -> Explained:
    """Any certificate with what is above it, the logs asked now.

    `stapled` is an OCSP response in DER, `tls` the content of the TLS extension signed_certificate_timestamp. Raises
    Invalid for what cannot be read, and when the issuer's certificate is missing without which nothing can be checked.
    """
    leaf, *above = _chain(pem)
    deliveries: list[tuple[Delivery, Sequence[sct.Sct]]] = [("embedded", sct.embedded(leaf))]
    for name, data, parse in (("stapled", stapled, sct.stapled), ("tls", tls, sct.from_tls_extension)):
        if data:
            deliveries.append((name, _read(name, data, parse)))  # type: ignore[arg-type]  # one of two
    at = now()
    prover = Prover(all_logs(), needed=(), at=at)
    timestamps = _timestamps(leaf, above, deliveries, prover.included)
    state, why = _whole(timestamps)
    return _explained(leaf, timestamps, state=state, why=why, checked_at=at)


def _read(name: str, data: bytes, parse: Callable[[bytes], tuple[sct.Sct, ...]]) -> tuple[sct.Sct, ...]:
    try:
        return parse(data)
    except Invalid as refusal:
        raise Invalid(refusal.message, field=name) from None


def _chain(pem: str) -> list[x509.Certificate]:
    """The certificate and what is above it; an authority of ours that is left out is found."""
    chain = list(chain_from_pem(pem, field="pem"))
    if len(chain) == 1:
        ours = (chain_from_pem(each.pem, field="pem")[0] for each in authorities.authorities())
        chain.extend(each for each in ours if is_issued_by(chain[0], each))
    return chain[:2] if len(chain) > 1 and not is_issued_by(chain[0], chain[1]) else chain


Asked = Callable[[SctVerdict, Entry], Inclusion]


def _timestamps(
    leaf: x509.Certificate,
    above: Sequence[x509.Certificate],
    deliveries: Sequence[tuple[Delivery, Sequence[sct.Sct]]],
    ask: Asked,
) -> tuple[Timestamp, ...]:
    known, at, found_ = all_logs(), now(), []
    for delivery, scts in deliveries:
        if not scts:
            continue
        entry = _entry(leaf, above, delivery)
        for each in scts:
            verdict = check_sct(each, entry, known, at=at, not_after=leaf.not_valid_after_utc)
            one = ask(verdict, entry)
            found_.append(
                Timestamp(
                    delivery=delivery,
                    verdict=verdict,
                    included=one.state,
                    why=one.why,
                    index=one.index if one.index is not None else each.leaf_index,
                    proof=one.proof,
                )
            )
    return tuple(found_)


def _entry(leaf: x509.Certificate, above: Sequence[x509.Certificate], delivery: Delivery) -> Entry:
    if delivery != "embedded":
        return entry_of_certificate(leaf)
    if not above or not is_issued_by(leaf, above[0]):
        raise Invalid(
            "lacks the certificate of the issuer, after the leaf: timestamps are about both of them", field="pem"
        )
    return entry_of_embedded(leaf, above)


def _kept(proofs: Mapping[str, str], verdict: SctVerdict, entry: Entry) -> Inclusion:
    """Whether the entry is in its log, by the proof that is kept, which is checked anew."""
    proof = proofs.get(verdict.sct.log_id.hex(), "")
    if verdict.log is None or verdict.state != "valid":
        return Inclusion(verdict=verdict, state="not_logged", why=verdict.why)
    if not proof:
        return Inclusion(verdict=verdict, state="unknown", why="no proof is kept")
    promised = timestamped(entry, timestamp_ms=verdict.sct.timestamp_ms, extensions=verdict.sct.extensions)
    try:
        head = proof_file.check(proof, leaf_hash(promised), verdict.log)
    except Invalid as refusal:
        return Inclusion(verdict=verdict, state="not_logged", why=f"the proof that is kept {refusal.message}")
    why = f"proven in the checkpoint of {head.at:%Y-%m-%d %H:%M:%S} with {head.size} entries"
    return Inclusion(verdict=verdict, state="logged", why=why, index=proof_file.read(proof).index, proof=proof)


def _whole(timestamps: Sequence[Timestamp]) -> tuple[Logged, str]:
    """Every timestamp counts; without any it is not logged."""
    if not timestamps:
        return "not_logged", "there is no timestamp of a log in it"
    lacking = [each for each in timestamps if each.included != "logged"]
    if not lacking:
        return "logged", ""
    why = "; ".join(each.why for each in lacking)
    return ("not_logged" if any(each.included == "not_logged" for each in lacking) else "unknown"), why


def _explained(
    leaf: x509.Certificate,
    timestamps: tuple[Timestamp, ...],
    *,
    state: Logged,
    why: str,
    checked_at: datetime | None,
    pending: Pending | None = None,
) -> Explained:
    names = found(leaf, x509.SubjectAlternativeName)
    return Explained(
        serial=serial_of(leaf),
        dns_names=tuple(names.get_values_for_type(x509.DNSName)) if names else (),
        not_before=leaf.not_valid_before_utc,
        not_after=leaf.not_valid_after_utc,
        state=state,
        why=why,
        checked_at=checked_at,
        timestamps=timestamps,
        advice=_advice(leaf, timestamps),
        pending=pending,
    )


def _advice(leaf: x509.Certificate, timestamps: Sequence[Timestamp]) -> Advice | None:
    """Chrome's policy, asked of each way of delivery alone; one that satisfies it is enough."""
    private: Sequence[Log] = tuple(pinned().values())
    public = [each for each in timestamps if each.verdict.log not in private]
    if not public:
        return None
    asked = [
        policy.chrome(
            [each.verdict for each in public if (each.delivery == "embedded") is (delivery == "embedded")],
            not_before=leaf.not_valid_before_utc,
            not_after=leaf.not_valid_after_utc,
            at=now(),
            delivery=delivery,
        )
        for delivery in ("embedded", "tls")
        if any((each.delivery == "embedded") is (delivery == "embedded") for each in public)
    ]
    return next((each for each in asked if each.satisfied), asked[0])
