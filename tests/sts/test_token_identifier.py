"""Token identifiers: the ends of each base date, the reserved minute, and never twice the same."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sts.base_date import BaseDate
from sts.errors import InvalidField, TokenIdentifierOutOfRange
from sts.token_identifier import (
    MAX_TOKEN_IDENTIFIER_MINUTES,
    TokenIdentifier,
    last_moment,
    next_token_identifier,
)

B1993, B2014, B2035 = BaseDate
base_dates = st.sampled_from(BaseDate)


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def moments(base_date: BaseDate) -> st.SearchStrategy[datetime]:
    """Every moment that the base date can express, to the microsecond."""
    return st.datetimes(
        base_date.moment.replace(tzinfo=None),
        (last_moment(base_date) + timedelta(seconds=59)).replace(tzinfo=None),
        timezones=st.just(UTC),
    )


@pytest.mark.parametrize("minutes", [-1, 1 << 24])
def test_an_identifier_that_does_not_fit_24_bits_is_refused(minutes: int) -> None:
    with pytest.raises(InvalidField, match=f"{minutes} minutes does not fit 24 bits"):
        TokenIdentifier(minutes)


@pytest.mark.parametrize("minutes", [0, (1 << 24) - 1])
def test_the_first_and_the_last_identifier_exist(minutes: int) -> None:
    assert TokenIdentifier(minutes).minutes == minutes


@pytest.mark.parametrize(
    ("moment", "base_date", "minutes"),
    [
        ("2004-03-01 13:55:00", B1993, 5_871_715),
        ("2004-03-01 13:55:59.999999", B1993, 5_871_715),
        ("2004-03-01 13:56:00", B1993, 5_871_716),
        ("1996-03-25 13:55:22", B1993, 0x19EB23),  # the worked example of IEC 62055-41
        ("1993-01-01 00:00", B1993, 0),
        ("2014-01-01 00:00:59", B2014, 0),
        ("2035-01-01 00:02", B2035, 2),
    ],
)
def test_an_identifier_is_the_whole_minutes_since_the_base_date(
    moment: str, base_date: BaseDate, minutes: int
) -> None:
    assert TokenIdentifier.at(utc(moment), base_date).minutes == minutes


@pytest.mark.parametrize(
    ("last", "base_date"),
    [("2024-11-24 20:15", B1993), ("2045-11-24 20:15", B2014), ("2066-11-24 20:15", B2035)],
)
def test_the_last_minute_of_each_base_date_is_known(last: str, base_date: BaseDate) -> None:
    assert last_moment(base_date) == utc(last)
    assert TokenIdentifier.at(utc(f"{last}:59"), base_date).minutes == 0xFFFFFF
    with pytest.raises(TokenIdentifierOutOfRange, match=f"to {last} UTC"):
        TokenIdentifier.at(utc(last) + timedelta(minutes=1), base_date)


@pytest.mark.parametrize("base_date", BaseDate)
def test_there_is_no_identifier_before_the_base_date(base_date: BaseDate) -> None:
    assert TokenIdentifier.at(base_date.moment, base_date).minutes == 0
    with pytest.raises(TokenIdentifierOutOfRange, match="no token identifier for"):
        TokenIdentifier.at(base_date.moment - timedelta(microseconds=1), base_date)


def test_a_time_without_a_zone_is_refused() -> None:
    with pytest.raises(InvalidField, match="issue time: it has no time zone"):
        TokenIdentifier.at(datetime(2020, 1, 1), B1993)  # noqa: DTZ001 (the point of the test)


def test_the_zone_of_the_time_does_not_matter() -> None:
    nairobi = timezone(timedelta(hours=3))
    local = datetime(2020, 1, 1, 3, 0, tzinfo=nairobi)
    assert TokenIdentifier.at(local, B2014) == TokenIdentifier.at(utc("2020-01-01 00:00"), B2014)


@pytest.mark.parametrize("day", ["1993-01-01", "2004-03-01", "2024-11-24"])
def test_the_reserved_minute_of_any_day_becomes_the_next(day: str) -> None:
    before, reserved, after = (
        TokenIdentifier.at(utc(f"{day} {time}"), B1993).minutes
        for time in ("00:00:59", "00:01:30", "00:02:00")
    )
    assert reserved == after == before + 2
    assert reserved % 1440 == 2


def test_the_reserved_minute_is_one_of_utc() -> None:
    nairobi = timezone(timedelta(hours=3))
    local = datetime(2020, 1, 1, 0, 1, tzinfo=nairobi)
    assert TokenIdentifier.at(local, B2014).minutes % 1440 == 21 * 60 + 1
    assert TokenIdentifier.at(local + timedelta(hours=3), B2014).minutes % 1440 == 2


@given(base_dates.flatmap(lambda base: st.tuples(st.just(base), moments(base))))
def test_no_moment_gives_the_reserved_minute_and_all_come_back(
    drawn: tuple[BaseDate, datetime],
) -> None:
    base_date, moment = drawn
    identifier = TokenIdentifier.at(moment, base_date)
    assert identifier.minutes % 1440 != 1
    read = identifier.issued_at(base_date)
    assert timedelta(minutes=-1) <= moment - read < timedelta(minutes=1)
    assert TokenIdentifier.at(read, base_date) == identifier


def test_an_identifier_is_read_as_it_stands_even_the_reserved_minute() -> None:
    """A token of another system may carry it; reading applies no rule a second time."""
    assert TokenIdentifier(1).issued_at(B2014) == utc("2014-01-01 00:01")


@pytest.mark.parametrize(
    ("minutes", "following"), [(0, 2), (1, 2), (2, 3), (1439, 1440), (1440, 1442)]
)
def test_the_following_identifier_skips_the_reserved_minute(minutes: int, following: int) -> None:
    assert TokenIdentifier(minutes).following() == TokenIdentifier(following)


def test_nothing_follows_the_last_identifier() -> None:
    last = TokenIdentifier(MAX_TOKEN_IDENTIFIER_MINUTES - 1).following()
    assert last.minutes == MAX_TOKEN_IDENTIFIER_MINUTES
    with pytest.raises(TokenIdentifierOutOfRange, match="the last token identifier"):
        last.following()


@pytest.mark.parametrize(
    ("minutes", "high_byte"),
    [(0, 0), (65_535, 0), (65_536, 1), (5_636_095, 85), (5_636_096, 86), (0xFFFFFF, 255)],
)
def test_the_high_byte_is_what_key_expiry_counts(minutes: int, high_byte: int) -> None:
    assert TokenIdentifier(minutes).high_byte == high_byte


def test_a_meter_without_tokens_gets_the_minute_of_the_clock() -> None:
    assert next_token_identifier(utc("2014-01-01 00:05"), B2014, None).minutes == 5


def test_a_clock_past_the_newest_token_gives_its_minute() -> None:
    now = utc("2014-01-01 00:05")
    assert next_token_identifier(now, B2014, TokenIdentifier(4)).minutes == 5


@pytest.mark.parametrize("last", [5, 6, 100])
def test_a_clock_that_has_not_passed_the_newest_token_gives_the_next_one(last: int) -> None:
    now = utc("2014-01-01 00:05")
    assert next_token_identifier(now, B2014, TokenIdentifier(last)).minutes == last + 1


def test_three_tokens_in_the_reserved_minute_are_those_of_ctsa09() -> None:
    """STS 531 CTSA09 steps 2 and 3, and the token of the true 00:02 that comes after them."""
    identifiers: list[TokenIdentifier] = []
    for moment in ("00:01:00", "00:01:10", "00:01:20", "00:02:00", "00:09:00"):
        last = identifiers[-1] if identifiers else None
        identifiers.append(next_token_identifier(utc(f"2014-01-01 {moment}"), B2014, last))
    assert [identifier.minutes for identifier in identifiers] == [2, 3, 4, 5, 9]


@given(st.lists(st.integers(-3, 3), max_size=60), st.integers(1, 40_000))
def test_identifiers_of_one_meter_only_ever_rise(steps: list[int], start: int) -> None:
    """Whatever the clock does, back or forth."""
    now, last = B2014.moment + timedelta(minutes=start + 200), None
    for step in steps:
        now += timedelta(minutes=step)
        new = next_token_identifier(now, B2014, last)
        assert last is None or new > last
        assert new.minutes % 1440 != 1
        last = new


def test_a_meter_at_the_end_of_the_base_date_gets_no_more() -> None:
    last = TokenIdentifier(MAX_TOKEN_IDENTIFIER_MINUTES)
    with pytest.raises(TokenIdentifierOutOfRange):
        next_token_identifier(last_moment(B1993), B1993, last)
