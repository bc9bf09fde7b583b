"""One table of a site file: its values by type, every fault noted and none the last.

A value that is missing or wrong is replaced by one of its type, so that reading goes on; whoever
reads looks at the problems before using anything.
"""

from __future__ import annotations

import json
import re
from typing import Any, Final, TypeVar

from vending_api.cli.importing.problems import Problem

_Kind = TypeVar("_Kind")

_BARE_KEY: Final = re.compile(r"[A-Za-z0-9_-]+")
MOST_MINOR: Final = 10**15
"""More money than any file means."""


class Section:
    """A table with its path, or the document itself, whose path is empty."""

    def __init__(self, path: str, values: dict[str, Any], problems: list[Problem]) -> None:
        self._path = path
        self._values = values
        self._problems = problems

    def __contains__(self, key: str) -> bool:
        return key in self._values

    def place(self, key: str) -> str:
        """Return the path of a key, as in `utility[1].limits.minimum_minor`."""
        return ".".join(part for part in (self._path, key) if part)

    def wrong(self, key: str, problem: str, mend: str) -> None:
        """Note what is wrong with a key."""
        self._problems.append(Problem(self.place(key), problem, mend))

    def only(self, *known: str) -> None:
        """Note every other key; a misspelt one would silently do nothing."""
        for key in self._values:
            if key not in known:
                shown = key if _BARE_KEY.fullmatch(key) else json.dumps(key)
                self.wrong(shown, "it is unknown", f"known here are {', '.join(known)}")

    def text(self, key: str, longest: int, usual: str | None = None) -> str:
        """Return a text that can stand on a line of a receipt."""
        if key not in self and usual is not None:
            return usual
        mend = f"write {'0' if usual == '' else '1'} to {longest} printable characters in quotes"
        value = self._given(key, str, mend)
        if value is None or (value == "" and usual == ""):
            return ""
        if not 1 <= len(value) <= longest:
            self.wrong(key, f"it has {len(value)} characters", mend)
        elif not value.isprintable() or value != value.strip():
            self.wrong(key, "it has control characters, or blanks at an end", mend)
        return value

    def matching(self, key: str, pattern: str, mend: str, usual: str | None = None) -> str:
        """Return a text that a pattern describes; `mend` says what that is."""
        if key not in self and usual is not None:
            return usual
        value = self._given(key, str, mend)
        if value is not None and not re.fullmatch(pattern, value):
            self.wrong(key, f"{value[:24]!r} is not it", mend)
        return value or ""

    def plain(self, key: str) -> str | None:
        """Return a text of any kind that is not empty, None where there is none.

        Its value is never shown: it may be a secret in the wrong place.
        """
        mend = "write a text in quotes"
        value = self._given(key, str, mend)
        if value == "":
            self.wrong(key, "it is empty", mend)
        return value or None

    def plain_if_any(self, key: str) -> str | None:
        """Return as `plain`, or None for a key that is left out."""
        return self.plain(key) if key in self else None

    def number(self, key: str, least: int, most: int, usual: int | None = None) -> int:
        """Return a whole number from `least` to `most`."""
        if key not in self and usual is not None:
            return usual
        mend = f"write a whole number from {least} to {most}, without quotes"
        value = self._given(key, int, mend)
        if value is not None and not least <= value <= most:
            self.wrong(key, f"{value} is not it", mend)
        return least if value is None else value

    def number_if_any(self, key: str, least: int, most: int = MOST_MINOR) -> int | None:
        """Return a whole number, or None for a key that is left out."""
        return self.number(key, least, most) if key in self else None

    def truth(self, key: str) -> bool:
        """Return true or false."""
        return bool(self._given(key, bool, "write true or false, without quotes"))

    def texts(self, key: str) -> list[str]:
        """Return a list of texts, each once; a key that is left out is an empty one."""
        mend = "write a list of texts in quotes, each once"
        value = self._given(key, list, mend) if key in self else []
        if value is None:
            return []
        texts = [one for one in value if type(one) is str]
        if len(texts) < len(value):
            self.wrong(key, "not all of it is text", mend)
        elif len(set(texts)) < len(texts):
            self.wrong(key, "one stands there twice", mend)
        return texts

    def section(self, key: str, *, is_needed: bool = True) -> Section:
        """Return the one table of a key."""
        if key not in self and not is_needed:
            return Section(self.place(key), {}, self._problems)
        value = self._given(key, dict, f"write a table [{self._generic(key)}]")
        return Section(self.place(key), {} if value is None else value, self._problems)

    def sections(self, key: str) -> list[Section]:
        """Return the tables of a key; one that is left out has none."""
        mend = f"write tables [[{self._generic(key)}]]"
        value = self._given(key, list, mend) if key in self else []
        found = []
        for number, entry in enumerate(value or [], start=1):
            name = f"{key}[{number}]"
            if type(entry) is dict:
                found.append(Section(self.place(name), entry, self._problems))
            else:
                self.wrong(name, "it is no table", mend)
        return found

    def _given(self, key: str, kind: type[_Kind], mend: str) -> _Kind | None:
        if key not in self._values:
            self.wrong(key, "it is missing", mend)
            return None
        value = self._values[key]
        if type(value) is not kind:  # a bool is an int to isinstance
            self.wrong(key, "it is of another type", mend)
            return None
        return value

    def _generic(self, key: str) -> str:
        return re.sub(r"\[[0-9]+\]", "", self.place(key))
