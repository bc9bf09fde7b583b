"""Logs, on standard error: one JSON object a line, or readable lines on a terminal."""

from __future__ import annotations

import io
import logging
import sys
from contextlib import suppress
from typing import Final, TextIO, cast

import structlog


class _Patient(io.TextIOBase):
    """A stream whose lines get lost where they cannot be written.

    A full disk under the log must not stop who writes into it: the sales may be elsewhere.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str, /) -> int:
        """Write a text, or do not."""
        with suppress(OSError):
            self._stream.write(text)
        return len(text)

    def flush(self) -> None:
        """Have it on its way, or not."""
        with suppress(OSError):
            self._stream.flush()


_PROCESSORS: Final[list[structlog.typing.Processor]] = []
"""One list for good: loggers keep the one that they were first used with."""


def configure_logging() -> None:
    """Send our log lines to standard error."""
    on_terminal = sys.stderr.isatty()
    _PROCESSORS[:] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        # Names and places of an exception, never the values of its frames: they may be keys.
        structlog.processors.ExceptionRenderer(
            structlog.tracebacks.ExceptionDictTransformer(show_locals=False)
        ),
        structlog.dev.ConsoleRenderer() if on_terminal else structlog.processors.JSONRenderer(),
    ]
    structlog.configure(
        processors=_PROCESSORS,
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.WriteLoggerFactory(file=cast("TextIO", _Patient(sys.stderr))),
        cache_logger_on_first_use=True,
    )
