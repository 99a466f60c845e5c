"""What the control plane delivers to a program by SDS: certificates with their keys, roots, revocation lists."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from cryptography import x509
from envoy.extensions.transport_sockets.tls.v3.secret_pb2 import Secret

from gateway.tls.pair import Pair, check_pair
from governance.kernel.errors import Invalid
from governance.pki.pem import chain_from_pem

TYPE = "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.Secret"
TRUST = "trust"
_END = b"-----END X509 CRL-----"


@dataclass(frozen=True, slots=True, kw_only=True)
class Bundle:
    """Whom to trust, and which serial numbers (hex) do not count any more."""

    roots_pem: bytes
    crls_pem: bytes
    revoked: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivered:
    """Everything that came so far; a later delivery replaces what it names and keeps the rest."""

    pairs: Mapping[str, Pair] = field(default_factory=dict)
    bundle: Bundle | None = None

    def with_resources(self, resources: Iterable[Any]) -> "Delivered":
        """This and what `resources` (packed secrets) hold; Invalid for a bad pair or list, and nothing is taken."""
        pairs, bundle = dict(self.pairs), self.bundle
        for packed in resources:
            secret = Secret.FromString(packed.value)
            if secret.HasField("tls_certificate"):
                certificate = secret.tls_certificate
                pairs[secret.name] = check_pair(
                    certificate.certificate_chain.inline_bytes, certificate.private_key.inline_bytes
                )
            elif secret.name == TRUST:
                context = secret.validation_context
                bundle = bundle_of(context.trusted_ca.inline_bytes, context.crl.inline_bytes)
        return Delivered(pairs=pairs, bundle=bundle)


def bundle_of(roots_pem: bytes, crls_pem: bytes) -> Bundle:
    """Roots and revocation lists; Invalid when one of them cannot be read."""
    chain_from_pem(roots_pem, field=TRUST)
    serials: set[str] = set()
    for block in crls_pem.split(_END):
        if not block.strip():
            continue
        try:
            found = x509.load_pem_x509_crl(block.strip() + b"\n" + _END + b"\n")
        except ValueError:
            raise Invalid("holds a revocation list that cannot be read", field=TRUST) from None
        serials.update(f"{entry.serial_number:x}" for entry in found)
    return Bundle(roots_pem=roots_pem, crls_pem=crls_pem, revoked=frozenset(serials))
