"""What verifiers of certificates ask for, over plain HTTP and without a sign-in: lists, answers, roots."""

import base64
import binascii
import hashlib
from datetime import datetime, timedelta
from urllib.parse import unquote
from uuid import UUID

import structlog
from cryptography import x509
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseNotModified
from django.utils.http import http_date
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST, require_safe

from governance.kernel.clock import now
from governance.kernel.errors import NotFound, Unavailable
from governance.pki.ocsp import MAX_REQUEST_BYTES
from governance.pki.queries.authorities import pem_of, revocation_list, roots_pem
from governance.pki.responder import answer
from governance.pki.revoked import LIST_LIFE

CRL, OCSP_ASKED, OCSP_ANSWER = "application/pkix-crl", "application/ocsp-request", "application/ocsp-response"
PEM = "application/pem-certificate-chain"
log = structlog.get_logger(__name__)

# How long a cache may keep an answer: a revocation is signed at once, and must not wait in caches for half a day.
KEPT = timedelta(minutes=5)


@require_safe
def crl(request: HttpRequest, authority: UUID) -> HttpResponse:
    """The revocation list of an authority, in DER (RFC 5280, section 4.2.1.13)."""
    der = revocation_list(str(authority))
    if der is None:
        raise Http404
    signed_at = x509.load_der_x509_crl(der).last_update_utc
    return _kept(request, der, CRL, changed_at=signed_at, until=signed_at + LIST_LIFE / 2)


@csrf_exempt
@require_POST
def ocsp_posted(request: HttpRequest, authority: UUID) -> HttpResponse:
    """The answer to a question in the body (RFC 6960, appendix A.1)."""
    if request.content_type != OCSP_ASKED:
        return HttpResponse(f"send {OCSP_ASKED}\n", status=415, content_type="text/plain")
    if int(request.META.get("CONTENT_LENGTH") or 0) > MAX_REQUEST_BYTES:
        said = f"a question has at most {MAX_REQUEST_BYTES} bytes\n"
        return HttpResponse(said, status=413, content_type="text/plain")
    return _answered(authority, request.body)


@require_safe
def ocsp_asked(request: HttpRequest, authority: UUID, question: str) -> HttpResponse:
    """The answer to a question in the address, in base64 (RFC 6960, appendix A.1); caches may keep it."""
    try:
        asked = base64.b64decode(unquote(question), validate=True)
    except (binascii.Error, ValueError):
        asked = b""  # what is no base64 is no question either, and answered as such
    at = now()
    response = _answered(authority, asked)
    return _dated(response, changed_at=at) if response.status_code == 200 else response


@require_safe
def roots(request: HttpRequest) -> HttpResponse:
    """The roots that are trusted at the moment."""
    return _kept(request, roots_pem().encode(), PEM)


@require_safe
def certificate(request: HttpRequest, authority: UUID) -> HttpResponse:
    """The certificate of an authority."""
    pem = pem_of(str(authority))
    if pem is None:
        raise Http404
    return _kept(request, pem.encode(), PEM)


def _answered(authority: UUID, question: bytes) -> HttpResponse:
    try:
        return HttpResponse(answer(str(authority), question), content_type=OCSP_ANSWER)
    except NotFound:
        raise Http404 from None
    except Unavailable as refusal:
        log.warning("a question about a certificate cannot be answered", authority=str(authority), reason=str(refusal))
        return HttpResponse("try later\n", status=503, headers={"Retry-After": "60"}, content_type="text/plain")


def _kept(
    request: HttpRequest,
    content: bytes,
    kind: str,
    *,
    changed_at: datetime | None = None,
    until: datetime | None = None,
) -> HttpResponse:
    """`content` for caches; who has it already is told so."""
    tag = f'"{hashlib.sha256(content).hexdigest()[:32]}"'
    known = request.headers.get("If-None-Match", "")
    response = (
        HttpResponseNotModified()
        if known == "*" or tag in (each.strip().removeprefix("W/") for each in known.split(","))
        else HttpResponse(content, content_type=kind)
    )
    response.headers["ETag"] = tag
    return _dated(response, changed_at=changed_at, until=until)


def _dated(response: HttpResponse, *, changed_at: datetime | None, until: datetime | None = None) -> HttpResponse:
    """Say until when a cache may keep it: for KEPT, but never beyond `until`."""
    left = min(KEPT, until - now()) if until else KEPT
    response.headers["Cache-Control"] = f"public, max-age={max(0, int(left.total_seconds()))}"
    if changed_at:
        response.headers["Last-Modified"] = http_date(changed_at.timestamp())
    return response
