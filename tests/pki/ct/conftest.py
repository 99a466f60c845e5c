"""What tests of logs start from: a house with an empty log in it, logs of others, and a list that is published."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings

from governance.pki.ct.own.log import ensure_log
from tests.fixtures.ctlog import CtLog
from tests.fixtures.house import House
from tests.pki.ct.gated import pin_in
from tests.pki.ct.publishing import follow
from tests.pki.ct.tailed import filler, known, pin, read, watch


@pytest.fixture
def empty_log(house: House) -> House:
    """Before anything is issued."""
    assert ensure_log()
    return house


@pytest.fixture
def place(pki: House, tmp_path: Path) -> Path:
    """Where the list is published, which is followed from now on."""
    directory = tmp_path / "published"
    directory.mkdir()
    follow(str(directory / "all_logs_list.json"))
    return directory


@pytest.fixture
def oslo() -> Iterator[CtLog]:
    """A log that is always honest."""
    with CtLog("oslo") as log:
        filler(log, 2)
        yield log


@pytest.fixture
def rome(pki: House, oslo: CtLog) -> Iterator[CtLog]:
    """A log that will lie. Both are pinned, and both of their two entries were looked at."""
    watch("example.org")
    with CtLog("rome") as log:
        filler(log, 2)
        pin(log, oslo)
        read()
        assert known(log).next_index == known(oslo).next_index == 2
        yield log


@pytest.fixture
def elsewhere(pki: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[CtLog]:
    """A log of somebody else, to which every certificate has to go as well from now on."""
    with CtLog() as log:
        pin_in(monkeypatch, tmp_path, log.log())
        yield log


@pytest.fixture
def closed_house(pki: House) -> Iterator[None]:
    """A house whose own ports are closed."""
    before = settings.GOV
    settings.GOV = before.model_copy(update={"https_addr": ""})
    yield
    settings.GOV = before
