"""Numbers are exact: no float where tokens and money are made or kept."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Final

from tests.house_rules.findings import Finding
from tests.house_rules.tree import nodes_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_FLOAT_TYPES: Final = frozenset({"float", "complex", "Float", "Double", "REAL"})
_DIVISIBLE_TYPES: Final = frozenset({"Decimal", "Fraction", "Path", "PurePath"})
"""Types whose `/` gives no float: exact numbers, and paths that are joined."""


def no_float(source: str) -> list[Finding]:
    """Find float literals, the name `float`, and divisions of whole numbers.

    `isinstance(value, float)` is fine, it refuses floats. A division is fine when either side is
    visibly a path, a Decimal or a Fraction: called, annotated or assigned as one in the same file.
    """
    nodes = nodes_of(source)
    refusals = {id(part) for call in _isinstance_calls(nodes) for part in ast.walk(call.args[1])}
    divisible = _divisible_names(nodes)
    found = []
    for node in nodes:
        match node:
            case ast.Constant(value=float() | complex() as value):
                found.append(Finding(node.lineno, f"float literal {value!r}; use whole units"))
            case ast.Name(id=name) if name in _FLOAT_TYPES and id(node) not in refusals:
                found.append(Finding(node.lineno, f"{name}; use int, Decimal or Fraction"))
            case ast.BinOp(op=ast.Div()) if not _is_divisible(node, divisible):
                found.append(
                    Finding(node.lineno, "`/` makes a float; use `//`, divmod or Fraction")
                )
            case ast.AugAssign(op=ast.Div()) if not _is_divisible(node.target, divisible):
                found.append(Finding(node.lineno, "`/=` makes a float; use `//=` or Fraction"))
    return found


def _isinstance_calls(nodes: Sequence[ast.AST]) -> Iterator[ast.Call]:
    for node in nodes:
        match node:
            case ast.Call(func=ast.Name(id="isinstance"), args=[_, _]):
                yield node


def _divisible_names(nodes: Sequence[ast.AST]) -> frozenset[str]:
    """Return the names that this file shows to be of a divisible type."""
    names = set()
    for node in nodes:
        match node:
            case ast.arg(arg=name, annotation=ast.expr() as kind) if _names_type(kind):
                names.add(name)
            case ast.AnnAssign() if _names_type(node.annotation):
                names.add(_last_name(node.target))
            case ast.FunctionDef(name=name, returns=ast.expr() as kind) if _names_type(kind):
                names.add(name)
    for node in nodes:
        match node:
            case ast.Assign(targets=[target]) if _is_divisible(node.value, frozenset(names)):
                names.add(_last_name(target))
    return frozenset(names - {""})


def _names_type(annotation: ast.expr) -> bool:
    return any(_last_name(part) in _DIVISIBLE_TYPES for part in ast.walk(annotation))


def _is_divisible(node: ast.expr, names: frozenset[str]) -> bool:
    match node:
        case ast.Constant(value=str()) | ast.JoinedStr():
            return True  # joins a path; text cannot be divided
        case ast.BinOp(left=left, right=right):
            return _is_divisible(left, names) or _is_divisible(right, names)
        case ast.Call(func=ast.Attribute(value=owner) as function):
            return _last_name(function) in names or _is_divisible(owner, names)
        case ast.Call(func=function):
            return _last_name(function) in names | _DIVISIBLE_TYPES
        case ast.Attribute(value=owner):
            return _last_name(node) in names or _is_divisible(owner, names)
        case _:
            return _last_name(node) in names | _DIVISIBLE_TYPES


def _last_name(node: ast.AST) -> str:
    match node:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name
        case _:
            return ""
