"""Certificates that are issued under the gate, and a log of somebody else that has to have them."""

from pathlib import Path
from typing import Any

import pytest
from django.conf import settings

from governance.ledger.execute import execute
from governance.pki.commands import IssueNow
from governance.pki.ct import loglist
from governance.pki.ct.logs import Log
from governance.pki.worker import WORKER, issue_due
from tests.pki.conftest import seen, want


def pin_in(monkeypatch: pytest.MonkeyPatch, directory: Path, *pinned: Log) -> None:
    path = directory / "logs.json"
    path.write_text(loglist.to_json(pinned))
    monkeypatch.setattr(settings, "GOV", settings.GOV.model_copy(update={"ct_logs": str(path)}))


def issued(name: str = "web", **values: Any) -> str:
    """The serial of the issue in force."""
    want(name, **values)
    issue_due()
    return seen(name).serial


def renewed(name: str = "web") -> None:
    """Have it issued once more."""
    execute(IssueNow(namespace="shop", name=name), by=WORKER)
    issue_due()
