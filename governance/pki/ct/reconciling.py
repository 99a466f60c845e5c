"""Whether what was issued is logged, and what is logged was issued."""

from collections.abc import Collection, Iterator, Mapping
from datetime import datetime

from cryptography import x509

from governance.kernel.actor import EVERYWHERE
from governance.kernel.clock import stamp
from governance.kernel.errors import Invalid
from governance.pki.certificates import names_of
from governance.pki.ct.content import body_of, content_of, read_entry, without_timestamps
from governance.pki.ct.differing import SHOWN_AFTER, Row
from governance.pki.ct.entry import Entry
from governance.pki.ct.own.log import NAME
from governance.pki.ct.serving import Services
from governance.pki.ct.standing import Checked, FindingView
from governance.pki.ct.tile_leaf import read_all
from governance.pki.holders import namespace_of
from governance.pki.queries import logs, reconciled
from governance.pki.queries import served as queries
from governance.pki.queries.findings import findings
from governance.pki.queries.reconciled import Live, OwnEntry


def logging(
    at: datetime, *, namespaces: Collection[str] = (EVERYWHERE,), services: Services | None = None
) -> list[Row]:
    """Every difference between what was issued and what is logged that people of these namespaces may see."""
    services = services or Services()
    found = [*_not_logged(at, namespaces, services), *_not_issued(at)]
    return [each for each in found if EVERYWHERE in namespaces or each.namespace in namespaces]


def _not_logged(at: datetime, namespaces: Collection[str], services: Services) -> Iterator[Row]:
    """What has neither a proof nor a good check. Of issuers that have it switched off nobody is told."""
    modes = logs.modes()
    found = [each for each in reconciled.unproven(at, namespaces=namespaces) if modes.get(each.issuer) != "off"]
    serials = [each.serial for each in found]
    checks, here = logs.checks(serials), reconciled.logged_here(serials)
    for each in found:
        state, why = _standing(each, checks.get(each.serial), here)
        if not why:
            continue
        namespace = namespace_of(each.holder)
        yield Row(
            kind="issued_not_logged",
            state="so" if state == "so" else "unknown",
            namespace=namespace,
            service=services.of(namespace, uris=each.uris, dns_names=each.dns_names),
            subject=each.holder.removeprefix("certificate/"),
            serial=each.serial,
            since=each.issued_at,
            sentence=why,
            target=("issued", each.serial),
        )


def _standing(of: Live, checked: Checked | None, here: Collection[str]) -> tuple[str, str]:
    """Whether it is certain that it is not logged, and why; no reason for what nobody has looked at yet."""
    if of.why:
        return "unknown", f"it waits for its proof: {of.why}"
    if checked is not None and checked.state != "logged":
        return "so" if checked.state == "not_logged" else "unknown", checked.why
    if checked is None and of.serial not in here:
        return "so", "there is no entry for it in our own log"
    return "unknown", ""


def _not_issued(at: datetime) -> list[Row]:
    """Entries that no certificate of ours belongs to: as the reading of all logs found them, and ours at once.

    A certificate is logged before it is issued, and so what was logged just now is left alone, unless somebody handed
    it in.
    """
    rows = {each.detail.get("content", each.key): _found(each) for each in findings(kind="not_issued")}
    entries = [(each, entry) for each in reconciled.unissued(before=at) if (entry := _entry(each)) is not None]
    chains = reconciled.chains_issued({each.serial for each, _ in entries})
    ours = {each.certificate.tbs_certificate_bytes for each in queries.signers()} if entries else set()
    for each, entry in entries:
        body, content = body_of(entry), content_of(entry)
        if content in rows or body in ours or body == _body(chains.get(each.serial, "")):
            continue
        if each.source == "issued" and each.at > at - SHOWN_AFTER:
            continue
        if (row := _unissued(each, entry, at)) is not None:
            rows[content] = row
    return list(rows.values())


def _entry(of: OwnEntry) -> Entry | None:
    try:
        return read_all(of.tile_leaf, at_most=1)[0].entry
    except (Invalid, IndexError):
        return None


def _body(chain_pem: str) -> bytes:
    if not chain_pem:
        return b""
    return without_timestamps(x509.load_pem_x509_certificate(chain_pem.encode()).tbs_certificate_bytes)


def _found(finding: FindingView) -> Row:
    said: Mapping[str, str] = finding.detail
    return Row(
        kind="logged_not_issued",
        namespace=finding.namespace,
        subject=finding.subject,
        serial=str(said.get("serial", "")),
        since=finding.opened_at,
        sentence=finding.message,
        target=("finding", finding.id),
    )


def _unissued(of: OwnEntry, entry: Entry, at: datetime) -> Row | None:
    """None for what is over: it can be used for nothing any more."""
    read = _read(entry)
    ends, names = (read.not_valid_after_utc, _names(read)) if read is not None else (None, "")
    if ends is not None and ends <= at:
        return None
    abandoned = of.source == "issued" and bool(of.holder)
    until = f", and would have been valid until {stamp(ends)}" if ends else ""
    sentence = (
        f"it was logged to be issued, and then was not: nobody was given it{until}"
        if abandoned
        else "it is in our own log, and was not issued here: is the key of an authority in other hands?"
    )
    return Row(
        kind="abandoned" if abandoned else "logged_not_issued",
        namespace=namespace_of(of.holder) if abandoned else EVERYWHERE,
        subject=of.holder.removeprefix("certificate/") if abandoned else names or of.serial,
        serial=of.serial,
        since=of.at,
        sentence=sentence,
        target=("entry", NAME, str(of.index)),
    )


def _read(entry: Entry) -> x509.Certificate | None:
    try:
        found = read_entry(entry)
        _ = found.not_valid_after_utc
    except Exception:  # strangers' bytes, which fail in more ways than are told, some only when they are asked for
        return None
    return found


def _names(read: x509.Certificate) -> str:
    try:
        return ", ".join(names_of(read, x509.DNSName)[:3])
    except Exception:  # extensions of a stranger's making, which fail in more ways than are told
        return ""
