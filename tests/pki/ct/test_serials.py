"""Serial numbers that nobody may make: they are seen, and refused by no column."""

from datetime import timedelta

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding

from governance.kernel.clock import now
from governance.pki.authority import Authority
from governance.pki.ct.der import children, whole, wrap
from governance.pki.ct.models import CtEntry
from governance.pki.ct.own import submission
from governance.pki.ct.probing import Port, Shown, Target
from governance.pki.ct.serials import searched
from governance.pki.leaf import draft
from governance.pki.models import ServedCertificate
from governance.pki.names import Names
from governance.pki.observe import served
from governance.pki.queries.authorities import signer_of
from tests.fixtures.house import House
from tests.pki.ct.tailed import alarms, read
from tests.pki.house import key

pytestmark = pytest.mark.filterwarnings("ignore:Parsed a serial number")
LONG, NEGATIVE = b"\x01" * 30, b"\xff" + b"\x11" * 25


def numbered(signer: Authority, serial: bytes) -> bytes:
    """A certificate under our authority with whatever bytes as its serial number."""
    made = draft(signer, key("leaf").public_key(), Names(dns=("a.shop.svc",)), life=timedelta(days=1), at=now())
    plain = made.plain()
    body = plain.tbs_certificate_bytes
    parts = [body[each.start : each.end] for each in children(body, whole(body, 0x30))]
    parts[1] = wrap(2, serial)
    changed = wrap(0x30, b"".join(parts))
    assert isinstance(signer.key, ec.EllipticCurvePrivateKey)
    signature = signer.key.sign(changed, ec.ECDSA(hashes.SHA256()))
    return wrap(0x30, changed + parts[2] + wrap(3, b"\0" + signature))


@pytest.mark.parametrize("serial", [LONG, NEGATIVE])
def test_the_log_takes_a_serial_that_is_too_long_and_it_is_an_alarm(pki: House, serial: bytes) -> None:
    _, signer = signer_of("internal")
    chain = [numbered(signer, serial), *(each.public_bytes(Encoding.DER) for each in signer.chain)]
    told = submission.take(chain, pre=False)
    stored = CtEntry.objects.get(index=told.index).serial
    assert stored == searched(f"{int.from_bytes(serial, signed=True):x}")
    assert "~" in stored
    read()
    assert "not_issued" in alarms()


@pytest.mark.parametrize("serial", [LONG, NEGATIVE])
def test_a_port_that_shows_one_is_seen(pki: House, serial: bytes) -> None:
    _, signer = signer_of("internal")
    port = Port(address="127.0.0.1:9", server_name="")
    target = Target(port=port, namespace="shop")
    served.shown([target], [Shown(port=port, chain=(numbered(signer, serial),))], at=now())
    row = ServedCertificate.objects.get()
    assert row.serial == searched(f"{int.from_bytes(serial, signed=True):x}")


def test_what_fits_stays_and_two_that_do_not_stay_two() -> None:
    longest = "f" * 40
    assert searched(longest) == longest
    assert searched(longest + "0") != searched(longest + "1")
    assert {len(searched(longest + each)) for each in ("0", "1" * 900)} == {40}
