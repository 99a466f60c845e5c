"""Signs requests over keys that their owners keep; storing what was signed is a command of its own."""

import hashlib
from collections.abc import Callable

from governance.kernel.actor import Actor
from governance.kernel.clock import now
from governance.kernel.errors import NotFound
from governance.ledger.execute import execute
from governance.pki.authority import to_pem
from governance.pki.certificates import serial_of
from governance.pki.commands.signing import SignRequest, check_signable
from governance.pki.commands.tenancy import check_issuer
from governance.pki.ct.gate import proven_or_refused
from governance.pki.ct.submitting import Logged
from governance.pki.holders import holder_of
from governance.pki.issue import names_of
from governance.pki.keys import key_id
from governance.pki.leaf import draft
from governance.pki.making import urls_of
from governance.pki.queries.authorities import issuer, signer_of
from governance.pki.requests import check_request
from governance.pki.values import CertificateSpec

Rehearsal = Callable[[SignRequest], bool]


def signed(
    csr: bytes, *, namespace: str, name: str, spec: CertificateSpec, rehearsed: Rehearsal | None = None
) -> SignRequest:
    """The command that records a certificate by `spec` over the key of a request; nothing counts before it is executed.

    `rehearsed` is asked with a certificate that is in no log, and says whether the command is to be executed for the
    first time: what would be refused, or was done already, must leave nothing in the logs. Raises Invalid for a request
    for anything but the names of `spec`, or part of them, NotFound for an issuer that is not there or does not serve
    the namespace.
    """
    known = issuer(spec.issuer)
    if known is None:
        raise NotFound(f"there is no issuer {spec.issuer}", field="issuer")
    check_issuer(known, namespace, spec)
    check_signable(namespace, spec)
    expect = names_of(spec)
    key = check_request(csr, expect=expect)
    authority, signer = signer_of(spec.issuer)
    usages, urls = frozenset(spec.usages), urls_of(authority)
    drafted = draft(signer, key, expect, life=spec.duration, at=now(), usages=usages, urls=urls)

    def command(logged: Logged) -> SignRequest:
        return SignRequest(
            namespace=namespace,
            name=name,
            spec=spec,
            digest=hashlib.sha256(csr).hexdigest(),
            serial=serial_of(logged.leaf),
            key_id=key_id(key),
            authority=authority,
            chain_pem=to_pem(logged.leaf, *signer.chain),
            not_before=logged.leaf.not_valid_before_utc,
            not_after=logged.leaf.not_valid_after_utc,
            proofs=logged.proofs,
        )

    rehearsal = command(Logged(leaf=drafted.plain()))
    if rehearsed is not None and not rehearsed(rehearsal):
        return rehearsal
    return command(proven_or_refused(drafted, holder_of("request", namespace, name), issuer=spec.issuer))


def is_new(
    command: SignRequest,
    *,
    by: Actor,
    request_id: str = "",
    if_revision: int | None = None,
    reason: str = "",
    validate_only: bool = False,
) -> bool:
    """Whether `command` is to be executed on these terms for the first time; raises what executing it would raise."""
    receipt = execute(command, by=by, request_id=request_id, if_revision=if_revision, reason=reason, validate_only=True)
    return not validate_only and not receipt.replayed
