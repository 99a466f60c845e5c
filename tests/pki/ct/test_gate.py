"""Nothing is put in force that is not proven to be logged: the one before serves on, and somebody is told."""

from collections.abc import Callable

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from django.conf import settings

from governance.kernel.actor import Actor
from governance.kernel.clock import now
from governance.kernel.errors import Invalid
from governance.ledger.execute import execute
from governance.pki.commands import (
    Proven,
    RecordProofs,
    ReleaseIssues,
    ReplaceIssues,
    RevokeCertificate,
    SetTransparency,
    Waiting,
)
from governance.pki.ct import proof_file
from governance.pki.ct.auditing import check_live, prove_waiting
from governance.pki.ct.explaining import of_issued
from governance.pki.ct.own.log import own_log
from governance.pki.ct.sct import embedded
from governance.pki.queries import logs
from governance.pki.queries.findings import findings
from governance.pki.worker import WORKER, issue_due
from tests.fixtures.ctlog import CtLog
from tests.fixtures.house import House
from tests.fixtures.telling import Answer, with_bit
from tests.pki.conftest import HOUR, clock_at, delivered, leaf_of, newest_fact, seen, want
from tests.pki.ct.gated import issued, renewed


def kinds() -> list[str]:
    return [each.kind for each in findings()]


def test_every_certificate_has_the_timestamp_of_our_log_and_its_proof_is_kept(pki: House) -> None:
    serial = issued()
    (sct,) = embedded(leaf_of())
    assert sct.log_id == own_log().log_id
    explained = of_issued(serial)
    assert (explained.state, explained.why) == ("logged", "")
    (timestamp,) = explained.timestamps
    assert timestamp.verdict.state == "valid"
    assert proof_file.read(timestamp.proof).index == timestamp.index == sct.leaf_index


def test_a_certificate_goes_to_every_pinned_log_and_is_proven_in_each(elsewhere: CtLog) -> None:
    proofs = logs.proof_of(issued())
    assert proofs is not None
    assert set(proofs.proofs) == {own_log().log_id.hex(), elsewhere.log().log_id.hex()}


def test_an_issue_whose_entry_is_missing_waits_while_the_one_before_serves_on(elsewhere: CtLog) -> None:
    serial = issued()
    elsewhere.holds = True  # it promises, and does not show the entry
    renewed()
    there, given = seen(), delivered()
    assert there.serial == serial
    assert given is not None
    assert given.serial == serial
    assert there.pending is not None
    assert elsewhere.name in there.pending.why
    assert there.issuing(now()).reason == "NotLogged"
    assert prove_waiting() == 0
    assert kinds() == ["pending"]
    issue_due()
    assert seen().pending == there.pending  # nothing else is made while it waits


def test_what_waits_is_put_in_force_by_itself_when_the_log_shows_it(elsewhere: CtLog) -> None:
    before = issued()
    elsewhere.holds = True
    renewed()
    waiting = seen().pending
    assert waiting is not None
    prove_waiting()
    elsewhere.sign()
    assert prove_waiting() == 1
    there, given = seen(), delivered()
    assert (there.serial, there.number, there.pending) == (waiting.serial, 2, None)
    assert there.serial != before
    assert given is not None
    assert given.serial == waiting.serial
    assert there.renew_at is not None
    assert kinds() == []
    assert of_issued(there.serial).state == "logged"


def test_a_log_that_takes_nothing_is_asked_again_soon_and_not_in_an_hour(elsewhere: CtLog) -> None:
    serial = issued()
    elsewhere.tell(r"ct/v1/add-pre-chain", Answer(status=503))
    renewed()
    there = seen()
    assert (there.serial, there.failures) == (serial, 1)
    assert elsewhere.name in there.last_error
    assert there.attempt_at is not None
    assert there.last_failure_at is not None
    assert (there.attempt_at - there.last_failure_at).total_seconds() <= 10


LIES: dict[str, Callable[[CtLog], object]] = {
    "forked": lambda log: log.fork(),
    "shrunk": lambda log: log.shrink(0),
    "wrong_tile": lambda log: log.tell(r"tile/0/.*", with_bit(5)),
    "bad_signature": lambda log: log.sign(key=ec.generate_private_key(ec.SECP256R1())),
    "wrong_origin": lambda log: log.sign(origin="oslo.example/2026"),
}


@pytest.mark.parametrize("lie", LIES)
def test_nothing_is_put_in_force_on_the_word_of_a_log_that_lies(elsewhere: CtLog, lie: str) -> None:
    serial = issued()
    LIES[lie](elsewhere)
    elsewhere.holds = lie != "wrong_tile"  # what it signs next would be honest again
    renewed()
    there = seen()
    assert there.serial == serial
    assert there.pending is not None
    assert "not believed" in there.pending.why
    assert prove_waiting() == 0
    assert logs.known_log(elsewhere.log().log_id.hex()).lie == lie


def test_an_alarm_only_issuer_puts_it_in_force_and_says_what_lacks(elsewhere: CtLog, bob: Actor) -> None:
    serial = issued()
    execute(SetTransparency(issuer="internal", mode="alarm"), by=bob, reason="the log moves house")
    elsewhere.holds = True
    renewed()
    there = seen()
    assert there.serial != serial
    assert there.pending is None
    with clock_at(now() + HOUR):
        check_live(before=now())
    assert "shop/web" in [each.subject for each in findings(kind="not_logged")]
    elsewhere.sign()
    with clock_at(now() + 2 * HOUR):
        check_live(before=now())
    assert kinds() == []
    assert logs.proof_of(there.serial) is not None


