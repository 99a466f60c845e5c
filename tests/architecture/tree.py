"""The source tree as the architecture tests read it."""

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
GENERATED = ("_pb2.py", "_pb2.pyi", "_pb2_grpc.py", "_pb2_grpc.pyi")


def python_files(*packages: str) -> Iterator[Path]:
    """Hand-written Python files of the packages, relative to the root."""
    for package in packages:
        for path in sorted((ROOT / package).rglob("*.py")):
            if not path.name.endswith(GENERATED) and "migrations" not in path.parts:
                yield path.relative_to(ROOT)


def typescript_files() -> Iterator[Path]:
    """Hand-written TypeScript files, relative to the root."""
    for path in sorted((ROOT / "static" / "src").rglob("*.ts")):
        if "gen" not in path.parts:
            yield path.relative_to(ROOT)


def module_of(path: Path) -> str:
    """Dotted name of a Python file."""
    parts = path.with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


@cache
def syntax(path: Path) -> ast.Module:
    """A file's syntax tree."""
    return ast.parse((ROOT / path).read_text(), filename=str(path))


def imports(path: Path) -> set[str]:
    """Dotted names that a file imports: `from a.b import c` is both a.b and a.b.c."""
    found: set[str] = set()
    for node in ast.walk(syntax(path)):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found.add(node.module)
            found.update(f"{node.module}.{alias.name}" for alias in node.names)
    return found


def decided(path: Path) -> bool:
    """Whether a decision names the file."""
    return any(str(path) in page.read_text() for page in (ROOT / "docs" / "decisions").glob("[0-9]*.md"))
