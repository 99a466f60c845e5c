"""What is seen of TLS ports, by handshakes with real ones."""

import ssl
import time
from contextlib import ExitStack
from datetime import timedelta

import pytest
from cryptography.hazmat.primitives.hashes import SHA256

from governance.kernel.clock import now
from governance.kernel.errors import Unavailable
from governance.pki.ct.probing import KEPT_BYTES, Port, Shown, context_of, look_at, look_at_all
from governance.pki.keys import to_pem as key_pem
from governance.pki.pem import to_pem
from tests.pki import forge
from tests.pki.ct import ports
from tests.pki.ct.ports import Identity, closed_address, door, grpc_door, identity, raw
from tests.pki.forge import DAY
from tests.pki.house import House, founded, key
from tests.pki.house import House as Authorities

V1_2, V1_3 = ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3
PATIENCE_S = 0.4


@pytest.fixture(scope="module")
def shop() -> House:
    return founded(at=now())


def shown_by(house: Authorities, *, life: timedelta = 30 * DAY) -> Identity:
    """A leaf of the house with what is sent after it."""
    return identity(key("leaf"), house.leaf(life=life, at=now()), *house.middle.chain)


def seen_at(address: str, name: str = "", *, by: Identity | None = None) -> Shown:
    shown = by.key_pem + b"\n" + by.chain_pem.encode() if by else b""
    return look_at(Port(address=address, server_name=name), context_of(shown))


@pytest.mark.parametrize("version", [V1_2, V1_3])
def test_the_whole_chain_is_seen_as_it_was_sent(shop: House, version: ssl.TLSVersion) -> None:
    mine = shown_by(shop)
    with door(mine, version=version) as there:
        seen = seen_at(there.address)
    assert (seen.error, seen.serial) == ("", mine.serial)
    assert seen.chain_pem == mine.chain_pem
    assert seen.fingerprint == mine.leaf.fingerprint(SHA256()).hex()


def test_each_name_is_asked_for_and_no_name_when_there_is_none(shop: House) -> None:
    default, red = shown_by(shop), shown_by(shop)
    with door(default, by_name={"red.example": red}) as there:
        assert seen_at(there.address).serial == default.serial
        assert seen_at(there.address, "red.example").serial == red.serial
        assert seen_at(there.address, "blue.example").serial == default.serial
        assert there.names == [None, "red.example", "blue.example"]


@pytest.mark.parametrize("version", [V1_2, V1_3])
def test_a_port_that_demands_a_certificate_is_shown_ours(shop: House, version: ssl.TLSVersion) -> None:
    me = shown_by(shop)
    with door(shown_by(shop), version=version, demand=to_pem(shop.root.certificate)) as there:
        assert seen_at(there.address, by=me).serial == there.show.serial
    assert [each.serial_number for each in there.callers] == [me.leaf.serial_number]


@pytest.mark.parametrize("version", [V1_2, V1_3])
@pytest.mark.parametrize("known", [True, False])
def test_one_that_refuses_whoever_asks_has_shown_its_own_before(
    shop: House, version: ssl.TLSVersion, known: bool
) -> None:
    strangers = forge.authority("stranger", life=(now() - DAY, now() + DAY))
    with door(shown_by(shop), version=version, demand=to_pem(strangers.certificate)) as there:
        seen = seen_at(there.address, by=shown_by(shop) if known else None)
        assert (seen.serial, seen.error) == (there.show.serial, "")
    assert there.callers == []


def test_a_grpc_server_with_mutual_tls_is_seen(shop: House) -> None:
    mine = shown_by(shop)
    with grpc_door(mine, demand=to_pem(shop.root.certificate)) as address:
        assert seen_at(address, by=shown_by(shop)).chain_pem == mine.chain_pem


def test_what_nobody_should_trust_is_seen_all_the_same(shop: House) -> None:
    weak = forge.forge("weak", by=None, changes={}, key_kind="RSA-1024", life=(now() - 9 * DAY, now() - DAY))
    with door(identity(weak.key, weak.certificate)) as there:
        assert seen_at(there.address).serial == there.show.serial


