"""Certificates that somebody changed where no log has signed: the program that checks proofs says so."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from governance.pki.ct.der import children, whole, wrap
from tests.pki.ct.promising import authority
from tests.pki.ct.reading import issuing, served
from tests.pki.ct.verifying import CHECKS, Files, ders, made, run, verdicts_of

Parts = list[bytes]
SCT_LIST, NAMES = bytes.fromhex("060a2b06010401d679020402"), bytes.fromhex("0603551d11")
EVIL = wrap(4, x509.SubjectAlternativeName([x509.DNSName("evil.example")]).public_bytes())


@pytest.fixture(scope="module")
def good() -> Iterator[Files]:
    with served(5) as log:
        yield made(log)


def _parts(data: bytes) -> Parts:
    return [data[each.start : each.end] for each in children(data, whole(data, data[0]))]


def _forged(files: Files, *, body: Callable[[Parts], None], outer: Callable[[Parts], None] = lambda _: None) -> Files:
    """The certificate with other parts, signed anew by its issuer, which may be in league with whoever forged it."""
    der, above = ders(files)
    tbs, algorithm, _ = _parts(der)
    parts = _parts(tbs)
    body(parts)
    changed = wrap(0x30, b"".join(parts))
    signature = issuing().key.sign(changed, ec.ECDSA(hashes.SHA256()))
    rebuilt = [changed, algorithm, wrap(3, b"\x00" + signature)]
    outer(rebuilt)
    return {"certificate.pem": wrap(0x30, b"".join(rebuilt)) + above}


def _promises(change: Callable[[Parts], Parts]) -> Callable[[Parts], None]:
    """Change the parts of the extension with the SCTs."""

    def body(parts: Parts) -> None:
        extensions = [_parts(each) for each in _parts(_parts(parts[-1])[0])]
        written = [change(each) if each[0] == SCT_LIST else each for each in extensions]
        parts[-1] = wrap(0xA3, wrap(0x30, b"".join(wrap(0x30, b"".join(each)) for each in written)))

    return body


def _second_list(parts: Parts) -> None:
    (first,) = _parts(parts[-1])
    parts[-1] = wrap(0xA3, first + wrap(0x30, wrap(0x30, NAMES + EVIL)))


def _same(_: Parts) -> None:
    """Nothing."""


# What no log signed, and neither check of the log's word would notice unless it looked at every byte.
FORGERIES: dict[str, tuple[Callable[[Parts], None], Callable[[Parts], None]]] = {
    "a second list of extensions": (_second_list, _same),
    "another name beside the SCTs": (_promises(lambda parts: [parts[0], wrap(0x0C, b"evil.example"), parts[1]]), _same),
    "something after the SCTs": (_promises(lambda parts: [*parts, EVIL]), _same),
    "something in the value with the SCTs": (
        _promises(lambda parts: [parts[0], wrap(4, _parts(parts[1])[0] + EVIL)]),
        _same,
    ),
    "a flag that DER does not write": (_promises(lambda parts: [parts[0], b"\x01\x01\x00", parts[1]]), _same),
    "something after the list of SCTs": (
        _promises(lambda parts: [parts[0], wrap(4, wrap(4, _parts(parts[1])[0][2:] + b"evil"))]),
        _same,
    ),
    "something after the extensions": (lambda parts: parts.append(wrap(0xA4, EVIL)), _same),
    "something before the extensions": (lambda parts: parts.insert(-1, wrap(0xA4, EVIL)), _same),
    "something after the version": (lambda parts: parts.__setitem__(0, wrap(0xA0, b"\x02\x01\x02" + EVIL)), _same),
    "another version": (lambda parts: parts.__setitem__(0, wrap(0xA0, b"\x02\x01\x03")), _same),
    "something after the signature": (_same, lambda parts: parts.append(EVIL)),
    "something before the signature": (_same, lambda parts: parts.insert(1, EVIL)),
    "another algorithm outside": (_same, lambda parts: parts.__setitem__(1, wrap(0x30, parts[1][2:] + b"\x05\x00"))),
    "a signature that ends within a byte": (_same, lambda parts: parts.__setitem__(2, wrap(3, b"\x01" + parts[2][3:]))),
}


@pytest.mark.parametrize(("body", "outer"), FORGERIES.values(), ids=FORGERIES)
def test_what_the_log_did_not_sign_is_not_passed_over(
    tmp_path: Path, good: Files, body: Callable[[Parts], None], outer: Callable[[Parts], None]
) -> None:
    code, lines = run(tmp_path, good | _forged(good, body=body, outer=outer))
    verdicts = verdicts_of(lines)
    assert (code, verdicts["promise"], verdicts["inclusion"]) == (1, "FAIL", "FAIL")


def test_a_forgery_of_which_nothing_is_changed_passes(tmp_path: Path, good: Files) -> None:
    """So that the others fail for what they change; and a log says nothing of whether its extension is critical."""
    for body in (_same, _promises(lambda parts: [parts[0], b"\x01\x01\xff", parts[1]])):
        code, lines = run(tmp_path, good | _forged(good, body=body))
        assert (code, verdicts_of(lines)) == (0, dict.fromkeys(CHECKS, "PASS"))


@pytest.mark.parametrize("signature", [b"garbage", b"", bytes(71)])
def test_a_certificate_that_its_issuer_did_not_sign_fails(tmp_path: Path, good: Files, signature: bytes) -> None:
    def unsigned(parts: Parts) -> None:
        parts[2] = wrap(3, b"\x00" + signature)

    code, lines = run(tmp_path, good | _forged(good, body=_same, outer=unsigned))
    assert (code, verdicts_of(lines)) == (1, dict.fromkeys(CHECKS[:4], "PASS") | {"issuer": "FAIL"})


@pytest.mark.parametrize(
    "key", [ec.generate_private_key(ec.SECP384R1()), rsa.generate_private_key(public_exponent=65537, key_size=2048)]
)
def test_a_signature_that_this_program_cannot_check_is_said_not_to_be_checked(tmp_path: Path, key: Any) -> None:
    with served(3) as log:
        files = made(log, authority("Other", key=key))
        code, lines = run(tmp_path, files)
    assert (code, verdicts_of(lines)) == (0, dict.fromkeys(CHECKS[:4], "PASS") | {"issuer": "SKIP"})
    assert "is not checked here; openssl verify -partial_chain" in lines[4]
