"""Runs a measurement on each database, in a process of its own: the settings are read once."""

import base64
import os
import secrets
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager


def on_each(bench: str) -> None:
    """Run the module `tests.bench.<bench>` with the name of the database, once on SQLite and once on PostgreSQL."""
    from tests.fixtures import postgres

    with _directory() as environ:
        _run(bench, "SQLite", environ)
    if postgres.programs() is None:
        sys.stderr.write(f"skipped: {postgres.NOT_INSTALLED}\n")
        return
    with _directory() as environ, postgres.server(durable=True) as url:
        _run(bench, "PostgreSQL", {**environ, "GOV_DATABASE_URL": url})


def on_sqlite(bench: str) -> None:
    """Run it on SQLite alone."""
    with _directory() as environ:
        _run(bench, "SQLite", environ)


def prepare() -> None:
    """Set Django up, with its tables made."""
    import django

    django.setup()
    from django.conf import settings
    from django.core.management import call_command

    for alias in settings.DATABASES:
        call_command("migrate", database=alias, verbosity=0)


@contextmanager
def _directory() -> Iterator[Mapping[str, str]]:
    with tempfile.TemporaryDirectory(prefix="governor-bench-") as directory:
        environ = {**os.environ, "GOV_DATA_DIR": directory, "DJANGO_SETTINGS_MODULE": "governance.settings"}
        environ["GOV_KEY_ENCRYPTION_KEY"] = base64.b64encode(secrets.token_bytes(32)).decode()
        environ.pop("GOV_DATABASE_URL", None)
        yield environ


def _run(bench: str, name: str, environ: Mapping[str, str]) -> None:
    subprocess.run([sys.executable, "-m", f"tests.bench.{bench}", name], check=True, env=dict(environ))
