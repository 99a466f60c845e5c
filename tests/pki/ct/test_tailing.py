"""Entries of logs: whose certificates nobody hears of, and whose everybody does."""

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from governance.kernel.actor import SYSTEM
from governance.kernel.clock import now
from governance.ledger.execute import execute
from governance.pki import models
from governance.pki.commands import AcknowledgeFinding
from governance.pki.ct import tailing
from governance.pki.ct.logs import LogKind
from governance.pki.ct.models import CtLog as CtLogRow
from governance.pki.ct.own import submission
from governance.pki.ct.own.log import own_log
from governance.pki.queries.logs import known_log
from governance.pki.worker import issue_due
from tests.fixtures.ctlog import CtLog
from tests.fixtures.house import House
from tests.fixtures.telling import Answer
from tests.pki.conftest import DAY, chain_of, clock_at, head, leaf_of, want
from tests.pki.ct.promising import Wanted, authority
from tests.pki.ct.tailed import (
    alarms,
    chain_under,
    filler,
    found,
    known,
    log_both,
    log_raw,
    pin,
    read,
    stolen,
    strangers,
    the,
    watch,
)


def test_what_we_issue_ourselves_raises_nothing(pki: House) -> None:
    with CtLog() as log:
        pin(log)
        want()
        issue_due()
        read()
        assert known(log).next_index == known(log).size == 1
        assert known_log(own_log().log_id.hex()).next_index == known_log(own_log().log_id.hex()).size > 1
        assert alarms() == []


def test_a_round_that_finds_nothing_leaves_no_fact(pki: House) -> None:
    with CtLog() as log:
        filler(log, 300)
        pin(log)
        before = head()
        read()
        read()
        assert head() == before
        assert known(log).next_index == 300


@pytest.mark.parametrize("kind", ["static", "rfc6962"])
def test_a_foreign_certificate_for_a_name_of_ours_is_found_once_in_two_logs(pki: House, kind: LogKind) -> None:
    watch("example.org")
    with CtLog("one") as one, CtLog("two") as two:
        pin(one.log(kind), two.log(kind))
        filler(one, 300)
        log_both([one, two], Wanted("shop.example.org"), strangers())
        read()
        finding = the("not_ours")
        assert finding.subject == "shop.example.org"
        assert finding.namespace == "*"
        assert finding.detail["names"] == ["shop.example.org"]
        assert finding.detail["issuer"] == "CN=Foreign CA"
        before = head()
        read()
        assert head() == before


@pytest.mark.parametrize(
    ("name", "namespace"),
    [
        ("web.shop.svc", "shop"),  # the name itself
        ("*.shop.svc", "shop"),  # a wildcard that covers it
        ("WEB.Shop.SVC", "shop"),
        ("a.wild.shop.svc", "shop"),  # one of ours is a wildcard
        ("example.org", "*"),  # somebody watches it
        ("*.example.org", "*"),
        ("deep.below.example.org", "*"),
        ("nothing.at.all\0.example.org", "*"),
    ],
)
def test_names_of_ours_are_found_however_they_are_written(pki: House, name: str, namespace: str) -> None:
    want(dns_names=("web.shop.svc", "*.wild.shop.svc"))
    watch("example.org")
    with CtLog() as log:
        pin(log)
        log.add_chain([Wanted(name).certificate(strangers())])
        read()
        assert the("not_ours").namespace == namespace


@pytest.mark.parametrize(
    "name",
    ["localhost", "example.com", "web.shop2.svc", "notexample.org", "shop.svc.example", "api.web.shop.svc"],
)
def test_names_of_others_are_passed_over(pki: House, name: str) -> None:
    want()
    watch("example.org")
    with CtLog() as log:
        pin(log)
        log.add_chain([Wanted(name).certificate(strangers())])
        read()
        assert alarms() == []


@pytest.mark.parametrize("claimed", ["co.uk", "*.co.uk"])
def test_whoever_has_a_certificate_for_a_public_suffix_does_not_have_what_is_below_it_watched(
    pki: House, claimed: str
) -> None:
    want(dns_names=(claimed,))
    with CtLog() as log:
        pin(log)
        for name in ("firm.co.uk", "a.firm.co.uk", "*.firm.co.uk"):
            log.add_chain([Wanted(name).certificate(strangers())])
        log.add_chain([Wanted(claimed).certificate(strangers())])
        read()
        assert the("not_ours").subject == claimed


def test_an_identity_of_our_trust_domain_by_a_foreign_authority_is_found(pki: House) -> None:
    with CtLog() as log:
        pin(log)
        wanted = Wanted("elsewhere.example.com")
        wanted._alternative = x509.SubjectAlternativeName(
            [x509.UniformResourceIdentifier("spiffe://governor.internal/ns/shop/sa/checkout")]
        )
        log.add_chain([wanted.certificate(strangers())])
        read()
        assert the("not_ours").subject == "spiffe://governor.internal/ns/shop/sa/checkout"


def test_a_certificate_that_ended_is_no_alarm_and_ends_one(pki: House) -> None:
    watch("example.org")
    with CtLog() as log:
        pin(log)
        log.add_chain([Wanted("a.example.org").certificate(strangers())])
        read()
        assert alarms() == ["not_ours"]
        with clock_at(now() + 91 * DAY):
            read()
            assert [each for each in alarms() if each == "not_ours"] == []
            log.add_chain([Wanted("b.example.org").certificate(strangers())])
            read()
            assert found("not_ours") == []


