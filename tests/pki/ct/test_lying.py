"""Logs that say what is not so, and logs that cannot be read: the one is never taken for the other."""

import base64
import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from governance.kernel.errors import Unavailable
from governance.pki.ct import tile_leaf
from governance.pki.ct.http import submit
from governance.pki.ct.logs import LogKind
from governance.pki.ct.misbehaviour import Misbehaved
from governance.pki.ct.reading import LogView, advance
from governance.pki.ct.tiles import TilePath
from tests.fixtures.ctlog import CtLog
from tests.fixtures.telling import ABSENT, Answer, Telling, with_bit
from tests.pki.ct.reading import SIZE, certificates, client, fill, reader, served

both = pytest.mark.parametrize("kind", ["static", "rfc6962"])


@pytest.fixture(scope="module")
def filled() -> Any:
    with served(SIZE) as log:
        yield log


@pytest.fixture
def log(filled: CtLog) -> Any:
    """A log of 300 entries that is honest again afterwards."""
    yield filled
    filled.be_honest()
    filled.requests.clear()


def _lie(ask: Callable[[], object]) -> Misbehaved:
    with pytest.raises(Misbehaved) as refused:
        ask()
    return refused.value


def _all(view: LogView) -> list[bytes]:
    return [entry.certificate_der for entry in view.entries(0, SIZE, view.head())]


def _changed(**fields: Any) -> Callable[[Answer], Answer]:
    """The answer in JSON with some of its fields as they are not."""

    def change(answer: Answer) -> Answer:
        return replace(answer, body=json.dumps(json.loads(answer.body) | fields).encode())

    return change


@pytest.mark.parametrize("path", ["tile/0/000", r"tile/0/001\.p/44", r"tile/1/000\.p/1"])
def test_a_tile_of_hashes_that_does_not_lead_to_the_root_is_a_lie(log: CtLog, path: str) -> None:
    log.tell(path, with_bit(5))
    view = reader(log)
    head = view.head()
    for ask in (
        lambda: view.inclusion(log.leaves()[7], 7, head),
        lambda: list(view.entries(0, SIZE, head)),
    ):
        lie = _lie(ask)
        assert lie.kind == "wrong_tile"
        assert lie.message.startswith("the log rome2026: ")
        assert lie.evidence["checkpoint"] == head.text
        assert any(name.startswith("hashes of level") for name in lie.evidence)


@pytest.mark.parametrize(("path", "index"), [("tile/data/000", 0), (r"tile/data/001\.p/44", 256)])
def test_an_entry_that_is_not_the_one_in_the_tree_is_a_lie(log: CtLog, path: str, index: int) -> None:
    log.tell(path, with_bit(7 * 8))  # within the timestamp of its first entry
    view = reader(log)
    lie = _lie(lambda: _all(view))
    assert lie.kind == "wrong_entry"
    assert lie.evidence["checkpoint"] == view.head().text
    assert lie.evidence["index"] == str(index)
    (shown,) = tile_leaf.read_all(base64.b64decode(lie.evidence["entry"]))
    assert shown.leaf_hash.hex() == lie.evidence["leaf"] != log.leaves()[index].hex()


def test_nothing_is_handed_out_of_a_tile_with_one_wrong_entry(log: CtLog) -> None:
    log.tell(r"tile/data/001\.p/44", with_bit(7 * 8))
    view, seen = reader(log), []

    def read() -> None:
        for entry in view.entries(0, SIZE, view.head()):
            seen.append(entry.index)  # noqa: PERF401 - it is broken off in the middle

    assert _lie(read).kind == "wrong_entry"
    assert seen == list(range(256))


def test_an_entry_that_is_not_where_the_log_promised_to_put_it_is_a_lie() -> None:
    with served(3) as log:
        log.records.reverse()
        log.sign()
        view = reader(log)
        lie = _lie(lambda: list(view.entries(0, 3, view.head())))
    assert (lie.kind, lie.evidence["index"]) == ("wrong_entry", "0")
    assert "says that it is at index 2" in lie.message


def test_entries_from_rfc_6962_that_are_not_those_of_the_tree_are_a_lie(log: CtLog) -> None:
    log.page = 100
    other = log._entry(3)
    log.tell("ct/v1/get-entries", lambda answer: _with_entry(answer, 50, other))
    view = reader(log, "rfc6962")
    lie = _lie(lambda: _all(view))
    assert lie.kind == "wrong_entry"
    assert (lie.evidence["start"], lie.evidence["end"]) == ("0", "100")
    log.page = 1000
    # At the end of the tree no proof is asked for, and the root itself does not agree.
    assert _lie(lambda: list(view.entries(200, SIZE, view.head()))).evidence["end"] == str(SIZE)


def _with_entry(answer: Answer, at: int, entry: dict[str, str]) -> Answer:
    entries = json.loads(answer.body)["entries"]
    entries[at] = entry
    return _changed(entries=entries)(answer)


@pytest.mark.parametrize("verb", ["get-proof-by-hash", "get-entry-and-proof"])
def test_a_proof_from_rfc_6962_that_does_not_lead_to_the_root_is_a_lie(log: CtLog, verb: str) -> None:
    log.tell(f"ct/v1/{verb}", _changed(audit_path=[base64.b64encode(bytes(32)).decode()] * 9))
    view = reader(log, "rfc6962")
    head = view.head()
    asked: dict[str, Callable[[], object]] = {
        "get-proof-by-hash": lambda: view.inclusion(log.leaves()[7], None, head),
        "get-entry-and-proof": lambda: list(view.entries(7, 9, head)),
    }
    assert _lie(asked[verb]).kind == "wrong_tile"


