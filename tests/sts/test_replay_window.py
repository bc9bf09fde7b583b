"""The memory of a meter for token identifiers."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from sts.replay_window import REMEMBERED, ReplayWindow
from sts.token_identifier import TokenIdentifier


def window_of(*minutes: int) -> ReplayWindow:
    window = ReplayWindow()
    for minute in minutes:
        window.remember(TokenIdentifier(minute))
    return window


def test_fifty_identifiers_are_remembered() -> None:
    assert REMEMBERED == 50


def test_an_identifier_is_known_once_remembered() -> None:
    window = window_of(7, 5)
    assert TokenIdentifier(5) in window
    assert TokenIdentifier(7) in window
    assert TokenIdentifier(6) not in window
    assert TokenIdentifier(8) not in window


def test_nothing_is_too_old_until_the_window_is_full() -> None:
    window = window_of(*range(100, 149))
    assert not window.is_too_old(TokenIdentifier(1))
    window.remember(TokenIdentifier(149))
    assert window.is_too_old(TokenIdentifier(99))
    assert not window.is_too_old(TokenIdentifier(100))


def test_the_fifty_first_pushes_out_the_oldest() -> None:
    window = window_of(*range(100, 151))
    assert len(window) == 50
    assert TokenIdentifier(100) not in window
    assert window.is_too_old(TokenIdentifier(100))
    assert TokenIdentifier(101) in window


def test_a_forgotten_window_knows_nothing() -> None:
    window = window_of(*range(100, 151))
    window.forget()
    assert len(window) == 0
    assert TokenIdentifier(150) not in window
    assert not window.is_too_old(TokenIdentifier(0))


@given(st.lists(st.integers(0, 300), unique=True))
def test_the_window_is_the_newest_fifty_by_identifier(minutes: list[int]) -> None:
    window = window_of(*minutes)
    newest = set(sorted(minutes)[-50:])
    assert {n for n in range(301) if TokenIdentifier(n) in window} == newest
