"""Lists of logs as Chrome publishes them (log list v3): read, checked, and written for our own; pure."""

import base64
import binascii
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from governance.kernel.errors import Invalid
from governance.pki.ct.logs import MIMICS, STATE_NAMES, Log, LogKind, LogState, PreviousOperator, Source

__all__ = ["MIMICS", "LogList", "check_signature", "openssl_conf", "read", "to_json"]

MAX_BYTES = 4 * 1024 * 1024  # Chrome's list of all logs ever has about 250 kB
MAX_AGE = timedelta(days=70)  # Chrome stops enforcing on an older list, and asks others to do likewise
MAX_MMD = timedelta(days=30)  # those that are in use are 60 s and 24 h; whoever takes more promises nothing
_UNTIL_THE_END = 2**53  # beyond it, JSON's numbers are not whole everywhere


@dataclass(frozen=True, slots=True)
class LogList:
    """The logs of one list, in its order; `at` is when it was made."""

    version: str
    at: datetime
    logs: tuple[Log, ...]

    def is_stale(self, at: datetime) -> bool:
        """Whether the list is too old to be trusted; that calls for an alarm, never for an outage."""
        return at - self.at > MAX_AGE


@dataclass(frozen=True, slots=True)
class _Place:
    """A part of the list, and the path that leads to it, so that a refusal can say where it is wrong."""

    value: Any
    path: str

    def wrong(self, message: str) -> Invalid:
        return Invalid(f"{self.path or 'the list'} {message}", field=self.path)

    def as_object(self) -> dict[str, Any]:
        if not isinstance(self.value, dict):
            raise self.wrong("is not an object")
        return self.value

    def get(self, name: str) -> "_Place | None":
        """What stands under `name`; None when nothing does."""
        value = self.as_object().get(name)
        return None if value is None else _Place(value, f"{self.path}.{name}" if self.path else name)

    def need(self, name: str) -> "_Place":
        found = self.get(name)
        if found is None:
            raise self.wrong(f"has no {name}")
        return found

    def items(self, name: str) -> "Iterator[_Place]":
        """The parts of the list under `name`, none when there is no such list."""
        found = self.get(name)
        if found is None:
            return
        if not isinstance(found.value, list):
            raise found.wrong("is not a list")
        for index, value in enumerate(found.value):
            yield _Place(value, f"{found.path}[{index}]")

    def text(self) -> str:
        if not isinstance(self.value, str):
            raise self.wrong("is not a text")
        return self.value

    def number(self) -> int:
        if type(self.value) is not int or not 0 <= self.value < _UNTIL_THE_END:
            raise self.wrong("is not a whole number of 0 or more")
        return self.value

    def duration_s(self, most: timedelta) -> int:
        seconds = self.number()
        if seconds > most.total_seconds():
            raise self.wrong(f"is more than {most.total_seconds():.0f} s")
        return seconds

    def time(self) -> datetime:
        try:
            time = datetime.fromisoformat(self.text())
            if time.tzinfo is None:
                raise self.wrong("is a time without a time zone")
            return time.astimezone(UTC)
        except (ValueError, OverflowError):  # the latter for the first and the last hours that there are
            raise self.wrong("is not a time") from None

    def octets(self) -> bytes:
        try:
            return base64.b64decode(self.text(), validate=True)
        except (binascii.Error, ValueError):
            raise self.wrong("is not base64") from None


def read(data: bytes, *, source: Source) -> LogList:
    """Read a list; raises Invalid that names the place when any part of it that is needed is wrong.

    Fields that are not known are passed over, as the list's own notes ask. Test logs and logs whose private keys are
    published come with the others and are denied, so that an SCT of theirs is not merely of an unknown log.
    """
    if len(data) > MAX_BYTES:
        raise Invalid(f"the list has {len(data)} bytes; at most {MAX_BYTES} are read")
    try:
        whole = _Place(json.loads(data), "")
    except (ValueError, RecursionError):
        raise Invalid("the list is not JSON") from None
    version = whole.get("version")
    logs = tuple(log for operator in _operators(whole) for log in _logs(operator, source))
    seen: set[bytes] = set()
    for log in logs:
        if log.log_id in seen:
            raise Invalid(f"operators have the log {log.description} twice", field="operators")
        seen.add(log.log_id)
    return LogList(version.text() if version else "", whole.need("log_list_timestamp").time(), logs)


def _operators(whole: _Place) -> Iterator[_Place]:
    whole.need("operators")
    return whole.items("operators")


def _logs(operator: _Place, source: Source) -> Iterator[Log]:
    name = operator.need("name").text()
    for place in operator.items("logs"):
        url = place.need("url").text()
        yield _log(place, operator=name, kind="rfc6962", urls=(url, url), source=source)
    for place in operator.items("tiled_logs"):
        urls = place.need("submission_url").text(), place.need("monitoring_url").text()
        yield _log(place, operator=name, kind="static", urls=urls, source=source)


