"""Certificates go out and come in as PEM, and nothing else does."""

import base64

import pytest
from cryptography.hazmat.primitives.serialization import Encoding
from hypothesis import given, settings
from hypothesis import strategies as st

from governance.kernel.errors import GovernanceError, Invalid
from governance.pki import chain
from governance.pki.authority import (
    chain_from_pem,
    to_pem,
)
from governance.pki.keys import to_pem as key_to_pem
from tests.pki.forge import AT
from tests.pki.house import founded, key

HOUSE = founded()
LEAF = HOUSE.leaf().public_bytes(Encoding.DER)


def test_a_chain_survives_being_written_and_read() -> None:
    certificates = (HOUSE.leaf(), HOUSE.middle.certificate, HOUSE.root.certificate)
    assert chain_from_pem(to_pem(*certificates), field="chain") == certificates
    assert chain_from_pem("My chain:\r\n" + to_pem(*certificates).replace("\n", "\r\n"), field="c") == certificates


@pytest.mark.parametrize(
    ("pem", "said"),
    [
        ("", "no certificate"),
        ("garbage", "no certificate"),
        ("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", "cannot be read"),
        ("-----BEGIN CERTIFICATE-----\n", "cannot be read"),
        (to_pem(HOUSE.root.certificate) * 17, "at most 16"),
        (" " * 300_000, "at most 262144"),
        (to_pem(HOUSE.root.certificate) + key_to_pem(key("leaf")).decode(), "holds a PRIVATE KEY"),
    ],
)
def test_what_is_no_chain_is_refused_by_field(pem: str, said: str) -> None:
    with pytest.raises(Invalid, match=said) as refusal:
        chain_from_pem(pem, field="chain_pem")
    assert refusal.value.field == "chain_pem"


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_a_damaged_certificate_is_refused_or_still_a_certificate(data: st.DataObject) -> None:
    """Nothing but a refusal comes out of a stranger's bytes."""
    der = bytearray(LEAF)
    for _ in range(data.draw(st.integers(1, 4))):
        der[data.draw(st.integers(0, len(der) - 1))] = data.draw(st.integers(0, 255))
    text = "-----BEGIN CERTIFICATE-----\n" + base64.encodebytes(der).decode() + "-----END CERTIFICATE-----\n"
    try:
        (damaged,) = chain_from_pem(text, field="chain")
    except GovernanceError:
        return
    said = chain.verify([damaged, HOUSE.middle.certificate], roots=[HOUSE.root.certificate], at=AT, purpose="server")
    assert said.ok == (bytes(der) == LEAF)
