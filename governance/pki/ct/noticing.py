"""Which entries of a log call for somebody: ours that we did not issue, and those of others for a name of ours."""

import base64
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import structlog
from cryptography import x509

from governance.kernel.actor import EVERYWHERE
from governance.kernel.clock import stamp
from governance.kernel.errors import Invalid
from governance.pki.certificates import is_issued_by
from governance.pki.ct.content import (
    body_of,
    content_of,
    digest_of,
    names_of,
    read_certificate,
    read_entry,
    said_by,
    serial_in,
    tbs_of,
    without_timestamps,
)
from governance.pki.ct.entry import entry_of_precertificate
from governance.pki.ct.logs import Log
from governance.pki.ct.mine import Mine, Ours
from governance.pki.ct.own.draft import identity_of
from governance.pki.ct.reading import LoggedEntry
from governance.pki.ct.standing import FindingKind, Noticed
from governance.pki.ct.watching import names_in
from governance.pki.queries import tailed
from governance.pki.queries.tailed import Origin

# A certificate is logged before it is issued; so long may be between the two.
GRACE = timedelta(minutes=2)
_MOST_NAMES, _MOST_BYTES = 50, 16 * 1024
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
logger = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Looked:
    """What was noticed in entries up to but not including `until`, from where on it is too early to say anything."""

    noticed: tuple[Noticed, ...]
    until: int


@dataclass(frozen=True, slots=True)
class _Odd:
    """The entries of which nothing can be made, with the reason: each stops nothing but itself."""

    log: Log
    why: dict[int, str] = field(default_factory=dict)

    @contextmanager
    def apart(self, logged: LoggedEntry) -> Iterator[None]:
        """Whatever fails in the block is the fault of this entry. Nothing is asked of a database there."""
        try:
            yield
        except Exception as error:
            logger.warning("an entry cannot be judged", log=self.log.description, index=logged.index, exc_info=error)
            self.why[logged.index] = said_by(error)


def look_at(log: Log, entries: Sequence[LoggedEntry], mine: Mine, *, at: datetime) -> Looked:
    """Look at entries, which are without gap and in order; one that cannot be judged is reported as such."""
    odd, under = _Odd(log), dict[int, Ours]()
    for logged in entries:
        with odd.apart(logged):
            if (ours := mine.authority_over(logged)) is not None:
                under[logged.index] = ours
    unknown = _not_issued([logged for logged in entries if logged.index in under], mine, odd)
    waiting = [index for index, each in unknown.items() if _is_under_way(*each, at)]
    until = min(waiting, default=entries[-1].index + 1 if entries else 0)
    noticed = []
    for index, (logged, origin) in unknown.items():
        with odd.apart(logged):
            if index < until:
                noticed.append(_without_issue(log, logged, under[index], origin))
    others = [logged for logged in entries if logged.index < until and logged.index not in under]
    noticed += _of_others(odd, [logged for logged in others if logged.index not in odd.why], mine, at)
    unjudged = [logged for logged in entries if logged.index < until and logged.index in odd.why]
    noticed += [found for logged in unjudged if (found := _unjudged(log, logged, mine, odd.why[logged.index]))]
    # A precertificate and the certificate that follows it are one.
    first = {each.key: each for each in reversed(noticed)}
    return Looked(noticed=tuple(reversed(first.values())), until=until)


def closed_by_issue(contents: Mapping[str, str]) -> set[str]:
    """Of contents, each with its serial number, those that were issued here after all."""
    chains = tailed.issues([serial for serial in contents.values() if serial])
    issued = {_digest(chain) for chain in chains.values()}
    return {content for content in contents if content in issued}


def _is_under_way(logged: LoggedEntry, origin: Origin | None, at: datetime) -> bool:
    """Whether an entry may belong to a certificate that is being issued. A time that is yet to come excuses nothing."""
    submitted = origin is not None and origin.source == "submitted"
    return not submitted and timedelta(0) <= at - _time_of(logged) < GRACE


def _not_issued(entries: Sequence[LoggedEntry], mine: Mine, odd: _Odd) -> dict[int, tuple[LoggedEntry, Origin | None]]:
    """Those of entries under our authorities that no certificate of ours belongs to, by index, with their origin.

    An entry is ours when a certificate with its serial number was issued here and says the very same. One that we
    logged ourselves and then did not issue, as when another log did not take it, harms nobody and is left out:
    whoever signed it never gave it out.
    """
    serials = {logged.index: serial_in(body_of(logged.entry)) for logged in entries}
    chains = tailed.issues({serial for serial in serials.values() if serial})
    left = []
    for logged in entries:
        with odd.apart(logged):
            if not _is_authority(logged, mine) and not _is_issued(logged, chains.get(serials[logged.index], "")):
                left.append(logged)
    identities = {logged.index: identity_of(logged.entry) for logged in left}
    origins = tailed.origins(identities.values())
    found = {logged.index: (logged, origins.get(identities[logged.index])) for logged in left}
    return {index: each for index, each in found.items() if not _is_abandoned(each[1])}


def _is_authority(logged: LoggedEntry, mine: Mine) -> bool:
    return logged.entry.kind == "x509" and tbs_of(logged.entry.body) in mine.known


def _is_issued(logged: LoggedEntry, chain_pem: str) -> bool:
    if not chain_pem:
        return False
    body = x509.load_pem_x509_certificate(chain_pem.encode()).tbs_certificate_bytes
    entry = logged.entry
    return entry.body == without_timestamps(body) if entry.kind == "precert" else tbs_of(entry.body) == body


