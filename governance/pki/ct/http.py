"""Logs over HTTP: how each is read, and how a certificate is handed in (RFC 6962, sections 4.1 and 4.2)."""

import base64
from collections.abc import Sequence

import httpx

from governance.kernel.errors import Invalid, Unavailable
from governance.pki.ct.answers import Answer
from governance.pki.ct.fetching import ANSWER, Door, Pace, make_client, name_of
from governance.pki.ct.logs import Log
from governance.pki.ct.reading import LogView
from governance.pki.ct.rfc6962_view import Rfc6962View
from governance.pki.ct.sct import Sct
from governance.pki.ct.static_view import StaticView
from governance.pki.ct.wire import Reader

__all__ = ["Rfc6962View", "StaticView", "make_client", "submit", "view_of"]

MOST_SCT_BYTES = 2048  # those of today have 120 to 560; its extensions are as long as the log likes, and signed


def view_of(log: Log, client: httpx.Client, *, pace: Pace | None = None) -> LogView:
    """The log as it is read, by whichever way it is of."""
    return StaticView(log, client, pace=pace) if log.kind == "static" else Rfc6962View(log, client, pace=pace)


def submit(log: Log, chain_der: Sequence[bytes], client: httpx.Client, *, pre: bool, pace: Pace | None = None) -> Sct:
    """Hand in a certificate, or with `pre` a precertificate, and what is above it; the log's promise.

    The same chain again brings the same promise, or another as good. The promise is read and not verified: that it is
    signed and about this entry says `check_sct`. Raises Unavailable, with the log's own words, when it refuses.
    """
    verb = "add-pre-chain" if pre else "add-chain"
    content = {"chain": [base64.b64encode(certificate).decode() for certificate in chain_der]}
    data = Door(log, client, pace=pace).post(log.submission_url, f"ct/v1/{verb}", ANSWER, content=content)
    what = f"{name_of(log)} answered {verb} with"
    answer = Answer.read(data, what)
    if answer.number("sct_version") != 0:
        raise Unavailable(f"{what} an SCT of another version than 1")
    if answer.octets("id", length=32) != log.log_id:
        raise Unavailable(f"{what} an SCT of some other log")
    try:
        signed = Reader(answer.octets("signature"), what="the signature")
        sct = Sct(
            log_id=log.log_id,
            timestamp_ms=answer.number("timestamp"),
            extensions=answer.octets("extensions"),
            hash_algorithm=signed.uint8(),
            signature_algorithm=signed.uint8(),
            signature=signed.opaque(2),
        )
        signed.end()
    except Invalid as refusal:
        raise Unavailable(f"{what} an SCT that cannot be read: {refusal.message}") from None
    if len(sct.extensions) + len(sct.signature) > MOST_SCT_BYTES:
        raise Unavailable(f"{what} an SCT of more than {MOST_SCT_BYTES} bytes, which would be in every handshake")
    return sct
