"""Verification stumbles over nothing, and its command says what it found."""

import io
import json
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.db import connections

from governance.compliance.stream import stop_calls
from governance.compliance.streams import CALLS
from governance.ledger import checkpoint
from governance.ledger.stream import CHANGES, Stream
from governance.ledger.verify import verify
from tests.fixtures.house import House
from tests.ledger.conftest import Say
from tests.ledger.tamper import found, sql, unguarded


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("leaf", "text for bytes"),
        ("salt", "text for bytes"),
        ("header", b"\xff\xfe"),
        ("body", b"\xff"),
        ("body", 7),
        ("at", "yesterday"),
        ("at", 1.5),
        ("actor", b"\xff"),
        ("action", None),
    ],
)
def test_a_value_of_another_type_is_named(stream: Stream, column: str, value: object) -> None:
    if connections[stream.database].vendor != "sqlite":
        pytest.skip("PostgreSQL holds no value of another type than its column's")
    with unguarded(stream) as connection, connection.cursor() as cursor:
        cursor.execute("PRAGMA writable_schema = 1")
        cursor.execute("UPDATE sqlite_master SET sql = replace(sql, 'NOT NULL', '') WHERE type = 'table'")
    connections.close_all()
    sql(stream, f"UPDATE {{rows}} SET {column} = %s WHERE {{seq}} = 5", value)
    found(stream, 5, column)


@pytest.mark.parametrize(("column", "value"), [("frontier", "text"), ("frontier", b"short")])
def test_a_head_of_another_type_is_named(stream: Stream, column: str, value: object) -> None:
    if connections[stream.database].vendor != "sqlite" and isinstance(value, str):
        pytest.skip("PostgreSQL holds no value of another type than its column's")
    sql(stream, f"UPDATE {{head}} SET {column} = %s", value)
    found(stream, 0, "head")


def test_text_that_is_no_text_is_named_and_stops_nothing(stream: Stream) -> None:
    if connections[stream.database].vendor != "sqlite":
        pytest.skip("PostgreSQL holds no text of another encoding")
    sql(stream, "UPDATE {rows} SET actor = CAST(X'ff' AS TEXT) WHERE {seq} = 5")
    found(stream, 5, "its column actor is not UTF-8")
    sql(stream, "UPDATE {checkpoints} SET note = CAST(X'ff0aff' AS TEXT)")
    found(stream, 0, "is not a checkpoint")
    sql(stream, "UPDATE {head} SET frontier = CAST(X'ff' AS TEXT)")
    assert not verify(stream).sound


def test_a_file_that_is_damaged_is_not_sound(stream: Stream) -> None:
    if connections[stream.database].vendor != "sqlite":
        pytest.skip("damages SQLite's file")
    connections.close_all()
    stop_calls()
    path = Path(str(connections[stream.database].settings_dict["NAME"]))
    content = bytearray(path.read_bytes())
    content[4096:] = bytes(len(content) - 4096)
    path.write_bytes(content)
    for beside in ("-wal", "-shm"):
        path.with_name(path.name + beside).unlink(missing_ok=True)
    assert "cannot be read" in verify(stream).problem


def test_a_row_that_hides_behind_its_type_is_named(stream: Stream) -> None:
    if connections[stream.database].vendor != "sqlite":
        pytest.skip("PostgreSQL holds no value of another type than its column's")
    sql(stream, "UPDATE {rows} SET {seq} = 'last' WHERE {seq} = 12")
    assert not verify(stream).sound


def _run(*arguments: str) -> tuple[int, str]:
    out = io.StringIO()
    try:
        call_command("verify_ledger", *arguments, stdout=out)
    except SystemExit as end:
        return int(end.code or 0), out.getvalue()
    return 0, out.getvalue()


def test_the_command_says_what_is_sound(stream: Stream) -> None:
    code, text = _run()
    assert code == 0
    assert [line.split(":")[0] for line in text.splitlines()] == ["changes", "calls"]
    assert text.count("sound: 12 events, 1 checkpoints agree") == 2


def test_the_command_fails_and_names_therow(stream: Stream) -> None:
    sql(stream, "DELETE FROM {rows} WHERE {seq} = 6")
    code, text = _run("--stream", stream.name)
    assert code == 1
    assert text.startswith(f"{stream.name}: NOT SOUND: event 6: event 6 is missing")
    code, text = _run("--stream", stream.name, "--json")
    told = json.loads(text)
    assert (code, told["sound"], told["bad_seq"]) == (1, False, 6)


def test_the_command_compares_with_a_checkpoint_kept_in_a_file(stream: Stream, tmp_path: Path) -> None:
    signed = checkpoint.newest(stream)
    assert signed is not None
    kept = tmp_path / "kept"
    kept.write_text(signed.note)
    assert _run("--stream", stream.name, "--checkpoint", str(kept))[0] == 0
    kept.write_text(signed.note.replace("\n8\n", "\n9\n"))
    assert _run("--stream", stream.name, "--checkpoint", str(kept))[0] == 1


def test_the_command_refuses_a_checkpoint_without_its_stream(house: House, tmp_path: Path) -> None:
    for arguments in (("--checkpoint", "x"), ("--stream", "changes", "--checkpoint", str(tmp_path / "none"))):
        with pytest.raises(CommandError):
            _run(*arguments)


def test_a_stream_is_verified_while_it_grows(say: Say) -> None:
    for text in ("x", "y"):
        say(text)
        assert verify(CHANGES).sound
    assert verify(CALLS).sound
