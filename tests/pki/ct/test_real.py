"""SCTs that real logs signed: each holds for its certificate, and for nothing that differs from it in one bit."""

import base64
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from governance.kernel.errors import Invalid
from governance.pki.ct import tbs
from governance.pki.ct.check import SctVerdict, check_sct
from governance.pki.ct.entry import (
    Entry,
    entry_of_certificate,
    entry_of_embedded,
    entry_of_precertificate,
    is_precertificate,
    leaf_hash,
    timestamped,
)
from governance.pki.ct.sct import Sct, embedded, embedded_in, encode_list, parse, parse_list, stapled
from tests.pki.ct import real

AT = datetime(2018, 10, 1, tzinfo=UTC)
LEAF = real.certificate("cryptography-scts.pem")
ISSUER = real.certificate("letsencryptx3.pem")
ENTRY = entry_of_embedded(LEAF, [ISSUER])
SCTS = embedded(LEAF)


def judged(sct: Sct, entry: Entry = ENTRY) -> SctVerdict:
    return check_sct(sct, entry, real.LOGS, at=AT, not_after=LEAF.not_valid_after_utc)


def flipped(data: bytes, bit: int) -> bytes:
    changed = bytearray(data)
    changed[bit // 8] ^= 1 << bit % 8
    return bytes(changed)


def test_the_promises_of_two_real_logs_hold() -> None:
    verdicts = [check_sct(each, ENTRY, real.LOGS, at=AT, not_after=LEAF.not_valid_after_utc) for each in SCTS]
    assert [(verdict.state, verdict.log and verdict.log.description) for verdict in verdicts] == [
        ("valid", "Google Icarus"),
        ("valid", "Comodo Mammoth"),
    ]
    assert verdicts[0].why == "Google Icarus promised the entry at 2018-09-26 20:56:33"
    assert SCTS[0].at == datetime(2018, 9, 26, 20, 56, 33, 769000, tzinfo=UTC)


def test_what_the_logs_signed_is_the_tbs_that_the_library_cuts_out() -> None:
    assert ENTRY.body == LEAF.tbs_precertificate_bytes == real.vector("cryptography-scts-tbs-precert.der")


def test_the_signed_bytes_are_hashed_as_the_leaf() -> None:
    data = timestamped(ENTRY, timestamp_ms=SCTS[0].timestamp_ms, extensions=b"")
    assert data[:2] == b"\0\0"
    assert data[2:10] == (1537995393769).to_bytes(8)
    assert data[10:12] == b"\0\1"
    assert data[12:44] == ENTRY.issuer_key_hash
    assert len(leaf_hash(data)) == 32


@pytest.mark.parametrize("sct", SCTS, ids=["Icarus", "Mammoth"])
def test_no_bit_of_a_promise_can_be_changed(sct: Sct) -> None:
    encoded = sct.encode()
    assert parse(encoded) == sct
    for bit in range(8 * len(encoded)):
        try:
            changed = parse(flipped(encoded, bit))
        except Invalid:
            continue
        assert judged(changed).state != "valid", f"bit {bit}"


@pytest.mark.parametrize("extensions", [b"\0", b"\0\0\5\0\0\0\0\1"])
def test_nothing_can_be_added_to_a_promise(extensions: bytes) -> None:
    assert judged(replace(SCTS[0], extensions=extensions)).state == "bad_signature"


def test_no_bit_of_the_entry_can_be_changed() -> None:
    for bit in range(8 * len(ENTRY.body)):
        assert judged(SCTS[0], replace(ENTRY, body=flipped(ENTRY.body, bit))).state == "bad_signature", f"bit {bit}"
    for bit in range(8 * 32):
        changed = replace(ENTRY, issuer_key_hash=flipped(ENTRY.issuer_key_hash, bit))
        assert judged(SCTS[0], changed).state == "bad_signature", f"bit {bit}"


def test_a_promise_is_about_one_issuer_and_one_certificate() -> None:
    other = real.certificate("rapidssl_sha256_ca_g3.pem")
    assert judged(SCTS[0], entry_of_embedded(LEAF, other)).state == "bad_signature"
    assert judged(SCTS[0], entry_of_certificate(LEAF)).state == "bad_signature"
    precertificate = real.certificate("cryptography.io.precert.pem")  # of the certificate before, by the same issuer
    assert judged(SCTS[0], entry_of_precertificate(precertificate, ISSUER)).state == "bad_signature"


def test_a_real_precertificate_is_told_from_a_certificate() -> None:
    precertificate = real.certificate("cryptography.io.precert.pem")
    assert is_precertificate(precertificate)
    assert not is_precertificate(LEAF)
    entry = entry_of_precertificate(precertificate, [ISSUER])
    assert (entry.kind, entry.issuer_key_hash) == ("precert", ENTRY.issuer_key_hash)
    assert len(precertificate.tbs_certificate_bytes) - len(entry.body) == len(b"\x30\x13") + 0x13


def test_a_promise_of_another_log_is_not_taken_for_this_ones() -> None:
    icarus, mammoth = SCTS
    assert judged(replace(icarus, log_id=mammoth.log_id)).state == "bad_signature"
    assert judged(replace(icarus, signature=mammoth.signature)).state == "bad_signature"


def test_the_list_in_the_certificate_is_written_as_it_was_read() -> None:
    extension = tbs.read(LEAF.tbs_certificate_bytes).find(bytes.fromhex("2b06010401d679020402"))
    assert extension is not None
    assert extension.value[3:] == encode_list(SCTS)


@pytest.mark.parametrize(
    ("name", "state"), [("badssl-sct-none-hash.der", "malformed"), ("badssl-sct-anonymous-sig.der", "bad_signature")]
)
def test_a_promise_under_no_real_algorithm_is_refused(name: str, state: str) -> None:
    (sct,) = embedded(real.certificate(name))
    assert judged(sct).state == state


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("custom/invalid-sct-length.der", "the list of SCTs has 177 bytes"),
        ("custom/invalid-sct-version.der", "the SCT is of version 2; only version 1 is known"),
    ],
)
def test_a_malformed_list_in_a_certificate_is_refused(name: str, why: str) -> None:
    with pytest.raises(Invalid, match=why):
        embedded(real.certificate(name))


