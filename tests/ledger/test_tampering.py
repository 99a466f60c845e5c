"""Whatever is done to the rows behind the triggers' back, verification names it."""

import pytest

from governance.ledger import checkpoint
from governance.ledger.stream import Stream
from governance.ledger.verify import Verdict, verify
from tests.ledger.conftest import EVENTS, SIGNED
from tests.ledger.tamper import found, rebuild_head, releaf, row, sql


def test_what_was_left_alone_is_sound(stream: Stream) -> None:
    verdict = verify(stream)
    assert verdict == Verdict(stream=stream.name, size=EVENTS, root=stream.tree().root(), checkpoints=1)


def test_an_edited_body_is_named(stream: Stream) -> None:
    sql(stream, "UPDATE {rows} SET body = replace(body, '5', '6') WHERE {seq} = 5")
    found(stream, 5, "not what its leaf was made from")


def test_an_edited_body_with_a_fitting_leaf_contradicts_the_checkpoint(stream: Stream) -> None:
    sql(stream, "UPDATE {rows} SET body = replace(body, '\"5\"', '\"6\"') WHERE {seq} = 5")
    releaf(stream, 5)
    found(stream, 0, f"the checkpoint of size {SIGNED} has another root")


def test_an_edit_after_the_last_checkpoint_contradicts_the_head(stream: Stream) -> None:
    sql(stream, "UPDATE {rows} SET body = replace(body, '\"11\"', '\"6\"') WHERE {seq} = 11")
    releaf(stream, 11)
    found(stream, 0, "the head's tree is not the tree of the rows")


def test_a_deleted_event_is_named(stream: Stream) -> None:
    sql(stream, "DELETE FROM {rows} WHERE {seq} = 6")
    found(stream, 6, "event 6 is missing")


def test_several_deleted_events_are_named(stream: Stream) -> None:
    sql(stream, "DELETE FROM {rows} WHERE {seq} IN (3, 4)")
    found(stream, 3, "events 3 to 4 are missing")


def test_deleting_and_renumbering_is_named(stream: Stream) -> None:
    sql(stream, "DELETE FROM {rows} WHERE {seq} = 6")
    for seq in range(7, EVENTS + 1):
        sql(stream, "UPDATE {rows} SET {seq} = %s WHERE {seq} = %s", seq - 1, seq)
    rebuild_head(stream)
    found(stream, 6, "its seq, stream or time is not what its header says")


def test_a_cut_tail_is_named(stream: Stream) -> None:
    sql(stream, "DELETE FROM {rows} WHERE {seq} > 9")
    found(stream, 10, "those after 9 are missing")


def test_a_cut_tail_with_a_fitting_head_contradicts_the_checkpoint(stream: Stream) -> None:
    sql(stream, "DELETE FROM {rows} WHERE {seq} > 6")
    rebuild_head(stream)
    found(stream, 7, f"a checkpoint says {SIGNED} events, but there are 6")


def test_deleting_everything_is_named(stream: Stream) -> None:
    sql(stream, "DELETE FROM {rows}")
    found(stream, 1, "those after 0 are missing")
    rebuild_head(stream)
    found(stream, 1, f"a checkpoint says {SIGNED} events, but there are 0")


def test_a_missing_head_is_named(stream: Stream) -> None:
    sql(stream, "DELETE FROM {head}")
    found(stream, 0, "the head row is missing")


def test_two_events_in_each_others_place_are_named(stream: Stream) -> None:
    for before, after in ((4, 1004), (5, 4), (1004, 5)):
        sql(stream, "UPDATE {rows} SET {seq} = %s WHERE {seq} = %s", after, before)
    found(stream, 4, "its seq, stream or time is not what its header says")


def test_bodies_in_each_others_place_are_named(stream: Stream) -> None:
    (fourth,), (fifth,) = row(stream, 4, "body"), row(stream, 5, "body")
    sql(stream, "UPDATE {rows} SET body = %s WHERE {seq} = 4", fifth)
    sql(stream, "UPDATE {rows} SET body = %s WHERE {seq} = 5", fourth)
    found(stream, 4, "not what its leaf was made from")


@pytest.mark.parametrize(("column", "value"), [("actor", "mallory"), ("action", "x"), ("namespace", "x")])
def test_a_column_that_says_otherwise_than_the_event_is_named(stream: Stream, column: str, value: str) -> None:
    sql(stream, f"UPDATE {{rows}} SET {column} = %s WHERE {{seq}} = 5", value)
    found(stream, 5, f"its column {column} is not what its")


def test_an_event_that_was_moved_in_time_is_named(stream: Stream) -> None:
    sql(stream, "UPDATE {rows} SET at = '2020-01-01 00:00:00+00:00' WHERE {seq} = 5")
    found(stream, 5, "time")


def test_an_added_event_is_named(stream: Stream) -> None:
    columns = ", ".join(field.attname for field in stream.rows._meta.concrete_fields if field.attname != stream.seq)
    selected = columns.replace("event_id", "'forged'").replace("request_key", "NULL")
    sql(stream, f"INSERT INTO {{rows}} ({{seq}}, {columns}) SELECT 13, {selected} FROM {{rows}} WHERE {{seq}} = 12")
    found(stream, 13, "beyond the head")


def test_an_erased_body_is_named(stream: Stream) -> None:
    sql(stream, "UPDATE {rows} SET body = NULL WHERE {seq} = 5")
    found(stream, 5, "missing")


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ("root = %s", "columns that its note does not bear out"),
        ("note = 'junk' || substr('', 1, length(%s))", "is not a checkpoint"),
    ],
)
def test_a_changed_checkpoint_is_named(stream: Stream, change: str, text: str) -> None:
    sql(stream, f"UPDATE {{checkpoints}} SET {change}", bytes(32))
    found(stream, 0, text)


def test_a_checkpoint_with_a_false_signature_is_named(stream: Stream) -> None:
    signed = checkpoint.newest(stream)
    assert signed is not None
    place = len(signed.note) - 20
    forged = signed.note[:place] + ("A" if signed.note[place] != "A" else "B") + signed.note[place + 1 :]
    sql(stream, "UPDATE {checkpoints} SET note = %s", forged)
    found(stream, 0, "false signature")


def test_a_complete_rewrite_is_caught_by_a_checkpoint_kept_elsewhere(stream: Stream) -> None:
    """Rows, head and stored checkpoints all fit together again, as after the restoring of an old backup."""
    kept = checkpoint.newest(stream)
    assert kept is not None
    sql(stream, "DELETE FROM {checkpoints}")
    sql(stream, "DELETE FROM {rows} WHERE {seq} > 5")
    rebuild_head(stream)
    assert verify(stream).sound
    verdict = verify(stream, kept=kept.note)
    assert not verdict.sound
    assert f"a checkpoint says {SIGNED} events, but there are 5" in verdict.problem


def test_a_rewrite_of_the_same_length_is_caught_by_a_checkpoint_kept_elsewhere(stream: Stream) -> None:
    kept = checkpoint.newest(stream)
    assert kept is not None
    sql(stream, "UPDATE {rows} SET body = replace(body, '\"5\"', '\"6\"') WHERE {seq} = 5")
    releaf(stream, 5)
    rebuild_head(stream)
    sql(stream, "DELETE FROM {checkpoints}")
    assert verify(stream).sound
    assert "the kept checkpoint has another root" in verify(stream, kept=kept.note).problem
