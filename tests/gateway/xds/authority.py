"""An authority of the tests' own: certificates as secrets of a trust, as files, and as gRPC's credentials."""

from collections.abc import Collection, Iterable, Mapping
from datetime import timedelta
from pathlib import Path

import grpc
from cryptography.hazmat.primitives.serialization import Encoding

from gateway.tls.directory import publish
from gateway.xds.files import Certificates, envoy_files
from gateway.xds.trust import Secret, Transport, Trust
from governance.kernel.clock import now
from governance.pki.authority import Authority, Names, make_root, to_pem
from governance.pki.certificates import serial_of
from governance.pki.crl import Revoked, build_crl
from governance.pki.keys import make_key
from governance.pki.keys import to_pem as key_to_pem
from governance.pki.names import workload_uri
from tests.fixtures.leaves import issue

DOMAIN = "demo.test"
LIFE = timedelta(hours=1)


def uri(name: str, namespace: str = "default") -> str:
    """The SPIFFE ID of a workload in the tests' trust domain."""
    return workload_uri(DOMAIN, namespace, name)


class TestAuthority:
    """A root that signs leaves itself."""

    __test__ = False

    def __init__(self, name: str = "the tests' root") -> None:
        key = make_key("ECDSA", 256)
        root = make_root(key, common_name=name, life=LIFE * 24, at=now())
        self.authority = Authority(certificate=root, key=key)
        self.roots_pem = to_pem(root).encode()
        self._revocations = 0

    def secret(  # each argument is a field of the value
        self,
        name: str,
        *,
        namespace: str = "default",
        dns: Iterable[str] = (),
        uris: Iterable[str] = (),
        ips: Iterable[str] = (),
        consumers: Iterable[str] = (),
    ) -> Secret:
        """A new certificate with a new key; it is the workload's own unless `dns` or `uris` name others."""
        dns, uris, ips = tuple(dns), tuple(uris), tuple(ips)
        if not dns and not uris:
            uris = (uri(name, namespace),)
        key = make_key("ECDSA", 256)
        leaf = issue(self.authority, key.public_key(), Names(dns=dns, uris=uris, ips=ips), life=LIFE, at=now())
        return Secret(
            namespace=namespace,
            name=name,
            chain_pem=to_pem(leaf).encode(),
            key_pem=key_to_pem(key),
            serial=serial_of(leaf),
            dns_names=dns,
            uris=uris,
            consumers=tuple(consumers) or uris,
        )

    def crl(self, *revoked: Secret) -> bytes:
        """A list of these, newer than the one before."""
        self._revocations += 1
        entries = [Revoked(serial=int(each.serial, 16), at=now()) for each in revoked]
        made = build_crl(self.authority, entries, number=self._revocations, at=now(), life=LIFE)
        return made.public_bytes(Encoding.PEM)

    def trust(
        self,
        *secrets: Secret,
        revision: int = 1,
        mutual: Mapping[str, Collection[str]] | None = None,
        crls_pem: bytes = b"",
        default: Secret | None = None,
    ) -> Trust:
        """Trust in this authority; `mutual` maps "namespace/service" to the SPIFFE IDs of its servers."""
        transports = {
            tuple(path.split("/")): Transport(
                namespace=path.split("/")[0], service=path.split("/")[1], mode="mutual", server_uris=tuple(uris)
            )
            for path, uris in (mutual or {}).items()
        }
        return Trust(
            revision=revision,
            trust_domain=DOMAIN,
            roots_pem=self.roots_pem,
            crls_pem=crls_pem,
            secrets=secrets,
            transports={(namespace, service): each for (namespace, service), each in transports.items()},
            default=default,
            require_identity=True,
        )

    def server_credentials(self, secret: Secret) -> grpc.ServerCredentials:
        """Of a server that demands a certificate."""
        pair = (secret.key_pem, secret.chain_pem)
        return grpc.ssl_server_credentials([pair], self.roots_pem, require_client_auth=True)

    def channel_credentials(self, secret: Secret | None = None) -> grpc.ChannelCredentials:
        """Of a client; without a secret it shows no certificate."""
        if secret is None:
            return grpc.ssl_channel_credentials(self.roots_pem)
        return grpc.ssl_channel_credentials(self.roots_pem, secret.key_pem, secret.chain_pem)

    def write(self, directory: Path, secret: Secret) -> Certificates:
        """Let the directory hold this certificate, all at once."""
        certificates = Certificates(directory=str(directory), trust_domain=DOMAIN)
        files = {"tls.crt": secret.chain_pem, "tls.key": secret.key_pem, "ca.crt": self.roots_pem}
        publish(directory, {**files, **envoy_files(certificates)})
        return certificates


def control_plane_secret(authority: TestAuthority) -> Secret:
    """The control plane's own certificate, for 127.0.0.1."""
    return authority.secret(
        "control-plane", namespace="governor", uris=[uri("control-plane", "governor")], ips=["127.0.0.1"]
    )