def test_the_promises_in_a_real_ocsp_response_are_found() -> None:
    scts = stapled(real.vector("ocsp/resp-sct-extension.der"))
    assert [base64.b64encode(sct.log_id).decode()[:8] for sct in scts] == [
        "RJRlLrDu",
        "b1N2rDHw",
        "u9nfvB+K",
        "7ku9t3XO",
    ]
    assert parse_list(encode_list(scts)) == scts


@pytest.mark.parametrize("name", ["resp-sha256.der", "resp-unauthorized.der", "resp-revoked.der"])
def test_an_ocsp_response_without_promises_has_none(name: str) -> None:
    assert stapled(real.vector(f"ocsp/{name}")) == ()


def test_garbage_is_no_ocsp_response() -> None:
    with pytest.raises(Invalid, match="no OCSP response"):
        stapled(b"\x30\x03garbage")


def test_broken_input_is_refused_in_one_way_only() -> None:
    answer, body = real.vector("ocsp/resp-sct-extension.der"), LEAF.tbs_certificate_bytes
    for bit in range(8 * len(answer)):
        with suppress(Invalid):
            stapled(flipped(answer, bit))
    for bit in range(8 * len(body)):
        with suppress(Invalid):
            embedded_in(tbs.read(flipped(body, bit)))
    for end in range(len(body)):
        with pytest.raises(Invalid):
            tbs.read(body[:end])


@pytest.mark.filterwarnings("ignore")
def test_every_certificate_is_put_together_as_it_was() -> None:
    seen = 0
    for certificate in real.every_certificate():
        body = certificate.tbs_certificate_bytes
        try:
            parts = tbs.read(body)
        except Invalid as refusal:
            assert refusal.message == "has an extension twice"  # noqa: PT017 -- only some of them are refused
            continue
        assert parts.encode(parts.extensions) == body
        seen += 1
    assert seen > 100
