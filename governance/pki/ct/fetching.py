"""Reads from logs over HTTP without trusting what comes: bounded in size and time, and no faster than they allow."""

import email.utils
import math
import ssl
import threading
import time
import zlib
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import httpx

from governance.kernel.errors import NotFound, Unavailable
from governance.pki.ct import deadline
from governance.pki.ct.logs import Log

KIB, MIB = 1024, 1024 * 1024
_EXCERPT_BYTES = 300


@dataclass(frozen=True, slots=True)
class Body:
    """A kind of answer, and how large it may be once it is unpacked."""

    name: str
    cap_bytes: int


# 16 signatures of 5 KB each, in base64, are what readers of notes must take (signed-note).
CHECKPOINT = Body("checkpoint", 256 * KIB)
HASHES = Body("tile of hashes", 8 * KIB)
# 256 entries; those of public logs have about 3 KB each, and the largest chain that they take has some 100 KB.
ENTRIES = Body("tile of entries", 32 * MIB)
CERTIFICATE = Body("issuer", 256 * KIB)
ANSWER = Body("answer", 256 * KIB)
PAGE = Body("page of entries", 48 * MIB)  # the same as ENTRIES, in base64


def make_client(
    *, timeout_s: float = 10.0, proxy: str | None = None, verify: ssl.SSLContext | None = None
) -> httpx.Client:
    """The client with which logs are read and written; whoever makes it closes it. It may be shared by threads.

    It follows no redirect: where a log is read says its list, and an answer from elsewhere would be laid to its
    charge. It reads no proxy, certificate or password from the environment: the environment is read once, at the
    start, and `proxy` and `verify` passed down from there. What is asked within `deadline.within` ends in that time.
    """
    limits = httpx.Limits(max_connections=16, max_keepalive_connections=8)
    return httpx.Client(
        timeout=httpx.Timeout(timeout_s),
        follow_redirects=False,
        trust_env=False,
        transport=deadline.Transport(verify=verify or True, trust_env=False, proxy=proxy, limits=limits),
        headers={"user-agent": "governor-ct", "accept-encoding": "gzip, identity"},
    )


class Pace:
    """How fast one log may be asked: a burst, then so many requests per second, and nothing while it wants rest."""

    def __init__(
        self,
        *,
        per_s: float = 20.0,
        burst: int = 100,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], object] = time.sleep,
    ) -> None:
        self._per_s, self._burst, self._clock, self._sleep = per_s, float(burst), clock, sleep
        self._left, self._at = float(burst), clock()
        self._rest_until = 0.0
        self._lock = threading.Lock()

    def wait(self, name: str) -> None:
        """Return when the next request may be made; raises Unavailable at once while the log wants rest."""
        with self._lock:
            at = self._clock()
            if at < self._rest_until:
                raise Unavailable(f"{name} asked not to be asked again for {self._rest_until - at:.0f} s")
            self._left = min(self._burst, self._left + (at - self._at) * self._per_s) - 1
            self._at = at
            delay = -self._left / self._per_s
        if delay > 0:
            self._sleep(delay)

    def rest(self, seconds: float) -> None:
        """Ask nothing for so long."""
        with self._lock:
            self._rest_until = max(self._rest_until, self._clock() + seconds)


_PACES: dict[bytes, Pace] = {}
_DEFAULT_REST_S, _MAX_REST_S = 10.0, 3600.0


def pace_of(log: Log) -> Pace:
    """The pace of a log, which all that read it in this process share."""
    return _PACES.setdefault(log.log_id, Pace())


def name_of(log: Log) -> str:
    """What messages call the log."""
    return f"the log {log.description or log.origin or log.log_id.hex()}"


