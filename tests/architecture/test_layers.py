"""What import-linter cannot say: who touches tables, and who writes them."""

import ast
import re
from pathlib import Path

from tests.architecture.tree import imports, module_of, python_files, syntax

# A slice's tables, or those of a part of it that keeps some of its own.
MODELS = re.compile(r"governance\.(?P<slice>\w+(?:\.ct)?)\.models")
# Django finds every table through governance.models.
EVERY_TABLE = "governance.models"
# In a slice, the modules that read and write its tables; compliance appends to the calls stream by a writer of its own,
# and so does the certificate log.
TOUCH = {"commands", "queries", "observe"}
TOUCH_TOO = {"compliance": {"stream", "streams", "writer"}}
OWN_LOG = "governance.pki.ct.own"
WRITE = {
    "save",
    "create",
    "update",
    "delete",
    "bulk_create",
    "bulk_update",
    "get_or_create",
    "update_or_create",
}


def _place(module: str) -> tuple[str, str]:
    """Slice and topic of a module: ("traffic", "queries"); a package `commands` counts as the module."""
    parts = module.split(".")
    return (parts[1] if len(parts) > 1 else "", parts[2] if len(parts) > 2 else "")


def _may_touch(module: str, owner: str) -> bool:
    slice_, topic = _place(module)
    if f"{module}.".startswith(f"governance.{owner}.models."):  # the tables themselves, in several files
        return True
    if owner == "pki.ct":
        return (slice_ == "pki" and topic in TOUCH) or f"{module}.".startswith(f"{OWN_LOG}.")
    return slice_ == owner and (owner == "ledger" or topic in TOUCH | TOUCH_TOO.get(owner, set()))


def _owners(path: Path) -> set[str]:
    return {match["slice"] for name in imports(path) if (match := MODELS.match(name))}


def test_only_its_own_commands_and_queries_import_a_slices_tables() -> None:
    wrong = [
        f"{path} imports the tables of {owner}"
        for path in python_files("governance", "gateway")
        for owner in _owners(path)
        if module_of(path) != EVERY_TABLE and not _may_touch(module_of(path), owner)
    ]
    assert not wrong


def test_the_gateway_never_asks_a_table_itself() -> None:
    wrong = [
        f"{path}:{node.lineno}"
        for path in python_files("gateway")
        for node in ast.walk(syntax(path))
        if isinstance(node, ast.Attribute) and node.attr in {"objects", "_default_manager"}
    ]
    assert not wrong


def test_queries_only_read() -> None:
    wrong = [
        f"{path}:{node.lineno} calls {node.func.attr}"
        for path in python_files("governance")
        if _place(module_of(path))[1] == "queries" and _owners(path)
        for node in ast.walk(syntax(path))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in WRITE
    ]
    assert not wrong
