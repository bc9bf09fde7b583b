"""The shape of files and functions: short, and explained in one sentence."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING, Final

from tests.house_rules.findings import Finding
from tests.house_rules.tree import parsed

if TYPE_CHECKING:
    from collections.abc import Iterator

MAX_FUNCTION_LINES: Final = 50
MAX_FILE_LINES: Final = 400

_Function = ast.FunctionDef | ast.AsyncFunctionDef
_Documented = _Function | ast.ClassDef


def short_functions(source: str) -> list[Finding]:
    """Find functions of more than 50 lines, not counting decorators and the docstring."""
    found = []
    for node in _functions(parsed(source)):
        lines = _last_line(node) - node.lineno + 1 - _docstring_lines(node)
        if lines > MAX_FUNCTION_LINES:
            found.append(Finding(node.lineno, f"{node.name} has {lines} lines; split it"))
    return found


def _functions(place: ast.AST) -> Iterator[_Function]:
    """Yield the functions in a place and in one another; within expressions there are none."""
    for node in ast.iter_child_nodes(place):
        if isinstance(node, _Function):
            yield node
        if not isinstance(node, ast.expr):
            yield from _functions(node)


def short_file(source: str) -> list[Finding]:
    """Find a file of more than 400 lines."""
    lines = len(source.splitlines())
    return [] if lines <= MAX_FILE_LINES else [Finding(0, f"{lines} lines; split the file")]


def documented(source: str) -> list[Finding]:
    """Find public functions, methods and classes whose docstring does not begin with one sentence.

    The sentence ends on the docstring's first line. Ruff leaves a second sentence there alone, and
    a first one that runs on.
    """
    found = []
    for name, node in _public(parsed(source)):
        text = ast.get_docstring(node)
        first = text.partition("\n")[0] if text else ""
        if not first:
            found.append(Finding(node.lineno, f"{name} has no docstring"))
        elif not first.endswith("."):
            found.append(Finding(node.lineno, f"{name}: the first line is not a whole sentence"))
        elif re.search(r"[a-z`\"')][.!?] +[A-Z`]", first):
            found.append(Finding(node.lineno, f"{name}: the first line has two sentences"))
    return found


def _public(
    place: ast.Module | ast.ClassDef, prefix: str = ""
) -> Iterator[tuple[str, _Documented]]:
    for node in place.body:
        if not isinstance(node, _Documented) or node.name.startswith("_"):
            continue
        if isinstance(node, _Function) and _is_second_half(node):
            continue
        yield prefix + node.name, node
        if isinstance(node, ast.ClassDef):
            yield from _public(node, f"{prefix}{node.name}.")


def _is_second_half(node: _Function) -> bool:
    """Overloads, and setters of a property, are explained where their first half is."""
    names = {ast.unparse(decorator).rpartition(".")[2] for decorator in node.decorator_list}
    return bool(names & {"overload", "override", "setter", "deleter"})


def _last_line(node: ast.stmt) -> int:
    return node.end_lineno or node.lineno


def _docstring_lines(node: _Function) -> int:
    if ast.get_docstring(node) is None:
        return 0
    return _last_line(node.body[0]) - node.body[0].lineno + 1
