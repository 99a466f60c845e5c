"""Certificate signing requests: how strangers' are checked, and how our own agents make theirs."""

import re

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from governance.kernel.errors import Invalid
from governance.pki.certificates import USAGE_NAMES
from governance.pki.extensions import END_USAGES, alternative_names
from governance.pki.keys import PrivateKey, PublicKey, allowed, hash_for
from governance.pki.names import Names

MAX_BYTES = 16 * 1024
_BLOCK = re.compile(rb"-----BEGIN ([A-Z0-9 ]+)-----")
_LABELS = (b"CERTIFICATE REQUEST", b"NEW CERTIFICATE REQUEST")
_UNSEEN = re.compile(r"[^\x20-\x7e]")  # control characters, NUL and all beyond ASCII
_EXTENSIONS = (x509.SubjectAlternativeName, x509.KeyUsage, x509.ExtendedKeyUsage, x509.BasicConstraints)


def check_request(pem_or_der: bytes, *, expect: Names) -> PublicKey:
    """The key that is asked a certificate for; refuses a request for anything but `expect`, or part of it.

    What is issued is `expect`: from the request comes the key, and the proof that the asker holds it.
    """
    request = _read(pem_or_der)
    key = allowed(request.public_key(), field="csr")
    _check_signature(request)
    _check_subject(request.subject, expect)
    for extension in request.extensions:
        if not isinstance(extension.value, _EXTENSIONS):
            raise _refused(
                f"asks for the extension {extension.oid.dotted_string}; allowed are subject alternative name, key "
                "usage, extended key usage and basic constraints"
            )
        _check_authority(extension.value)
        if isinstance(extension.value, x509.ExtendedKeyUsage):
            _check_usages(extension.value)
        elif isinstance(extension.value, x509.SubjectAlternativeName):
            _check_names(extension.value, expect)
    return key


def make_request(key: PrivateKey, names: Names | None = None) -> bytes:
    """A request in PEM for `names`, signed with `key`; without names for whoever the asker proves to be."""
    common_name = []
    if names is not None and names.common_name:
        common_name = [x509.NameAttribute(NameOID.COMMON_NAME, names.common_name)]
    builder = x509.CertificateSigningRequestBuilder().subject_name(x509.Name(common_name))
    if names is not None and (alternative := alternative_names(names)):
        builder = builder.add_extension(alternative, critical=not common_name)
    return builder.sign(key, hash_for(key)).public_bytes(Encoding.PEM)


def _refused(message: str) -> Invalid:
    return Invalid(message, field="csr")


def _read(content: bytes) -> x509.CertificateSigningRequest:
    if len(content) > MAX_BYTES:
        raise _refused(f"has {len(content)} bytes; a request has at most {MAX_BYTES}")
    labels = _BLOCK.findall(content)
    if other := next((label.decode() for label in labels if label not in _LABELS), ""):
        raise _refused(f"holds a {other}; only a certificate signing request is allowed here")
    if len(labels) > 1:
        raise _refused(f"holds {len(labels)} requests; one is allowed")
    try:
        request = x509.load_pem_x509_csr(content) if labels else x509.load_der_x509_csr(content)
        _ = request.extensions, request.subject, request.public_key()
    except Exception:  # parsers of strangers' bytes fail in more ways than they tell
        raise _refused("is not a certificate signing request that can be read") from None
    return request


def _check_signature(request: x509.CertificateSigningRequest) -> None:
    try:
        valid = request.is_signature_valid
        algorithm = request.signature_hash_algorithm
    except (UnsupportedAlgorithm, ValueError, TypeError):
        raise _refused("is signed in a way that is not known here") from None
    if isinstance(algorithm, hashes.MD5 | hashes.SHA1):
        raise _refused(f"is signed with {algorithm.name}; use SHA-256 or SHA-384")
    if not valid:
        raise _refused("is not signed by the key it is for")


def _check_subject(subject: x509.Name, expect: Names) -> None:
    for attribute in subject:
        text = str(attribute.value)
        if attribute.oid != NameOID.COMMON_NAME:
            raise _refused(f"has {attribute.rfc4514_attribute_name} in its subject; leave away all but a common name")
        _check_seen(text)
        if text not in {expect.common_name, *expect.dns, *expect.uris}:
            raise _refused(f"has the common name {text[:120]!r}; allowed is {_listed(expect)}")
    if len(list(subject)) > 1:
        raise _refused("has more than one common name")


def _check_authority(value: x509.ExtensionType) -> None:
    if isinstance(value, x509.BasicConstraints) and value.ca:
        raise _refused("asks to be an authority (CA:TRUE)")
    if isinstance(value, x509.KeyUsage) and (value.key_cert_sign or value.crl_sign):
        raise _refused("asks to sign certificates or lists of revoked ones, as an authority does")


def _check_usages(usages: x509.ExtendedKeyUsage) -> None:
    for oid in usages:
        if oid not in END_USAGES.values():
            raise _refused(
                f"asks for the usage {USAGE_NAMES.get(oid, oid.dotted_string)}; allowed are {', '.join(END_USAGES)}"
            )


def _check_names(alternative: x509.SubjectAlternativeName, expect: Names) -> None:
    uris = alternative.get_values_for_type(x509.UniformResourceIdentifier)
    if len(uris) > 1:
        raise _refused(f"has {len(uris)} URIs; a workload has one SPIFFE ID")
    for name in alternative:
        if not isinstance(name, x509.DNSName | x509.UniformResourceIdentifier | x509.IPAddress):
            raise _refused(
                f"has a name of the kind {type(name).__name__}; allowed are DNS names, URIs and IP addresses"
            )
        text = str(name.value)
        _check_seen(text)
        if isinstance(name, x509.DNSName):
            if "*" in text and text.lower() not in expect.dns:
                raise _refused(f"asks for the wildcard {text[:120]!r}")
            expected = text.lower() in expect.dns
        else:
            expected = text in (expect.ips if isinstance(name, x509.IPAddress) else expect.uris)
        if not expected:
            raise _refused(f"asks for the name {text[:120]!r}; allowed is {_listed(expect)}")


def _check_seen(text: str) -> None:
    if found := _UNSEEN.search(text):
        raise _refused(f"has the character U+{ord(found.group()):04X} in a name; names are printable ASCII")


def _listed(names: Names) -> str:
    listed = [name for name in (names.common_name, *names.dns, *names.uris, *names.ips) if name]
    return ", ".join(listed[:5]) + (f" and {len(listed) - 5} more" if len(listed) > 5 else "")
