"""Runs the `vending` command in this process, as a console script would."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from vending_api.cli import main

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True)
class Done:
    """How a command ended and what it wrote."""

    code: int
    out: str
    err: str


class VendingCommand:
    """The command, in a terminal of 80 columns."""

    def __init__(
        self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], folder: Path
    ) -> None:
        monkeypatch.setenv("COLUMNS", "80")
        monkeypatch.chdir(folder)
        self._monkeypatch = monkeypatch
        self._capsys = capsys

    def __call__(self, *arguments: object) -> Done:
        """Run it and return how it ended."""
        self._monkeypatch.setattr(sys, "argv", ["vending", *map(str, arguments)])
        with pytest.raises(SystemExit) as left:
            main()
        written = self._capsys.readouterr()
        code = left.value.code or 0
        assert isinstance(code, int)
        return Done(code, written.out, written.err)
