"""Reads who may fetch which certificate, whom everybody trusts and which services speak TLS, and keeps what it read."""

import ssl
from collections.abc import Collection, Iterable

from django.conf import settings

from gateway.xds.trust import Secret, Transport, Trust
from governance.ledger.queries import Entry
from governance.pki.queries import authorities, delivery, workloads
from governance.pki.queries.delivery import Deliverable
from governance.pki.setup import NAMESPACE, NOBODY

MANY = 200  # from so many changed certificates on, reading all of them at once is cheaper
_ABOUT_TRUST = ("pki.issuer", "pki.rotation", "pki.crl", "pki.certificate.revoke")


class TrustReader:
    """What stands, re-read as far as facts say that it changed: opening a key costs more than all the rest."""

    def __init__(self) -> None:
        self._secrets: dict[tuple[str, str], Secret] = {}
        self._default: Secret | None = None
        self._roots = self._crls = b""
        self._transports: dict[tuple[str, str], Transport] = {}

    def read(self, revision: int) -> Trust:
        """All of it, read anew."""
        self._secrets = {(each.namespace, each.name): _secret(each) for each in delivery.deliverables()}
        self._read_default()
        self._read_bundle()
        self._read_transports()
        return self._trust(revision)

    def changed(self, revision: int, entries: Iterable[Entry]) -> Trust | None:
        """What stands after `entries`; None when none of them is about trust."""
        facts = [entry for entry in entries if entry.action.startswith("pki.")]
        if not facts:
            return None
        if any(entry.action.startswith(_ABOUT_TRUST) for entry in facts):
            self._read_bundle()
        if any(entry.action.startswith("pki.transport") for entry in facts):
            self._read_transports()
        if touched := {path for entry in facts for path in _touched(entry)}:
            self._reread(touched)
        return self._trust(revision)

    def _reread(self, touched: Collection[tuple[str, str]]) -> None:
        if len(touched) > MANY:
            found = delivery.deliverables()
            self._secrets = {}
        else:
            found = [each for each in delivery.deliverables(only=touched) if each.consumers]
            self._secrets = {path: secret for path, secret in self._secrets.items() if path not in touched}
        self._secrets |= {(each.namespace, each.name): _secret(each) for each in found}
        if (NAMESPACE, NOBODY) in touched:
            self._read_default()

    def _read_default(self) -> None:
        found = delivery.deliverables(only=[(NAMESPACE, NOBODY)])
        self._default = _secret(found[0]) if found else self._default

    def _read_bundle(self) -> None:
        self._roots = authorities.roots_pem().encode()
        self._crls = "".join(_pem(each) for each in authorities.revocation_lists()).encode()

    def _read_transports(self) -> None:
        self._transports = {
            (each.namespace, each.service): Transport(
                namespace=each.namespace,
                service=each.service,
                mode=each.mode,  # type: ignore[arg-type]  # the column holds only what SetTransport allows
                server_uris=each.server_uris,
            )
            for each in workloads.transports()
        }

    def _trust(self, revision: int) -> Trust:
        return Trust(
            revision=revision,
            trust_domain=settings.GOV.trust_domain,
            roots_pem=self._roots,
            crls_pem=self._crls,
            secrets=tuple(self._secrets[path] for path in sorted(self._secrets)),
            transports=dict(self._transports),
            default=self._default,
            require_identity=settings.GOV.grpc_tls == "mutual",
        )


def _secret(found: Deliverable) -> Secret:
    return Secret(
        namespace=found.namespace,
        name=found.secret_name,
        chain_pem=found.chain_pem.encode(),
        key_pem=found.key_pem,
        serial=found.serial,
        dns_names=found.dns_names,
        uris=found.uris,
        consumers=found.consumers,
    )


def _touched(entry: Entry) -> Iterable[tuple[str, str]]:
    """The certificates that a fact is about, by (namespace, name)."""
    kind, _, rest = entry.thing.partition("/")
    if kind == "certificates":
        return [(rest, name) for name in {**(entry.before or {}), **(entry.after or {})}]
    holder = str((entry.after or {}).get("holder", "")) if kind == "issued" else entry.thing
    kind, _, rest = holder.partition("/")
    namespace, _, name = rest.partition("/")
    return [(namespace, name)] if kind == "certificate" and name else []


def _pem(der: bytes) -> str:
    return ssl.DER_cert_to_PEM_cert(der).replace("CERTIFICATE", "X509 CRL")