class Door:
    """The one way to a log's URLs; every failure is Unavailable, and says which log and what was wrong.

    `deadline_s` bounds the whole of it, from the connection to the last byte: a timeout per read does not.
    """

    def __init__(self, log: Log, client: httpx.Client, *, pace: Pace | None = None, deadline_s: float = 60.0) -> None:
        self.name = name_of(log)
        self._client, self._pace, self._deadline_s = client, pace or pace_of(log), deadline_s

    def get(self, base: str, path: str, body: Body, *, absent: Collection[int] = (404, 410), **query: Any) -> bytes:
        """What is at `path` under `base`; raises NotFound for the codes of `absent`."""
        request = self._request("GET", base, path, params=query or None)
        status, data = self._exchange(request, path, body)
        if status in absent:
            raise NotFound(f"{self.name} has no {body.name} at {path}")
        if status != httpx.codes.OK:
            raise Unavailable(f"{self.name} answered {status} for {path}{_excerpt(data)}")
        return data

    def post(self, base: str, path: str, body: Body, *, content: Mapping[str, Any]) -> bytes:
        """The answer to `content` as JSON."""
        status, data = self._exchange(self._request("POST", base, path, json=content), path, body)
        if status != httpx.codes.OK:
            raise Unavailable(f"{self.name} answered {status} to {path}{_excerpt(data)}")
        return data

    def _request(self, method: str, base: str, path: str, **content: Any) -> httpx.Request:
        try:
            return self._client.build_request(method, f"{base.rstrip('/')}/{path}", **content)
        except (httpx.InvalidURL, ValueError, TypeError):
            raise Unavailable(f"{self.name} has no address that can be used: {base[:200]!r}") from None

    def _exchange(self, request: httpx.Request, path: str, body: Body) -> tuple[int, bytes]:
        self._pace.wait(self.name)
        ends_at = math.inf
        try:
            with deadline.within(self._deadline_s) as ends_at:
                return self._answer(request, path, body)
        except httpx.TimeoutException:
            if time.monotonic() >= ends_at:
                raise Unavailable(f"{self.name} did not finish {path} in the time that it has") from None
            raise Unavailable(f"{self.name} did not answer in time for {path}") from None
        except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError) as error:
            why = str(error) or type(error).__name__
            raise Unavailable(f"{self.name} cannot be read at {path}: {why}") from None

    def _answer(self, request: httpx.Request, path: str, body: Body) -> tuple[int, bytes]:
        response = self._client.send(request, stream=True)
        try:
            self._heed(response, path)
            if response.status_code != httpx.codes.OK:  # whatever page comes with it, its beginning will do
                return response.status_code, next(response.iter_raw(), b"")[:_EXCERPT_BYTES]
            return response.status_code, self._read(response, path, body)
        finally:
            response.close()

    def _heed(self, response: httpx.Response, path: str) -> None:
        """Refuse what leads elsewhere, and rest when the log wants it."""
        if response.is_redirect:
            raise Unavailable(f"{self.name} answered {response.status_code} for {path}; redirects are not followed")
        if response.status_code in {429, 503}:
            rest_s = _rest_s(response.headers.get("retry-after", ""))
            self._pace.rest(rest_s)
            raise Unavailable(f"{self.name} answered {response.status_code} and wants no request for {rest_s:.0f} s")

    def _read(self, response: httpx.Response, path: str, body: Body) -> bytes:
        try:
            unpacked = _Unpacked(response.headers.get("content-encoding", ""), body.cap_bytes)
            for chunk in response.iter_raw():  # as it arrives: a chunk of some size would be waited for without end
                unpacked.add(chunk)
            return unpacked.end()
        except _Spoilt as spoilt:
            raise Unavailable(f"{self.name} serves a {body.name} at {path} that {spoilt}") from None


class _Spoilt(Exception):
    """Why an answer cannot be read, as the end of a sentence."""


class _Unpacked:
    """An answer as it grows; logs may pack with gzip what they like, whether they were asked or not (static-ct-api)."""

    def __init__(self, encoding: str, cap_bytes: int) -> None:
        packed = encoding.strip().lower()
        if packed not in {"", "identity", "gzip", "x-gzip"}:
            raise _Spoilt(f"is packed as {packed[:40]!r}, and only gzip is read")
        self._gzip = zlib.decompressobj(wbits=31) if packed.endswith("gzip") else None
        self._cap_bytes, self._received_bytes, self._data = cap_bytes, 0, bytearray()

    def add(self, chunk: bytes) -> None:
        """Take the next bytes; never unpacks more than one byte over the cap."""
        self._received_bytes += len(chunk)
        if self._gzip is not None:
            if self._gzip.eof:
                raise _Spoilt("goes on after the end of its gzip")
            try:
                chunk = self._gzip.decompress(chunk, self._cap_bytes - len(self._data) + 1)
            except zlib.error:
                raise _Spoilt("is no gzip, as which it is marked") from None
        self._data += chunk
        if max(len(self._data), self._received_bytes) > self._cap_bytes:
            raise _Spoilt(f"is larger than {self._cap_bytes} bytes")

    def end(self) -> bytes:
        """All of it."""
        if self._gzip is not None and not self._gzip.eof:
            raise _Spoilt("ends before its gzip does")
        if self._gzip is not None and self._gzip.unused_data:
            raise _Spoilt("goes on after the end of its gzip")
        return bytes(self._data)


def _rest_s(header: str) -> float:
    """Seconds that a Retry-After header asks for (RFC 9110, section 10.2.3), within 1 s to 1 h."""
    text = header.strip()
    if text.isascii() and text.isdigit() and len(text) < 10:
        seconds = float(text)
    else:
        try:
            at = email.utils.parsedate_to_datetime(text)
            seconds = (at - datetime.now(UTC)).total_seconds()
        except (ValueError, TypeError):
            seconds = _DEFAULT_REST_S
    return min(max(seconds, 1.0), _MAX_REST_S)


def _excerpt(data: bytes) -> str:
    """The beginning of what a log says about a refusal, on one line."""
    text = " ".join(
        "".join(c if c.isprintable() else " " for c in data[:_EXCERPT_BYTES].decode(errors="replace")).split()
    )
    return f": {text[:200]}" if text else ""
