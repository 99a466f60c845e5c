"""The log behind a real server, read by a client of logs as anybody has one."""

from collections.abc import Iterator

import httpx
import pytest
from django.conf import settings

from gateway import ct
from governance.pki.ct.http import make_client
from governance.pki.ct.logs import Log
from governance.pki.ct.own.log import own_log
from governance.pki.setup import ensure_pki
from tests.gateway.live.conftest import Door, door

__all__ = ["Door", "door"]


@pytest.fixture
def log(door: Door, monkeypatch: pytest.MonkeyPatch) -> Log:
    """Ours, set up for this door; what the first start issued is in it."""
    monkeypatch.setattr(settings, "GOV", settings.GOV.model_copy(update={"pki_url": f"http://{door.address}/pki"}))
    monkeypatch.setattr(ct, "pace", ct.Pace())
    ensure_pki()
    return own_log()


@pytest.fixture
def client() -> Iterator[httpx.Client]:
    with make_client() as made:
        yield made
