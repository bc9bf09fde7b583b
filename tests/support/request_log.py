"""What the service logs of requests, kept for a test to read."""

from __future__ import annotations

from typing import TYPE_CHECKING

import structlog
from structlog.contextvars import merge_contextvars
from structlog.testing import LogCapture

from vending_api.monitoring import requests

if TYPE_CHECKING:
    import pytest


def captured(monkeypatch: pytest.MonkeyPatch) -> LogCapture:
    """Return what is filled with the log of requests until the end of the test."""
    capture = LogCapture()
    monkeypatch.setattr(
        requests, "_log", structlog.wrap_logger(None, processors=[merge_contextvars, capture])
    )
    return capture
