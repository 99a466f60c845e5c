"""Reads who may fetch which certificate, whom everybody trusts and which services speak TLS, and keeps what it read."""

import ssl
from collections.abc import Collection, Iterable

import structlog
from django.conf import settings

from gateway.xds.trust import Secret, Transport, Trust
from governance.kernel.errors import Invalid
from governance.ledger.queries import Entry
from governance.pki.queries import authorities, delivery, workloads
from governance.pki.queries.delivery import Deliverable, Place
from governance.pki.setup import NAMESPACE, NOBODY

MANY = 200  # from so many changed certificates on, reading all of them at once is cheaper
_ABOUT_TRUST = ("pki.issuer", "pki.rotation", "pki.crl", "pki.certificate.revoke")
log = structlog.get_logger(__name__)


class TrustReader:
    """What stands, re-read as far as facts say that it changed: opening a key costs more than all the rest."""

    def __init__(self) -> None:
        self._secrets: dict[tuple[str, str], Secret] = {}
        self._default: Secret | None = None
        self._roots = self._crls = b""
        self._transports: dict[tuple[str, str], Transport] = {}

    def read(self, revision: int) -> Trust:
        """All of it, read anew; Unavailable when no key that is kept here opens."""
        delivery.check_keys()
        self._reread(None)
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
        if touched := delivery.touched(facts):
            self._reread(touched)
        return self._trust(revision)

    def _reread(self, touched: Collection[Place] | None) -> None:
        """Read all secrets, or only these, again; one that cannot be read any more stays as it was last."""
        some = touched if touched is not None and len(touched) <= MANY else None
        read = delivery.delivery(only=some)
        left_out = set(read.left_out)
        secrets = {} if some is None else {place: each for place, each in self._secrets.items() if place not in some}
        for found in read.found:
            if not found.consumers:
                continue
            if secret := _secret(found):
                secrets[found.place] = secret
            else:
                left_out.add(found.place)
        taken = {secret.path for secret in secrets.values()}
        for place in left_out & self._secrets.keys():
            if self._secrets[place].path not in taken:
                secrets[place] = self._secrets[place]
        self._secrets = secrets
        if touched is None or (NAMESPACE, NOBODY) in touched:
            found_default = delivery.deliverables(only=[(NAMESPACE, NOBODY)])
            self._default = (_secret(found_default[0]) if found_default else None) or self._default

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


def _secret(found: Deliverable) -> Secret | None:
    """As data planes get it; None, logged and counted, when they could not."""
    try:
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
    except Invalid as error:
        delivery.unreadable_total.inc()
        log.error(  # noqa: TRY400  (where it was found out says nothing)
            "a certificate cannot be delivered", certificate="/".join(found.place), reason=str(error)
        )
        return None


def _pem(der: bytes) -> str:
    return ssl.DER_cert_to_PEM_cert(der).replace("CERTIFICATE", "X509 CRL")
