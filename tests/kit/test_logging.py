"""Log lines that cannot be written get lost, and stop nobody."""

from __future__ import annotations

import errno
import io
import sys
from typing import TYPE_CHECKING

import structlog

from vending_api.kit.logging import configure_logging

if TYPE_CHECKING:
    import pytest


class _FullDisk(io.StringIO):
    def write(self, _text: str, /) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    def flush(self) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")


def test_a_full_disk_under_the_log_stops_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", _FullDisk())
    configure_logging()
    try:
        structlog.get_logger("full").error("nobody_reads_this")
    finally:
        structlog.reset_defaults()


def test_lines_arrive_where_there_is_room(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = io.StringIO()
    monkeypatch.setattr(sys, "stderr", stream)
    configure_logging()
    try:
        structlog.get_logger("room").error("somebody_reads_this")
    finally:
        structlog.reset_defaults()
    assert '"event": "somebody_reads_this"' in stream.getvalue()