def test_a_chain_that_is_too_long_is_kept_without_its_end(shop: House) -> None:
    mine = shown_by(shop)
    long = identity(key("leaf"), mine.leaf, *(shop.middle.chain * 90))
    assert len(long.chain_pem) > KEPT_BYTES
    with door(long) as there:
        assert seen_at(there.address).chain_pem == to_pem(mine.leaf)


@pytest.mark.parametrize(
    ("act", "error"),
    [
        (ports.says(b"HTTP/1.1 400 Bad Request\r\n\r\n"), "it speaks no TLS"),
        (ports.says(b"\x00\x01\x02" * 400), "it speaks no TLS"),
        (ports.says(b"\x16\x03\x03\x00\x04\x63\x00\x00\x00"), "it speaks no TLS that can be understood"),
        (ports.says(b"\x15\x03\x03\x00\x02\x02\x28"), "it refuses the handshake: handshake failure"),
        (ports.reset, "it closed the connection during the handshake"),
        (ports.hang_up, "it closed the connection during the handshake"),
        (ports.hang, "it did not answer in time"),
        (ports.drip, "it did not answer in time"),
    ],
)
def test_a_port_that_shows_nothing_says_why(act: ports.Act, error: str) -> None:
    with raw(act) as address:
        seen = look_at(Port(address=address), context_of(), timeout_s=PATIENCE_S)
    assert (seen.chain, seen.serial, seen.fingerprint, seen.chain_pem) == ((), "", "", "")
    assert seen.error == error


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion:DeprecationWarning")
def test_one_of_an_older_tls_says_so(shop: House) -> None:
    with door(shown_by(shop), version=ssl.TLSVersion.TLSv1_1) as there:
        assert seen_at(there.address).error == "it speaks no TLS of version 1.2 or later"


@pytest.mark.parametrize(
    ("address", "error"),
    [
        ("169.254.169.254:80", "169.254.169.254 is a link-local"),
        ("0.0.0.0:443", "0.0.0.0 is a link-local, unspecified"),
        ("[fe80::1]:443", "fe80::1 is a link-local"),
        ("[::ffff:a9fe:a9fe]:80", "::ffff:a9fe:a9fe is a link-local"),
        ("[64:ff9b::a9fe:a9fe]:80", "64:ff9b::a9fe:a9fe is a link-local"),
        ("nobody.invalid:443", "the name nobody.invalid is not known"),
        ("nonsense", "'nonsense' is not host:port"),
    ],
)
def test_what_cannot_be_reached_says_so(address: str, error: str) -> None:
    assert seen_at(address).error.startswith(error)


def test_where_nothing_listens_nothing_is_shown(shop: House) -> None:
    assert seen_at(closed_address()).error == "nothing listens there"


def test_a_name_that_is_none_is_no_reason_to_fail(shop: House) -> None:
    with door(shown_by(shop)) as there:
        assert seen_at(there.address, "a" * 80 + ".example").error.startswith("it cannot be asked for")


def test_a_certificate_that_does_not_fit_its_key_is_not_shown(shop: House) -> None:
    with pytest.raises(Unavailable, match="our own certificate cannot be shown"):
        context_of(key_pem(key("other")) + shown_by(shop).chain_pem.encode())


def test_ports_that_hang_hold_up_nobody(shop: House) -> None:
    with ExitStack() as stack:
        good = [stack.enter_context(door(shown_by(shop))) for _ in range(3)]
        stuck = [Port(address=stack.enter_context(raw(ports.hang))) for _ in range(40)]
        asked = [*(Port(address=each.address) for each in good), *stuck]
        began = time.monotonic()
        found = look_at_all(asked, context_of(), at_once=8, round_s=1.0, timeout_s=PATIENCE_S)
        lasted = time.monotonic() - began
    answers = {each.port: each for each in found}
    assert {answers[Port(address=each.address)].serial for each in good} == {each.show.serial for each in good}
    assert lasted < 5
    assert {each.error for each in found if not each.chain} == {"it did not answer in time"}
    assert len(found) < len(asked), "so many do not fit into one round"


def test_many_are_asked_at_once(shop: House) -> None:
    with door(shown_by(shop)) as there:
        asked = [Port(address=there.address, server_name=f"n{n}.example") for n in range(200)]
        found = look_at_all(asked, context_of())
    assert {each.port for each in found} == set(asked)
    assert {each.serial for each in found} == {there.show.serial}
