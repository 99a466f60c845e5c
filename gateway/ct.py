"""The log of certificates for everybody (C2SP static-ct-api): its tree as files, and the way in of RFC 6962."""

import base64
import ipaddress
import json
import threading
import time
from collections.abc import Callable
from functools import wraps
from typing import Any

import structlog
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import URLPattern, path
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST, require_safe

from governance.kernel.clock import now
from governance.kernel.errors import GovernanceError, Invalid, NotFound, TooMany
from governance.pki.ct import loglist, wire
from governance.pki.ct.misbehaviour import Misbehaved
from governance.pki.ct.own import submission, table, tilefiles
from governance.pki.ct.own.log import NAME, own_log
from governance.pki.ct.own.sequencer import Appended
from governance.pki.ct.tiles import DATA, parse_path
from governance.pki.queries.accepted import accepted_roots

MAX_BODY_BYTES = 128 * 1024
FOREVER, MOMENT, MINUTES = "public, max-age=31536000, immutable", "public, max-age=1", "public, max-age=300"
OCTETS, TEXT = "application/octet-stream", "text/plain; charset=utf-8"
# A client's chains at once, and then per second; what is checked costs 1 ms, and what is new a write.
BURST, RATE, CLIENTS = 30.0, 5.0, 1000
ALL_BURST, ALL_RATE = 300.0, 50.0  # those of all clients together

log = structlog.get_logger(__name__)
View = Callable[..., HttpResponse]


def _answering(view: View) -> View:
    """Say in a sentence what is refused, and nothing of any log but ours."""

    @wraps(view)
    def answer(request: HttpRequest, name: str, **rest: str) -> HttpResponse:
        try:
            if name != NAME:
                raise NotFound(f"there is no log {name}")
            return view(request, **rest)
        except Misbehaved as lie:
            log.error("the log of certificates was altered", kind=lie.kind, reason=lie.message)  # noqa: TRY400
            return HttpResponse("what the log holds does not fit together\n", status=503, content_type=TEXT)
        except GovernanceError as refusal:
            status = {Invalid: 400, NotFound: 404, TooMany: 429}.get(type(refusal), 503)
            response = HttpResponse(f"{refusal}\n", status=status, content_type=TEXT)
            if status in {429, 503}:
                response.headers["Retry-After"] = "5"
            return response

    return answer


def _kept(content: bytes | str, kind: str, until: str, **headers: str) -> HttpResponse:
    return HttpResponse(content, content_type=kind, headers={"Cache-Control": until, **headers})


@require_safe
@_answering
def checkpoint(request: HttpRequest) -> HttpResponse:
    """The newest signed head of the tree."""
    return _kept(table.checkpoint(), TEXT, MOMENT)


@require_safe
@_answering
def tile(request: HttpRequest, place: str) -> HttpResponse:
    """A tile of hashes, or one of entries, which is packed whether or not that was asked for."""
    try:
        wanted = parse_path(f"tile/{place}")
    except Invalid as refusal:
        raise NotFound(refusal.message) from None
    if wanted.level == DATA:
        return _kept(tilefiles.packed(wanted), OCTETS, FOREVER, **{"Content-Encoding": "gzip"})
    return _kept(tilefiles.hashes(wanted), OCTETS, FOREVER)


@require_safe
@_answering
def issuer(request: HttpRequest, fingerprint: str) -> HttpResponse:
    """A certificate above an entry."""
    return _kept(table.issuer(fingerprint), "application/pkix-cert", FOREVER)


@require_safe
@_answering
def as_list(request: HttpRequest) -> HttpResponse:
    """The log as a list of one, in the form in which lists of logs are published."""
    return _kept(loglist.to_json((own_log(),), at=now()), "application/json", MINUTES)


@require_safe
@_answering
def key(request: HttpRequest) -> HttpResponse:
    """The log's public key."""
    pem = own_log().public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    return _kept(pem, "application/x-pem-file", MINUTES)


