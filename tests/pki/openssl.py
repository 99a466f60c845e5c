"""Asks the `openssl` binary for its opinion."""

import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from governance.pki.authority import to_pem

PURPOSES = {"server": "sslserver", "client": "sslclient"}


@dataclass(frozen=True, slots=True)
class Said:
    """What it printed, and whether it was content."""

    ok: bool
    text: str


def run(*arguments: str | Path) -> Said:
    done = subprocess.run(["openssl", *map(str, arguments)], capture_output=True, text=True, timeout=60, check=False)
    return Said(done.returncode == 0, done.stdout + done.stderr)


def verify(
    certificates: Sequence[x509.Certificate],
    *,
    roots: Sequence[x509.Certificate],
    at: datetime,
    purpose: str,
    name: str = "",
    crls: Sequence[x509.CertificateRevocationList] = (),
    whole: bool = False,
) -> Said:
    """`-auth_level 2` is what TLS demands on Debian; with `whole`, authorities are looked up as well as the leaf."""
    with tempfile.TemporaryDirectory() as temporary:
        directory = Path(temporary)
        options = ["-x509_strict", "-auth_level", "2", "-attime", str(int(at.timestamp()))]
        options += ["-no-CApath", "-no-CAstore", "-purpose", PURPOSES[purpose]]
        options += ["-CAfile", str(written(directory / "roots", to_pem(*roots)))]
        if certificates[1:]:
            options += ["-untrusted", str(written(directory / "untrusted", to_pem(*certificates[1:])))]
        if crls:
            lists = "".join(crl.public_bytes(Encoding.PEM).decode() for crl in crls)
            options += ["-CRLfile", str(written(directory / "crls", lists))]
            options += ["-crl_check_all" if whole else "-crl_check"]
        if name:
            options += ["-verify_ip" if _is_ip(name) else "-verify_hostname", name]
        return run("verify", *options, written(directory / "leaf", to_pem(certificates[0])))


def written(path: Path, text: str | bytes) -> Path:
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


def _is_ip(name: str) -> bool:
    try:
        ip_address(name)
    except ValueError:
        return False
    return True
