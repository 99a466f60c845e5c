"""The program that a compliance officer runs, as it is run: with a bare Python, and nothing of ours around it."""

import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from governance.pki.ct import verify_proof
from governance.pki.ct.logs import Log
from tests.fixtures.ctlog import CtLog
from tests.pki.ct.promising import PRECERT_SIGNING, Wanted, authority
from tests.pki.ct.reading import issuing, root, served
from tests.pki.ct.real_heads import HEADS
from tests.pki.ct.verifying import CHECKS, Files, ders, made, pem_of, run, verdicts_of


@pytest.fixture(scope="module")
def log() -> Iterator[CtLog]:
    with served(5) as log:
        yield log


@pytest.fixture(scope="module")
def good(log: CtLog) -> Files:
    return made(log)


def test_a_certificate_that_is_in_the_log_passes_every_check(tmp_path: Path, good: Files, log: CtLog) -> None:
    code, lines = run(tmp_path, good)
    assert code == 0
    assert verdicts_of(lines) == dict.fromkeys(CHECKS, "PASS")
    assert log.log().log_id.hex() in lines[0]
    assert "index 5, which the SCT names" in lines[1]
    assert "entry 5 of the 10" in lines[2]
    assert log.log().origin in lines[3]
    assert "signed by the key of the one after it" in lines[4]


def test_files_may_be_in_der(tmp_path: Path, good: Files, log: CtLog) -> None:
    certificates = x509.load_pem_x509_certificates(good["certificate.pem"])
    der = {
        "certificate.pem": b"".join(each.public_bytes(Encoding.DER) for each in certificates),
        "log-key.pem": log.log().key_der,
    }
    assert run(tmp_path, good | der)[0] == 0


def test_a_log_without_indices_in_its_promises_will_do(tmp_path: Path) -> None:
    with served(3, with_index=False) as old:
        code, lines = run(tmp_path, made(old))
    assert code == 0
    assert lines[1] == "PASS index: the proof is about index 3"


def test_the_only_entry_of_a_log_has_an_empty_path(tmp_path: Path) -> None:
    with served() as young:
        code, lines = run(tmp_path, made(young, more=0))
    assert code == 0
    assert "entry 0 of the 1 " in lines[2]


def test_a_precertificate_signing_certificate_makes_no_difference(tmp_path: Path) -> None:
    signing = authority("Precertificates", by=issuing(), usages=[PRECERT_SIGNING])
    with served(3) as log:
        code, lines = run(tmp_path, made(log, signing=signing))
    assert (code, verdicts_of(lines)) == (0, dict.fromkeys(CHECKS, "PASS"))


def _other_pem(key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey) -> bytes:
    return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def _proof(change: Callable[[bytes], bytes]) -> Callable[[Files], Files]:
    return lambda files: {"proof.tlog-proof": change(files["proof.tlog-proof"])}


def _certificates(*others: Callable[[], x509.Certificate]) -> Callable[[Files], Files]:
    """Other certificates than those that belong to the proof."""
    return lambda _: {"certificate.pem": pem_of(*(other() for other in others))}


def _precertificate() -> x509.Certificate:
    return Wanted().precertificate(issuing())


def _unlogged() -> x509.Certificate:
    return Wanted().certificate(issuing())


def _other_key(_: Files) -> Files:
    return {"log-key.pem": _other_pem(ec.generate_private_key(ec.SECP256R1()))}


def _other_issuer(files: Files) -> Files:
    leaf, _ = x509.load_pem_x509_certificates(files["certificate.pem"])
    return {"certificate.pem": pem_of(leaf, root().certificate)}


@pytest.mark.parametrize(
    ("spoil", "failing"),
    [
        (_proof(lambda text: text.replace(b"index 5", b"index 4")), "index inclusion"),
        # Several sizes have paths of the same shape; which one it is, the signature says.
        (_proof(lambda text: text.replace(b"\n10\n", b"\n11\n")), "checkpoint"),
        (_proof(lambda text: text.replace(b"\n10\n", b"\n3\n")), "inclusion checkpoint"),
        (_proof(lambda _: b""), "index inclusion checkpoint"),
        (_proof(lambda _: b"\xff\x00"), "index inclusion checkpoint"),
        (_proof(lambda text: text.replace(b"\n", b"\r\n")), "index inclusion checkpoint"),
        (_proof(lambda text: text[:-1]), "inclusion checkpoint"),
        (_proof(lambda text: text.partition(b"\xe2")[0]), "checkpoint"),
        (_other_key, "promise index inclusion checkpoint"),
        (_other_issuer, "promise index inclusion issuer"),
        (_certificates(lambda: issuing().certificate, lambda: root().certificate), "promise index inclusion"),
        (_certificates(_precertificate, lambda: issuing().certificate), "promise index inclusion"),
        (_certificates(_unlogged, lambda: issuing().certificate), "promise index inclusion"),
    ],
)
def test_each_thing_that_is_wrong_fails_its_own_checks(
    tmp_path: Path, good: Files, spoil: Callable[[Files], Files], failing: str
) -> None:
    code, lines = run(tmp_path, good | spoil(good))
    assert code == 1
    verdicts = verdicts_of(lines)
    assert list(verdicts) == CHECKS
    assert " ".join(name for name in CHECKS if verdicts[name] == "FAIL") == failing


