"""Full names of what a module uses: `from datetime import datetime as d; d.now` is one of them."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence


def used_names(nodes: Sequence[ast.AST]) -> Iterator[tuple[ast.AST, str]]:
    """Yield every imported name and every use of one in `nodes`, in full with its module.

    `import time as t; t.time()` yields `time` and then `time.time`, whatever the module is called
    here. Names that the module did not import are its own and are left out.
    """
    meaning = _imports(nodes)
    for node in nodes:
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield node, alias.name
        elif isinstance(node, ast.ImportFrom):
            for alias in node.names:
                yield node, f"{node.module}.{alias.name}"
        elif isinstance(node, ast.Name | ast.Attribute):
            first, dot, rest = (_dotted(node) or "").partition(".")
            if first in meaning:
                yield node, meaning[first] + dot + rest


def _imports(nodes: Sequence[ast.AST]) -> dict[str, str]:
    meaning = {}
    for node in nodes:
        if isinstance(node, ast.Import):
            for alias in node.names:
                name = alias.asname or alias.name.partition(".")[0]
                meaning[name] = alias.name if alias.asname else name
        elif isinstance(node, ast.ImportFrom):
            for alias in node.names:
                meaning[alias.asname or alias.name] = f"{node.module}.{alias.name}"
    return meaning


def _dotted(node: ast.expr) -> str | None:
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        owner = _dotted(node.value)
        return None if owner is None else f"{owner}.{node.attr}"
    return None
