"""What the program that checks proofs is given in tests, and what it says."""

import subprocess
import sys
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from governance.pki.ct import proof_file, verify_proof
from tests.fixtures.ctlog import CtLog
from tests.pki.ct.promising import Above, Wanted
from tests.pki.ct.reading import fill, issuing, reader, root

CHECKS = ["promise", "index", "inclusion", "checkpoint", "issuer"]
Files = dict[str, bytes]


def pem_of(*certificates: x509.Certificate) -> bytes:
    return b"".join(certificate.public_bytes(Encoding.PEM) for certificate in certificates)


def made(log: CtLog, issuer: Above | None = None, *, signing: Above | None = None, more: int = 4) -> Files:
    """A certificate that was logged before it was issued, among others, and what proves it."""
    wanted, issuer = Wanted(alternative=["a.example", "b.example"]), issuer or issuing()
    above = [issuer.certificate, root().certificate]
    by, above = (signing, [signing.certificate, *above]) if signing else (issuer, above)
    index = len(log.records)
    sct = log.add_pre_chain([wanted.precertificate(by), *above])
    fill(log, more, first=index + 1)
    view = reader(log)
    head = view.head()
    _, path = view.inclusion(log.leaves()[index], index, head)
    return {
        "certificate.pem": pem_of(wanted.certificate(issuer, [sct]), issuer.certificate),
        "proof.tlog-proof": proof_file.write(index, path, head.text).encode(),
        "log-key.pem": log.key_pem(),
    }


def run(tmp_path: Path, files: Files) -> tuple[int, list[str]]:
    """The exit code, and the lines; the program gets its files, and neither our packages nor anybody else's."""
    program = tmp_path / "verify_proof.py"
    program.write_bytes(Path(verify_proof.__file__).read_bytes())
    for name, content in files.items():
        (tmp_path / name).write_bytes(content)
    command = [sys.executable, "-I", "-S", program.name, "certificate.pem", "proof.tlog-proof", "log-key.pem"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=60, env={})
    assert not done.stderr
    return done.returncode, done.stdout.splitlines()


def verdicts_of(lines: list[str]) -> dict[str, str]:
    return {line.split()[1].rstrip(":"): line.split()[0] for line in lines}


def ders(files: Files) -> list[bytes]:
    return [each.public_bytes(Encoding.DER) for each in x509.load_pem_x509_certificates(files["certificate.pem"])]
