"""What of a new head may be believed, and that both ways of reading a log see the same log."""

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding

from governance.kernel.errors import Invalid, NotFound, Unavailable
from governance.pki.ct.check import check_sct
from governance.pki.ct.checkpoint import Head
from governance.pki.ct.entry import entry_of_certificate, entry_of_precertificate
from governance.pki.ct.http import submit
from governance.pki.ct.logs import LogKind
from governance.pki.ct.misbehaviour import Misbehaved
from governance.pki.ct.reading import LogView, advance
from tests.fixtures.ctlog import CtLog
from tests.pki.ct.promising import NOT_AFTER, Wanted
from tests.pki.ct.reading import SIZE, certificates, client, fill, issuing, reader, root, served

KINDS: tuple[LogKind, ...] = ("static", "rfc6962")
both = pytest.mark.parametrize("kind", KINDS)


def _refused(known: Head | None, new: Head, view: LogView) -> Misbehaved:
    with pytest.raises(Misbehaved) as refused:
        advance(known, new, view)
    return refused.value


@pytest.fixture(scope="module")
def full() -> Iterator[CtLog]:
    """A log of 300 entries that nobody changes."""
    with served(SIZE) as log:
        yield log


@both
@pytest.mark.parametrize(("start", "end"), [(0, 300), (0, 1), (255, 257), (256, 300), (299, 300), (37, 37), (100, 290)])
def test_entries_are_read_as_they_were_logged(full: CtLog, kind: LogKind, start: int, end: int) -> None:
    view = reader(full, kind)
    entries = list(view.entries(start, end, view.head()))
    assert [entry.index for entry in entries] == list(range(start, end))
    assert [entry.certificate_der for entry in entries] == certificates(full, range(start, end))
    assert [entry.leaf_hash for entry in entries] == full.leaves()[start:end]
    assert {entry.chain for entry in entries} <= {full.records[0][1]}
    assert {entry.entry.kind for entry in entries} <= {"x509", "precert"}


@both
@pytest.mark.parametrize("page", [1, 7, 64])
def test_a_log_may_make_its_pages_as_short_as_it_likes(kind: LogKind, page: int) -> None:
    with served(20) as log:
        log.page = page
        view = reader(log, kind)
        head = view.head()
        assert [entry.index for entry in view.entries(3, 20, head)] == list(range(3, 20))
        assert [entry.index for entry in view.entries(5, 11, head)] == list(range(5, 11))


@both
def test_both_ways_of_reading_prove_the_same(full: CtLog, kind: LogKind) -> None:
    view, other = reader(full, kind), reader(full, "static")
    head = view.head()
    assert head == other.head()
    for index in (0, 1, 255, 256, 298, 299):
        leaf = full.leaves()[index]
        assert view.inclusion(leaf, index, head) == other.inclusion(leaf, index, head)


@both
def test_an_entry_that_is_not_there_is_not_found(full: CtLog, kind: LogKind) -> None:
    view = reader(full, kind)
    for index in (3, SIZE + 5):
        with pytest.raises(NotFound):
            view.inclusion(bytes(32), index, view.head())


@both
def test_entries_beyond_the_head_are_refused(full: CtLog, kind: LogKind) -> None:
    view = reader(full, kind)
    for start, end in ((0, SIZE + 1), (-1, 2), (5, 4)):
        with pytest.raises(Invalid):
            list(view.entries(start, end, view.head()))


def test_a_log_of_tiles_is_asked_by_index(full: CtLog) -> None:
    view = reader(full)
    with pytest.raises(Invalid, match="is read by index"):
        view.inclusion(full.leaves()[0], None, view.head())


@both
def test_a_log_that_grows_is_believed_step_by_step(kind: LogKind) -> None:
    with served() as log:
        view, known = reader(log, kind), None
        for size in (0, 1, 2, 5, 9, 30):
            fill(log, size - len(log.records), first=len(log.records))
            known = advance(known, view.head(), view)
            assert known.size == size


@both
def test_a_head_that_was_signed_again_is_the_newer_one_whichever_comes_first(kind: LogKind) -> None:
    with served(3) as log:
        view = reader(log, kind)
        first = view.head()
        log.sign()
        second = view.head()
        assert second.timestamp_ms > first.timestamp_ms
        assert advance(first, second, view) == advance(second, first, view) == second