def _log(place: _Place, *, operator: str, kind: LogKind, urls: tuple[str, str], source: Source) -> Log:
    description, log_type = place.get("description"), place.get("log_type")
    size, root = _final(place)
    try:
        log = Log(
            log_id=place.need("log_id").octets(),
            key_der=place.need("key").octets(),
            description=description.text() if description else "",
            operator=operator,
            kind=kind,
            submission_url=urls[0],
            monitoring_url=urls[1],
            mmd_s=place.need("mmd").duration_s(MAX_MMD),
            states=_states(place),
            interval=_interval(place),
            previous_operators=tuple(_previous(each) for each in place.items("previous_operators")),
            final_size=size,
            final_root=root,
            source=source,
            is_test=log_type is not None and log_type.text() == "test",
        )
        log.public_key()
    except Invalid as refusal:
        if refusal.field.startswith(place.path):
            raise
        raise Invalid(f"{place.path}.{refusal}", field=f"{place.path}.{refusal.field}") from None
    return log


def _states(place: _Place) -> tuple[LogState, ...]:
    state = place.get("state")
    if state is None:
        return ()
    named = [(name, found) for name in STATE_NAMES if (found := state.get(name))]
    if not named:
        raise state.wrong(f"is none of {', '.join(STATE_NAMES)}")
    return tuple(LogState(name, found.need("timestamp").time()) for name, found in named)


def _final(place: _Place) -> tuple[int | None, bytes | None]:
    """The tree with which a read-only log ends."""
    state = place.get("state")
    readonly = state.get("readonly") if state else None
    final = readonly.get("final_tree_head") if readonly else None
    if final is None:
        return None, None
    root = final.need("sha256_root_hash")
    if len(root.octets()) != 32:
        raise root.wrong("is not a hash of 32 bytes")
    return final.need("tree_size").number(), root.octets()


def _interval(place: _Place) -> tuple[datetime, datetime] | None:
    interval = place.get("temporal_interval")
    return (interval.need("start_inclusive").time(), interval.need("end_exclusive").time()) if interval else None


def _previous(place: _Place) -> PreviousOperator:
    return PreviousOperator(place.need("name").text(), place.need("end_time").time())


def check_signature(data: bytes, signature: bytes, public_key_pem: bytes | str) -> None:
    """Raise Invalid unless the key made the signature over the list, with SHA-256: RSA (PKCS #1) or ECDSA."""
    pem = public_key_pem.encode() if isinstance(public_key_pem, str) else public_key_pem
    try:
        key = load_pem_public_key(pem)
    except (ValueError, UnsupportedAlgorithm):
        raise Invalid("is not a public key in PEM", field="public_key_pem") from None
    try:
        if isinstance(key, rsa.RSAPublicKey):
            key.verify(signature, data, padding.PKCS1v15(), hashes.SHA256())
        elif isinstance(key, ec.EllipticCurvePublicKey):
            key.verify(signature, data, ec.ECDSA(hashes.SHA256()))
        else:
            raise Invalid("is neither an RSA nor an EC key", field="public_key_pem")
    except InvalidSignature:
        raise Invalid("the list is not signed by the key that is pinned for it") from None


def to_json(logs: Sequence[Log], *, at: datetime | None = None, version: str = "1.0") -> str:
    """The logs as a list of version 3, made at `at` or now; of each log's states, the list tells the last one."""
    operators: dict[str, dict[str, Any]] = {}
    for log in logs:
        operator = operators.setdefault(log.operator, {"name": log.operator, "email": [], "logs": [], "tiled_logs": []})
        operator["tiled_logs" if log.kind == "static" else "logs"].append(_as_json(log))
    made = {"version": version, "log_list_timestamp": _time(at or datetime.now(UTC))}
    return json.dumps(made | {"operators": list(operators.values())}, indent=2) + "\n"


def _as_json(log: Log) -> dict[str, Any]:
    urls = {"submission_url": log.submission_url, "monitoring_url": log.monitoring_url}
    entry: dict[str, Any] = {"description": log.description, "log_id": _base64(log.log_id), "key": _base64(log.key_der)}
    entry |= urls if log.kind == "static" else {"url": log.submission_url}
    entry["mmd"] = log.mmd_s
    if log.is_test:
        entry["log_type"] = "test"
    if log.states:
        last = max(log.states, key=lambda state: state.at)
        entry["state"] = {last.name: {"timestamp": _time(last.at)}}
        if last.name == "readonly" and log.final_size is not None and log.final_root is not None:
            final = {"tree_size": log.final_size, "sha256_root_hash": _base64(log.final_root)}
            entry["state"]["readonly"]["final_tree_head"] = final
    if log.interval:
        start, end = log.interval
        entry["temporal_interval"] = {"start_inclusive": _time(start), "end_exclusive": _time(end)}
    if log.previous_operators:
        entry["previous_operators"] = [
            {"name": previous.name, "end_time": _time(previous.until)} for previous in log.previous_operators
        ]
    return entry


def openssl_conf(logs: Sequence[Log]) -> str:
    """The logs as a file for `openssl s_client -ctlogfile`; those that are denied are left out."""
    named = [(f"log{number}", log) for number, log in enumerate((log for log in logs if not log.is_denied), 1)]
    lines = [f"enabled_logs = {','.join(name for name, _ in named)}"]
    for name, log in named:
        lines += ["", f"[{name}]", f"description = {_plain(log.description) or name}", f"key = {_base64(log.key_der)}"]
    return "\n".join(lines) + "\n"


def _plain(text: str) -> str:
    """Without the characters that mean something in an OpenSSL configuration."""
    return "".join(character for character in text if character.isalnum() or character in " .-_/:").strip()


def _time(at: datetime) -> str:
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()
