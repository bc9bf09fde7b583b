"""How long a test of faults runs, and the pace of its rounds."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

import pytest

if TYPE_CHECKING:
    from tests.faults.tills import Book

_LONGEST_WAIT_MS: Final = 700
_SALES_BEFORE_A_FAULT: Final = 12
_LIMIT_SECONDS: Final = 30
_POLL_SECONDS: Final = 0.01
_LONG: Final = (pytest.mark.faults, pytest.mark.timeout(3_600))
_ROUNDS_BETWEEN_PROOFS: Final = 5


def rounds(short: int, long: int) -> pytest.MarkDecorator:
    """Run a test for so many rounds, and for more when asked for."""
    return pytest.mark.parametrize(
        "rounds", [pytest.param(short, id="short"), pytest.param(long, id="long", marks=_LONG)]
    )


def rounds_on_either(short: int, long: int) -> pytest.MarkDecorator:
    """Run a test on SQLite, and for more rounds on either database when asked for."""
    return pytest.mark.parametrize(
        ("kind", "rounds"),
        [
            pytest.param("sqlite", short, id="short"),
            pytest.param("sqlite", long, id="long-sqlite", marks=_LONG),
            pytest.param("postgres", long, id="long-postgres", marks=_LONG),
        ],
    )


def is_thorough(number: int, rounds: int) -> bool:
    """Tell whether everything is proven after this round, counted from 0: not after each."""
    return number == rounds - 1 or number % _ROUNDS_BETWEEN_PROOFS == _ROUNDS_BETWEEN_PROOFS - 1


def wait_for_sales(book: Book) -> None:
    """Return when points of sale are at full speed, so that a fault meets them there."""
    wanted = len(book.answered) + _SALES_BEFORE_A_FAULT
    limit = time.monotonic() + _LIMIT_SECONDS
    while len(book.answered) < wanted:
        assert time.monotonic() < limit, "nothing is sold"
        time.sleep(_POLL_SECONDS)


def wait_for_losses(book: Book, more: int = 6) -> None:
    """Return when so many more purchases were asked for and brought nothing."""
    wanted = len(book.open) + more
    limit = time.monotonic() + _LIMIT_SECONDS
    while len(book.open) < wanted:
        assert time.monotonic() < limit, "nothing goes wrong"
        time.sleep(_POLL_SECONDS)


def wait_a_random_moment(book: Book, longest_ms: int = _LONGEST_WAIT_MS) -> None:
    """Sleep for a time that is drawn from the book's chance."""
    time.sleep(book.chance.randrange(longest_ms) / 1_000)
