"""OpenSSL, asked over a handshake, says the same of our promises as we do."""

import base64
import re
import socket
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from governance.pki.ct.check import check_sct
from governance.pki.ct.entry import Entry, entry_of_certificate, entry_of_embedded, entry_of_precertificate
from governance.pki.ct.loglist import openssl_conf
from governance.pki.ct.sct import Sct, encode_list
from governance.pki.ct.wire import opaque, uint16
from governance.pki.pem import to_pem
from tests.pki.ct.promising import AT, NOT_AFTER, PRECERT_SIGNING, Above, Wanted, authority, signer
from tests.pki.ct.test_entries import response, with_single_extension

HOST = "shop.example.com"
ROOT = authority("root")
ISSUER = authority("issuer", by=ROOT)
OAK, ELM, ROGUE = signer("Oak 2026 (ours)"), signer("Elm", kind="rfc6962"), signer("Rogue")
KNOWN = [OAK.log, ELM.log]
STATES = {"valid": "valid", "unknown_log": "unknown log", "bad_signature": "invalid"}


def openssl_says(
    directory: Path, wanted: Wanted, certificate: x509.Certificate, *options: str | Path, issuer: Above = ISSUER
) -> list[str]:
    """How `openssl s_client -ct` judges each promise that it gets from `openssl s_server`."""
    files = {
        "leaf": to_pem(certificate),
        "chain": to_pem(issuer.certificate),
        "root": to_pem(ROOT.certificate),
        "key": wanted.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode(),
        "logs": openssl_conf(KNOWN),
    }
    for name, text in files.items():
        (directory / name).write_text(text)
    own = ["-cert", directory / "leaf", "-key", directory / "key", "-cert_chain", directory / "chain"]
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = subprocess.Popen(
        list(map(str, ["openssl", "s_server", "-accept", f"127.0.0.1:{port}", "-naccept", "1", *own, *options])),
        stdout=subprocess.PIPE,
        stdin=subprocess.PIPE,  # at its end, the server would close every connection
        text=True,
    )
    try:
        assert server.stdout is not None
        while "ACCEPT" not in server.stdout.readline():
            assert server.poll() is None, "openssl s_server ended before it was asked anything"
        client = ["openssl", "s_client", "-connect", f"127.0.0.1:{port}", "-servername", HOST, "-ct", "-status"]
        client += ["-ctlogfile", str(directory / "logs"), "-CAfile", str(directory / "root"), "-tls1_2"]
        done = subprocess.run(client, input="", capture_output=True, text=True, timeout=30, check=False)
    finally:
        server.kill()
        server.communicate()
    assert "Verify return code: 0 (ok)" in done.stdout, done.stdout + done.stderr
    return re.findall(r"SCT validation status: (.*)", done.stdout)[::-1]  # it starts with the last one


def we_say(scts: Sequence[Sct], entry: Entry) -> list[str]:
    logs = {log.log_id: log for log in KNOWN}
    return [STATES[check_sct(each, entry, logs, at=AT, not_after=NOT_AFTER).state] for each in scts]


@pytest.mark.parametrize("special", [False, True], ids=["by the issuer", "by a precertificate signing certificate"])
def test_promises_in_the_certificate(tmp_path: Path, *, special: bool) -> None:
    wanted = Wanted(HOST)
    by = authority("signs precertificates", by=ISSUER, usages=[PRECERT_SIGNING]) if special else ISSUER
    entry = entry_of_precertificate(wanted.precertificate(by), [by.certificate, ISSUER.certificate])
    other = entry_of_precertificate(Wanted(HOST).precertificate(ISSUER), ISSUER.certificate)
    scts = [OAK.promise(entry), ELM.promise(entry, index=None), ROGUE.promise(entry), OAK.promise(other)]
    certificate = wanted.certificate(ISSUER, scts)
    expected = ["valid", "valid", "unknown log", "invalid"]
    assert we_say(scts, entry_of_embedded(certificate, [ISSUER.certificate])) == expected
    assert openssl_says(tmp_path, wanted, certificate) == expected


def test_promises_in_the_handshake(tmp_path: Path) -> None:
    wanted = Wanted(HOST)
    certificate = wanted.certificate(ISSUER)
    entry = entry_of_certificate(certificate)
    scts = [OAK.promise(entry), ROGUE.promise(entry), ELM.promise(Entry("x509", b"", b"other"), index=None)]
    extension = base64.encodebytes(uint16(18) + opaque(encode_list(scts), 2)).decode()
    info = tmp_path / "serverinfo"
    info.write_text(f"-----BEGIN SERVERINFO FOR SCTS-----\n{extension}-----END SERVERINFO FOR SCTS-----\n")
    expected = ["valid", "unknown log", "invalid"]
    assert we_say(scts, entry) == expected
    assert openssl_says(tmp_path, wanted, certificate, "-serverinfo", info) == expected


def test_promises_in_a_stapled_response(tmp_path: Path) -> None:
    wanted = Wanted(HOST)
    certificate = wanted.certificate(ISSUER)
    entry = entry_of_certificate(certificate)
    scts = [OAK.promise(entry), ROGUE.promise(entry)]
    answer = tmp_path / "answer"
    answer.write_bytes(with_single_extension(response(certificate, ISSUER), scts))
    assert we_say(scts, entry) == ["valid", "unknown log"]
    assert openssl_says(tmp_path, wanted, certificate, "-status_file", answer) == ["valid", "unknown log"]
