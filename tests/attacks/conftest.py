"""The command over a small site, and the operators at it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.cli.site_support import station
from tests.support.staff import Staff

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.vending_command import VendingCommand


@pytest.fixture
def vending(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> VendingCommand:
    """Give the command, over a site with three meters."""
    return station(monkeypatch, capsys, tmp_path, has_meters=True)


@pytest.fixture
def staff(vending: VendingCommand, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Staff:
    """Give the command in the hands of operators."""
    return Staff(vending, monkeypatch, tmp_path)
