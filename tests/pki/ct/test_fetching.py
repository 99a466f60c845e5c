"""Logs as servers on the net: slow, huge, packed, gone, elsewhere, or tired of us."""

import email.utils
import gzip
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from governance.kernel.errors import Unavailable
from governance.pki.ct.fetching import ANSWER, Door, Pace, make_client
from governance.pki.ct.http import view_of
from governance.pki.ct.logs import LogKind
from tests.fixtures.ctlog import CtLog
from tests.fixtures.telling import ABSENT, Answer, Telling, bomb, cut
from tests.pki.ct.promising import signer
from tests.pki.ct.reading import certificates, client, reader, served

MIB = 1024 * 1024


@pytest.fixture(scope="module")
def filled() -> Any:
    with served(5) as log:
        yield log


@pytest.fixture
def log(filled: CtLog) -> Any:
    """A log of 5 entries that is honest again afterwards."""
    yield filled
    filled.be_honest()
    filled.packs = True
    filled.requests.clear()


def _read(log: CtLog, kind: LogKind = "static") -> list[bytes]:
    view = reader(log, kind)
    return [entry.certificate_der for entry in view.entries(0, 5, view.head())]


@pytest.mark.parametrize("kind", ["static", "rfc6962"])
@pytest.mark.parametrize(
    ("telling", "why"),
    [
        (Answer(status=500, body=b"<h1>out of\n order</h1>"), "answered 500 for .*: <h1>out of order</h1>"),
        (Answer(status=403), "answered 403 for"),
        (Answer(status=204), "answered 204 for"),
        (Answer(status=301, headers={"location": "http://169.254.169.254/"}), "redirects are not followed"),
        (Answer(body=bytes(300 * MIB // 1000)), "is larger than 262144 bytes"),
        (bomb(64 * MIB), "is larger than 262144 bytes"),
        (Answer(body=b"no gzip", headers={"content-encoding": "gzip"}), "is no gzip, as which it is marked"),
        (Answer(body=b"?", headers={"content-encoding": "br"}), "is packed as 'br', and only gzip is read"),
        (cut, "cannot be read at"),
        (Answer(body=gzip.compress(b"1")[:-4], headers={"content-encoding": "gzip"}), "ends before its gzip does"),
        (
            Answer(body=gzip.compress(b"1") + b"2", headers={"content-encoding": "gzip"}),
            "goes on after the end of its gzip",
        ),
    ],
)
def test_every_failure_says_which_log_and_what_was_wrong(log: CtLog, kind: LogKind, telling: Telling, why: str) -> None:
    log.tell("checkpoint|ct/v1/get-sth", telling)
    with pytest.raises(Unavailable, match=f"the log rome2026 .*{why}"):
        _read(log, kind)


def test_a_bomb_in_a_tile_of_entries_is_not_unpacked(log: CtLog) -> None:
    log.tell("tile/data/.*", bomb(256 * MIB))
    with pytest.raises(Unavailable, match=r"tile of entries at tile/data/000.p/5 that is larger than 33554432 bytes"):
        _read(log)


def test_a_page_of_an_error_may_be_long(log: CtLog) -> None:
    log.tell(r"tile/0/000\.p/5", replace(ABSENT, body=bytes(MIB)))
    log.tell("tile/0/000", Answer(body=b"".join(log.leaves()) + bytes(251 * 32)))
    assert _read(log) == certificates(log, range(5))


def test_tiles_come_packed_or_not(log: CtLog) -> None:
    for log.packs in (True, False):
        assert _read(log) == certificates(log, range(5))


def test_a_log_that_never_answers_is_given_up() -> None:
    with served(1) as log, make_client(timeout_s=0.2) as hasty:
        log.tell("checkpoint", Answer(hangs=True))
        with pytest.raises(Unavailable, match="the log rome2026 did not answer in time for checkpoint"):
            view_of(log.log(), hasty, pace=Pace()).head()


def test_a_log_that_is_not_there_cannot_be_read() -> None:
    with served() as log:
        gone = log.log()
    with pytest.raises(Unavailable, match="the log rome2026 cannot be read at checkpoint"):
        view_of(gone, client(), pace=Pace()).head()


@pytest.mark.parametrize("url", ["", "rome", "file:///etc/passwd", "http://", "http://[::1", "ftp://rome.example/"])
def test_an_address_that_is_none_is_refused(url: str) -> None:
    log = signer("Rome", monitoring_url=url, submission_url=url).log
    with pytest.raises(Unavailable, match="the log Rome"):
        view_of(log, client(), pace=Pace()).head()


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("120", 120),
        ("0", 1),
        ("86400", 3600),
        ("99999999999999999999", 10),
        ("soon", 10),
        ("", 10),
        (lambda: email.utils.format_datetime(datetime.now(UTC) + timedelta(seconds=90, milliseconds=900)), 90),
        (lambda: email.utils.format_datetime(datetime.now(UTC) - timedelta(days=1)), 1),
    ],
)
@pytest.mark.parametrize("status", [429, 503])
def test_a_log_that_wants_rest_is_left_alone_for_so_long(
    log: CtLog, status: int, header: str | Callable[[], str], seconds: int
) -> None:
    clock = _Clock()
    pace = Pace(clock=clock.read, sleep=clock.sleep)
    retry_after = header if isinstance(header, str) else header()
    log.tell("checkpoint", Answer(status=status, headers={"retry-after": retry_after}))
    view = view_of(log.log(), client(), pace=pace)
    about = f"({seconds - 1}|{seconds}|{seconds + 1})"  # dates have whole seconds
    with pytest.raises(Unavailable, match=rf"answered {status} and wants no request for {about} s"):
        view.head()
    log.be_honest()
    asked = len(log.requests)
    clock.at += seconds - 2
    with pytest.raises(Unavailable, match=r"asked not to be asked again for [123] s"):
        view.head()
    assert len(log.requests) == asked
    clock.at += 3.5
    assert view.head().size == 5


def test_a_log_is_asked_in_bursts_and_then_at_its_pace() -> None:
    clock = _Clock()
    pace = Pace(per_s=2, burst=3, clock=clock.read, sleep=clock.sleep)
    for _ in range(7):
        pace.wait("the log")
    assert clock.slept == pytest.approx([0.5, 0.5, 0.5, 0.5])
    clock.at += 100
    for _ in range(3):
        pace.wait("the log")
    assert len(clock.slept) == 4


class _Clock:
    """Time that passes when somebody sleeps."""

    def __init__(self) -> None:
        self.at, self.slept = 1000.0, list[float]()

    def read(self) -> float:
        return self.at

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.at += seconds


def test_the_environment_has_no_say_in_where_logs_are_read(log: CtLog, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9/")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:9/")
    with make_client() as client:
        assert view_of(log.log(), client, pace=Pace()).head().size == 5


def test_a_proxy_is_used_when_it_is_given(log: CtLog) -> None:
    with make_client(proxy="http://127.0.0.1:9/") as client, pytest.raises(Unavailable, match="cannot be read"):
        view_of(log.log(), client, pace=Pace()).head()


def test_what_a_log_says_of_a_refusal_is_quoted_on_one_short_line(log: CtLog) -> None:
    log.tell("ct/v1/.*", Answer(status=400, body=b"\x1b[31mno\r\n\x00way\xff" + b"x" * 5000))
    door = Door(log.log(), client(), pace=Pace())
    with pytest.raises(Unavailable) as refused:
        door.post(log.url, "ct/v1/add-chain", ANSWER, content={"chain": []})
    message = refused.value.message
    assert message.isprintable()
    assert "[31mno way" in message
    assert len(message) < 300
