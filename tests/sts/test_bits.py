"""Bit layouts: both directions, and every way of declaring or filling one wrong."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sts.bits import BitLayout, Field

LAYOUT = BitLayout(fields=(Field("high", 4), Field("middle", 1), Field("low", 3)), total=8)


@given(st.integers(0, 255))
def test_every_word_unpacks_and_packs_back(word: int) -> None:
    assert LAYOUT.pack(**LAYOUT.unpack(word)) == word


@given(st.lists(st.integers(1, 20), min_size=1, max_size=8), st.data())
def test_any_layout_gives_back_what_it_was_given(widths: list[int], data: st.DataObject) -> None:
    fields = [Field(f"field_{n}", width) for n, width in enumerate(widths)]
    layout = BitLayout(fields=fields, total=sum(widths))
    values = {field.name: data.draw(st.integers(0, (1 << field.width) - 1)) for field in fields}
    assert layout.unpack(layout.pack(**values)) == values


def test_the_first_field_is_the_most_significant() -> None:
    assert LAYOUT.pack(high=0b1010, middle=1, low=0b001) == 0b1010_1_001
    assert LAYOUT.unpack(0b1010_1_001) == {"high": 0b1010, "middle": 1, "low": 1}


def test_the_order_of_the_values_does_not_matter() -> None:
    assert LAYOUT.pack(low=1, high=2, middle=0) == LAYOUT.pack(high=2, middle=0, low=1)


@pytest.mark.parametrize("total", [7, 9])
def test_widths_that_do_not_add_up_fail_at_declaration(total: int) -> None:
    with pytest.raises(ValueError, match=f"the widths add up to 8, not {total}"):
        BitLayout(fields=(Field("one", 3), Field("other", 5)), total=total)


@pytest.mark.parametrize("width", [0, -1])
def test_a_field_without_bits_fails_at_declaration(width: int) -> None:
    with pytest.raises(ValueError, match="every field is at least one bit wide"):
        BitLayout(fields=(Field("one", width), Field("other", 8 - width)), total=8)


def test_a_name_used_twice_fails_at_declaration() -> None:
    with pytest.raises(ValueError, match="a field name is used twice"):
        BitLayout(fields=(Field("one", 4), Field("one", 4)), total=8)


@pytest.mark.parametrize("value", [-1, 16])
def test_a_value_that_does_not_fit_its_field_is_refused(value: int) -> None:
    with pytest.raises(ValueError, match=r"high does not fit 0\.\.15"):
        LAYOUT.pack(high=value, middle=0, low=0)
    assert LAYOUT.pack(high=15, middle=0, low=0) == 0xF0


@pytest.mark.parametrize(
    "values",
    [{"high": 1, "middle": 1}, {"high": 1, "middle": 1, "low": 1, "more": 1}],
)
def test_too_few_or_too_many_values_are_refused(values: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="fields are"):
        LAYOUT.pack(**values)


def test_an_unknown_field_in_the_place_of_another_is_refused() -> None:
    with pytest.raises(ValueError, match="field low is missing"):
        LAYOUT.pack(high=1, middle=1, lower=1)


@pytest.mark.parametrize("word", [-1, 256])
def test_a_word_wider_than_the_layout_is_refused(word: int) -> None:
    with pytest.raises(ValueError, match="the word does not fit 8 bits"):
        LAYOUT.unpack(word)
