"""A household draws what its meter has credit for, the same each time, and never backwards."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sts.token_identifier import TokenIdentifier
from sts.tokens.credit import Resource
from sts.tokens.management import ClearCredit
from tests.support.sts_meter import CODEC, credit, meter_with
from vending_api.sandbox.household import Demand, Household

if TYPE_CHECKING:
    from sts.tokens.kinds import Token
    from sts.virtual_meter import VirtualMeter

NUMBER: Final = "01000001014"
NOON: Final = datetime(2026, 11, 21, 12, tzinfo=UTC)
HOUR: Final = timedelta(hours=1)
DAY: Final = timedelta(days=1)
YEAR: Final = timedelta(days=365)
_moments = st.datetimes(datetime(2026, 1, 1), datetime(2030, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 (the zone is given beside)


def _digits(meter: VirtualMeter, token: Token) -> str:
    return CODEC.encode(token, meter.decoder_key)


def _household(*keyed: tuple[datetime, int]) -> tuple[Household, VirtualMeter]:
    """Return a household whose meter was keyed so many tenths of a kWh at these times."""
    meter = meter_with()
    household = Household(meter, Demand(NUMBER))
    for minutes, (at, tenths) in enumerate(keyed, start=1000):
        household.key_in(_digits(meter, credit(minutes, tenths)), at)
    return household, meter


@given(_moments, _moments)
def test_what_is_drawn_never_gets_less(one: datetime, other: datetime) -> None:
    demand = Demand(NUMBER)
    first, second = sorted([one, other])
    assert demand.until(first) <= demand.until(second)


@pytest.mark.parametrize("begin", [NOON, datetime(2026, 11, 22, 23, tzinfo=UTC), NOON + 365 * DAY])
def test_an_hour_draws_what_its_power_makes(begin: datetime) -> None:
    demand = Demand(NUMBER)
    hundredths = demand.until(begin + HOUR) - demand.until(begin)
    assert abs(hundredths * 10 - demand.watts(begin)) < 20


def test_the_same_meter_always_draws_the_same_and_another_another() -> None:
    week = [NOON + hours * HOUR for hours in range(168)]
    assert [Demand(NUMBER).watts(at) for at in week] == [Demand(NUMBER).watts(at) for at in week]
    assert [Demand(NUMBER).watts(at) for at in week] != [Demand("2").watts(at) for at in week]
    for number in map(str, range(50)):
        a_day = Demand(number).until(NOON + DAY) - Demand(number).until(NOON)
        assert 200 < a_day < 1_600  # hundredths of a kWh: 2 to 16 kWh


def test_without_credit_nothing_is_drawn() -> None:
    household, _ = _household()
    for at in (datetime(1970, 1, 1, tzinfo=UTC), NOON, NOON + YEAR):
        assert (household.credit(at), household.consumed(at), household.watts(at)) == (0, 0, 0)


def test_credit_is_drawn_from_the_moment_of_its_token() -> None:
    household, _ = _household((NOON, 1_000))
    assert (household.credit(NOON), household.consumed(NOON)) == (10_000, 0)
    assert household.consumed(NOON - HOUR) == 0
    assert household.watts(NOON) == Demand(NUMBER).watts(NOON)
    assert 0 < household.consumed(NOON + DAY) < 10_000


def test_it_goes_dark_when_the_credit_is_used_up_until_there_is_more() -> None:
    household, _ = _household((NOON, 100), (NOON + YEAR, 100))
    dark = NOON + YEAR - HOUR
    assert (household.credit(dark), household.consumed(dark), household.watts(dark)) == (
        0,
        1_000,
        0,
    )
    assert household.credit(NOON + YEAR) == 1_000
    assert household.watts(NOON + YEAR) > 0


@given(
    st.lists(st.tuples(_moments, st.integers(1, 5_000)), max_size=6).map(sorted),
    st.lists(_moments, min_size=2, max_size=6).map(sorted),
)
def test_credit_is_the_meters_register_less_what_was_drawn(
    keyed: list[tuple[datetime, int]], looks: list[datetime]
) -> None:
    household, _ = _household(*keyed)
    consumed = [household.consumed(at) for at in looks]
    assert consumed == sorted(consumed)
    for at, drawn in zip(looks, consumed, strict=True):
        before = [one for one in keyed if one[0] <= at]
        _, meter = _household(*before)
        register = 10 * meter.credit_tenths[Resource.ELECTRICITY]
        assert household.credit(at) == register - drawn
        assert household.credit(at) >= 0


def test_credit_does_not_grow_without_a_token() -> None:
    household, _ = _household((NOON, 3_000))
    seen = [household.credit(NOON + hours * HOUR) for hours in range(24 * 60)]
    assert seen == sorted(seen, reverse=True)
    assert len(set(seen)) > 100


def test_a_token_that_the_meter_refuses_changes_nothing() -> None:
    household, meter = _household((NOON, 100))
    again = _digits(meter, credit(1000, 100))
    for digits in (again, "1" * 20, "not digits"):
        household.key_in(digits, NOON + HOUR)
    assert [tenths for tenths, _ in household.credits] == [100]
    assert household.credit(NOON + HOUR) + household.consumed(NOON + HOUR) == 1_000


def test_a_token_that_clears_credit_leaves_none_and_no_debt() -> None:
    household, meter = _household((NOON, 100))
    clear = ClearCredit(register=0, token_identifier=TokenIdentifier(2000), random=5)
    digits = _digits(meter, clear)
    household.key_in(digits, NOON + HOUR)
    assert household.settings == [digits]
    assert household.credit(NOON + HOUR) == 0
    assert household.consumed(NOON + YEAR) == household.consumed(NOON + HOUR)
    household.key_in(_digits(meter, credit(3000, 50)), NOON + DAY)
    assert household.credit(NOON + DAY) == 500


def test_a_token_that_was_sold_before_the_last_is_keyed_in_after_it() -> None:
    household, _ = _household((NOON + HOUR, 100), (NOON, 100))
    assert household.credit(NOON + HOUR) == 2_000
    assert household.consumed(NOON + HOUR) == 0
