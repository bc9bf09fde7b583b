"""What is sent to another process arrives as it was, whatever of it is inherited or frozen."""

from __future__ import annotations

import pickle
from dataclasses import FrozenInstanceError, dataclass, replace
from typing import Any

import pytest

from vending_api.kit.sent import sent


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    who: str
    card: str | None = None


@sent
@dataclass(frozen=True, slots=True, kw_only=True)
class Bought(Asked):
    amount: int
    terms: tuple[int, ...] = ()


def _again(value: Any) -> Any:
    return pickle.loads(pickle.dumps(value, pickle.HIGHEST_PROTOCOL))  # noqa: S301 (our own)


def test_it_arrives_as_it_was() -> None:
    bought = Bought(who="me", amount=7, terms=(1, 2))
    again = _again(bought)
    assert (again, type(again)) == (bought, Bought)
    assert replace(again, card="x") == Bought(who="me", card="x", amount=7, terms=(1, 2))
    with pytest.raises(FrozenInstanceError):
        again.amount = 8


def test_the_same_one_is_sent_once() -> None:
    bought = Bought(who="me", amount=7)
    one, other = _again([bought, bought])
    assert one is other


def test_no_name_of_a_field_is_sent() -> None:
    octets = pickle.dumps(Bought(who="me", amount=7), pickle.HIGHEST_PROTOCOL)
    assert b"amount" not in octets


def test_what_is_short_of_a_field_is_refused() -> None:
    with pytest.raises(ValueError, match="shorter"):
        Bought.__new__(Bought).__setstate__(("me", None, 7))  # type: ignore[attr-defined]
