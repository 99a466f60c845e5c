"""What every test stands on: a data directory of its own, and the four people."""

import base64
import os
import tempfile

import pytest

_SESSION = tempfile.TemporaryDirectory(prefix="governor-test-")
os.environ["GOV_DATA_DIR"] = _SESSION.name  # before Django reads its settings
# Or the first key would be made in the configuration directory of whoever runs the tests.
os.environ["GOV_KEY_ENCRYPTION_KEY"] = base64.b64encode(os.urandom(32)).decode()
os.environ["GOV_GRPC_TLS"] = "plaintext"  # tests of TLS say otherwise
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "governance.settings")

from tests.fixtures.house import house, ledger, template  # noqa: E402
from tests.fixtures.people import alice, bob, carol, changes_once, mallory, stranger  # noqa: E402

__all__ = ["alice", "bob", "carol", "changes_once", "house", "ledger", "mallory", "stranger", "template"]


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """On PostgreSQL run only what has tables in it: the rest was, or will be, run once without."""
    if not os.environ.get("GOV_DATABASE_URL"):
        return
    bare = [item for item in items if "template" not in getattr(item, "fixturenames", ())]
    config.hook.pytest_deselected(items=bare)
    items[:] = [item for item in items if item not in set(bare)]
