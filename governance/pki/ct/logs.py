"""A log: its key, who runs it, and what it may be believed at which time; pure."""

import hashlib
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Literal, get_args

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.serialization import load_der_public_key

from governance.kernel.errors import Invalid

LogKind = Literal["static", "rfc6962"]
StateName = Literal["pending", "qualified", "usable", "readonly", "retired", "rejected"]
Source = Literal["own", "pinned", "listed"]
LogKey = ec.EllipticCurvePublicKey | rsa.RSAPublicKey
KINDS: tuple[LogKind, ...] = get_args(LogKind)
STATE_NAMES: tuple[StateName, ...] = get_args(StateName)

# The numbers of SHA-256, RSA and ECDSA in TLS (RFC 5246, 7.4.1.4.1), the only ones for a log (RFC 6962, 2.1.4).
SHA256, RSA, ECDSA = 4, 1, 3

# Logs whose private keys are published. Chrome put them on the lists that it serves to other people's programs, so
# that whoever trusts every key on such a list accepts forged SCTs (3p_libraries.md of Chrome's CT documents, 2026).
MIMICS = frozenset(
    (
        bytes.fromhex("f44195d6f00e2db55435cadd577892e53e15ad417058f878e14ff6b918741589"),
        bytes.fromhex("b22f7edeb5af6afe503de04081b2d74c12538492fedf2cb2a526503cef53ced2"),
    )
)

# A list tells only the present state. A log that is no longer written to was usable before; of one that is pending
# or rejected nothing can be said, and it is not believed.
_BEFORE: dict[StateName, StateName] = {"usable": "qualified", "readonly": "usable", "retired": "usable"}
_MIN_RSA_BITS = 2048
_SHA256, _ECDSA_SHA256, _PKCS1 = hashes.SHA256(), ec.ECDSA(hashes.SHA256()), padding.PKCS1v15()


@dataclass(frozen=True, slots=True)
class LogState:
    """What a log became, and when."""

    name: StateName
    at: datetime

    def __post_init__(self) -> None:
        if self.name not in STATE_NAMES:
            raise Invalid(f"is {self.name}; a log is {', '.join(STATE_NAMES)}", field="state")


@dataclass(frozen=True, slots=True)
class PreviousOperator:
    """Who ran a log, until when."""

    name: str
    until: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Log:
    """One log, as we run it ourselves ("own"), as somebody here named it ("pinned") or as it stands in a list.

    `key_der` is the SubjectPublicKeyInfo and `log_id` its SHA-256. `states` are those known, in any order; none is
    "usable" for a log that was not taken from a list. `interval` is half open and bounds the not-after of what the
    log takes. A read-only log's list says with `final_size` and `final_root` how it ends.
    """

    log_id: bytes
    key_der: bytes
    description: str = ""
    operator: str = ""
    kind: LogKind = "static"
    submission_url: str = ""
    monitoring_url: str = ""
    mmd_s: int = 60
    states: tuple[LogState, ...] = ()
    interval: tuple[datetime, datetime] | None = None
    previous_operators: tuple[PreviousOperator, ...] = ()
    final_size: int | None = None
    final_root: bytes | None = None
    source: Source = "listed"
    is_test: bool = False

    def __post_init__(self) -> None:
        if self.log_id != log_id_of(self.key_der):
            raise Invalid("is not the SHA-256 of the log's key", field="log_id")
        if self.kind not in KINDS:
            raise Invalid(f"is {self.kind}; a log is {' or '.join(KINDS)}", field="kind")
        if self.interval and self.interval[0] >= self.interval[1]:
            raise Invalid("ends before it starts", field="interval")

    @property
    def origin(self) -> str:
        """The name in the log's checkpoints (static-ct-api): where to submit, without scheme and final slash."""
        return self.submission_url.partition("://")[2].rstrip("/")

    @property
    def is_denied(self) -> bool:
        """Whether nothing that this log signs is believed, whatever a list says of it."""
        return self.is_test or self.log_id in MIMICS

    def state(self, at: datetime) -> LogState | None:
        """The state in force at that time and since when; None before the first one that is known."""
        known = [state for state in self.states if state.at <= at]
        return max(known, key=lambda state: state.at) if known else None

    def state_at(self, at: datetime) -> StateName:
        """The name of the state at that time; before the first one that is known, what that one tells of the past."""
        if not self.states:
            return "pending" if self.source == "listed" else "usable"
        if state := self.state(at):
            return state.name
        first = min(self.states, key=lambda state: state.at)
        return _BEFORE.get(first.name, "pending")

    def operator_at(self, at: datetime) -> str:
        """Who ran the log at that time."""
        later = [previous for previous in self.previous_operators if at < previous.until]
        return min(later, key=lambda previous: previous.until).name if later else self.operator

    def covers(self, not_after: datetime) -> bool:
        """Whether the log takes certificates that end then."""
        return self.interval is None or self.interval[0] <= not_after < self.interval[1]

    def public_key(self) -> LogKey:
        """The key, read once for all logs that have it; raises Invalid when it is not one that RFC 6962 allows."""
        return _key(self.key_der)

    def verify(self, signature: bytes, data: bytes, hash_alg: int = SHA256, sig_alg: int = ECDSA) -> None:
        """Raise Invalid unless the log's key made the signature over `data`, with these algorithms of TLS."""
        key = _key(self.key_der)
        expected = ECDSA if isinstance(key, ec.EllipticCurvePublicKey) else RSA
        if (hash_alg, sig_alg) != (SHA256, expected):
            raise Invalid(f"is signed with algorithms {hash_alg} and {sig_alg}, not {SHA256} and {expected}")
        try:
            if isinstance(key, ec.EllipticCurvePublicKey):
                key.verify(signature, data, _ECDSA_SHA256)
            else:
                key.verify(signature, data, _PKCS1, _SHA256)
        except InvalidSignature:
            raise Invalid(f"is not signed by the key of {self.description or self.log_id.hex()}") from None


def log_id_of(key_der: bytes) -> bytes:
    """What names a log: the SHA-256 of its SubjectPublicKeyInfo (RFC 6962, section 3.2)."""
    return hashlib.sha256(key_der).digest()


@lru_cache(maxsize=4096)
def _key(key_der: bytes) -> LogKey:
    """Reading a key takes longer than verifying with it, hence once for each."""
    try:
        key = load_der_public_key(key_der)
    except (ValueError, UnsupportedAlgorithm):
        raise Invalid("is not a public key in DER", field="key") from None
    if isinstance(key, ec.EllipticCurvePublicKey) and isinstance(key.curve, ec.SECP256R1):
        return key
    if isinstance(key, rsa.RSAPublicKey) and key.key_size >= _MIN_RSA_BITS:
        return key
    raise Invalid(f"is no key for a log; that is P-256, or RSA of {_MIN_RSA_BITS} bits or more", field="key")
