"""Answers questions about single certificates (OCSP, RFC 6960), with keys that can do nothing else."""

from datetime import datetime, timedelta
from functools import lru_cache

import structlog
from cryptography import x509

from governance.kernel.clock import now
from governance.kernel.errors import GovernanceError, Invalid, NotFound, Unavailable
from governance.ledger.execute import execute
from governance.pki import ocsp
from governance.pki.authority import to_pem
from governance.pki.certificates import is_issued_by, serial_of
from governance.pki.commands.authorities import StoreResponder
from governance.pki.keyring import of_issued, opened_key, sealed
from governance.pki.keys import PrivateKey, make_key
from governance.pki.pem import chain_from_pem
from governance.pki.queries.authorities import answering, certified, pem_of, with_key
from governance.pki.queries.certificates import issued, issued_of, sealed_key_of
from governance.pki.status import IssuedCertificate
from governance.pki.worker import WORKER

RESPONDER_LIFE = timedelta(days=14)
ANSWER_LIFE = timedelta(hours=1)
log = structlog.get_logger(__name__)


def responders_due() -> list[str]:
    """The authorities whose responder is missing, past two thirds of its life, or useless as its key does not open."""
    at = now()
    return [each for each in answering(at) if _is_due(each, at)]


def _is_due(authority_id: str, at: datetime) -> bool:
    newest = _newest(authority_id)
    if newest is None or at > newest.not_after - RESPONDER_LIFE / 3:
        return True
    try:
        _responder(newest.serial, newest.chain_pem)
    except GovernanceError:
        return True
    return False


def _newest(authority_id: str) -> IssuedCertificate | None:
    return next(iter(issued_of(f"responder/{authority_id}", limit=1)), None)


def keep_responders() -> None:
    """Store a new responder wherever one is due; an authority that cannot sign it holds up no other."""
    for authority_id in responders_due():
        try:
            store_responder(authority_id)
        except GovernanceError as error:
            log.error(  # noqa: TRY400  (the sentence says it all)
                "an authority has no responder: nobody can ask whether its certificates are revoked",
                authority=authority_id,
                reason=str(error),
            )


def store_responder(authority_id: str) -> None:
    """Make a key and certificate that may sign the answers for an authority, and store both."""
    key, signer = make_key("ECDSA", 256), with_key(authority_id)
    certificate = ocsp.make_responder(signer, key.public_key(), life=RESPONDER_LIFE, at=now())
    serial = serial_of(certificate)
    command = StoreResponder(
        authority=authority_id,
        serial=serial,
        chain_pem=to_pem(certificate),
        not_before=certificate.not_valid_before_utc,
        not_after=certificate.not_valid_after_utc,
        sealed_key=sealed(key, context=of_issued(serial)),
    )
    execute(command, by=WORKER, reason="the responder's certificate runs out")


def answer(authority_id: str, request: bytes) -> bytes:
    """The signed answer to an OCSP request about certificates of an authority.

    Raises NotFound when there is no such authority, or none that can answer.
    """
    pem = pem_of(authority_id)
    newest = _newest(authority_id)
    if pem is None or newest is None:
        raise NotFound(f"there is no responder for the authority {authority_id}", field="authority")
    authority = _certificates(pem)[0]
    certificate, key = _responder(newest.serial, newest.chain_pem)
    return ocsp.answer(
        request,
        authority_certificate=authority,
        responder=ocsp.Responder(certificate=certificate, key=key),
        look_up=lambda serial: _status(authority, authority_id, serial),
        at=now(),
        life=ANSWER_LIFE,
    )


def _status(authority: x509.Certificate, authority_id: str, serial: int) -> ocsp.Status:
    found = issued(f"{serial:x}")
    if found is None and _certified(authority, serial):
        # No authority is ever revoked, not even when it is retired: it loses the trust of all who follow us, and what
        # it signed before was right. The revocation lists, which do not name it, must say the same.
        return ocsp.Status(state="good")
    if found is None or found.authority != authority_id:
        return ocsp.Status(state="unknown")
    if found.revoked_at is None:
        return ocsp.Status(state="good")
    return ocsp.Status(state="revoked", revoked_at=found.revoked_at, reason=found.revoked_reason)


def _certified(authority: x509.Certificate, serial: int) -> bool:
    """Whether this authority certified another one under that serial number: a signer, or a newer root."""
    others = (each for pem in certified(f"{serial:x}") for each in _certificates(pem))
    return any(each.serial_number == serial and is_issued_by(each, authority) for each in others)


@lru_cache(maxsize=64)
def _responder(serial: str, chain_pem: str) -> tuple[x509.Certificate, PrivateKey]:
    stored = sealed_key_of(serial)
    if stored is None:
        raise NotFound(f"the responder {serial} has no key", field="authority")
    try:
        key = opened_key(stored, context=of_issued(serial))
    except Invalid as error:
        raise Unavailable(f"the key of the responder {serial} does not open: {error}") from None
    return _certificates(chain_pem)[0], key


@lru_cache(maxsize=64)
def _certificates(pem: str) -> tuple[x509.Certificate, ...]:
    return chain_from_pem(pem, field="pem")
