"""Which database holds which table.

On SQLite four files keep four kinds of writing apart: `default` (the ledger and what it decides), `calls` (the calls
stream), `ct` (the certificate log) and `observed` (what data planes report; may be lost). On PostgreSQL one database
holds them all.
"""

from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

CALLS = "calls"
CT = "ct"
OBSERVED = "observed"
_HOME = {"callevent": CALLS, "callhead": CALLS, "callcheckpoint": CALLS}
_HOME |= {"ctlog": CT, "ctentry": CT, "ctissuer": CT}
_HOME |= {"dataplaneclient": OBSERVED, "loadsample": OBSERVED, "holding": OBSERVED}
_HOME |= {"transparencycheck": OBSERVED, "servedcertificate": OBSERVED, "knownlog": CT}


def _sqlite(path: Path, *, synchronous: str) -> dict[str, Any]:
    return {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": path,
        "CONN_MAX_AGE": 600,
        "OPTIONS": {
            # IMMEDIATE: a read-then-write transaction started DEFERRED fails with "locked" under contention.
            "transaction_mode": "IMMEDIATE",
            "timeout": 20,
            "init_command": f"PRAGMA journal_mode=WAL;PRAGMA synchronous={synchronous};"
            "PRAGMA journal_size_limit=67108864;",
        },
    }


def databases(data_dir: Path, url: str) -> dict[str, dict[str, Any]]:
    """Django's DATABASES for a PostgreSQL `url`, or for SQLite files in `data_dir` when it is empty."""
    if not url:
        return {
            "default": _sqlite(data_dir / "ledger.sqlite3", synchronous="FULL"),
            CALLS: _sqlite(data_dir / "calls.sqlite3", synchronous="FULL"),
            CT: _sqlite(data_dir / "ct.sqlite3", synchronous="FULL"),
            OBSERVED: _sqlite(data_dir / "observed.sqlite3", synchronous="OFF"),
        }
    parts = urlsplit(url)
    options = dict(parse_qsl(parts.query))
    return {
        "default": {
            "ENGINE": "django.db.backends.postgresql",
            "NAME": parts.path.lstrip("/"),
            "USER": unquote(parts.username or ""),
            "PASSWORD": unquote(parts.password or ""),
            "HOST": unquote(parts.hostname or "") or options.pop("host", ""),
            "PORT": str(parts.port or ""),
            "CONN_MAX_AGE": 600,
            # Threads of pools keep their connections for long; one that a restarted server closed is replaced.
            "CONN_HEALTH_CHECKS": True,
            "OPTIONS": options,
        }
    }


class Router:
    """Sends each model to its home, when there is more than one database."""

    def _home(self, model_name: str | None) -> str:
        from django.conf import settings

        home = _HOME.get((model_name or "").lower(), "default")
        return home if home in settings.DATABASES else "default"

    def db_for_read(self, model: Any, **hints: Any) -> str:
        """The database `model` is read from."""
        return self._home(model._meta.model_name)  # noqa: SLF001  (Django documents _meta as public)

    db_for_write = db_for_read

    def allow_migrate(self, db: str, app_label: str, model_name: str | None = None, **hints: Any) -> bool:
        """Whether the tables of `model_name` belong into `db`; our own steps without a model run in every database."""
        if app_label != "governance":
            return db == "default"
        return model_name is None or self._home(model_name) == db
