"""What no file says: where one machine keeps things, where packages come from, how it was made."""

from __future__ import annotations

import hashlib
import re
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Final

from tests.house_rules.findings import Finding

_MACHINE_FOLDERS: Final = ("work", "root", "home", "Users", "opt", "tmp/venv", "shared")
_MACHINE_PATH: Final = re.compile(
    rf"(?<![\w.}}*])(?<!:/)/(?:{'|'.join(_MACHINE_FOLDERS)})(?:/|\b(?![.\w-]))"
)
_REGISTRY: Final = re.compile(
    r"pypi\.org|pythonhosted\.org|\bnpmjs\.|https?://\S*/simple\b|--(?:extra-)?index-url\s+\S",
)

_WORKSHOP: Final = frozenset(
    Path(__file__).with_name("workshop_talk.txt").read_text(encoding="utf-8").splitlines()
)
"""Kept as digests, so that the list itself is not full of such words."""


_SOURCE: Final = re.compile(r"(?i)\bsource\b[\"']?\s*[:=]\s*[\"']?\w")


def no_machine_path(text: str) -> list[Finding]:
    """Find absolute paths that only exist on the machine of whoever wrote them."""
    return _matches(_MACHINE_PATH, text, "path of one machine; use a relative one")


def no_registry_address(text: str) -> list[Finding]:
    """Find addresses of package registries; pip's own settings say where packages come from."""
    return _matches(_REGISTRY, text, "address of a package registry")


def no_workshop_talk(text: str, digests: frozenset[str] = _WORKSHOP) -> list[Finding]:
    """Find talk of how a text came to be; a file speaks of the product only."""
    found = []
    for number, line in enumerate(text.splitlines(), start=1):
        words = re.findall(r"[a-z0-9]+", line.lower())
        pairs = [" ".join(pair) for pair in pairwise(words)]
        found += [
            Finding(number, f"{talk!r} is not about the product")
            for talk in (*words, *pairs)
            if digest(talk) in digests
        ]
    return found


@cache  # most words come many times
def digest(talk: str) -> str:
    """Return the digest that stands for a word, or for two with a space between."""
    return hashlib.sha256(talk.encode()).hexdigest()[:12]


def names_its_source(text: str) -> list[Finding]:
    """Find vectors that do not say where they come from.

    A line of JSON says so itself, as "source"; any other file in its first ten lines.
    """
    lines = list(enumerate(text.splitlines(), start=1))
    vectors = [(number, line) for number, line in lines if line.startswith("{")]
    if vectors:
        return [
            Finding(number, 'no "source"; name the document, or the program that made it')
            for number, line in vectors
            if not _SOURCE.search(line)
        ]
    if any(_SOURCE.search(line) for _, line in lines[:10]):
        return []
    return [Finding(0, "no source; begin the file with `# Source: <document, clause or program>`")]


def _matches(pattern: re.Pattern[str], text: str, problem: str) -> list[Finding]:
    return [
        Finding(number, f"{match[0]}: {problem}")
        for number, line in enumerate(text.splitlines(), start=1)
        for match in pattern.finditer(line)
    ]
