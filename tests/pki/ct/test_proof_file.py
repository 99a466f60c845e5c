"""Proofs as files (c2sp.org/tlog-proof@v1)."""

import base64
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from governance.kernel.errors import Invalid
from governance.pki.ct import proof_file
from governance.pki.ct.logs import Log
from governance.pki.ct.proof_file import Proof
from tests.fixtures.ctlog import CtLog
from tests.pki.ct.reading import fill, reader, served

H1, H2 = bytes(range(32)), bytes(range(1, 33))


def test_the_text_is_that_of_the_specification() -> None:
    one, two = base64.b64encode(H1).decode(), base64.b64encode(H2).decode()
    assert proof_file.write(73894, [H1, H2], "checkpoint\n") == (
        f"c2sp.org/tlog-proof@v1\nindex 73894\n{one}\n{two}\n\ncheckpoint\n"
    )
    assert proof_file.write(0, [], "checkpoint\n", b"extra") == (
        "c2sp.org/tlog-proof@v1\nextra ZXh0cmE=\nindex 0\n\ncheckpoint\n"
    )


@given(
    index=st.integers(0, 2**63 - 1),
    path=st.lists(st.binary(min_size=32, max_size=32), max_size=63).map(tuple),
    checkpoint=st.text(),
    extra=st.binary(max_size=50),
)
def test_what_was_written_is_read_back(index: int, path: tuple[bytes, ...], checkpoint: str, extra: bytes) -> None:
    assert proof_file.read(proof_file.write(index, path, checkpoint, extra)) == Proof(index, path, checkpoint, extra)


@given(st.text(max_size=300))
def test_rubbish_is_refused_and_nothing_worse(text: str) -> None:
    for rubbish in (text, f"c2sp.org/tlog-proof@v1\n{text}", f"c2sp.org/tlog-proof@v1\nindex {text}\n\n{text}"):
        with suppress(Invalid):
            proof_file.read(rubbish)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda text: text.replace("@v1", "@v2"),
        lambda text: text.replace("index 3", "index 03"),
        lambda text: text.replace("index 3", "index -3"),
        lambda text: text.replace("index 3", "index 13"),
        lambda text: text.replace("index 3", "index  3"),
        lambda text: text.replace("index 3\n", ""),
        lambda text: text.replace("index 3", "index 3\nindex 3"),
        lambda text: text.replace("index 3", "extra \nindex 3"),
        lambda text: text.replace("index 3", f"index 3\n{base64.b64encode(H1).decode()}"),
        lambda text: text.replace("\n\n", "\n", 1),
        lambda text: text.replace("\n", "\r\n"),
        lambda text: text.partition("\n\n")[0] + "\n\n",
        lambda text: text[:-1],
        lambda text: "",
    ],
)
def test_a_file_that_was_altered_is_refused(spoil: Callable[[str], str]) -> None:
    with CtLog() as ct:
        fill(ct, 7)
        text, leaf, log = _proof(ct, 3)
    assert proof_file.check(text, leaf, log).size == 7
    with pytest.raises(Invalid):
        proof_file.check(spoil(text), leaf, log)


def test_no_file_survives_the_change_of_a_bit_except_in_what_nothing_vouches_for() -> None:
    with served(9) as ct:
        text, leaf, log = _proof(ct, 5)
    data = text.encode()
    for bit in range(8 * len(data)):
        changed = bytearray(data)
        changed[bit // 8] ^= 1 << bit % 8
        with pytest.raises((Invalid, UnicodeDecodeError)):
            proof_file.check(changed.decode(), leaf, log)


def test_a_file_proves_its_own_entry_and_log_only() -> None:
    with served(7) as ct, served(1) as other:
        text, leaf, log = _proof(ct, 3)
        with pytest.raises(Invalid, match="does not lead from this entry, as leaf 3"):
            proof_file.check(text, ct.leaves()[4], log)
        with pytest.raises(Invalid, match="is about"):
            proof_file.check(text, leaf, other.log())
        same_name = other.log(submission_url=ct.url)
        with pytest.raises(Invalid, match="is not signed by the key"):
            proof_file.check(text, leaf, same_name)


def test_a_proof_read_from_an_rfc_6962_log_is_the_same_file() -> None:
    with served(7) as ct:
        static, leaf, log = _proof(ct, 3)
        view = reader(ct, "rfc6962")
        head = view.head()
        index, path = view.inclusion(leaf, None, head)
        assert proof_file.write(index, path, head.text) == static
        assert proof_file.check(static, leaf, log) == head


def _proof(ct: CtLog, index: int) -> tuple[str, bytes, Log]:
    view = reader(ct)
    head, leaf = view.head(), ct.leaves()[index]
    _, path = view.inclusion(leaf, index, head)
    return proof_file.write(index, path, head.text), leaf, ct.log()


def test_a_proof_under_a_checkpoint_that_was_padded_is_short_and_holds() -> None:
    more = "".join(f"— w{n}.example {base64.b64encode(bytes(4000)).decode()}\n" for n in range(40)).encode()
    with served(5) as log:
        log.tell("checkpoint", lambda answer: replace(answer, body=answer.body + more))
        view, leaf = reader(log), log.leaves()[3]
        head = view.head()
        text = proof_file.write(*view.inclusion(leaf, 3, head), head.text)
        assert len(text) < 1000
        assert proof_file.check(text, leaf, log.log()) == head
