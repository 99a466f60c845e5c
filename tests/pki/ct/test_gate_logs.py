"""What logs do to us while certificates are issued: they fall silent, move house, forget, or break a single promise."""

from dataclasses import replace
from pathlib import Path

import pytest

from governance.kernel.actor import SYSTEM
from governance.kernel.clock import now
from governance.kernel.errors import Forbidden
from governance.ledger.execute import execute
from governance.pki.ct import proof_file
from governance.pki.ct.auditing import check_live, prove_waiting
from governance.pki.ct.believing import believed_head, caught
from governance.pki.ct.logset import view_of
from governance.pki.ct.misbehaviour import Misbehaved
from governance.pki.ct.models import CtLog
from governance.pki.ct.own import table
from governance.pki.ct.own.log import own_log
from governance.pki.enrolment import join
from governance.pki.models import KnownLog
from governance.pki.observe.logs import looked_at
from governance.pki.queries import logs
from governance.pki.worker import issue_due
from tests.fixtures.ctlog import CtLog as Elsewhere
from tests.fixtures.house import House
from tests.fixtures.telling import Answer
from tests.pki.conftest import DAY, clock_at, seen, want
from tests.pki.ct.gated import issued, pin_in, renewed
from tests.pki.ct.test_own_log_tampering import unguarded
from tests.pki.joining import HERE, csr, joined, setting, token


def test_a_log_that_takes_nothing_costs_one_entry_and_one_question_for_a_whole_batch(elsewhere: Elsewhere) -> None:
    for number in range(24):
        want(f"web-{number}", dns_names=(f"web-{number}.shop.svc",))
    elsewhere.tell(r"ct/v1/add-pre-chain", Answer(status=503))
    before = table.size()
    assert issue_due() == 0
    assert table.size() == before + 1
    assert elsewhere.requests.count("ct/v1/add-pre-chain") == 1
    assert all(seen(f"web-{number}").failures == 1 for number in range(24))


def test_our_log_restored_from_an_old_backup_is_found_out_by_what_was_relied_on(pki: House) -> None:
    serial = issued()
    row = CtLog.objects.get()
    kept = {field: getattr(row, field) for field in ("size", "frontier", "checkpoint", "checkpoint_at")}
    renewed()
    relied_on = seen().serial
    _restore(kept)
    renewed()
    there = seen()
    assert there.serial == relied_on != serial
    assert there.pending is not None
    assert logs.known_log(own_log().log_id.hex()).lie == "forked"


def _restore(kept: dict[str, object]) -> None:
    """The log's own database as it was, with what was known of it there."""
    CtLog.objects.update(**kept)
    unguarded(f'DELETE FROM governance_ctentry WHERE "index" >= {kept["size"]}')
    KnownLog.objects.all().delete()


def test_a_log_that_moves_house_is_the_same_log(
    elsewhere: Elsewhere, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    issued()
    moved = replace(elsewhere.log(), submission_url="https://elsewhere.example/2026/")
    pin_in(monkeypatch, tmp_path, moved)
    elsewhere.sign(origin=moved.origin)
    assert believed_head(view_of(moved)).size == len(elsewhere.records)
    assert not logs.known_log(moved.log_id.hex()).lie


def test_another_entry_in_the_promised_place_is_a_broken_promise(elsewhere: Elsewhere) -> None:
    serial = issued()
    leaf, chain = elsewhere.records[-1]
    kept = logs.proof_of(serial)
    assert kept is not None
    elsewhere.records[-1] = replace(leaf, timestamp_ms=leaf.timestamp_ms + 1), chain
    _forget(elsewhere)
    elsewhere.sign()
    with clock_at(now() + DAY):
        check_live(before=now())
    known = logs.known_log(elsewhere.log().log_id.hex())
    assert known.lie == "wrong_entry"
    assert set(known.lie_evidence or {}) >= {"checkpoint", "sct"}
    assert logs.checks([serial])[serial].state == "not_logged"


def _forget(elsewhere: Elsewhere) -> None:
    KnownLog.objects.filter(log_id=elsewhere.log().log_id.hex()).delete()


def test_nothing_rests_on_a_log_whose_entries_were_wrong_before_they_were_read_again(elsewhere: Elsewhere) -> None:
    serial = issued()
    view = view_of(elsewhere.log())
    caught(view, Misbehaved("wrong_entry", "entry 0 is not what its leaf says"))
    renewed()
    assert seen().serial == serial
    with pytest.raises(Misbehaved):
        believed_head(view)
    believed_head(view, reading=True)
    looked_at(elsewhere.log().log_id.hex(), len(elsewhere.records), at=now())
    assert prove_waiting() == 1
    assert seen().serial != serial


def test_what_is_refused_to_a_workload_leaves_nothing_in_the_log(pki: House) -> None:
    joined()
    secret = token()
    execute(setting(enabled=False), by=SYSTEM)
    before = table.size()
    for _ in range(5):
        with pytest.raises(Forbidden, match="disabled"):
            join(secret, csr(), origin=HERE)
    assert table.size() == before


def test_a_proof_that_is_kept_names_the_place_that_was_promised(elsewhere: Elsewhere) -> None:
    kept = logs.proof_of(issued())
    assert kept is not None
    assert proof_file.read(kept.proofs[elsewhere.log().log_id.hex()]).index == len(elsewhere.records) - 1
