"""A list of revoked certificates names whom it should, and other people's software reads it."""

from datetime import timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from hypothesis import given, settings
from hypothesis import strategies as st

from governance.kernel.errors import Invalid, Unavailable
from governance.pki.authority import to_pem
from governance.pki.crl import REASONS, Revoked, build_crl
from tests.pki import openssl
from tests.pki.forge import AT, DAY
from tests.pki.house import founded, key

HOUSE = founded()
SERIALS = st.integers(1, (1 << 159) - 1)


@settings(max_examples=40, deadline=None)
@given(listed=st.dictionaries(SERIALS, st.sampled_from(REASONS), max_size=30), other=SERIALS)
def test_a_list_names_just_those_that_were_revoked(listed: dict[int, str], other: int) -> None:
    entries = [Revoked(serial=serial, at=AT, reason=reason) for serial, reason in listed.items()]
    made = build_crl(HOUSE.middle, entries, number=1, at=AT, life=DAY)
    read = x509.load_der_x509_crl(made.public_bytes(Encoding.DER))
    assert [entry.serial_number for entry in read] == sorted(listed)
    assert (read.get_revoked_certificate_by_serial_number(other) is not None) == (other in listed)
    for serial, reason in listed.items():
        found = read.get_revoked_certificate_by_serial_number(serial)
        assert found is not None
        reasons = [extension.value.reason.value for extension in found.extensions]
        assert reasons == ([] if reason == "unspecified" else [reason])
        assert found.revocation_date_utc == AT


def test_a_list_is_signed_numbered_and_dated() -> None:
    made = build_crl(HOUSE.middle, [], number=41, at=AT + timedelta(microseconds=5), life=DAY)
    assert made.is_signature_valid(key("middle").public_key())
    assert not made.is_signature_valid(key("leaf").public_key())
    assert made.issuer == HOUSE.middle.certificate.subject
    assert (made.last_update_utc, made.next_update_utc) == (AT, AT + DAY)
    assert made.extensions.get_extension_for_class(x509.CRLNumber).value.crl_number == 41
    said = made.extensions.get_extension_for_class(x509.AuthorityKeyIdentifier).value
    assert said.key_identifier == bytes.fromhex(HOUSE.middle.key_id)


def test_openssl_reads_it_and_knows_its_signer(tmp_path: Path) -> None:
    entries = [Revoked(serial=0xBAD, at=AT, reason="keyCompromise"), Revoked(serial=0xA, at=AT)]
    made = build_crl(HOUSE.middle, entries, number=7, at=AT, life=DAY)
    path = openssl.written(tmp_path / "crl", made.public_bytes(Encoding.PEM))
    issuers = openssl.written(tmp_path / "issuers", to_pem(HOUSE.middle.certificate))
    others = openssl.written(tmp_path / "others", to_pem(HOUSE.root.certificate))
    told = openssl.run("crl", "-in", path, "-CAfile", issuers, "-noout", "-text")
    assert "verify OK" in told.text
    assert "Key Compromise" in told.text
    assert told.text.index("Serial Number: 0A") < told.text.index("Serial Number: 0BAD")
    assert "X509v3 CRL Number: \n                7" in told.text
    assert "verify OK" not in openssl.run("crl", "-in", path, "-CAfile", others, "-noout").text


def test_a_long_list_is_searched_as_fast_as_a_short_one_is() -> None:
    entries = [Revoked(serial=serial, at=AT) for serial in range(1, 5001)]
    made = build_crl(HOUSE.middle, entries, number=1, at=AT, life=DAY)
    assert len(made) == 5000
    assert made.get_revoked_certificate_by_serial_number(5000) is not None


def test_a_certificate_stands_on_a_list_once() -> None:
    with pytest.raises(Invalid, match="bad is listed twice"):
        build_crl(HOUSE.middle, [Revoked(serial=0xBAD, at=AT)] * 2, number=1, at=AT, life=DAY)


def test_an_expired_authority_publishes_no_list() -> None:
    with pytest.raises(Unavailable, match="CN=Governor Issuing 1 expired"):
        build_crl(HOUSE.middle, [], number=1, at=AT + 400 * DAY, life=DAY)


@pytest.mark.parametrize(("serial", "reason"), [(0, "unspecified"), (-1, "superseded"), (1 << 160, "superseded")])
def test_what_is_no_serial_number_is_refused(serial: int, reason: str) -> None:
    with pytest.raises(Invalid, match="not a serial number"):
        Revoked(serial=serial, at=AT, reason=reason)


@pytest.mark.parametrize("reason", ["", "key_compromise", "certificateHold", "removeFromCRL"])
def test_other_reasons_are_refused(reason: str) -> None:
    with pytest.raises(Invalid, match="not one of unspecified, keyCompromise"):
        Revoked(serial=1, at=AT, reason=reason)


@pytest.mark.parametrize(("number", "life"), [(-1, DAY), (1 << 159, DAY), (1, timedelta())])
def test_a_number_and_a_life_that_make_no_sense_are_refused(number: int, life: timedelta) -> None:
    with pytest.raises(Invalid):
        build_crl(HOUSE.middle, [], number=number, at=AT, life=life)
