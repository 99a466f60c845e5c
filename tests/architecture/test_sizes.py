"""A file that grows past 300 lines lacks a word; a function past 40 does too much."""

import ast

from tests.architecture.tree import ROOT, decided, python_files, syntax, typescript_files

FILE_LINES = 300
FUNCTION_LINES = 40


def _body_lines(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Lines from `def` to the end, without the docstring."""
    assert function.end_lineno is not None
    lines = function.end_lineno - function.lineno + 1
    first = function.body[0]
    if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant) and isinstance(first.value.value, str):
        assert first.end_lineno is not None
        lines -= first.end_lineno - first.lineno + 1
    return lines


def test_no_file_is_longer_than_300_lines_unless_a_decision_says_why() -> None:
    sizes = {
        path: len((ROOT / path).read_text().splitlines())
        for path in (*python_files("governance", "gateway", "tests"), *typescript_files())
    }
    assert not {str(path): lines for path, lines in sizes.items() if lines > FILE_LINES and not decided(path)}


def test_no_function_is_longer_than_40_lines_unless_a_decision_says_why() -> None:
    long = {
        f"{path}:{node.name}": _body_lines(node)
        for path in python_files("governance", "gateway", "tests")
        if not decided(path)
        for node in ast.walk(syntax(path))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and _body_lines(node) > FUNCTION_LINES
    }
    assert not long
