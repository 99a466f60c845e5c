"""`openssl ocsp`, and everybody else, is told whether a certificate is revoked."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp
from hypothesis import given, settings
from hypothesis import strategies as st

from governance.kernel.clock import now
from governance.kernel.errors import Invalid
from governance.pki.authority import Authority, Names, make_root, to_pem
from governance.pki.ocsp import Responder, Status, answer, make_responder
from tests.fixtures.leaves import issue
from tests.pki import openssl
from tests.pki.forge import DAY, HOST
from tests.pki.house import founded, key

# The binary compares the times in an answer with the clock of the machine.
NOW = now().replace(microsecond=0)
HOUSE = founded(at=NOW)
RESPONDER = Responder(
    certificate=make_responder(HOUSE.middle, key("responder").public_key(), life=7 * DAY, at=NOW), key=key("responder")
)
GOOD, BAD = HOUSE.leaf(at=NOW), HOUSE.leaf(at=NOW)
REVOKED = Status(state="revoked", revoked_at=NOW - DAY, reason="keyCompromise")
KNOWN = {GOOD.serial_number: Status(state="good"), BAD.serial_number: REVOKED}
answered = partial(
    answer,
    authority_certificate=HOUSE.middle.certificate,
    responder=RESPONDER,
    look_up=lambda serial: KNOWN.get(serial, Status(state="unknown")),
    at=NOW,
    life=timedelta(hours=12),
)


def question(
    about: x509.Certificate, *, issuer: x509.Certificate | None = None, nonce: bytes = b"", by: Any = hashes.SHA1
) -> bytes:
    builder = ocsp.OCSPRequestBuilder().add_certificate(about, issuer or HOUSE.middle.certificate, by())
    if nonce:
        builder = builder.add_extension(x509.OCSPNonce(nonce), critical=False)
    return builder.build().public_bytes(Encoding.DER)


def read(response: bytes) -> ocsp.OCSPResponse:
    return ocsp.load_der_ocsp_response(response)


@pytest.mark.parametrize("by", [hashes.SHA1, hashes.SHA256, hashes.SHA384])
def test_good_revoked_and_unknown_are_told_apart(by: type[hashes.HashAlgorithm]) -> None:
    stranger = HOUSE.leaf(at=NOW)
    told = [read(answered(question(one, by=by))) for one in (GOOD, BAD, stranger)]
    assert [one.certificate_status.name for one in told] == ["GOOD", "REVOKED", "UNKNOWN"]
    assert told[1].revocation_time_utc == NOW - DAY
    assert told[1].revocation_reason == x509.ReasonFlags.key_compromise
    assert all(one.this_update_utc == NOW for one in told)
    assert all(one.next_update_utc == NOW + timedelta(hours=12) for one in told)


def test_an_answer_never_outlives_who_signed_it() -> None:
    late = NOW + 7 * DAY - timedelta(hours=1)
    assert read(answered(question(GOOD), at=late)).next_update_utc == RESPONDER.certificate.not_valid_after_utc


@pytest.mark.parametrize("nonce", [b"x", b"0123456789abcdef", b"y" * 32])
def test_a_nonce_comes_back(nonce: bytes) -> None:
    told = read(answered(question(GOOD, nonce=nonce)))
    assert told.extensions.get_extension_for_class(x509.OCSPNonce).value.nonce == nonce


def test_no_nonce_is_made_up() -> None:
    assert not list(read(answered(question(GOOD))).extensions)


def test_a_nonce_that_is_too_long_is_malformed() -> None:
    assert read(answered(question(GOOD, nonce=b"z" * 33))).response_status.name == "MALFORMED_REQUEST"


@pytest.mark.parametrize(
    "content",
    [b"", b"garbage", b"\x30\x00", question(GOOD)[:-4], b"0" * 5000],
    ids=["empty", "garbage", "no content", "cut off", "too long"],
)
def test_what_is_no_question_is_malformed(content: bytes) -> None:
    assert read(answered(content)).response_status.name == "MALFORMED_REQUEST"


@settings(max_examples=200, deadline=None)
@given(at=st.integers(0, 10_000), put=st.binary(min_size=1, max_size=3))
def test_a_damaged_question_raises_nothing(at: int, put: bytes) -> None:
    content = question(GOOD, nonce=b"0123456789abcdef")
    at %= len(content)
    assert read(answered(content[:at] + put + content[at + len(put) :])).response_status is not None


def test_a_question_about_another_issuers_certificate_is_not_ours_to_answer() -> None:
    for issuer in (HOUSE.root.certificate, _twin("another key")):
        told = read(answered(question(GOOD, issuer=issuer)))
        assert told.response_status.name == "UNAUTHORIZED"


def test_an_expired_responder_says_to_try_later() -> None:
    for at in (NOW + 7 * DAY, NOW - DAY):
        assert read(answered(question(GOOD), at=at)).response_status.name == "TRY_LATER"


def test_an_issuer_with_an_rsa_key_is_recognised() -> None:
    mine = key("rsa issuer", "RSA", 2048)
    issuer = Authority(certificate=make_root(mine, common_name="RSA", life=365 * DAY, at=NOW), key=mine)
    responder = Responder(
        certificate=make_responder(issuer, key("responder").public_key(), life=DAY, at=NOW), key=key("responder")
    )
    leaf = issue(issuer, key("leaf").public_key(), Names(dns=(HOST,)), life=DAY, at=NOW)
    content = question(leaf, issuer=issuer.certificate)
    told = read(answered(content, authority_certificate=issuer.certificate, responder=responder))
    assert told.certificate_status.name == "UNKNOWN"


def test_a_responder_may_do_nothing_else() -> None:
    certificate = RESPONDER.certificate
    usages = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert [usage.dotted_string for usage in usages] == ["1.3.6.1.5.5.7.3.9"]
    assert not certificate.extensions.get_extension_for_class(x509.OCSPNoCheck).critical
    assert not certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    assert "PrivateKey" not in repr(RESPONDER)


def test_a_responder_needs_its_own_key() -> None:
    with pytest.raises(Invalid, match="does not belong"):
        Responder(certificate=RESPONDER.certificate, key=key("leaf"))


@pytest.mark.parametrize(
    ("state", "revoked_at", "reason"),
    [("revoked", None, "superseded"), ("good", NOW, "unspecified"), ("revoked", NOW, "because")],
)
def test_a_status_that_contradicts_itself_is_refused(state: Any, revoked_at: datetime | None, reason: str) -> None:
    with pytest.raises(Invalid):
        Status(state=state, revoked_at=revoked_at, reason=reason)


# --- the binary ------------------------------------------------------------------------------------------------------


@pytest.fixture
def files(tmp_path: Path) -> dict[str, Path]:
    certificates = {"root": HOUSE.root.certificate, "issuer": HOUSE.middle.certificate, "good": GOOD, "bad": BAD}
    return {name: openssl.written(tmp_path / name, to_pem(one)) for name, one in certificates.items()}


def asked(files: dict[str, Path], about: str, *how: str | Path) -> openssl.Said:
    trust: list[str | Path] = ["-CAfile", files["root"], "-verify_other", files["issuer"], "-issuer", files["issuer"]]
    return openssl.run("ocsp", *trust, "-cert", files[about], *how)


@pytest.mark.parametrize(("about", "said"), [("good", ": good"), ("bad", ": revoked")])
def test_openssl_asks_over_http_and_takes_the_answer(files: dict[str, Path], about: str, said: str) -> None:
    with served() as url:
        told = asked(files, about, "-url", url)
    assert "Response verify OK" in told.text
    assert f"{files[about]}{said}" in told.text
    assert "WARNING" not in told.text


def test_openssl_reads_an_answer_from_a_file(files: dict[str, Path], tmp_path: Path) -> None:
    told = asked(files, "bad", "-no_nonce", "-respin", openssl.written(tmp_path / "response", answered(question(BAD))))
    assert "Response verify OK" in told.text
    assert "Reason: keyCompromise" in told.text


def test_openssl_refuses_an_answer_that_somebody_else_signed(files: dict[str, Path], tmp_path: Path) -> None:
    """Neither a leaf of the same issuer, nor the delegate of another one, may answer."""
    leaf = Responder(certificate=GOOD, key=key("leaf"))
    foreign_certificate = make_responder(HOUSE.root, key("responder").public_key(), life=DAY, at=NOW)
    foreign = Responder(certificate=foreign_certificate, key=key("responder"))
    for responder in (leaf, foreign):
        response = answered(question(BAD), responder=responder)
        told = asked(files, "bad", "-no_nonce", "-respin", openssl.written(tmp_path / "response", response))
        assert "Response verify OK" not in told.text
        assert "Response Verify Failure" in told.text


def test_openssl_sees_that_an_answer_is_out_of_date(files: dict[str, Path], tmp_path: Path) -> None:
    response = answered(question(GOOD), at=NOW - timedelta(seconds=90), life=timedelta(seconds=30))
    path = openssl.written(tmp_path / "response", response)
    told = asked(files, "good", "-no_nonce", "-validity_period", "10", "-respin", path)
    assert "Status times invalid" in told.text


@contextmanager
def served() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/ocsp"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Handler(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        response = answered(self.rfile.read(int(self.headers["content-length"])))
        self.send_response(200)
        self.send_header("content-type", "application/ocsp-response")
        self.send_header("content-length", str(len(response)))
        self.end_headers()
        self.wfile.write(response)

    def log_message(self, *_: object) -> None:
        """Print nothing."""


def _twin(key_name: str) -> x509.Certificate:
    return make_root(key(key_name), common_name="Governor Issuing 1", life=DAY, at=NOW)
