"""What the log in the box promises it has done already, and whoever asks can see it."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

import pytest
from django.conf import settings
from django.db import connections, transaction

from governance.kernel.clock import now
from governance.kernel.errors import Invalid, NotFound, Unavailable
from governance.ledger import proofs
from governance.ledger.turn import turn
from governance.pki.ct.check import check_sct
from governance.pki.ct.entry import entry_of_embedded, leaf_hash, timestamped
from governance.pki.ct.models import CtEntry, CtLog
from governance.pki.ct.own import table
from governance.pki.ct.own.log import ensure_log, own_log
from governance.pki.ct.own.sequencer import Appended, Draft, append, renew_checkpoint
from governance.pki.ct.own.view import OwnView
from governance.pki.ct.sct import sct_extension
from tests.fixtures.house import House
from tests.pki.conftest import DAY, clock_at
from tests.pki.ct.own import above, as_draft, certificate, in_order, leaf, precertificate, several, whole_log


def leaf_of(draft: Draft, told: Appended) -> bytes:
    data = timestamped(draft.entry, timestamp_ms=told.sct.timestamp_ms, extensions=told.sct.extensions)
    return leaf_hash(data)


def test_the_first_start_makes_the_log_and_no_other_start_makes_another(empty_log: House) -> None:
    log = own_log()
    assert (log.source, log.kind, len(log.log_id), log.mmd_s) == ("own", "static", 32, 60)
    assert log.submission_url == log.monitoring_url == f"{settings.GOV.public_pki_url}/ct/internal/"
    assert not ensure_log()
    assert OwnView().head().origin == log.origin


def test_of_starts_at_the_same_time_one_makes_the_log(house: House) -> None:
    def start(_: int) -> bool:
        try:
            return ensure_log()
        finally:
            connections.close_all()

    with ThreadPoolExecutor(6) as pool:
        assert sum(pool.map(start, range(6))) == 1
    assert (OwnView().head().size, CtLog.objects.count()) == (0, 1)


def test_before_the_first_start_there_is_no_log(house: House) -> None:
    with pytest.raises(Unavailable, match="no log of ours"):
        own_log()


def test_a_promise_is_good_and_kept_before_it_is_given(empty_log: House) -> None:
    append(several(3))
    draft = precertificate()
    (told,) = append([draft])
    log, view = own_log(), OwnView()
    verdict = check_sct(told.sct, draft.entry, {log.log_id: log}, at=now(), not_after=now() + 30 * DAY)
    assert (verdict.state, told.index) == ("valid", 3)
    head = view.head()
    place, path = view.inclusion(leaf_of(draft, told), told.sct.leaf_index, head)
    assert proofs.check_inclusion(leaf_of(draft, told), place, head.size, path, head.root)
    assert view.inclusion(leaf_of(draft, told), None, head) == (place, path), "also without knowing where"
    (entry,) = view.entries(3, 4, head)
    assert (entry.certificate_der, entry.chain, entry.index) == (draft.certificate_der, draft.chain, 3)
    row = CtEntry.objects.get(index=3)
    assert (row.serial, row.holder, row.source) == (draft.serial, "certificate/shop/web", "issued")
    assert whole_log() == 4


def test_a_certificate_with_the_promise_inside_of_it_is_the_one_that_was_promised(empty_log: House) -> None:
    drafted = leaf("web")
    (told,) = append([as_draft(drafted.precertificate(), above())])
    final = drafted.with_timestamps(sct_extension([told.sct]))
    log = own_log()
    entry = entry_of_embedded(final, above())
    verdict = check_sct(told.sct, entry, {log.log_id: log}, at=now(), not_after=now() + 30 * DAY)
    assert verdict.state == "valid"


def test_the_same_again_gets_the_first_promise_also_within_one_batch(empty_log: House) -> None:
    one, other, third = precertificate("one"), certificate("other"), certificate("third")
    first = append([one, other, one])
    assert [each.index for each in first] == [0, 1, 0]
    assert first[0] == first[2]
    again = append([other, third, one])
    assert (again[0], again[2]) == (first[1], first[0])
    assert again[1].index == 2
    before = OwnView().head()
    assert append([one]) == [first[0]]
    assert OwnView().head() == before, "what is there already writes nothing"
    assert whole_log() == 3


def test_what_is_known_is_said_while_somebody_else_has_the_turn(empty_log: House) -> None:
    """Or whoever hands in the same again and again keeps everybody else waiting."""
    one = certificate("one")
    (told,) = append([one])

    def again() -> list[Appended]:
        try:
            return append([one])
        finally:
            connections.close_all()

    alias = table.database()
    with ThreadPoolExecutor(1) as pool, turn(alias), transaction.atomic(using=alias):
        assert CtLog.objects.using(alias).select_for_update().get().size == 1
        assert pool.submit(again).result(timeout=5) == [told]


@pytest.mark.parametrize("length", [40, 41, 60, 2000])
def test_no_serial_is_too_long_to_be_logged(empty_log: House, length: int) -> None:
    """No authority may make one of more than 20 bytes, which is why that must be seen."""
    serial = "7f" + "a" * (length - 2)
    drafts = [replace(certificate(f"{n}"), serial=serial + each) for n, each in enumerate(("", "b"))]
    append([*drafts, replace(certificate("least"), serial="7f" + "a" * 38)])
    *stored, least = CtEntry.objects.order_by("index").values_list("serial", flat=True)
    assert least == "7f" + "a" * 38
    assert [each.startswith("7f" + "a" * 20) for each in stored] == [True, True]
    assert len({*stored, least}) == (2 if length == 40 else 3), "a longer one is none of ours, nor another long one"
    assert whole_log() == 3


@pytest.mark.parametrize("batches", [(1, 1, 1), (255, 1, 1), (200, 200, 200), (600, 1)])
def test_the_whole_tree_can_be_made_again_after_each_step(empty_log: House, batches: tuple[int, ...]) -> None:
    size, view, known = 0, OwnView(), OwnView().head()
    for count in batches:
        assert in_order(append(several(count, f"s{size}"))) == list(range(size, size + count))
        size += count
        assert whole_log() == size
        new = view.head()
        view.consistency(known, new)
        known = new


def test_a_clock_that_was_set_back_makes_no_promise_from_the_future_and_no_older_head(
    empty_log: House, caplog: pytest.LogCaptureFixture
) -> None:
    with clock_at(now() + DAY) as later:
        append([precertificate("later")])
    (told,) = append([precertificate("earlier")])
    assert told.sct.at <= now()
    assert OwnView().head().at == later.replace(microsecond=later.microsecond // 1000 * 1000)
    assert any("the clock is behind" in each.getMessage() for each in caplog.records)
    assert whole_log() == 2


def test_a_log_that_nothing_is_added_to_signs_from_time_to_time(empty_log: House) -> None:
    append([certificate()])
    first = OwnView().head()
    assert not renew_checkpoint()
    with clock_at(now() + timedelta(seconds=31)) as later:
        assert renew_checkpoint()
        assert not renew_checkpoint()
    second = OwnView().head()
    assert (second.size, second.root) == (first.size, first.root)
    assert later - second.at < timedelta(milliseconds=1)


def test_within_a_transaction_nothing_is_promised(empty_log: House) -> None:
    draft = certificate()
    with pytest.raises(RuntimeError, match="durable"), transaction.atomic(using=table.database()):
        append([draft])
    assert whole_log() == 0


def test_what_does_not_belong_together_is_not_logged(empty_log: House) -> None:
    one, other = precertificate("one"), certificate("other")
    for entry, der in ((one.entry, other.certificate_der), (other.entry, one.certificate_der), (one.entry, b"x")):
        with pytest.raises(Invalid):
            Draft(entry=entry, certificate_der=der, chain=one.chain, serial="7f3a")
    with pytest.raises(Invalid, match="at most 1000"):
        append([one] * 1001)
    assert append([]) == []


def test_what_is_not_in_the_log_is_said_not_to_be(empty_log: House) -> None:
    append(several(300))
    view = OwnView()
    head = view.head()
    for index in (None, 0, 299, 300, 1 << 39):
        with pytest.raises(NotFound):
            view.inclusion(bytes(32), index, head)
    with pytest.raises(Invalid, match="not in a tree of 300"):
        next(view.entries(300, 400, head))
    assert [entry.index for entry in view.entries(250, 260, head)] == list(range(250, 260))


def test_an_older_head_is_served_as_well(empty_log: House) -> None:
    told = append(several(5))
    old = OwnView().head()
    append(several(260, "more"))
    view = OwnView()
    row = CtEntry.objects.get(index=told[2].index)
    place, path = view.inclusion(bytes(row.leaf), 2, old)
    assert proofs.check_inclusion(bytes(row.leaf), place, old.size, path, old.root)
    assert len(list(view.entries(0, 5, old))) == 5


def test_the_address_of_the_first_start_stays_in_the_checkpoints(empty_log: House) -> None:
    before = own_log()
    append([certificate("one")])
    settings.GOV = settings.GOV.model_copy(update={"pki_url": "http://elsewhere.example/pki"})
    after = own_log()
    assert (after.origin, after.log_id) == (before.origin, before.log_id)
    assert after.monitoring_url == "http://elsewhere.example/pki/ct/internal/"
    append([certificate("two")])
    assert OwnView().head().size == 2
