"""Issues certificates: makes key and certificate without holding any lock; storing them is a command of its own."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from cryptography import x509
from cryptography.hazmat.primitives import hashes

from governance.kernel.clock import now
from governance.pki.authority import Authority, Names, Urls, check_life
from governance.pki.certificates import serial_of
from governance.pki.ct.submitting import Logged
from governance.pki.keyring import of_issued, sealed
from governance.pki.keys import PrivateKey, key_id, make_key
from governance.pki.leaf import Draft, draft
from governance.pki.pem import chain_from_pem, to_pem
from governance.pki.renewal import Plan, plan
from governance.pki.status import Certificate
from governance.pki.values import CertificateSpec


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """A certificate that was made and is to be stored together with its key.

    `generation`, `number` and `claim` are those it was made under: when one moved on it is superseded, not stored.
    `proofs` show by log id that it is logged; `unproven` says what of that lacks, empty when nothing does.
    """

    uid: str
    name: str
    generation: int
    number: int
    claim: str
    serial: str
    key_id: str
    authority: str
    chain_pem: str
    not_before: datetime
    not_after: datetime
    renew_at: datetime | None
    plan_warning: str
    sealed_key: bytes = field(repr=False)
    proofs: Mapping[str, str] = field(default_factory=dict, repr=False)
    unproven: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Making:
    """The next issue of `of` on its way: its key, and what its certificate is to say."""

    of: Certificate
    key: PrivateKey = field(repr=False)
    draft: Draft

    @property
    def number(self) -> int:
        """Which issue it is; one that waits for its proof counts."""
        return max(self.of.number, self.of.pending.number if self.of.pending else 0) + 1


def begin(of: Certificate, signer: Authority, *, urls: Urls, key: PrivateKey | None = None) -> Making:
    """Begin the next issue of the certificate `of`, with a new key unless `key` is to be kept."""
    spec = of.spec
    key = key or make_key(spec.private_key.algorithm, spec.private_key.size)
    check_life(signer, spec.duration)
    drafted = draft(
        signer,
        key.public_key(),
        names_of(spec),
        life=spec.duration,
        at=now(),
        usages=frozenset(spec.usages),
        urls=urls,
    )
    return Making(of=of, key=key, draft=drafted)


def made(making: Making, logged: Logged, *, authority: str) -> Made:
    """The issue as it is stored, its key sealed."""
    of, leaf, serial = making.of, logged.leaf, serial_of(logged.leaf)
    found = plan_of(of.spec, leaf)
    return Made(
        uid=of.uid,
        name=of.name,
        generation=of.generation,
        number=making.number,
        claim=of.claim,
        serial=serial,
        key_id=key_id(making.key.public_key()),
        authority=authority,
        chain_pem=to_pem(leaf, *making.draft.authority.chain),
        not_before=leaf.not_valid_before_utc,
        not_after=leaf.not_valid_after_utc,
        renew_at=found.at if of.spec.renewal == "RenewBefore" else None,
        plan_warning=found.warning,
        sealed_key=sealed(making.key, context=of_issued(serial)),
        proofs=logged.proofs,
        unproven=logged.unproven,
    )


def names_of(spec: CertificateSpec) -> Names:
    """Whom a certificate by `spec` is for."""
    return Names(dns=spec.dns_names, uris=spec.uris, ips=spec.ip_addresses, common_name=spec.common_name)


def plan_of(spec: CertificateSpec, leaf: x509.Certificate) -> Plan:
    """When this certificate is renewed."""
    return plan(
        spec, leaf.not_valid_before_utc, leaf.not_valid_after_utc, fingerprint=leaf.fingerprint(hashes.SHA256())
    )


def planned(spec: CertificateSpec, chain_pem: str) -> Plan:
    """When the certificate at the head of `chain_pem` is renewed."""
    return plan_of(spec, chain_from_pem(chain_pem, field="chain_pem")[0])
