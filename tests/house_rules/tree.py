"""The files of the project: what is here and is not named in `.gitignore`.

Git itself is not asked: an archive of the project, or a checkout that belongs to another user, is
held to the same rules.
"""

from __future__ import annotations

import ast
import os
from fnmatch import fnmatch
from functools import cache
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[2]
_BINARY: Final = (".png", ".ico", ".gz", ".sqlite", ".bin")


@cache
def files(root: Path = ROOT) -> list[str]:
    """Return the paths of all files under `root`, relative to it, with forward slashes."""
    ignored = _ignored_patterns(root)
    found = []
    for place, folders, names in os.walk(root):
        folders[:] = [name for name in folders if not _is_ignored(f"{name}/", ignored)]
        here = Path(place).relative_to(root)
        found += [(here / name).as_posix() for name in names if not _is_ignored(name, ignored)]
    return sorted(found)


@cache
def text_files(root: Path = ROOT) -> list[str]:
    """Return the files that hold text."""
    return [path for path in files(root) if not path.endswith(_BINARY)]


def _ignored_patterns(root: Path) -> list[str]:
    """Return the lines of `.gitignore`, which in this project are `folder/` or a file pattern."""
    path = root / ".gitignore"
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    return [".git/", ".git", *(line for line in lines if line and not line.startswith("#"))]


def _is_ignored(name: str, patterns: list[str]) -> bool:
    return any(fnmatch(name, pattern) for pattern in patterns)


@cache
def parsed(source: str) -> ast.Module:
    """Return what a file of Python says; each is looked at by several rules."""
    return ast.parse(source)


@cache
def nodes_of(source: str) -> tuple[ast.AST, ...]:
    """Return all parts of a file of Python, from the outside in."""
    return tuple(ast.walk(parsed(source)))
