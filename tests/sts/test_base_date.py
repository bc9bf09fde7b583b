"""Base dates: three years, two ways of writing them, always UTC."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from sts.base_date import BaseDate
from sts.errors import InvalidField


@pytest.mark.parametrize("written", [1993, "1993", 93, "93"], ids=repr)
def test_a_year_may_have_four_digits_or_two(written: int | str) -> None:
    assert BaseDate.parse(written) is BaseDate.YEAR_1993


@pytest.mark.parametrize(
    ("base_date", "two_digits"),
    [(BaseDate.YEAR_1993, "93"), (BaseDate.YEAR_2014, "14"), (BaseDate.YEAR_2035, "35")],
)
def test_a_base_date_is_the_first_minute_of_its_year(base_date: BaseDate, two_digits: str) -> None:
    assert base_date.moment == datetime(base_date.value, 1, 1, tzinfo=UTC)
    assert base_date.two_digits == two_digits
    assert BaseDate.parse(two_digits) is BaseDate.parse(base_date.value) is base_date


@pytest.mark.parametrize(
    "written", [1992, 1994, "2013", "15", 0, "", "014", "2014 ", "YEAR_2014"], ids=repr
)
def test_any_other_year_is_refused(written: int | str) -> None:
    with pytest.raises(InvalidField, match="expected 1993, 2014 or 2035") as caught:
        BaseDate.parse(written)
    assert caught.value.field == "base date"
