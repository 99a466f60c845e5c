"""The secrets that each identity may fetch, as resources; made once per identity and shared by its streams."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from envoy.config.core.v3.base_pb2 import DataSource
from envoy.extensions.transport_sockets.tls.v3.common_pb2 import CertificateValidationContext, TlsCertificate
from envoy.extensions.transport_sockets.tls.v3.secret_pb2 import Secret as SecretMessage

from gateway.xds.names import NOBODY, SECRET, TRUST, WORKLOAD, resource_name
from gateway.xds.resource import Resource, resource
from gateway.xds.snapshot import TypeState
from gateway.xds.trust import Secret, Trust


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """What one stream has acknowledged: one certificate, or none of them where `secret` is empty.

    `stream` tells it from other streams of the same identity, `secret` is the certificate's namespace/name; `roots` is
    the fingerprint of the trusted roots that the stream acknowledged.
    """

    identity: str
    stream: str
    secret: str
    serial: str
    roots: str


class Secrets:
    """The secrets of all identities under the trust in force. Only the event loop's thread touches it.

    A resource whose content stays the same stays the same object, and so does an identity's state: its version is
    the revision at which something changed for it.
    """

    def __init__(self, trust: Trust) -> None:
        self.trust = trust
        self._states: dict[str, TypeState] = {}
        self._made: dict[tuple[str, str], tuple[Secret, Resource]] = {}  # by path, and the name it is sent under
        self._bundle = _bundle(trust)

    def state(self, identity: str) -> TypeState:
        """What `identity` may fetch; a stream without identity may fetch nothing."""
        found = self._states.get(identity)
        if found is None:
            found = TypeState(SECRET, str(self.trust.revision), self._resources(identity))
            self._states[identity] = found
        return found

    def replace(self, trust: Trust, identities: Collection[str]) -> None:
        """Put `trust` in force; what stays the same for one of `identities` keeps its state, others are forgotten."""
        if trust is self.trust:
            return
        before, self._states = self._states, {}
        self.trust, self._bundle = trust, _bundle(trust)
        there = {secret.path for secret in trust.secrets} | ({trust.default.path} if trust.default else set())
        self._made = {key: made for key, made in self._made.items() if key[0] in there}
        for identity in identities:
            old, resources = before.get(identity), self._resources(identity)
            kept = old is not None and _same(old.resources, resources)
            self._states[identity] = old if old and kept else TypeState(SECRET, str(trust.revision), resources)

    def _resources(self, identity: str) -> dict[str, Resource]:
        if not identity:
            return {}
        made = {}
        for secret in self.trust.fetchable(identity):
            name = resource_name(secret.namespace, secret.name)
            made[name] = self._resource(secret, name)
        if self._bundle is not None:
            made[TRUST] = self._bundle
        if (own := self.trust.workload(identity)) is not None:
            made[WORKLOAD] = self._resource(own, WORKLOAD)
        if self.trust.default is not None and self.trust.servers(identity):
            made[NOBODY] = self._resource(self.trust.default, NOBODY)
        return made

    def _resource(self, secret: Secret, name: str) -> Resource:
        before = self._made.get((secret.path, name))
        if before is not None and _same_content(before[0], secret):
            return before[1]
        made = resource(name, _certificate(name, secret), path=secret.path, mark=secret.serial)
        self._made[secret.path, name] = secret, made
        return made


def _same(old: Mapping[str, Resource], new: Mapping[str, Resource]) -> bool:
    return old.keys() == new.keys() and all(old[name].hash == item.hash for name, item in new.items())


def _same_content(one: Secret, other: Secret) -> bool:
    return one is other or (one.chain_pem, one.key_pem) == (other.chain_pem, other.key_pem)


def _certificate(name: str, secret: Secret) -> Any:
    return SecretMessage(
        name=name,
        tls_certificate=TlsCertificate(
            certificate_chain=DataSource(inline_bytes=secret.chain_pem),
            private_key=DataSource(inline_bytes=secret.key_pem),
        ),
    )


def _bundle(trust: Trust) -> Resource | None:
    """Whom everybody trusts, and what was revoked.

    Only leaves are looked up in the CRLs: with the CRL of an issuer that lacks one of its own, the whole chain would
    be refused.
    """
    if not trust.roots_pem:
        return None
    context = CertificateValidationContext(trusted_ca=DataSource(inline_bytes=trust.roots_pem))
    if trust.crls_pem:
        context.crl.inline_bytes = trust.crls_pem
        context.only_verify_leaf_cert_crl = True
    message = SecretMessage(name=TRUST, validation_context=context)
    return resource(TRUST, message, mark=trust.roots_fingerprint)