@require_safe
@_answering
def roots(request: HttpRequest) -> HttpResponse:
    """The roots up to which chains are taken (RFC 6962, section 4.7)."""
    taken = [base64.b64encode(each.public_bytes(Encoding.DER)).decode() for each in accepted_roots()]
    return JsonResponse({"certificates": taken}, headers={"Cache-Control": MINUTES})


@csrf_exempt
@require_POST
@_answering
def add_chain(request: HttpRequest) -> HttpResponse:
    """Log a certificate (RFC 6962, section 4.1)."""
    return _promised(submission.take(_chain(request), pre=False))


@csrf_exempt
@require_POST
@_answering
def add_pre_chain(request: HttpRequest) -> HttpResponse:
    """Log a precertificate (RFC 6962, section 4.2)."""
    return _promised(submission.take(_chain(request), pre=True))


def _promised(told: Appended) -> HttpResponse:
    sct = told.sct
    signature = bytes((sct.hash_algorithm, sct.signature_algorithm)) + wire.opaque(sct.signature, 2)
    return JsonResponse(
        {
            "sct_version": sct.version,
            "id": base64.b64encode(sct.log_id).decode(),
            "timestamp": sct.timestamp_ms,
            "extensions": base64.b64encode(sct.extensions).decode(),
            "signature": base64.b64encode(signature).decode(),
        }
    )


def _chain(request: HttpRequest) -> list[bytes]:
    """The chain in the body, in DER."""
    pace.admit(request.META.get("REMOTE_ADDR", ""))
    if int(request.META.get("CONTENT_LENGTH") or 0) > MAX_BODY_BYTES:
        raise Invalid(f"the request has more than {MAX_BODY_BYTES} bytes")
    try:
        sent: Any = json.loads(request.body)
        return [base64.b64decode(each, validate=True) for each in _list(sent["chain"])]
    except (ValueError, TypeError, KeyError, RecursionError):
        raise Invalid('the request is not {"chain": [certificates in base64]}') from None


def _list(value: object) -> list[Any]:
    """`value`, which text in quotes is not, though it can be gone through as well."""
    if not isinstance(value, list):
        raise TypeError
    return value


class Pace:
    """How fast chains may be handed in: a burst, then so much a second, by each client and by all of them.

    Of the clients, those that came last are known.
    """

    def __init__(self) -> None:
        self._left: dict[str, _Left] = {}
        self._all: _Left = ALL_BURST, time.monotonic()
        self._lock = threading.Lock()

    def admit(self, address: str) -> None:
        """Count one chain; raises TooMany when that is one too many."""
        client, at = _client(address), time.monotonic()
        with self._lock:
            left = _filled(self._left.pop(client, (BURST, at)), at, most=BURST, rate=RATE)
            self._left[client] = (left - 1, at) if left >= 1 else (left, at)
            while len(self._left) > CLIENTS:
                del self._left[next(iter(self._left))]
            if left < 1:
                raise TooMany(f"only {RATE:.0f} chains a second are taken from one client")
            left = _filled(self._all, at, most=ALL_BURST, rate=ALL_RATE)
            self._all = (left - 1, at) if left >= 1 else (left, at)
            if left < 1:
                raise TooMany(f"only {ALL_RATE:.0f} chains a second are taken")


_Left = tuple[float, float]  # how many chains are left, and when that was


def _filled(before: _Left, at: float, *, most: float, rate: float) -> float:
    left, since = before
    return min(most, left + (at - since) * rate)


def _client(address: str) -> str:
    """Whom an address stands for: with IPv6 it is a network of 64 bits that somebody has, and not one address."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return address
    if found.version == 4:
        return str(found)
    return str(found.ipv4_mapped or ipaddress.ip_network((int(found), 64), strict=False))


pace = Pace()

urlpatterns: list[URLPattern] = [
    path("checkpoint", checkpoint),
    path("tile/<path:place>", tile),
    path("issuer/<slug:fingerprint>", issuer),
    path("log.v3.json", as_list),
    path("log.pem", key),
    path("ct/v1/add-chain", add_chain),
    path("ct/v1/add-pre-chain", add_pre_chain),
    path("ct/v1/get-roots", roots),
]
