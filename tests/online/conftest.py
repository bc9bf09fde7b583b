"""Databases with the demo's estate, whose residents buy online."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import structlog
from structlog.testing import LogCapture

from tests.online.shop import furnish

if TYPE_CHECKING:
    from collections.abc import MutableMapping

    from sqlalchemy import Engine


@pytest.fixture
def estate(engine: Engine) -> Engine:
    """Give a database of either kind with the estate, and a resident for each of its meters."""
    furnish(engine)
    return engine


@pytest.fixture
def log_lines(monkeypatch: pytest.MonkeyPatch) -> list[MutableMapping[str, Any]]:
    """Give the list that log lines come to, however logs were configured before."""
    capture = LogCapture()
    logger = structlog.wrap_logger(None, processors=[capture])
    for module in ("worker", "online.settling", "online.checkpoints", "online.watching"):
        monkeypatch.setattr(f"vending_api.{module}._log", logger)
    return capture.entries