def _is_abandoned(origin: Origin | None) -> bool:
    return origin is not None and origin.source == "issued" and bool(origin.holder)


def _of_others(odd: _Odd, entries: Sequence[LoggedEntry], mine: Mine, at: datetime) -> list[Noticed]:
    """What others issued for names of ours and is still valid."""
    names, noticed = dict[int, tuple[str, ...]](), list[Noticed]()
    for logged in entries:
        with odd.apart(logged):
            names[logged.index] = names_of(logged.entry)
    ours = _concerning(mine, {name for found in names.values() for name in found})
    for logged in entries:
        with odd.apart(logged):
            matching = [name for name in names.get(logged.index, ()) if name in ours]
            if not matching:
                continue
            said = _said(odd.log, logged, names[logged.index])
            if not said["not_after"] or said["not_after"] > stamp(at):
                noticed.append(_for_a_name(logged, said, matching, mine))
    return noticed


def _concerning(mine: Mine, names: Collection[str]) -> frozenset[str]:
    """Those that concern ours, among them what cannot be compared, whose entries then show that by themselves."""
    try:
        return mine.concerning(names)
    except Exception:  # one name in a page of thousands, of a stranger's making
        return frozenset(name for name in names if _may_concern(mine, name))


def _may_concern(mine: Mine, name: str) -> bool:
    try:
        return bool(mine.concerning([name]))
    except Exception:
        return True


def _for_a_name(logged: LoggedEntry, said: Mapping[str, Any], matching: Sequence[str], mine: Mine) -> Noticed:
    return Noticed(
        key=_key("not_ours", logged),
        kind="not_ours",
        namespace=mine.namespace(matching),
        subject=_listed(matching),
        message=f"{said['issuer'] or 'somebody'} issued a certificate for a name of ours",
        detail={**said, "matching": matching[:_MOST_NAMES]},
    )


def _unjudged(log: Log, logged: LoggedEntry, mine: Mine, why: str) -> Noticed | None:
    """An entry of which nothing can be made, unless its bytes name neither a name nor an authority of ours."""
    body = logged.entry.body
    names = names_in(body)
    matching = [name for name in names if _may_concern(mine, name)]
    if not matching and not any(each.subject in body for each in mine.authorities):
        return None
    return Noticed(
        key=_key("not_ours", logged),
        kind="not_ours",
        namespace=EVERYWHERE,
        subject=_listed(matching or names) or f"entry {logged.index} of {log.description}",
        message=f"an entry that may concern us cannot be judged: {why}",
        detail={
            "log": log.description,
            "log_id": log.log_id.hex(),
            "index": logged.index,
            "names": list(names[:_MOST_NAMES]),
            "matching": matching[:_MOST_NAMES],
            "unreadable": why,
        },
    )


def _without_issue(log: Log, logged: LoggedEntry, under: Ours, origin: Origin | None) -> Noticed:
    said, signed = _said(log, logged, names_of(logged.entry)), _is_signed(logged, under)
    by = f"under {under.name}" if signed else f"in the name of {under.name}, with no signature of it,"
    return Noticed(
        key=_key("not_issued", logged),
        kind="not_issued",
        namespace=EVERYWHERE,
        subject=_listed(said["names"]) or said["serial"],
        message=f"a certificate {by} is logged that was not issued here: is its key in other hands?",
        detail={**said, "authority": under.name, "signed": signed, "source": origin.source if origin else ""},
    )


def _is_signed(logged: LoggedEntry, under: Ours) -> bool:
    """Whether the key of that authority signed the precertificate of an entry; of a certificate that was checked."""
    if logged.entry.kind == "x509" or logged.entry.issuer_key_hash != under.key_hash:
        return True
    try:
        precertificate = read_certificate(logged.certificate_der)
        entry = entry_of_precertificate(precertificate, under.certificate)
    except Invalid:
        return False
    return entry == logged.entry and is_issued_by(precertificate, under.certificate)


def _key(kind: FindingKind, logged: LoggedEntry) -> str:
    return f"{kind}:{content_of(logged.entry)}"


def _said(log: Log, logged: LoggedEntry, names: Sequence[str]) -> dict[str, Any]:
    """What people need to know of an entry to look into it; what cannot be read is empty."""
    der = logged.certificate_der
    said: dict[str, Any] = {
        "log": log.description,
        "log_id": log.log_id.hex(),
        "index": logged.index,
        "logged_at": stamp(_time_of(logged)),
        "entry": logged.entry.kind,
        "content": content_of(logged.entry),
        "serial": serial_in(body_of(logged.entry)),
        "names": list(names[:_MOST_NAMES]),
        "certificate": base64.b64encode(der).decode() if len(der) <= _MOST_BYTES else "",
        "issuer": "",
        "not_before": "",
        "not_after": "",
        "unreadable": "",
    }
    try:
        read = read_entry(logged.entry)
        said["issuer"] = read.issuer.rfc4514_string()[:300]
        said["not_before"], said["not_after"] = stamp(read.not_valid_before_utc), stamp(read.not_valid_after_utc)
    except Exception as error:  # names, say, are read only now
        said["unreadable"] = said_by(error)
    return said


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")


def _time_of(logged: LoggedEntry) -> datetime:
    """When it was logged; a log may sign any number of 64 bits, and no calendar has as many days."""
    return _EPOCH + timedelta(milliseconds=min(logged.timestamp_ms, 253_402_300_799_999))


def _digest(chain_pem: str) -> str:
    body = x509.load_pem_x509_certificate(chain_pem.encode()).tbs_certificate_bytes
    return digest_of(without_timestamps(body))
