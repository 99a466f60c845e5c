"""Who a program is: a directory with its certificate, its key and the roots that it trusts."""

import hashlib
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import httpx
from cryptography.hazmat.primitives.hashes import SHA256

from gateway.tls.directory import publish, read_set
from gateway.tls.pair import Pair, check_pair
from gateway.tls.watcher import CHAIN, KEY, ROOTS, delivered
from governance.kernel.errors import Conflict, Forbidden, GovernanceError, Invalid, TooMany, Unavailable
from governance.pki.keys import PrivateKey, make_key, to_pem
from governance.pki.renewal import spread
from governance.pki.requests import make_request

JOIN_PATH, ROOTS_PATH = "/api/v1/workloads:join", "/pki/roots.pem"
CALL_S = 15.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """A pair whose certificate has exactly one SPIFFE ID, and the roots to trust."""

    pair: Pair
    roots_pem: bytes

    def __post_init__(self) -> None:
        if len(self.pair.uris) != 1:
            raise Invalid(f"has {len(self.pair.uris)} URIs; an identity has exactly one", field=CHAIN)

    @property
    def uri(self) -> str:
        """The SPIFFE ID."""
        return self.pair.uris[0]

    @property
    def namespace(self) -> str:
        """The namespace in spiffe://<trust domain>/ns/<namespace>/sa/<name>; empty when it is of another form."""
        parts = self.uri.split("/")
        return parts[4] if len(parts) == 7 and parts[3] == "ns" else ""

    @property
    def trust_domain(self) -> str:
        """The trust domain in it."""
        return self.uri.split("/")[2]

    @property
    def renew_at(self) -> datetime:
        """When it is to be renewed: with a third of its life left, spread by its fingerprint."""
        first, last = self.pair.not_before, self.pair.not_after
        return spread((last - first) / 3, first, last, fingerprint=self.pair.chain[0].fingerprint(SHA256()))


def load(directory: Path) -> Identity:
    """The identity in `directory`; NotFound without one, Invalid for one that is broken or has expired."""
    found = delivered(read_set(directory), anchored=True)
    return Identity(pair=found.pair, roots_pem=found.roots_pem)


def store(directory: Path, identity: Identity) -> None:
    """Put `identity` into `directory`, all files at once."""
    publish(
        directory,
        {CHAIN: identity.pair.chain_pem, KEY: identity.pair.key_pem, ROOTS: identity.roots_pem},
    )


def asked(key: PrivateKey) -> bytes:
    """A signing request that leaves it to the control plane to say who we are."""
    return make_request(key)


def granted(key: PrivateKey, chain_pem: bytes, roots_pem: bytes) -> Identity:
    """The answer to a request of ours; Invalid when it is not for our key, or not below the roots that came with it."""
    return Identity(pair=check_pair(chain_pem, to_pem(key), roots_pem=roots_pem), roots_pem=roots_pem)


def join(url: str, token: str, *, roots_sha256: str = "") -> Identity:
    """Make a key, and exchange a join token for its first certificate at the control plane's HTTP address `url`.

    With `roots_sha256` (hex) the roots must be just those: over plain HTTP a stranger could hand out others. Raises
    Forbidden for a token that does not work, Unavailable when nobody answers.
    """
    key = make_key("ECDSA", 256)
    try:
        if roots_sha256:  # before the token is spent, or shown to a stranger
            _check_roots(httpx.get(url.rstrip("/") + ROOTS_PATH, timeout=CALL_S).content, roots_sha256)
        answer = httpx.post(
            url.rstrip("/") + JOIN_PATH, json={"token": token, "csr": asked(key).decode()}, timeout=CALL_S
        )
        body = answer.json()
    except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
        raise Unavailable(f"{url} cannot be asked: {error}") from None
    if answer.status_code != httpx.codes.OK:
        raise _refusal(answer.status_code, str(body.get("detail") or body.get("title") or answer.reason_phrase))
    roots_pem = str(body["roots_pem"]).encode()
    if roots_sha256:
        _check_roots(roots_pem, roots_sha256)
    return granted(key, str(body["chain_pem"]).encode(), roots_pem)


def _check_roots(roots_pem: bytes, roots_sha256: str) -> None:
    if hashlib.sha256(roots_pem).hexdigest() != roots_sha256.lower():
        raise Invalid("the control plane's roots are not those that were expected; nothing was stored", field="roots")


_REFUSED: dict[int, type[GovernanceError]] = {400: Invalid, 403: Forbidden, 409: Conflict, 422: Invalid, 429: TooMany}


def _refusal(status: int, message: str) -> GovernanceError:
    return _REFUSED.get(status, Unavailable)(message)