def test_to_open_the_gate_takes_a_reason_and_to_close_it_none(pki: House, bob: Actor) -> None:
    with pytest.raises(Invalid, match="reason"):
        execute(SetTransparency(issuer="internal", mode="off"), by=bob)
    execute(SetTransparency(issuer="internal", mode="off"), by=bob, reason="a laboratory")
    assert logs.mode_of("internal") == "off"
    execute(SetTransparency(issuer="internal", mode="gate"), by=bob)
    assert newest_fact().after == {"issuer": "internal", "mode": "gate"}


def test_a_pending_issue_that_is_revoked_never_comes_into_force(elsewhere: CtLog, bob: Actor) -> None:
    serial = issued()
    elsewhere.holds = True
    renewed()
    waiting = seen().pending
    assert waiting is not None
    execute(RevokeCertificate(namespace="shop", serial=waiting.serial), by=bob)
    elsewhere.sign()
    prove_waiting()
    assert seen().serial == serial
    assert seen().pending is None
    elsewhere.holds = False
    issue_due()
    assert seen().serial not in (serial, waiting.serial)


def test_revoking_what_waits_without_a_replacement_leaves_the_renewal_of_what_is_in_force(
    elsewhere: CtLog, bob: Actor
) -> None:
    serial = issued()
    elsewhere.holds = True
    renewed()
    waiting = seen().pending
    assert waiting is not None
    execute(RevokeCertificate(namespace="shop", serial=waiting.serial, replace=False), by=bob)
    there = seen()
    assert (there.serial, there.pending, there.attempt_at) == (serial, None, there.renew_at)


def test_what_is_asked_for_otherwise_supersedes_what_waits(elsewhere: CtLog) -> None:
    issued()
    elsewhere.holds = True
    renewed()
    first = seen().pending
    assert first is not None
    want(dns_names=("web.shop.svc", "www.shop.svc"))
    issue_due()
    second = seen().pending
    assert second is not None
    assert second.serial != first.serial
    elsewhere.sign()
    assert prove_waiting() == 1
    assert seen().serial == second.serial
    assert seen().issued_generation == seen().generation


def test_an_issue_that_expired_while_it_waited_is_made_anew(elsewhere: CtLog) -> None:
    serial = issued(duration_s=3600, renew_before_s=1200)
    elsewhere.holds = True
    renewed()
    waiting = seen().pending
    assert waiting is not None
    elsewhere.sign()
    with clock_at(now() + 2 * HOUR):
        prove_waiting()
        there = seen()
        assert (there.serial, there.pending, there.reason) == (serial, None, "Expired")


def test_another_issue_of_what_waits_is_planned_once(elsewhere: CtLog) -> None:
    issued()
    elsewhere.holds = True
    renewed()
    waiting = seen().pending
    assert waiting is not None
    items = (Waiting(name="web", serial=waiting.serial),)
    replacing = ReplaceIssues(namespace="shop", items=items)
    assert execute(replacing, by=WORKER).changed
    assert not execute(replacing, by=WORKER).changed
    assert not execute(ReleaseIssues(namespace="shop", items=items), by=WORKER).changed  # the gate is closed


def test_what_waits_is_put_in_force_when_its_issuer_has_no_gate_any_more(elsewhere: CtLog, bob: Actor) -> None:
    issued()
    elsewhere.holds = True
    renewed()
    waiting = seen().pending
    assert waiting is not None
    execute(SetTransparency(issuer="internal", mode="alarm"), by=bob, reason="Rome burns")
    assert prove_waiting() == 1
    assert (seen().serial, seen().pending) == (waiting.serial, None)
    assert newest_fact().action in {"pki.certificate.release", "pki.finding.record"}


def test_another_issue_is_made_when_a_log_is_pinned_no_more_that_never_showed_the_entry(
    elsewhere: CtLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    serial = issued()
    elsewhere.holds = True
    renewed()
    waiting = seen().pending
    assert waiting is not None
    monkeypatch.setattr(settings, "GOV", settings.GOV.model_copy(update={"ct_logs": ""}))
    assert prove_waiting() == 0
    planned = seen()
    assert planned.pending is not None
    assert planned.pending.serial == waiting.serial
    assert "no log is known" in planned.pending.why
    assert planned.attempt_at is not None
    prove_waiting()
    assert seen().attempt_at == planned.attempt_at  # planned once
    with clock_at(planned.attempt_at):
        issue_due()
    assert seen().pending is None
    assert seen().serial not in (serial, waiting.serial)


def test_an_issue_that_is_over_before_its_proof_came_is_made_anew(elsewhere: CtLog) -> None:
    issued(duration_s=3600, renew_before_s=1200)
    elsewhere.holds = True
    renewed()
    with clock_at(now() + 2 * HOUR):
        prove_waiting()
        assert seen().attempt_at is not None


def test_a_proof_is_recorded_once(pki: House) -> None:
    serial = issued()
    kept = logs.proof_of(serial)
    assert kept is not None
    again = RecordProofs(namespace="shop", items=(Proven(name="web", serial=serial, proofs=kept.proofs),))
    assert not execute(again, by=WORKER).changed
