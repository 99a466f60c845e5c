"""Issues what is due: claims, makes and stores in batches, so that many are done at once and none twice."""

from collections.abc import Iterable
from itertools import groupby

import structlog

from governance.kernel.actor import SYSTEM, Actor, Origin
from governance.kernel.clock import now
from governance.kernel.errors import GovernanceError, Unavailable
from governance.ledger.execute import execute
from governance.pki.authority import Authority
from governance.pki.commands.issuing import Failure, RecordFailures, StoreCertificates, claim
from governance.pki.issue import Made, make
from governance.pki.keyring import of_issued, opened_key
from governance.pki.keys import PrivateKey, described
from governance.pki.making import urls_of
from governance.pki.queries.authorities import signer_of
from governance.pki.queries.certificates import by_uid, sealed_key_of
from governance.pki.status import RENEWING, Certificate

BATCH = 200
WORKER = SYSTEM.via(Origin(door="task"))
log = structlog.get_logger(__name__)


def issue_due(*, limit: int | None = None, by: Actor = WORKER) -> int:
    """Issue everything that is due, and return how many were issued; several workers may do this at once."""
    done = 0
    while limit is None or done < limit:
        uids = claim(BATCH if limit is None else min(BATCH, limit - done), at=now())
        if not uids:
            break
        done += issue_all(by_uid(uids), by=by)
    return done


def issue_all(certificates: Iterable[Certificate], *, by: Actor = WORKER) -> int:
    """Issue these certificates; what fails is remembered with its reason, and tried again later."""
    signers: dict[str, tuple[str, Authority] | GovernanceError] = {}
    stored = 0
    wanted = sorted(certificates, key=lambda each: (each.namespace, each.name))
    for namespace, batch in groupby(wanted, key=lambda each: each.namespace):
        made: list[Made] = []
        failed: list[Failure] = []
        reasons: set[str] = set()
        for each in batch:
            reasons.add(each.reason or RENEWING)
            try:
                made.append(made_of(each, signers))
            except GovernanceError as error:
                log.warning("a certificate could not be issued", certificate=each.path, reason=str(error))
                failed.append(_failure(each, str(error)))
        why = ", ".join(sorted(reasons))
        if made:
            receipt = execute(StoreCertificates(namespace=namespace, items=tuple(made)), by=by, reason=why)
            stored += len(receipt.after or ())
        if failed:
            execute(RecordFailures(namespace=namespace, items=tuple(failed)), by=by, reason=why)
    return stored


def _failure(of: Certificate, message: str) -> Failure:
    return Failure(
        uid=of.uid, name=of.name, generation=of.generation, number=of.number, claim=of.claim, message=message
    )


def made_of(
    certificate: Certificate, signers: dict[str, tuple[str, Authority] | GovernanceError] | None = None
) -> Made:
    """The next issue of a certificate, made but not stored; `signers` keeps what was found out about each issuer."""
    signers = {} if signers is None else signers
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
    return make(certificate, signer, authority=authority, urls=urls_of(authority), key=_kept_key(certificate))


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
