"""Ports that show now this and now that, or more than anybody needs: they cost little, and hide nothing."""

from datetime import timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding

from governance.kernel.actor import SYSTEM
from governance.kernel.clock import now
from governance.ledger.execute import execute
from governance.ledger.models import Fact
from governance.pki.commands import AcknowledgeFinding
from governance.pki.ct import traces, tracing
from governance.pki.ct.board import ports
from governance.pki.ct.looking import look, tell
from governance.pki.models import Finding
from governance.pki.queries.served import signers
from tests.fixtures.house import House
from tests.pki.conftest import clock_at, head
from tests.pki.ct.ports import Identity, door
from tests.pki.ct.watched import (
    MINUTES,
    board_now,
    forged,
    issued,
    listen,
    open_findings,
    rows,
    stranger,
    through_an_authority,
    verdicts,
)

HOUR = timedelta(hours=1)
END_LINE = "-----END CERTIFICATE-----\n"


pytestmark = pytest.mark.usefixtures("closed_house")


def test_a_port_that_changes_its_certificate_every_round_is_one_finding(pki: House) -> None:
    with door(stranger()) as there:
        listen(there.address)
        look()
        before = head()
        for n in range(5):
            there.show = stranger(f"CA {n}")
            look()
        assert head() == before
        assert Finding.objects.count() == 1
        with clock_at(now() + 61 * MINUTES):
            there.show = stranger("CA last")
            look()
            (finding,) = open_findings("served_not_issued")
            (shown,) = ports()
            assert finding.detail["fingerprint"] == shown.port.fingerprint
            assert "CA last" in finding.message
            after = head()
            there.show = stranger("CA after that")
            look()
            assert head() == after


def test_each_certificate_that_our_key_signed_is_named_by_itself(pki: House) -> None:
    serials = set()
    with door(forged()) as there:
        listen(there.address)
        for _ in range(3):
            there.show = forged()
            serials.add(there.show.serial)
            look()
    assert {each.detail["serial"] for each in open_findings("served_not_issued")} == serials


def test_a_port_that_is_right_and_wrong_by_turns_is_told_of_once_an_hour(pki: House) -> None:
    honest = issued()
    at = now()
    with door(stranger()) as there:
        listen(there.address)
        facts = []
        for n in range(8):
            there.show = honest if n % 2 else stranger()
            with clock_at(at + n * MINUTES):
                look()
            facts.append(Fact.objects.count())
    assert facts[-1] - facts[0] == 2  # it was over at once, came again, and stays
    assert len(open_findings("served_not_issued")) == 1
    with clock_at(at + HOUR + 3 * MINUTES):
        tell()
        assert open_findings("served_not_issued") == []


def test_what_somebody_answered_is_not_said_anew(pki: House) -> None:
    with door(stranger()) as there:
        listen(there.address)
        look()
        (finding,) = open_findings("served_not_issued")
        execute(AcknowledgeFinding(id=finding.id), by=SYSTEM, reason="it is being moved")
        there.show = stranger("Other CA")
        with clock_at(now() + 2 * HOUR):
            look()
            assert open_findings("served_not_issued")[0].revision > finding.revision
            assert open_findings("served_not_issued")[0].message == finding.message


def nameless(key: ec.EllipticCurvePrivateKey, by: ec.EllipticCurvePrivateKey) -> x509.Certificate:
    name = x509.Name([])
    builder = x509.CertificateBuilder(name, name, key.public_key(), 1, now(), now() + HOUR)
    return builder.sign(by, hashes.SHA256())


def pem(*certificates: x509.Certificate) -> str:
    return "".join(each.public_bytes(Encoding.PEM).decode() for each in certificates)


def test_a_long_chain_of_anything_is_followed_no_further_than_is_sensible(
    pki: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys = [ec.generate_private_key(ec.SECP384R1()) for _ in range(9)]
    chain = [nameless(key, keys[min(n + 1, 8)]) for n, key in enumerate(keys)]
    junk = [nameless(ec.generate_private_key(ec.SECP384R1()), keys[0]) for _ in range(48)]
    checked, whole = list[x509.Certificate](), tracing._signed_by

    def counted(certificate: x509.Certificate, by: x509.Certificate) -> bool:
        checked.append(certificate)
        return whole(certificate, by)

    monkeypatch.setattr(tracing, "_signed_by", counted)
    found = tracing.trace(pem(chain[0], *junk, *chain[1:]), signers())
    assert found.by == "stranger"
    assert len(checked) <= tracing.CHECKS + 1


def test_what_cannot_be_read_among_what_was_sent_hides_nothing(pki: House) -> None:
    leaf, rogue, *_ = through_an_authority().chain_pem.split(END_LINE)
    junk = "-----BEGIN CERTIFICATE-----\nMAA=\n"
    found = tracing.trace(END_LINE.join([leaf, junk, rogue, ""]), signers())
    assert (found.by, found.through) == ("our_key", "CN=Rogue Issuing")


def test_who_signed_what_a_port_shows_is_found_out_once(pki: House, monkeypatch: pytest.MonkeyPatch) -> None:
    with door(stranger()) as one, door(forged()) as other:
        listen(one.address)
        listen(other.address)
        look()
        before = sorted(verdicts())
        monkeypatch.setattr(traces, "trace", lambda *_: pytest.fail("traced again"))
        look()
        assert board_now().counts["served_not_issued"] == 2
        assert sorted(verdicts()) == before
        assert {verdict for _, verdict in before} == {"by_our_key", "not_issued"}


def test_what_there_is_no_time_to_trace_is_wrong_all_the_same_and_traced_later(
    pki: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("governance.pki.ct.looking.ROUND_S", 0.0)
    with door(forged()) as there:
        listen(there.address)
        look()
        (finding,) = open_findings("served_not_issued")
        assert (finding.detail["by_our_key"], finding.message) == (
            False,
            "it shows a certificate that was not issued here; by whom is not found out yet",
        )
        monkeypatch.undo()
        look()
        (finding,) = open_findings("served_not_issued")
        assert finding.detail["by_our_key"]
        assert rows("served_not_issued")[0].key == finding.key


def test_the_same_certificate_sent_with_more_elsewhere_is_traced_by_what_was_sent_there(pki: House) -> None:
    hidden = through_an_authority()
    alone = Identity(chain_pem=hidden.chain_pem.split("-----END")[0] + END_LINE, key_pem=hidden.key_pem)
    with door(alone) as one, door(hidden) as other:
        listen(one.address)
        listen(other.address)
        look()
        assert dict(verdicts())[other.address] == "by_our_key"
