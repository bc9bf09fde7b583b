"""What a security module counts, and where it stops."""

from __future__ import annotations

import json
import stat
from datetime import date
from typing import TYPE_CHECKING

import pytest

from sts.errors import IssueLimitReached
from vending_api.custody.counters import Counters, CountersInvalid, Limits

if TYPE_CHECKING:
    from pathlib import Path

KEY, OTHER = "123457/1", "123457/2"
TODAY, TOMORROW = date(2024, 7, 10), date(2024, 7, 11)


def test_as_many_tokens_as_may_be_are_counted_and_no_more() -> None:
    counters = Counters(Limits(tokens_a_day=2), None)
    counters.count(KEY, TODAY, tenths=1)
    counters.count(KEY, TODAY, tenths=1)
    with pytest.raises(IssueLimitReached, match="123457/1: 2 tokens were made on 2024-07-10"):
        counters.count(KEY, TODAY, tenths=1)
    counters.count(OTHER, TODAY, tenths=1)


def test_as_many_units_as_may_be_are_counted_and_no_more() -> None:
    counters = Counters(Limits(tenths_a_day=1_000), None)
    counters.count(KEY, TODAY, tenths=999)
    with pytest.raises(IssueLimitReached, match="more than 100 units"):
        counters.count(KEY, TODAY, tenths=2)
    counters.count(KEY, TODAY, tenths=1)
    counters.count(KEY, TODAY, tenths=0)


def test_another_day_begins_anew_and_one_that_is_over_does_not_come_back() -> None:
    counters = Counters(Limits(tokens_a_day=1), None)
    counters.count(KEY, TODAY, tenths=0)
    counters.count(KEY, TOMORROW, tenths=0)
    with pytest.raises(IssueLimitReached):
        counters.count(KEY, TODAY, tenths=0)


def test_a_new_module_goes_on_from_what_was_made(tmp_path: Path) -> None:
    file, limits = tmp_path / "counters.json", Limits(tokens_a_day=2)
    first = Counters(limits, file)
    first.count(KEY, TODAY, tenths=15)
    first.write_ahead()
    first.close()
    assert json.loads(file.read_text()) == {
        KEY: {"tokens_ever": 1, "day": "2024-07-10", "tokens": 1, "tenths": 15}
    }
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    second = Counters(limits, file)
    second.count(KEY, TODAY, tenths=0)
    with pytest.raises(IssueLimitReached):
        second.count(KEY, TODAY, tenths=0)


@pytest.mark.parametrize("tokens", [1, 1_000, 1_001, 2_500])
def test_the_file_never_says_less_than_was_made(tmp_path: Path, tokens: int) -> None:
    file = tmp_path / "counters.json"
    counters = Counters(Limits(), file)
    for _ in range(tokens):
        counters.count(KEY, TODAY, tenths=1_000)
        counters.write_ahead()
        written = json.loads(file.read_text())[KEY]
    assert tokens <= written["tokens_ever"] <= tokens + 1_000
    assert written["tokens"] >= tokens
    assert written["tenths"] >= tokens * 1_000


def test_a_module_that_was_killed_may_have_made_no_more_than_the_limit(tmp_path: Path) -> None:
    file, limits = tmp_path / "counters.json", Limits(tokens_a_day=1_500)
    made = 0
    for _ in range(4):  # killed again and again
        counters = Counters(limits, file)
        for _ in range(700):
            try:
                counters.count(KEY, TODAY, tenths=0)
            except IssueLimitReached:
                break
            counters.write_ahead()
            made += 1
    assert 0 < made <= 1_500


@pytest.mark.parametrize(
    "text", ["", "[]", "{", '{"k": 1}', '{"k": {"token": 1}}', '{"k": {"tokens": -1}}']
)
def test_a_file_that_is_something_else_is_refused(tmp_path: Path, text: str) -> None:
    file = tmp_path / "counters.json"
    file.write_text(text)
    with pytest.raises(CountersInvalid, match=r"counters\.json"):
        Counters(Limits(), file)
    assert file.read_text() == text
