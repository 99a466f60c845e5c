"""Certificates, OCSP responses and logs of the real world: cryptography's vectors, and keys as Chrome listed them."""

import base64
from collections.abc import Iterator, Mapping
from pathlib import Path

import cryptography_vectors
from cryptography import x509

from governance.pki.ct.logs import Log, log_id_of

_VECTORS = Path(cryptography_vectors.__file__).parent / "x509"

ICARUS = (
    "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAETtK8v7MICve56qTHHDhhBOuV4IlU"
    "aESxZryCfk9QbG9co/CqPvTsgPDbCpp6oFtyAHwlDhnvr7JijXRD9Cb2FA=="
)
MAMMOTH = (
    "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE7+R9dC4VFbbpuyOL+yy14ceAmEf7"
    "QGlo/EmtYU6DRzwat43f/3swtLr/L8ugFOOt1YU/RFmMjGCL17ixv66MZw=="
)
DENEB = (
    "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEloIeo806gIQel7i3BxmudhoO+FV2"
    "nRIzTpGI5NBIUFzBn2py1gH1FNbQOG7hMrxnDTfouiIQ0XKGeSiW+RcemA=="
)


def _log(key: str, description: str, operator: str) -> Log:
    der = base64.b64decode(key)
    return Log(
        log_id=log_id_of(der),
        key_der=der,
        description=description,
        operator=operator,
        kind="rfc6962",
        mmd_s=86400,
        source="pinned",
    )


LOGS: Mapping[bytes, Log] = {
    log.log_id: log
    for log in (
        _log(ICARUS, "Google Icarus", "Google"),
        _log(MAMMOTH, "Comodo Mammoth", "Sectigo"),
        _log(DENEB, "Symantec Deneb", "DigiCert"),
    )
}


def vector(name: str) -> bytes:
    return (_VECTORS / name).read_bytes()


def certificate(name: str) -> x509.Certificate:
    data = vector(name)
    return x509.load_pem_x509_certificate(data) if b"-----BEGIN" in data else x509.load_der_x509_certificate(data)


def every_certificate() -> Iterator[x509.Certificate]:
    """All that the library can read, odd ones among them."""
    for path in sorted(_VECTORS.rglob("*")):
        if path.suffix in {".pem", ".der", ".crt"}:
            try:
                yield certificate(str(path.relative_to(_VECTORS)))
            except Exception:
                continue
