"""A house with a log in it that has no entry yet."""

import pytest

from governance.pki.ct.own.log import ensure_log
from tests.fixtures.house import House


@pytest.fixture
def empty_log(house: House) -> House:
    """Before anything is issued."""
    assert ensure_log()
    return house
