"""What must be there before the first child starts: tables in every database."""

import shutil
from pathlib import Path

from django.core.management import call_command
from django.db import connections
from django.db.migrations.executor import MigrationExecutor


def fresh(directory: Path) -> Path:
    """An empty directory, whatever was in it before."""
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir(parents=True)
    return directory


def migrate() -> list[str]:
    """Bring every database to the newest tables; returns the names of those that were changed."""
    changed = []
    for alias in connections:
        executor = MigrationExecutor(connections[alias])
        if executor.migration_plan(executor.loader.graph.leaf_nodes()):  # 15 ms; the command would take 10 times that
            call_command("migrate", database=alias, verbosity=0, interactive=False)
            changed.append(alias)
    return changed
