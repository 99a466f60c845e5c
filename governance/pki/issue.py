"""Issues certificates: makes key and certificate without holding any lock; storing them is a command of its own."""

from dataclasses import dataclass, field
from datetime import datetime

from cryptography import x509
from cryptography.hazmat.primitives import hashes

from governance.kernel.clock import now
from governance.pki.authority import Authority, Names, Urls, check_life
from governance.pki.certificates import serial_of
from governance.pki.keyring import of_issued, sealed
from governance.pki.keys import PrivateKey, key_id, make_key
from governance.pki.leaf import issue
from governance.pki.pem import chain_from_pem, to_pem
from governance.pki.renewal import Plan, plan
from governance.pki.status import Certificate
from governance.pki.values import CertificateSpec


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """A certificate that was made and is to be stored together with its key.

    `generation`, `number` and `claim` are those it was made under: when one moved on it is superseded, not stored.
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


def make(
    of: Certificate,
    signer: Authority,
    *,
    authority: str,
    urls: Urls,
    key: PrivateKey | None = None,
) -> Made:
    """Make the next issue of the certificate `of`, with a new key unless `key` is to be kept."""
    spec = of.spec
    key = key or make_key(spec.private_key.algorithm, spec.private_key.size)
    check_life(signer, spec.duration)
    leaf = issue(
        signer,
        key.public_key(),
        names_of(spec),
        life=spec.duration,
        at=now(),
        usages=frozenset(spec.usages),
        urls=urls,
    )
    serial = serial_of(leaf)
    found = plan_of(spec, leaf)
    return Made(
        uid=of.uid,
        name=of.name,
        generation=of.generation,
        number=of.number + 1,
        claim=of.claim,
        serial=serial,
        key_id=key_id(key.public_key()),
        authority=authority,
        chain_pem=to_pem(leaf, *signer.chain),
        not_before=leaf.not_valid_before_utc,
        not_after=leaf.not_valid_after_utc,
        renew_at=found.at if spec.renewal == "RenewBefore" else None,
        plan_warning=found.warning,
        sealed_key=sealed(key, context=of_issued(serial)),
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