@both
def test_an_older_head_of_the_same_tree_is_no_lie_and_no_news(kind: LogKind) -> None:
    with served(3) as log:
        view = reader(log, kind)
        older = view.head()
        fill(log, 4, first=3)
        newer = view.head()
        assert advance(newer, older, view) == newer


@both
def test_a_fork_is_shown_with_both_heads(kind: LogKind) -> None:
    with served(5) as log:
        view = reader(log, kind)
        known = view.head()
        log.fork(2)
        new = view.head()
        lie = _refused(known, new, view)
    assert (lie.kind, lie.evidence) == ("forked", {"first": known.text, "second": new.text})


@both
def test_a_fork_that_grew_on_is_shown_with_both_heads(kind: LogKind) -> None:
    with served(5) as log:
        view = reader(log, kind)
        known = view.head()
        log.fork(2)
        fill(log, 4, first=5)
        new = view.head()
        lie = _refused(known, new, view)
    assert (lie.kind, lie.evidence) == ("inconsistent", {"first": known.text, "second": new.text})


@both
def test_a_tree_that_shrank_is_shown_with_both_heads(kind: LogKind) -> None:
    with served(5) as log:
        view = reader(log, kind)
        known = view.head()
        log.shrink(3)
        new = view.head()
        lie = _refused(known, new, view)
    assert (lie.kind, lie.evidence) == ("shrunk", {"first": known.text, "second": new.text})


@both
def test_an_older_head_of_another_tree_is_inconsistent(kind: LogKind) -> None:
    with served(5) as log:
        view = reader(log, kind)
        older = view.head()
        log.fork(2)
        fill(log, 4, first=5)
        newer = view.head()
        assert _refused(newer, older, view).kind == "inconsistent"


def test_a_log_that_was_to_grow_no_more_and_did_is_beyond_its_end() -> None:
    with served(5) as log:
        final = reader(log).head()
        view = reader(log, final_size=5, final_root=final.root)
        assert advance(None, final, view) == final
        log.fork()
        assert _refused(None, view.head(), view).kind == "beyond_final"
        fill(log, 1, first=5)
        lie = _refused(final, view.head(), view)
    assert lie.kind == "beyond_final"
    assert lie.evidence["final_root"] == final.root.hex()


@both
def test_a_head_with_a_false_signature_is_a_lie(kind: LogKind) -> None:
    with served(2) as log:
        log.sign(key=ec.generate_private_key(ec.SECP256R1()))
        with pytest.raises(Misbehaved) as refused:
            reader(log, kind).head()
    assert refused.value.kind == "bad_signature"


def test_a_head_of_another_log_is_a_lie() -> None:
    with served(2) as log:
        log.sign(origin="milan.example/2026")
        with pytest.raises(Misbehaved) as refused:
            reader(log).head()
    assert refused.value.kind == "wrong_origin"


def test_certificates_are_handed_in_and_promised_and_then_they_are_there() -> None:
    with served(2) as log:
        view, chain = reader(log), [issuing().certificate, root().certificate]
        precert, certificate = Wanted("a.example").precertificate(issuing()), Wanted("b.example").certificate(issuing())
        for pre, submitted in ((True, precert), (False, certificate)):
            sct = submit(view.log, [_der(each) for each in (submitted, *chain)], client(), pre=pre)
            entry = entry_of_precertificate(submitted, chain) if pre else entry_of_certificate(submitted)
            logs = {view.log.log_id: view.log}
            assert check_sct(sct, entry, logs, at=datetime.now(UTC), not_after=NOT_AFTER).state == "valid"
            again = submit(view.log, [_der(each) for each in (submitted, *chain)], client(), pre=pre)
            assert (again.timestamp_ms, again.leaf_index) == (sct.timestamp_ms, sct.leaf_index)
            (logged,) = view.entries(sct.leaf_index or 0, (sct.leaf_index or 0) + 1, view.head())
            assert logged.entry == entry
        assert len(log.records) == 4


def test_a_log_that_refuses_a_chain_is_quoted() -> None:
    with served() as log:
        view = reader(log)
        with pytest.raises(Unavailable, match=r"answered 400 to ct/v1/add-pre-chain: bad chain: .*precertificate"):
            submit(view.log, [_der(issuing().certificate), _der(root().certificate)], client(), pre=True)


def _der(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(Encoding.DER)