def test_a_false_proof_of_consistency_is_a_lie() -> None:
    with served(5) as log:
        view = reader(log, "rfc6962")
        known = view.head()
        fill(log, 4, first=5)
        log.tell("ct/v1/get-sth-consistency", _changed(consistency=[]))
        assert _lie(lambda: advance(known, view.head(), view)).kind == "inconsistent"


@both
def test_a_head_with_another_bit_is_a_lie_or_unreadable(log: CtLog, kind: LogKind) -> None:
    paths = {"static": "checkpoint", "rfc6962": "ct/v1/get-sth"}
    said = {each: log.answer(path, {}).body for each, path in paths.items()}
    for bit in range(0, 2000, 7):
        log.tell(paths[kind], with_bit(bit % (8 * len(said[kind]))))
        try:
            head = reader(log, kind).head()
        except (Misbehaved, Unavailable):
            continue
        # Only what is not part of the head may change without harm: the names of fields that are not read.
        assert (head.size, head.root) == (SIZE, log._root())


def test_a_partial_tile_that_is_gone_is_read_from_the_full_one() -> None:
    with served(256 + 44) as log:
        view = reader(log)
        head = view.head()
        fill(log, 256, first=300)
        for path in (r"tile/0/001\.p/44", r"tile/data/001\.p/44", r"tile/1/000\.p/1"):
            log.tell(path, ABSENT)
        log.tell(r"tile/1/000\.p/1", Answer(body=log._hashes(TilePath(1, 0, 1))))
        assert [entry.certificate_der for entry in view.entries(290, 300, head)] == certificates(log, range(290, 300))
        assert "tile/data/001" in log.requests
        assert "tile/0/001" in log.requests


def test_a_tile_of_which_neither_form_is_there_makes_the_log_unreadable(log: CtLog) -> None:
    log.tell("tile/data/.*", ABSENT)
    with pytest.raises(Unavailable, match=r"the log rome2026: tile/data/000 is not there, and the log must serve it"):
        _all(reader(log))


def test_another_issuer_than_the_one_asked_for_is_not_taken(log: CtLog) -> None:
    log.tell("issuer/.*", Answer(body=b"another"))
    with pytest.raises(Unavailable, match="serves another certificate at issuer/"):
        _all(reader(log))
    log.tell("issuer/.*", ABSENT)
    with pytest.raises(Unavailable, match=r"has no issuer at issuer/.*, and must have it"):
        _all(reader(log))


@pytest.mark.parametrize(
    ("path", "telling"),
    [
        ("tile/data/000", Answer(body=b"rubbish")),
        ("tile/data/000", Answer(body=b"")),
        ("tile/data/000", with_bit(8 * 12)),  # the length of the first certificate
        (r"tile/data/001\.p/44", Answer(body=b"")),
        ("tile/0/000", Answer(body=bytes(8191))),
        ("tile/0/000", Answer(body=b"")),
        ("checkpoint", Answer(body=b"")),
        ("checkpoint", Answer(body=b"\xff\xfe")),
        ("checkpoint", Answer(body=b"<html>a captive portal</html>")),
        ("checkpoint", ABSENT),
    ],
)
def test_what_cannot_be_read_is_no_lie_and_names_the_log(log: CtLog, path: str, telling: Telling) -> None:
    log.tell(path, telling)
    with pytest.raises(Unavailable, match="the log rome2026"):
        _all(reader(log))


@pytest.mark.parametrize(
    ("verb", "body"),
    [
        ("get-sth", b""),
        ("get-sth", b"[]"),
        ("get-sth", b"null"),
        ("get-sth", b"[" * 100_000),
        ("get-sth", b'{"tree_size": 1' + b"0" * 5000 + b"}"),
        ("get-sth", b'{"tree_size": true}'),
        ("get-sth", b'{"tree_size": -1, "timestamp": 1, "sha256_root_hash": "", "tree_head_signature": ""}'),
        ("get-entries", b"{}"),
        ("get-entries", b'{"entries": []}'),
        ("get-entries", b'{"entries": 7}'),
        ("get-entries", b'{"entries": [7]}'),
        ("get-entries", b'{"entries": [{"leaf_input": "AAAA", "extra_data": ""}]}'),
        ("get-entries", b'{"entries": [{"leaf_input": "*", "extra_data": ""}]}'),
        ("get-entries", b'{"entries": [{"leaf_input": "\xc3\xa4", "extra_data": ""}]}'),
    ],
)
def test_an_answer_of_rfc_6962_that_cannot_be_read_is_no_lie(log: CtLog, verb: str, body: bytes) -> None:
    log.tell(f"ct/v1/{verb}", Answer(body=body))
    with pytest.raises(Unavailable, match=f"the log rome2026 (answered {verb} with|has (no )?entries)"):
        _all(reader(log, "rfc6962"))


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({"sct_version": 1}, "another version"),
        ({"id": base64.b64encode(bytes(32)).decode()}, "some other log"),
        ({"id": "AA=="}, "no usable bytes as id"),
        ({"signature": "BAM="}, "cannot be read"),
        ({"signature": "BAMAAQAA"}, "cannot be read"),
        ({"timestamp": "now"}, "no usable number as timestamp"),
        ({"extensions": None}, "no usable bytes as extensions"),
        ({"extensions": "AAAA" * 20_000}, "more than 2048 bytes"),
    ],
)
def test_a_promise_that_cannot_be_read_is_not_taken(log: CtLog, fields: dict[str, Any], why: str) -> None:
    log.tell("ct/v1/add-chain", _changed(**fields))
    chain = [log.records[0][0].certificate_der, *log.records[0][1]]
    with pytest.raises(Unavailable, match=f"the log rome2026 answered add-chain with .*{why}"):
        submit(log.log(), chain, client(), pre=False)
