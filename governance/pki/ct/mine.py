"""What in a log is ours: by the names in an entry, and by the authority under which it was issued."""

import hashlib
import ipaddress
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from itertools import pairwise

from cryptography import x509
from django.conf import settings

from governance.kernel.actor import EVERYWHERE
from governance.kernel.clock import now
from governance.kernel.errors import Invalid
from governance.pki.certificates import is_issued_by
from governance.pki.ct import tbs
from governance.pki.ct.content import read_certificate, subject_of, tbs_of
from governance.pki.ct.reading import LoggedEntry
from governance.pki.ct.watching import matches
from governance.pki.queries import tailed
from governance.pki.queries.watching import watched

# Names that everybody has (RFC 6761), the control plane's own certificates among them.
_EVERYBODYS = ("localhost", "invalid")


@dataclass(frozen=True, slots=True, kw_only=True)
class Ours:
    """An authority of ours; `subject` is its name in DER."""

    name: str
    key_hash: bytes
    subject: bytes
    certificate: x509.Certificate = field(repr=False)


@dataclass(frozen=True, kw_only=True)
class Mine:
    """Our names and our authorities, as they were at one moment.

    `claimed` are the names of our certificates by namespace, and `watched` those that somebody wants to be searched for
    with all that is below them, both as `watching.matches` reads them. `known` are the certificates of authorities that
    we know, by their TBS.
    """

    claimed: Mapping[str, tuple[str, ...]]
    watched: tuple[str, ...]
    authorities: tuple[Ours, ...]
    known: frozenset[bytes] = frozenset()

    @cached_property
    def patterns(self) -> tuple[str, ...]:
        """All that is searched for."""
        return tuple(sorted({*self.watched, *(name for names in self.claimed.values() for name in names)}))

    @cached_property
    def _by_key(self) -> dict[bytes, Ours]:
        return {each.key_hash: each for each in self.authorities}

    @cached_property
    def _above(self) -> dict[bytes, Ours | None]:
        """What was found out about certificates above entries, of which there are few."""
        return {}

    def concerning(self, names: Iterable[str]) -> frozenset[str]:
        """Those of the names that concern ours; of many names, ask once."""
        return frozenset(matches(self.patterns, names)) if self.patterns else frozenset()

    def namespace(self, names: Iterable[str]) -> str:
        """The namespace whose people these names concern; "*" when it is several or none."""
        wanted = tuple(names)
        if matches(self.watched, wanted):
            return EVERYWHERE
        found = [namespace for namespace, claimed in self.claimed.items() if matches(claimed, wanted)]
        return found[0] if len(found) == 1 else EVERYWHERE

    def authority_over(self, logged: LoggedEntry) -> Ours | None:
        """The authority of ours under which an entry was issued, directly or by an authority that it certified.

        A precertificate's entry says by which key its certificate is issued; that of a certificate has to bear the
        name of the authority, and its signature where it can be read.
        """
        entry = logged.entry
        if entry.kind == "precert" and (found := self._by_key.get(entry.issuer_key_hash)):
            return found
        if entry.kind == "x509" and (found := self._signer(entry.body)):
            return found
        return self._through(logged)

    def _signer(self, der: bytes) -> Ours | None:
        """The authority of ours whose name stands in a certificate and who signed it, as far as that can be told."""
        named = [each for each in self.authorities if each.subject in der]
        if not named:
            return None
        try:
            certificate = read_certificate(der)
        except Invalid:
            return named[0]
        return next((each for each in named if is_issued_by(certificate, each.certificate)), None)

    def _through(self, logged: LoggedEntry) -> Ours | None:
        """The same by way of authorities between. What stands above an entry is the log's word: each has to sign."""
        for above in logged.chain:
            if above not in self._above:
                self._above[above] = self._signer(above) if tbs_of(above) not in self.known else None
            if self._above[above] is None:
                continue
            chain = logged.chain[: logged.chain.index(above) + 1]
            return self._above[above] if _signed_up(logged.certificate_der, chain) else None
        return None


def mine() -> Mine:
    """What is ours now."""
    domain = settings.GOV.trust_domain
    claimed = {namespace: _claims(names) for namespace, names in tailed.names_claimed(now()).items()}
    roots = (*watched().names, *({domain} if "." in domain and not _is_everybodys(domain) else ()))
    return Mine(
        claimed={namespace: names for namespace, names in claimed.items() if names},
        watched=tuple(pattern for name in roots for pattern in (name, f".{name}")),
        authorities=tuple(_ours(name, pem) for name, pem in tailed.own_authorities()),
        known=frozenset(
            x509.load_pem_x509_certificate(pem.encode()).tbs_certificate_bytes for pem in tailed.authorities_known()
        ),
    )


def _claims(names: Iterable[str]) -> tuple[str, ...]:
    """The names of certificates as they are searched for: themselves, and nothing of what is everybody's or an address.

    Whoever may have a certificate here for a name has not shown that what is below it is his: `co.uk` is a name like
    any other. Hence what is below one is searched for only when somebody who may watch names says so, and a wildcard
    stands for the names that it covers only below three labels or more, where few others have any.
    """
    found = set()
    for name in names:
        plain = name.removeprefix("*.")
        if not _is_everybodys(plain):
            found.add(f"={name}" if name != plain and plain.count(".") < 2 else name)
    return tuple(sorted(found))


def _is_everybodys(name: str) -> bool:
    if name.rpartition(".")[2] in _EVERYBODYS:
        return True
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def _ours(name: str, pem: str) -> Ours:
    certificate = x509.load_pem_x509_certificate(pem.encode())
    body = tbs.read(certificate.tbs_certificate_bytes)
    return Ours(
        name=name,
        key_hash=hashlib.sha256(body.key).digest(),
        subject=subject_of(certificate.tbs_certificate_bytes),
        certificate=certificate,
    )


def _signed_up(der: bytes, chain: Iterable[bytes]) -> bool:
    """Whether each signed the one before; what cannot be read might have."""
    try:
        read = [read_certificate(each) for each in (der, *chain)]
    except Invalid:
        return True
    return all(is_issued_by(below, above) for below, above in pairwise(read))
