"""Gives workloads their certificates, over keys that they make and keep themselves."""

import hashlib
import secrets
from dataclasses import dataclass
from datetime import timedelta

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from django.conf import settings

from governance.kernel.actor import Actor, Origin
from governance.kernel.clock import now
from governance.kernel.errors import Forbidden
from governance.ledger.execute import execute
from governance.pki.authority import Names, to_pem
from governance.pki.certificates import serial_of
from governance.pki.commands.workloads import EnrolWorkload
from governance.pki.ct.gate import proven_or_refused
from governance.pki.ct.submitting import Logged
from governance.pki.holders import holder_of
from governance.pki.keys import key_id
from governance.pki.leaf import draft
from governance.pki.making import urls_of
from governance.pki.names import workload_of, workload_uri
from governance.pki.queries.authorities import issuer, roots_pem, signer_of
from governance.pki.queries.certificates import issued
from governance.pki.queries.workloads import join_token_by, workload
from governance.pki.requests import check_request
from governance.pki.status import IssuedCertificate

ISSUER = "internal"
WORKLOAD_LIFE = timedelta(hours=24)
# One sentence for every reason, so that nobody learns which tokens exist.
BAD_TOKEN = "the join token is unknown, used, expired or withdrawn"  # noqa: S105  (a message)
TOKEN_PREFIX = "govjoin_"  # noqa: S105


@dataclass(frozen=True, slots=True, kw_only=True)
class Enrolled:
    """What a workload gets: its certificate with what is sent after it, and the roots it is to trust."""

    chain_pem: str
    roots_pem: str
    uri: str


def new_secret() -> str:
    """The secret of a new join token, of 256 random bits."""
    return TOKEN_PREFIX + secrets.token_urlsafe(32)


def digest(secret: str) -> str:
    """What is kept of a join token's secret."""
    return hashlib.sha256(secret.encode()).hexdigest()


def names_for(namespace: str, name: str) -> Names:
    """Whom a workload's certificate is for: its SPIFFE ID, and the DNS name by which its servers are called."""
    uri = workload_uri(settings.GOV.trust_domain, namespace, name)
    return Names(uris=(uri,), dns=(f"{name}.{namespace}.svc",))


def join(secret: str, csr: bytes, *, origin: Origin) -> Enrolled:
    """Answer the first request of a workload, which holds the secret of a join token; works once.

    Raises Forbidden for a token that does not work, Invalid for a request that is not exactly for this workload.
    """
    token = join_token_by(digest(secret)) if secret.startswith(TOKEN_PREFIX) else None
    if token is None or token.state(now()) != "open":
        raise Forbidden(BAD_TOKEN, field="token")
    by = Actor(
        name=f"join-token/{token.id}",
        kind="workload",
        grants={token.namespace: frozenset({EnrolWorkload.permission})},
        origin=origin,
    )
    return _enrol(token.namespace, token.workload, csr, by=by, token=token.id)


def renew(serial: str, uri: str, csr: bytes, *, by: Actor) -> Enrolled:
    """Answer a workload that shows its certificate `serial`, for `uri`, with a new one; `by` is that workload."""
    found = workload_of(uri, settings.GOV.trust_domain)
    if found is None:
        raise Forbidden(f"{uri[:100]} is not a workload of {settings.GOV.trust_domain}")
    return _enrol(*found, csr, by=by, renews=serial)


def _enrol(namespace: str, name: str, csr: bytes, *, by: Actor, token: str = "", renews: str = "") -> Enrolled:
    expect = names_for(namespace, name)
    key: ec.EllipticCurvePublicKey | rsa.RSAPublicKey = check_request(csr, expect=expect)
    authority, signer = signer_of(ISSUER)
    drafted = draft(signer, key, expect, life=WORKLOAD_LIFE, at=now(), urls=urls_of(authority))

    def command(logged: Logged) -> EnrolWorkload:
        return EnrolWorkload(
            namespace=namespace,
            workload=name,
            serial=serial_of(logged.leaf),
            key_id=key_id(key),
            authority=authority,
            chain_pem=to_pem(logged.leaf, *signer.chain),
            uri=expect.uris[0],
            dns_names=expect.dns,
            not_before=logged.leaf.not_valid_before_utc,
            not_after=logged.leaf.not_valid_after_utc,
            token=token,
            renews=renews,
            proofs=logged.proofs,
        )

    # What is refused must leave nothing in the logs, however often it is tried.
    execute(command(Logged(leaf=drafted.plain())), by=by, validate_only=True)
    final = command(proven_or_refused(drafted, holder_of("workload", namespace, name), issuer=ISSUER))
    execute(final, by=by, reason="joins" if token else "renews its certificate")
    return Enrolled(chain_pem=final.chain_pem, roots_pem=roots_pem(), uri=final.uri)


def is_stale(uri: str, serial: str) -> bool:
    """Whether a workload should renew before its time: its certificate was signed by another than today's signer."""
    found = workload_of(uri, settings.GOV.trust_domain)
    held, today = issued(serial), issuer(ISSUER)
    return found is not None and held is not None and today is not None and held.authority != today.signer


def actor_of(uri: str, serial: str, fingerprint: str) -> Actor:
    """The workload `uri` by the certificate it shows, as an actor that may do what workloads do in its own namespace.

    `fingerprint` is the SHA-256 of the certificate's DER form in hex. Raises Forbidden when the workload is unknown or
    disabled, and for a certificate that was revoked or that it did not get here. That one chains to our roots is not
    enough: whoever has the key of an authority, such as one that was imported, signs any SPIFFE ID under any serial.
    """
    found = workload_of(uri, settings.GOV.trust_domain)
    row = workload(*found) if found else None
    if found is None or row is None:
        raise Forbidden(f"{uri[:100]} is not a workload that joined")
    if not row.enabled:
        raise Forbidden(f"the workload {uri} is disabled")
    held = issued(serial)
    if held is None or held.holder != holder_of("workload", *found) or _fingerprint(held) != fingerprint:
        raise Forbidden(f"the certificate {serial} is none that {uri} got by joining or renewing")
    if held.revoked_at is not None:
        raise Forbidden(f"the certificate {serial} was revoked")
    return Actor(name=uri, kind="workload", grants={found[0]: WORKLOAD_MAY})


def _fingerprint(of: IssuedCertificate) -> str:
    return x509.load_pem_x509_certificate(of.chain_pem.encode()).fingerprint(SHA256()).hex()


WORKLOAD_MAY = frozenset({"registry.read", "registry.register", "dataplane.connect", "pki.enroll"})
