"""Who may fetch which certificate, whom everybody trusts, and which services speak TLS: one immutable value; pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from governance.kernel.errors import Invalid
from governance.kernel.ids import check_label
from governance.pki.names import check_trust_domain, workload_of
from governance.pki.pem import bundle_id
from governance.pki.values import RESERVED

Mode = Literal["mutual", "plaintext"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Secret:
    """A certificate with its key, as the workloads whose SPIFFE IDs are in `consumers` may fetch it.

    `serial`, `dns_names` and `uris` are those of the leaf that `chain_pem` begins with.
    """

    namespace: str
    name: str
    chain_pem: bytes
    key_pem: bytes = field(repr=False)
    serial: str
    dns_names: tuple[str, ...] = ()
    uris: tuple[str, ...] = ()
    consumers: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        check_label(self.namespace, field="namespace")
        check_label(self.name, field="name")
        if self.name in RESERVED:
            raise Invalid(f"{self.name!r} has a meaning of its own; choose another name", field="name")

    @property
    def path(self) -> str:
        """namespace/name."""
        return f"{self.namespace}/{self.name}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Transport:
    """How a service is spoken to. With mode mutual its server proves to be one of `server_uris` (SPIFFE IDs)."""

    namespace: str
    service: str
    mode: Mode
    server_uris: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.mode not in ("mutual", "plaintext"):
            raise Invalid(f"{self.mode!r} is neither mutual nor plaintext", field="mode")
        if self.mode == "mutual" and not self.server_uris:
            raise Invalid("is empty: any workload could pass for the server", field="server_uris")

    @property
    def mutual(self) -> bool:
        """Whether both sides show a certificate."""
        return self.mode == "mutual"


@dataclass(frozen=True, slots=True, kw_only=True)
class Trust:
    """All of it as it stood at `revision`.

    `crls_pem` may be empty: nothing is revoked then. `default` belongs to nobody and answers for server names that
    nobody has. With `require_identity` a stream without a client certificate is refused. Of secrets with the same DNS
    name the earlier one in `secrets` has it.
    """

    revision: int = 0
    trust_domain: str = ""
    roots_pem: bytes = b""
    crls_pem: bytes = b""
    secrets: tuple[Secret, ...] = ()
    transports: Mapping[tuple[str, str], Transport] = field(default_factory=dict)
    default: Secret | None = None
    require_identity: bool = False
    _fetchable: Mapping[str, tuple[Secret, ...]] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if self.trust_domain or self.secrets or self.require_identity:
            check_trust_domain(self.trust_domain, field="trust_domain")
        paths = [secret.path for secret in self.secrets]
        if len(set(paths)) != len(paths):
            twice = sorted({path for path in paths if paths.count(path) > 1})
            raise Invalid(f"has {', '.join(twice)} more than once", field="secrets")
        object.__setattr__(self, "_fetchable", _by_consumer(self.secrets))

    @property
    def roots_fingerprint(self) -> str:
        """What tells one set of trusted roots from another: 16 hex digits; empty when there is none."""
        return bundle_id(self.roots_pem) if self.roots_pem else ""

    def fetchable(self, identity: str) -> tuple[Secret, ...]:
        """The secrets that `identity` may fetch; none for a stream without one."""
        return self._fetchable.get(identity, ())

    def workload(self, identity: str) -> Secret | None:
        """The certificate by which `identity` proves to be itself."""
        return next((secret for secret in self.fetchable(identity) if identity in secret.uris), None)

    def servers(self, identity: str) -> tuple[Secret, ...]:
        """The certificates with which `identity` answers for DNS names."""
        return tuple(secret for secret in self.fetchable(identity) if secret.dns_names)

    def namespaces(self, identity: str) -> frozenset[str]:
        """The namespaces whose services `identity` is shown: its own, and those for whose DNS names it answers."""
        own = workload_of(identity, self.trust_domain)
        return frozenset({own[0]} if own else set()) | {secret.namespace for secret in self.servers(identity)}


def _by_consumer(secrets: Iterable[Secret]) -> dict[str, tuple[Secret, ...]]:
    found: dict[str, list[Secret]] = {}
    for secret in secrets:
        for consumer in dict.fromkeys(secret.consumers):
            found.setdefault(consumer, []).append(secret)
    return {consumer: tuple(each) for consumer, each in found.items()}


NOTHING = Trust()
"""An installation without TLS."""