def test_the_names_that_are_compared_are_said_to_be_names(tmp_path: Path, good: Files) -> None:
    _, lines = run(tmp_path, good | _other_issuer(good))
    assert lines[0] == "FAIL promise: the certificate names another issuer than the one after it"


@pytest.mark.parametrize(
    ("files", "why"),
    [
        ({"certificate.pem": b""}, "must hold the certificate and, after it, the one that issued it"),
        ({"certificate.pem": b"hello"}, "a structure is cut short"),
        ({"certificate.pem": b"-----BEGIN CERTIFICATE-----\nAAA\n-----END CERTIFICATE-----"}, "this is not the base64"),
        ({"log-key.pem": b""}, "is not one public key on the curve P-256"),
        ({"log-key.pem": bytes(91)}, "a structure is cut short"),
        ({"log-key.pem": verify_proof.P256_KEY + b"\x01" * 64}, "a length is not as DER writes it|on the curve"),
        ({"log-key.pem": _other_pem(rsa.generate_private_key(public_exponent=65537, key_size=2048))}, "on the curve"),
        ({"log-key.pem": _other_pem(ec.generate_private_key(ec.SECP384R1()))}, "on the curve P-256"),
    ],
)
def test_files_that_cannot_be_used_are_refused_in_a_sentence(
    tmp_path: Path, good: Files, files: Files, why: str
) -> None:
    code, (line,) = run(tmp_path, good | files)
    assert code == 1
    assert line.startswith("FAIL input: ")
    assert any(part in line for part in why.split("|"))


def test_a_file_that_is_not_there_is_named(tmp_path: Path, good: Files) -> None:
    code, lines = run(tmp_path, {name: content for name, content in good.items() if name != "proof.tlog-proof"})
    assert (code, lines) == (1, ["FAIL input: [Errno 2] No such file or directory: 'proof.tlog-proof'"])


def test_without_its_three_files_the_program_says_what_it_wants() -> None:
    command = [sys.executable, "-I", "-S", verify_proof.__file__, "one"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 1
    assert "python3 verify_proof.py certificate.pem proof.tlog-proof log-key.pem" in done.stderr
    assert "Traceback" not in done.stderr


def _failed(files: list[bytes], proof: str, key: bytes, *, checks: Sequence[str] = CHECKS) -> int:
    """How many checks fail, in this process: thousands of them."""
    case, failed = verify_proof.Case(files, proof, key), 0
    for check in checks:
        try:
            getattr(case, check)()
        except (verify_proof.Wrong, IndexError, ValueError, OverflowError):
            failed += 1
    return failed


def test_no_proof_survives_the_change_of_a_bit(good: Files, log: CtLog) -> None:
    proof, key = good["proof.tlog-proof"], log.log().key_der
    assert _failed(ders(good), proof.decode(), key) == 0
    for bit in range(0, 8 * len(proof), 11):  # each check takes milliseconds, and 11 meets each bit of a byte
        changed = bytearray(proof)
        changed[bit // 8] ^= 1 << bit % 8
        assert _failed(ders(good), changed.decode(errors="replace"), key, checks=CHECKS[1:]), f"bit {bit}"


def test_no_certificate_survives_the_change_of_a_bit_in_what_was_logged(good: Files, log: CtLog) -> None:
    der, above = ders(good)
    logged = x509.load_der_x509_certificate(der).tbs_certificate_bytes
    start = der.index(logged)
    promised = der.index(bytes.fromhex("2b06010401d679020402"))
    for bit in range(8 * start, 8 * (start + len(logged)), 3):
        changed = bytearray(der)
        changed[bit // 8] ^= 1 << bit % 8
        # The SCTs themselves are not in the log; their signature is another check.
        checks = CHECKS if bit // 8 > promised else CHECKS[2:3]
        failed = _failed([bytes(changed), above], good["proof.tlog-proof"].decode(), log.log().key_der, checks=checks)
        assert failed, f"bit {bit}"


@pytest.mark.parametrize("cut", range(0, 400, 13))
def test_a_certificate_that_is_cut_is_no_surprise(good: Files, log: CtLog, cut: int) -> None:
    whole, above = ders(good)
    for der in (whole[: cut - 400], whole[cut + 1 :]):
        assert _failed([der, above], good["proof.tlog-proof"].decode(), log.log().key_der) >= 3


def test_signatures_are_judged_as_the_library_judges_them() -> None:
    for n in range(15):
        key = ec.generate_private_key(ec.SECP256R1())
        der = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        message = n.to_bytes(2)
        signature = key.sign(message, ec.ECDSA(hashes.SHA256()))
        assert verify_proof.signed(der, signature, message)
        assert not verify_proof.signed(der, signature, message + b"!")
        other = key.sign(b"another", ec.ECDSA(hashes.SHA256()))
        assert not verify_proof.signed(der, other, message)


@pytest.mark.parametrize(("log", "text"), HEADS, ids=[log.operator for log, _ in HEADS])
def test_checkpoints_of_public_logs_are_good(log: Log, text: str) -> None:
    case = verify_proof.Case([b"", b""], f"c2sp.org/tlog-proof@v1\nindex 0\n\n{text}", log.key_der)
    assert case.checkpoint() == f"the checkpoint of {log.origin} is signed by the log's key"
