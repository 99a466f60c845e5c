"""Issues what is due: claims, logs, makes and stores in batches, so that many are done at once and none twice."""

from collections.abc import Iterable, Sequence
from itertools import groupby

import structlog

from governance.kernel.actor import SYSTEM, Actor, Origin
from governance.kernel.clock import now
from governance.kernel.errors import GovernanceError, Unavailable
from governance.ledger.execute import execute
from governance.pki.authority import Authority
from governance.pki.commands.issuing import Failure, RecordFailures, claim
from governance.pki.commands.storing import StoreCertificates
from governance.pki.ct.standing import GATE
from governance.pki.ct.submitting import log_and_sign
from governance.pki.holders import holder_of
from governance.pki.issue import Made, Making, begin, made
from governance.pki.keyring import of_issued, opened_key
from governance.pki.keys import PrivateKey, described
from governance.pki.making import urls_of
from governance.pki.queries import logs
from governance.pki.queries.authorities import signer_of
from governance.pki.queries.certificates import by_uid, sealed_key_of
from governance.pki.status import RENEWING, Certificate

BATCH = 200
WORKER = SYSTEM.via(Origin(door="task"))
log = structlog.get_logger(__name__)


def issue_due(*, limit: int | None = None, by: Actor = WORKER) -> int:
    """Issue everything that is due, and return how many were issued; several workers may do this at once."""
    began, tried, done = now(), 0, 0
    while limit is None or tried < limit:
        uids = claim(BATCH if limit is None else min(BATCH, limit - tried), at=now(), due_at=began)
        if not uids:
            break
        tried += len(uids)
        done += issue_all(by_uid(uids), by=by)
    return done


def issue_all(certificates: Iterable[Certificate], *, by: Actor = WORKER) -> int:
    """Issue these certificates; what fails is remembered with its reason, and tried again later."""
    signers: dict[str, tuple[str, Authority] | GovernanceError] = {}
    stored = 0
    wanted = sorted(certificates, key=lambda each: (each.namespace, each.name))
    for namespace, batch in groupby(wanted, key=lambda each: each.namespace):
        of_namespace = list(batch)
        results = made_all(of_namespace, signers)
        made = tuple(each for each in results if isinstance(each, Made))
        failed = tuple(each for each in results if isinstance(each, Failure))
        why = ", ".join(sorted({each.reason or RENEWING for each in of_namespace}))
        if made:
            receipt = execute(StoreCertificates(namespace=namespace, items=made), by=by, reason=why)
            stored += len(receipt.after or ())
        if failed:
            execute(RecordFailures(namespace=namespace, items=failed), by=by, reason=why)
    return stored


def made_all(
    certificates: Sequence[Certificate], signers: dict[str, tuple[str, Authority] | GovernanceError]
) -> list[Made | Failure]:
    """The next issue of each certificate, logged and made but not stored, or why there is none.

    `signers` keeps what was found out about each issuer.
    """
    results: list[Made | Failure] = []
    begun: list[tuple[str, Making]] = []
    for each in certificates:
        try:
            begun.append(_begun(each, signers))
        except GovernanceError as error:
            results.append(_failure(each, error))
    modes = logs.modes()
    by_mode: dict[bool, list[tuple[str, Making]]] = {}
    for authority, making in begun:
        required = modes.get(making.of.spec.issuer, GATE) == GATE
        by_mode.setdefault(required, []).append((authority, making))
    for required, some in by_mode.items():
        drafts = [(making.draft, holder_of("certificate", making.of.namespace, making.of.name)) for _, making in some]
        for (authority, making), logged in zip(some, log_and_sign(drafts, required=required), strict=True):
            if isinstance(logged, GovernanceError):
                results.append(_failure(making.of, logged, soon=True))
            else:
                results.append(made(making, logged, authority=authority))
    return results


def _failure(of: Certificate, error: GovernanceError, *, soon: bool = False) -> Failure:
    log.warning("a certificate could not be issued", certificate=of.path, reason=str(error))
    return Failure(
        uid=of.uid,
        name=of.name,
        generation=of.generation,
        number=of.number,
        claim=of.claim,
        message=str(error),
        soon=soon,
    )


def _begun(certificate: Certificate, signers: dict[str, tuple[str, Authority] | GovernanceError]) -> tuple[str, Making]:
    """The id of the authority that signs, and what is to be signed."""
    name = certificate.spec.issuer
    if name not in signers:
        try:
            signers[name] = signer_of(name)
        except GovernanceError as error:
            signers[name] = error
    found = signers[name]
    if isinstance(found, GovernanceError):
        raise Unavailable(f"the issuer {name} cannot sign: {found.message}")
    authority, signer = found
    return authority, begin(certificate, signer, urls=urls_of(authority), key=_kept_key(certificate))


def _kept_key(certificate: Certificate) -> PrivateKey | None:
    """The key of the issue before, where it is to be kept, is still here and is of the kind that is wanted."""
    wanted = certificate.spec.private_key
    if wanted.rotation_policy == "Always" or not certificate.serial or certificate.revoked_reason:
        return None
    kept = sealed_key_of(certificate.serial)
    if kept is None:
        return None
    key = opened_key(kept, context=of_issued(certificate.serial))
    return key if described(key.public_key()) == (wanted.algorithm, wanted.size) else None
