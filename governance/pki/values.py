"""What is asked of a certificate, checked when it is made; pure. The fields are those of cert-manager's Certificate."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Literal

from governance.kernel.errors import Invalid
from governance.kernel.ids import check_label
from governance.pki.names import check_common_name, check_dns_name, check_ip
from governance.pki.windows import Window

RotationPolicy = Literal["Always", "Never"]
RenewalPolicy = Literal["RenewBefore", "Disabled"]

HOUR_S, DAY_S = 3600, 86_400
DEFAULT_DURATION_S, MIN_DURATION_S, MAX_DURATION_S = 90 * DAY_S, HOUR_S, 825 * DAY_S
MIN_RENEW_BEFORE_S = 300
MAX_NAMES = 100
# What data planes ask for under these names is found by who they are.
RESERVED = ("workload", "trust", "default-certificate")
MAX_CONSUMERS = 200
MAX_HISTORY = 100
USAGES = ("digital signature", "key encipherment", "server auth", "client auth")
DEFAULT_USAGES = ("digital signature", "key encipherment", "server auth", "client auth")
KEY_SIZES: Mapping[str, tuple[int, ...]] = {"ECDSA": (256, 384), "RSA": (2048, 3072, 4096)}
_SPIFFE = re.compile(r"spiffe://[a-z0-9._-]{1,255}(/[A-Za-z0-9._-]+)+")


@dataclass(frozen=True, slots=True, kw_only=True)
class KeySpec:
    """Which key a certificate has. With rotation policy Always each issue makes a new one."""

    algorithm: str = "ECDSA"
    size: int = 256
    rotation_policy: RotationPolicy = "Always"

    def __post_init__(self) -> None:
        if self.algorithm == "Ed25519":
            raise Invalid(
                "Ed25519 is offered by neither gRPC's TLS nor X.509 verification here; use ECDSA or RSA",
                field="private_key.algorithm",
            )
        if self.algorithm not in KEY_SIZES:
            raise Invalid(f"{self.algorithm!r} is not one of {', '.join(KEY_SIZES)}", field="private_key.algorithm")
        if self.size not in KEY_SIZES[self.algorithm]:
            allowed = ", ".join(map(str, KEY_SIZES[self.algorithm]))
            raise Invalid(f"is {self.size}; for {self.algorithm} it is one of {allowed}", field="private_key.size")
        if self.rotation_policy not in ("Always", "Never"):
            raise Invalid("is Always or Never", field="private_key.rotation_policy")


@dataclass(frozen=True, slots=True, kw_only=True)
class CertificateSpec:
    """What its owner wants. `consumers` are the SPIFFE IDs of the workloads that may fetch it with its key.

    `secret_name` is the name under which it is delivered. `renew_before_s` and `renew_before_pct` (of the life)
    exclude each other; without either the renewal starts when a third of the actual life is left.
    """

    secret_name: str
    issuer: str
    duration_s: int = DEFAULT_DURATION_S
    renew_before_s: int | None = None
    renew_before_pct: int | None = None
    renewal: RenewalPolicy = "RenewBefore"
    common_name: str = ""
    dns_names: tuple[str, ...] = ()
    uris: tuple[str, ...] = ()
    ip_addresses: tuple[str, ...] = ()
    usages: tuple[str, ...] = DEFAULT_USAGES
    private_key: KeySpec = field(default_factory=KeySpec)
    revision_history_limit: int = 1
    windows: tuple[Window, ...] = ()
    consumers: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        check_label(self.secret_name, field="secret_name")
        if self.secret_name in RESERVED:
            raise Invalid(f"{self.secret_name!r} has a meaning of its own; choose another name", field="secret_name")
        check_label(self.issuer, field="issuer")
        self._check_times()
        self._check_names()
        self._check_use()

    def _check_times(self) -> None:
        if not MIN_DURATION_S <= self.duration_s <= MAX_DURATION_S:
            raise Invalid(
                f"is {self.duration_s} s; it is {MIN_DURATION_S} s (1 h) to {MAX_DURATION_S} s (825 days)",
                field="duration_s",
            )
        if self.renew_before_s is not None and self.renew_before_pct is not None:
            raise Invalid("cannot be given beside renew_before_s; use one", field="renew_before_pct")
        if self.renew_before_s is not None and not MIN_RENEW_BEFORE_S <= self.renew_before_s < self.duration_s:
            raise Invalid(
                f"is {self.renew_before_s} s; it is at least {MIN_RENEW_BEFORE_S} s and shorter than duration_s"
                f" ({self.duration_s} s)",
                field="renew_before_s",
            )
        if self.renew_before_pct is not None:
            if not 1 <= self.renew_before_pct <= 99:
                raise Invalid(f"is {self.renew_before_pct}; 1 to 99 per cent of the life", field="renew_before_pct")
            if self.duration_s * self.renew_before_pct // 100 < MIN_RENEW_BEFORE_S:
                raise Invalid(
                    f"{self.renew_before_pct} per cent of {self.duration_s} s are less than {MIN_RENEW_BEFORE_S} s",
                    field="renew_before_pct",
                )
        if self.renewal not in ("RenewBefore", "Disabled"):
            raise Invalid("is RenewBefore or Disabled", field="renewal")
        if len(self.windows) > 20:
            raise Invalid("has more than 20 windows", field="windows")

    def _check_names(self) -> None:
        named = (*self.dns_names, *self.uris, *self.ip_addresses)
        if not named and not self.common_name:
            raise Invalid("needs at least one of dns_names, uris, ip_addresses or common_name", field="dns_names")
        if len(named) > MAX_NAMES:
            raise Invalid(f"has {len(named)} names; at most {MAX_NAMES} are allowed", field="dns_names")
        for name in self.dns_names:
            check_dns_name(name, field="dns_names", wildcard=True)
        for address in self.ip_addresses:
            check_ip(address, field="ip_addresses")
        for uri in self.uris:
            check_spiffe_form(uri, field="uris")
        if len(self.uris) > 1:
            raise Invalid("a workload has one identity: at most one URI is allowed", field="uris")
        if self.common_name:
            self._check_common_name()
        for field_name in ("dns_names", "uris", "ip_addresses", "consumers"):
            values = getattr(self, field_name)
            if len(set(values)) != len(values):
                raise Invalid("names something twice", field=field_name)

    def _check_common_name(self) -> None:
        """Some verifiers take a common name for the name of a host, so what may be one is subject to the same rules."""
        check_common_name(self.common_name, field="common_name")
        if " " not in self.common_name and self.common_name not in (*self.dns_names, *self.ip_addresses):
            raise Invalid(
                f"{self.common_name!r} is read as a host's name: it must be among dns_names or ip_addresses, too. "
                "Any other common name has a space in it",
                field="common_name",
            )

    def _check_use(self) -> None:
        if unknown := [usage for usage in self.usages if usage not in USAGES]:
            raise Invalid(f"{unknown[0]!r} is not one of {', '.join(USAGES)}", field="usages")
        if not {"server auth", "client auth"} & set(self.usages):
            raise Invalid("needs server auth, client auth or both", field="usages")
        if not 1 <= self.revision_history_limit <= MAX_HISTORY:
            raise Invalid(f"is {self.revision_history_limit}; 1 to {MAX_HISTORY}", field="revision_history_limit")
        if len(self.consumers) > MAX_CONSUMERS:
            raise Invalid(f"has {len(self.consumers)} entries; at most {MAX_CONSUMERS}", field="consumers")
        for uri in self.consumers:
            check_spiffe_form(uri, field="consumers")

    @property
    def duration(self) -> timedelta:
        """How long each issue is to live."""
        return timedelta(seconds=self.duration_s)

    def as_json(self) -> dict[str, Any]:
        """As recorded in facts and kept in tables; `spec_from` reads it."""
        return {
            "secret_name": self.secret_name,
            "issuer": self.issuer,
            "duration_s": self.duration_s,
            "renew_before_s": self.renew_before_s,
            "renew_before_pct": self.renew_before_pct,
            "renewal": self.renewal,
            "common_name": self.common_name,
            "dns_names": list(self.dns_names),
            "uris": list(self.uris),
            "ip_addresses": list(self.ip_addresses),
            "usages": list(self.usages),
            "private_key": {
                "algorithm": self.private_key.algorithm,
                "size": self.private_key.size,
                "rotation_policy": self.private_key.rotation_policy,
            },
            "revision_history_limit": self.revision_history_limit,
            "windows": [window.as_json() for window in self.windows],
            "consumers": list(self.consumers),
        }


def check_spiffe_form(uri: str, *, field: str) -> None:
    """Refuse what is no SPIFFE ID of whichever trust domain."""
    if len(uri) > 2048 or not _SPIFFE.fullmatch(uri):
        raise Invalid(f"{uri[:100]!r} is not a SPIFFE ID such as spiffe://example.org/ns/shop/sa/web", field=field)


_TUPLES = ("dns_names", "uris", "ip_addresses", "usages", "consumers")


def spec_from(body: Mapping[str, Any]) -> CertificateSpec:
    """The spec that `CertificateSpec.as_json` wrote, or that a form of the same fields holds."""
    given = dict(body)
    for name in _TUPLES:
        if name in given:
            given[name] = tuple(given[name])
    if "private_key" in given:
        given["private_key"] = KeySpec(**given["private_key"])
    if "windows" in given:
        given["windows"] = tuple(Window(**window) for window in given["windows"])
    return CertificateSpec(**given)
