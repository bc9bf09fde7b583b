"""What a house rule returns: places, each with what is wrong and what to do instead."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, order=True)
class Finding:
    """One broken rule on one line; line 0 is the file or folder as such."""

    line: int
    problem: str


Rule = Callable[[str], list[Finding]]
"""A rule reads the text of one file. Whether it applies to that file is decided in `scopes.py`."""
