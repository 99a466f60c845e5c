"""What `govctl cert request` asks for: a spec from a file, from what stands, and from words."""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from google.protobuf.json_format import ParseDict, ParseError

from gateway.cli.failures import USAGE, Failure
from gateway.proto import certificate_pb2 as pb

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
_LENGTH = re.compile(r"(\d{1,9})([smhd]?)")
DURATION_HELP = "Such as 90d, 24h or 3600 (seconds)."


def seconds(text: str, option: str) -> int:
    """A length of time as seconds; Failure when it is none."""
    match = _LENGTH.fullmatch(text.strip())
    if match is None or int(match[1]) * _UNITS[match[2] or "s"] >= 2**31:
        raise Failure(f"{option} {text}: give it as 90d, 24h, 30m or seconds", USAGE)
    return int(match[1]) * _UNITS[match[2] or "s"]


def length(duration_s: int) -> str:
    """A length of time for people, with the exact seconds where these are not whole days or hours."""
    for unit, name in ((86_400, "d"), (3600, "h"), (60, "m")):
        if duration_s and duration_s % unit == 0:
            return f"{duration_s // unit}{name}"
    return f"{duration_s}s"


def spec_in(path: Path) -> pb.CertificateSpec:
    """The spec in a JSON file, with the fields that the API has; Failure names what cannot be used."""
    try:
        found: Any = json.loads(path.read_text())
    except (OSError, UnicodeDecodeError) as error:
        raise Failure(f"cannot read {path}: {getattr(error, 'strerror', None) or 'not text'}", USAGE) from None
    except ValueError as error:
        raise Failure(f"{path} is not JSON: {error}", USAGE) from None
    if not isinstance(found, Mapping):
        raise Failure(f"{path} must hold a JSON object", USAGE)
    given = {name: value for name, value in found.items() if value is not None}
    try:
        return ParseDict(given.get("spec", given), pb.CertificateSpec())
    except ParseError as error:
        raise Failure(f"{path}: {error}", USAGE) from None


def window_of(text: str) -> pb.RenewalWindow:
    """A window from "0 2 * * 6 for 4h" or "0 2 * * 6 for 4h in Europe/Berlin"."""
    cron, sign, rest = text.partition(" for ")
    how_long, _, timezone = rest.partition(" in ")
    if not sign:
        raise Failure(f"--window {text}: give it as '0 2 * * 6 for 4h' or '0 2 * * 6 for 4h in Europe/Berlin'", USAGE)
    return pb.RenewalWindow(
        cron=cron.strip(), duration_s=seconds(how_long, "--window"), timezone=timezone.strip() or "UTC"
    )


_LISTS = {"dns": "dns_names", "uri": "uris", "ip": "ip_addresses", "consumer": "consumers", "usage": "usages"}
_WORDS = ("common_name", "issuer", "secret_name")


def apply(spec: pb.CertificateSpec, given: Mapping[str, Any]) -> None:
    """Put the options of the command line, by their names, in the place of what `spec` says.

    None was not given, and no more was an empty list; an empty text in a list empties it.
    """
    for option, field in _LISTS.items():
        if given[option]:
            spec.ClearField(field)  # type: ignore[arg-type]  # they are names of its fields
            getattr(spec, field).extend(value for value in given[option] if value)
    for field in _WORDS:
        if given[field] is not None:
            setattr(spec, field, given[field])
    if given["window"]:
        spec.ClearField("windows")
        spec.windows.extend(window_of(each) for each in given["window"] if each)
    if given["duration"] is not None:
        spec.duration_s = seconds(given["duration"], "--duration")
    _apply_renewal(spec, given)
    _apply_key(spec, given)


def _apply_renewal(spec: pb.CertificateSpec, given: Mapping[str, Any]) -> None:
    before, before_pct = given["renew_before"], given["renew_before_pct"]
    if before is not None or before_pct is not None:
        spec.ClearField("renew_before_s")
        spec.ClearField("renew_before_pct")
    if before is not None:
        spec.renew_before_s = seconds(before, "--renew-before")
    if before_pct is not None:
        spec.renew_before_pct = before_pct
    if given["renewal"] is not None:
        spec.renewal = "RenewBefore" if given["renewal"] else "Disabled"


def _apply_key(spec: pb.CertificateSpec, given: Mapping[str, Any]) -> None:
    if given["key"] is not None:
        algorithm, _, bits = given["key"].partition(":")
        if not algorithm or not (bits.isdigit() or not bits):
            raise Failure(f"--key {given['key']}: give it as ECDSA:256 or RSA:2048", USAGE)
        spec.private_key.algorithm, spec.private_key.size = algorithm, int(bits or 0)
    if given["new_key"] is not None:
        spec.private_key.rotation_policy = "Always" if given["new_key"] else "Never"
