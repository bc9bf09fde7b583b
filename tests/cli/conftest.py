"""The command that most tests here run."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.vending_command import VendingCommand

if TYPE_CHECKING:
    from pathlib import Path

    from sqlalchemy import Engine


@pytest.fixture
def vending(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    engine: Engine,
) -> VendingCommand:
    """Give the command for the database of the test; files with another put theirs in its place."""
    url = engine.url.render_as_string(hide_password=False)
    monkeypatch.setenv("VENDING_DATABASE_URL", url)
    return VendingCommand(monkeypatch, capsys, tmp_path)
