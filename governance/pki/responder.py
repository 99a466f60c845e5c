"""Answers questions about single certificates (OCSP, RFC 6960), with keys that can do nothing else."""

from datetime import datetime, timedelta
from functools import lru_cache

from cryptography import x509

from governance.kernel.clock import now
from governance.kernel.errors import NotFound
from governance.ledger.execute import execute
from governance.pki import ocsp
from governance.pki.authority import to_pem
from governance.pki.certificates import serial_of
from governance.pki.commands.authorities import StoreResponder
from governance.pki.keyring import of_issued, opened_key, sealed
from governance.pki.keys import PrivateKey, make_key
from governance.pki.pem import chain_from_pem
from governance.pki.queries.authorities import authorities, pem_of, with_key
from governance.pki.queries.certificates import issued, issued_of, sealed_key_of
from governance.pki.worker import WORKER

RESPONDER_LIFE = timedelta(days=14)
ANSWER_LIFE = timedelta(hours=1)


def responders_due() -> list[str]:
    """The authorities whose responder is missing, or past two thirds of its life."""
    at = now()
    return [
        each.id
        for each in authorities()
        if each.has_key and each.state != "retired" and at < each.not_after and _is_due(each.id, at)
    ]


def _is_due(authority_id: str, at: datetime) -> bool:
    newest = next(iter(issued_of(f"responder/{authority_id}", limit=1)), None)
    return newest is None or at > newest.not_after - RESPONDER_LIFE / 3


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
    newest = next(iter(issued_of(f"responder/{authority_id}", limit=1)), None)
    if pem is None or newest is None:
        raise NotFound(f"there is no responder for the authority {authority_id}", field="authority")
    certificate, key = _responder(newest.serial, newest.chain_pem)
    return ocsp.answer(
        request,
        authority_certificate=_certificate(pem),
        responder=ocsp.Responder(certificate=certificate, key=key),
        look_up=lambda serial: _status(authority_id, serial),
        at=now(),
        life=ANSWER_LIFE,
    )


def _status(authority_id: str, serial: int) -> ocsp.Status:
    found = issued(f"{serial:x}")
    if found is None or found.authority != authority_id:
        return ocsp.Status(state="unknown")
    if found.revoked_at is None:
        return ocsp.Status(state="good")
    return ocsp.Status(state="revoked", revoked_at=found.revoked_at, reason=found.revoked_reason)


@lru_cache(maxsize=64)
def _responder(serial: str, chain_pem: str) -> tuple[x509.Certificate, PrivateKey]:
    stored = sealed_key_of(serial)
    if stored is None:
        raise NotFound(f"the responder {serial} has no key", field="authority")
    return _certificate(chain_pem), opened_key(stored, context=of_issued(serial))


@lru_cache(maxsize=64)
def _certificate(pem: str) -> x509.Certificate:
    return chain_from_pem(pem, field="pem")[0]
