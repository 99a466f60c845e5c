"""Signs requests over keys that their owners keep; storing what was signed is a command of its own."""

import hashlib

from governance.kernel.clock import now
from governance.kernel.errors import NotFound
from governance.pki.authority import to_pem
from governance.pki.certificates import serial_of
from governance.pki.commands.signing import SignRequest, check_signable
from governance.pki.commands.tenancy import check_issuer
from governance.pki.issue import names_of
from governance.pki.keys import key_id
from governance.pki.leaf import issue
from governance.pki.making import urls_of
from governance.pki.queries.authorities import issuer, signer_of
from governance.pki.requests import check_request
from governance.pki.values import CertificateSpec


def signed(csr: bytes, *, namespace: str, name: str, spec: CertificateSpec) -> SignRequest:
    """The command that records a certificate by `spec` over the key of a request; nothing counts before it is executed.

    Raises Invalid for a request for anything but the names of `spec`, or part of them, NotFound for an issuer that is
    not there or does not serve the namespace.
    """
    known = issuer(spec.issuer)
    if known is None:
        raise NotFound(f"there is no issuer {spec.issuer}", field="issuer")
    check_issuer(known, namespace, spec)
    check_signable(namespace, spec)
    expect = names_of(spec)
    key = check_request(csr, expect=expect)
    authority, signer = signer_of(spec.issuer)
    leaf = issue(
        signer,
        key,
        expect,
        life=spec.duration,
        at=now(),
        usages=frozenset(spec.usages),
        urls=urls_of(authority),
    )
    return SignRequest(
        namespace=namespace,
        name=name,
        spec=spec,
        digest=hashlib.sha256(csr).hexdigest(),
        serial=serial_of(leaf),
        key_id=key_id(key),
        authority=authority,
        chain_pem=to_pem(leaf, *signer.chain),
        not_before=leaf.not_valid_before_utc,
        not_after=leaf.not_valid_after_utc,
    )