def test_an_entry_that_cannot_be_read_is_searched_all_the_same(pki: House) -> None:
    watch("example.org")
    with CtLog() as log:
        pin(log)
        der = Wanted("shop.example.org").certificate(strangers()).public_bytes(Encoding.DER)
        log_raw(log, der[:-150])
        read()
        finding = the("not_ours")
        assert finding.subject == "shop.example.org"
        assert finding.detail["unreadable"] != ""


@pytest.mark.parametrize("pre", [True, False])
def test_what_our_key_signed_elsewhere_is_found_in_any_log(pki: House, pre: bool) -> None:
    wanted, by = Wanted("innocent.example.com"), stolen()
    with CtLog() as log:
        pin(log)
        if pre:
            log.add_pre_chain([wanted.precertificate(by), *chain_under(by)])
        else:
            log.add_chain([wanted.certificate(by), *chain_under(by)])
        read()
        assert known(log).next_index == 0  # it may be under way
        with clock_at(now() + 3 * tailing.CLAIM):
            read()
            finding = the("not_issued")
            assert (finding.subject, finding.namespace) == ("innocent.example.com", "*")
            assert finding.detail["signed"]
            assert "under Governor" in finding.message
            assert known(log).next_index == 1


@pytest.mark.parametrize("pre", [True, False])
def test_what_our_key_signed_elsewhere_and_a_stranger_hands_in_is_an_alarm_at_once(pki: House, pre: bool) -> None:
    wanted, by = Wanted("innocent.example.com"), stolen()
    first = wanted.precertificate(by) if pre else wanted.certificate(by)
    submission.take([each.public_bytes(Encoding.DER) for each in (first, *chain_under(by))], pre=pre)
    read()
    assert the("not_issued").detail["source"] == "submitted"


def test_a_serial_number_of_ours_with_other_content_is_none_of_ours(pki: House) -> None:
    want()
    issue_due()
    wanted, by = Wanted("innocent.example.com"), stolen()
    wanted._begun._serial_number = leaf_of().serial_number
    forged = wanted.precertificate(by)
    submission.take([each.public_bytes(Encoding.DER) for each in (forged, *chain_under(by))], pre=True)
    read()
    assert the("not_issued").detail["serial"] == f"{leaf_of().serial_number:x}"


def test_our_certificates_and_authorities_handed_in_by_a_stranger_raise_nothing(pki: House) -> None:
    want()
    issue_due()
    leaf, *above = [each.public_bytes(Encoding.DER) for each in (chain_of()[0], *chain_under(stolen()))]
    submission.take([leaf, *above], pre=False)
    submission.take(above, pre=False)
    read()
    assert alarms() == []


def test_what_was_logged_and_then_not_issued_raises_nothing(pki: House) -> None:
    with CtLog("first") as first, CtLog("second") as second:
        pin(first, second)
        second.tell(".*", Answer(status=500))
        want()
        issue_due()  # one log takes it and the other does not: it is not issued
        assert len(first.records) == 1
        second.be_honest()
        with clock_at(now() + 3 * tailing.CLAIM):
            read()
        assert alarms() == []
        assert known(first).next_index == 1


def test_an_authority_that_ours_certified_in_secret_is_found_by_what_it_issues(pki: House) -> None:
    by = stolen()
    hidden = authority("Hidden", by=by)
    with CtLog() as log:
        pin(log)
        log.add_pre_chain([Wanted("innocent.example.com").precertificate(hidden), hidden.certificate, *chain_under(by)])
        with clock_at(now() + 3 * tailing.CLAIM):
            read()
            assert the("not_issued").subject == "innocent.example.com"


def test_an_acknowledged_certificate_alarms_no_more(pki: House) -> None:
    watch("example.org")
    with CtLog() as log:
        pin(log)
        log.add_chain([Wanted("a.example.org").certificate(strangers())])
        read()
        execute(AcknowledgeFinding(id=the("not_ours").id), by=SYSTEM, reason="our own, by the public authority")
        read()
        assert not the("not_ours").alarming


def test_one_that_turns_out_to_be_issued_after_all_is_closed(pki: House) -> None:
    want()
    issue_due()
    wanted, by = Wanted("late.example.com"), stolen()
    with CtLog() as log:
        pin(log)
        scts = [log.add_pre_chain([wanted.precertificate(by), *chain_under(by)])]
        with clock_at(now() + 3 * tailing.CLAIM):
            read()
            assert alarms() == ["not_issued"]
            late = wanted.certificate(by, scts)
            row = models.Issued.objects.get(serial=f"{leaf_of().serial_number:x}")
            row.serial, row.chain_pem = f"{late.serial_number:x}", late.public_bytes(Encoding.PEM).decode()
            row.save(force_insert=True)
            read()
            assert alarms() == []


def test_the_log_of_ours_is_caught_like_any_other_when_somebody_alters_it(pki: House) -> None:
    read()
    CtLogRow.objects.update(checkpoint=CtLogRow.objects.get().checkpoint.replace("pki/ct", "pki/xx"))
    read()
    assert the("log_lies").detail["log_id"] == own_log().log_id.hex()
