"""What the addresses in our certificates lead to, asked by the real openssl and as caches ask."""

import base64
from pathlib import Path
from urllib.parse import quote

import httpx
import pytest
from cryptography import x509
from cryptography.x509 import ocsp

from governance.kernel.actor import SYSTEM
from governance.ledger.execute import execute
from governance.pki.commands import RevokeCertificate
from tests.gateway.live.conftest import Door
from tests.gateway.pki.conftest import Leaf
from tests.pki.openssl import run, written


def revoke(leaf: Leaf, cause: str = "keyCompromise") -> None:
    execute(RevokeCertificate(namespace="shop", serial=leaf.serial, cause=cause), by=SYSTEM)


def question(leaf: Leaf) -> bytes:
    path = leaf.directory / "question"
    assert leaf.ocsp("-no_nonce", "-reqout", path).ok
    return path.read_bytes()


def test_openssl_asks_at_the_address_in_the_certificate_and_learns_of_a_revocation_at_once(leaf: Leaf) -> None:
    good = leaf.ocsp("-url", leaf.ocsp_url)
    assert "Response verify OK" in good.text
    assert "leaf: good" in good.text
    assert "WARNING: no nonce" not in good.text
    revoke(leaf)
    gone = leaf.ocsp("-url", leaf.ocsp_url)
    assert "leaf: revoked" in gone.text
    assert "Reason: keyCompromise" in gone.text


def test_openssl_fetches_the_list_itself_and_refuses_what_stands_on_it(leaf: Leaf, tmp_path: Path) -> None:
    files = ("-CAfile", tmp_path / "roots", "-untrusted", tmp_path / "signer", tmp_path / "leaf")
    checked = ("verify", "-x509_strict", "-crl_check", "-crl_download", *files)
    assert run(*checked).text.strip().endswith("leaf: OK")
    revoke(leaf, "superseded")
    assert "certificate revoked" in run(*checked).text


def test_a_list_is_kept_by_caches_for_minutes_and_changes_with_a_revocation(leaf: Leaf) -> None:
    first = httpx.get(leaf.crl_url)
    assert (first.status_code, first.headers["content-type"]) == (200, "application/pkix-crl")
    public, age = first.headers["cache-control"].split(", max-age=")
    assert (public, 0 < int(age) <= 300) == ("public", True)
    assert "last-modified" in first.headers
    known = {"If-None-Match": first.headers["etag"]}
    same = httpx.get(leaf.crl_url, headers=known)
    assert (same.status_code, same.content, same.headers["etag"]) == (304, b"", first.headers["etag"])
    revoke(leaf)
    changed = httpx.get(leaf.crl_url, headers=known)
    assert changed.status_code == 200
    before, after = x509.load_der_x509_crl(first.content), x509.load_der_x509_crl(changed.content)
    assert not list(before)
    assert [f"{entry.serial_number:x}" for entry in after] == [leaf.serial]
    assert httpx.head(leaf.crl_url).headers["content-length"] == str(len(changed.content))


@pytest.mark.parametrize("encoded", [quote, lambda text: quote(text, safe=""), lambda text: text])
def test_a_question_may_stand_in_the_address_however_it_is_escaped(leaf: Leaf, encoded: object) -> None:
    assert callable(encoded)
    asked = base64.b64encode(question(leaf)).decode()
    answer = httpx.get(f"{leaf.ocsp_url}/{encoded(asked)}")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/ocsp-response")
    assert answer.headers["cache-control"] == "public, max-age=300"
    said = leaf.ocsp("-no_nonce", "-respin", written(leaf.directory / "answer", answer.content))
    assert "Response verify OK" in said.text
    assert "leaf: good" in said.text


def test_a_posted_answer_is_not_kept(leaf: Leaf) -> None:
    answer = httpx.post(leaf.ocsp_url, content=question(leaf), headers={"content-type": "application/ocsp-request"})
    assert ocsp.load_der_ocsp_response(answer.content).certificate_status is ocsp.OCSPCertStatus.GOOD
    assert answer.headers["cache-control"] == "no-store"


def test_nonsense_is_answered_as_such(leaf: Leaf) -> None:
    sent = {"content-type": "application/ocsp-request"}
    for answer in (
        httpx.post(leaf.ocsp_url, content=b"nonsense", headers=sent),
        httpx.get(f"{leaf.ocsp_url}/nonsense"),
        httpx.get(f"{leaf.ocsp_url}/%00"),
        httpx.get(f"{leaf.ocsp_url}/%E2%82%AC"),
    ):
        assert answer.status_code == 200
        status = ocsp.load_der_ocsp_response(answer.content).response_status
        assert status is ocsp.OCSPResponseStatus.MALFORMED_REQUEST
    assert httpx.post(leaf.ocsp_url, content=question(leaf)).status_code == 415
    assert httpx.post(leaf.ocsp_url, content=b"x" * 5000, headers=sent).status_code == 413
    assert httpx.put(leaf.crl_url, content=b"").status_code in (403, 405)
    assert httpx.get(leaf.ocsp_url).status_code == 405


def test_roots_and_authorities_are_there_for_everybody_and_nothing_else_is(leaf: Leaf, door: Door) -> None:
    here = f"http://{door.address}/pki"
    roots = httpx.get(f"{here}/roots.pem")
    assert (roots.text, roots.headers["content-type"]) == (
        (leaf.directory / "roots").read_text(),
        "application/pem-certificate-chain",
    )
    assert httpx.get(f"{here}/{leaf.authority}.pem").text == (leaf.directory / "signer").read_text()
    other = "00000000-0000-0000-0000-000000000000"
    for path in (f"{other}.crl", f"{other}.pem", f"{other}/ocsp/MA==", f"{leaf.authority}.key", "x.crl", ""):
        answer = httpx.get(f"{here}/{path}")
        assert (answer.status_code, "PRIVATE" in answer.text) == (404, False), path
    assert not any("set-cookie" in answer.headers for answer in (roots, httpx.get(leaf.crl_url)))
