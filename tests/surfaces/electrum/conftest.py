"""Slips of a few lines, so that cases stay readable; `test_electrum_slips.py` has whole ones."""

from __future__ import annotations

import pytest

from tests.surfaces.electrum.goods import short_slip_of_sale, short_slip_of_trial
from vending_api.surfaces.electrum.mapping import answers


@pytest.fixture(autouse=True)
def _short_slips(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(answers, "written_of_sale", short_slip_of_sale)
    monkeypatch.setattr(answers, "written_of_trial", short_slip_of_trial)
