"""Watches what is sold: the sums of a day, and what in it is out of the ordinary.

It reads and tells; no sale is refused for it. On PostgreSQL give it a connection that sees one
state of the database all the time (`one_view` of the kit), or sales made meanwhile look like
differences.

It reads in bites, none of which takes long: whoever looks may rest between them, or end.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from datetime import UTC, datetime, time, timedelta
from typing import TYPE_CHECKING, Any, Final
from zoneinfo import ZoneInfo

from sts.base_date import BaseDate
from sts.token_identifier import TokenIdentifier
from vending_api.domain.clients.service import all_clients
from vending_api.domain.reconciling.repository import lift_time_limit
from vending_api.domain.watching import habit_rows, repository
from vending_api.domain.watching.sums import sums_of
from vending_api.domain.watching.types import Alert, AlertKind, Habits, Window
from vending_api.domain.watching.windows import values_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from datetime import date

    from sqlalchemy import Connection, Row

    from vending_api.domain.watching.types import DaySum

_DAY: Final = timedelta(days=1)
_HOUR: Final = timedelta(hours=1)
_TENTHS: Final = 10
USUAL: Final = Habits()


def day_sums(connection: Connection, day: date) -> list[DaySum]:
    """Return what each client sold on a day of each utility's own, as all records have it."""
    lift_time_limit(connection)
    known = repository.zones(connection)
    windows = [_window(zone, day) for zone in known]
    return sums_of(connection, [values_of(connection, one, known) for one in windows])


def alerts(
    connection: Connection,
    now: datetime,
    habits: Habits = USUAL,
    *,
    day: date | None = None,
    since: datetime | None = None,
) -> list[Alert]:
    """Return what is out of the ordinary on a day: without one, on each utility's today.

    With `since`, days that have ended since are looked at once more. Approvals and token
    identifiers are always those of now.
    """
    lift_time_limit(connection)
    moments = [moment for moment in (since, now) if moment is not None]
    known = repository.zones(connection)
    windows = {
        _window(zone, day or moment.astimezone(ZoneInfo(zone)).date())
        for zone in known
        for moment in moments
    }
    found = [
        *(one for window in windows for one in _of_window(connection, window, known, habits)),
        *_same_approver(connection, now, habits),
        *_identifiers(connection, now, habits),
    ]
    return sorted(found)


def note(connection: Connection, found: Sequence[Alert], at: datetime) -> list[Alert]:
    """Keep alerts, without what is personal, and return those that nobody noticed before."""
    return [one for one in found if repository.add_alert(connection, one, at)]


def count_today(connection: Connection, now: datetime) -> dict[AlertKind, int]:
    """Return how many alerts of each kind were noticed today."""
    counts = repository.count_alerts(connection, now)
    return {kind: counts.get(kind.value, 0) for kind in AlertKind}


def _window(zone: str, day: date, *, hours: int | None = None) -> Window:
    """Return a day in a zone, or its hours from midnight on by that zone's clock."""
    of_zone = ZoneInfo(zone)
    begin = datetime.combine(day, time.min, of_zone).astimezone(UTC)
    end = (
        datetime.combine(day + _DAY, time.min, of_zone)
        if hours is None
        else datetime.combine(day, time(hours), of_zone)
    )
    return Window(zone, day, begin, end.astimezone(UTC))


def _of_window(
    connection: Connection, window: Window, zones: Sequence[str], habits: Habits
) -> Iterator[Alert]:
    values = values_of(connection, window, zones)
    yield from _differences(sums_of(connection, [values]), window)
    yield from _units(connection, window, values, habits)
    yield from _reprints(connection, window, values, habits)
    yield from _odd_hours(connection, window, zones, habits)


def _differences(sums: Iterable[DaySum], window: Window) -> Iterator[Alert]:
    for one in sums:
        for check, problem, by in one.differences:
            subject = f"{check} of {one.client or 'nobody'} {one.currency}".rstrip()
            yield Alert(
                kind=AlertKind.DIFFERENCE,
                subject=subject,
                trace=subject,
                detail=f"{window.day}: {problem}",
                count=abs(by),
                until=window.end,
            )


def _units(
    connection: Connection, window: Window, values: dict[str, Any], habits: Habits
) -> Iterator[Alert]:
    begin = _window(window.zone, window.day - timedelta(days=habits.units_days)).begin
    for much in habit_rows.much_sold(connection, values, habits.units_floor * _TENTHS):
        rows = habit_rows.history(connection, list(much), begin, window.begin)
        days = _by_day(rows, ZoneInfo(window.zone))
        largest = {
            meter_key: max(days[meter_key].values(), default=0)
            for meter_key, units in much.items()
            if len(days[meter_key]) >= habits.units_known_days
        }
        more = [key for key, most in largest.items() if much[key] > habits.units_times * most]
        for meter_key, number in habit_rows.numbers_of(connection, more).items():
            units = much[meter_key] // _TENTHS
            yield Alert(
                kind=AlertKind.UNITS,
                subject=f"meter {number}",
                trace=f"meter {meter_key}",
                detail=(
                    f"{window.day}: {units} units in a day, and at most "
                    f"{largest[meter_key] // _TENTHS} in any of the {habits.units_days} before"
                ),
                count=units,
                until=window.end,
            )


def _by_day(rows: Iterable[Row[Any]], zone: ZoneInfo) -> defaultdict[int, Counter[date]]:
    """Return what meters got by meter and day."""
    days: defaultdict[int, Counter[date]] = defaultdict(Counter)
    for row in rows:
        days[row.meter_key][row.made_at.astimezone(zone).date()] += row.units_tenths
    return days


def _reprints(
    connection: Connection, window: Window, values: dict[str, Any], habits: Habits
) -> Iterator[Alert]:
    found = habit_rows.reprints(connection, values)
    often = {
        key: times for key, times in found.of_meters.items() if times > habits.reprints_of_meter
    }
    numbers = habit_rows.numbers_of(connection, list(often))
    names = {client.key: client.user_name for client in all_clients(connection)}
    subjects = [(f"meter {numbers[key]}", f"meter {key}", often[key]) for key in often]
    for (client_key, terminal_id), times in found.by_terminals.items():
        if times > habits.reprints_by_terminal:
            name = f"terminal {terminal_id} of {names[client_key]}"
            subjects.append((name, name, times))
    for subject, trace, times in subjects:
        yield Alert(
            kind=AlertKind.REPRINTS,
            subject=subject,
            trace=trace,
            detail=f"{window.day}: tokens were handed out again {times} times",
            count=times,
            until=window.end,
        )


def _odd_hours(
    connection: Connection, window: Window, zones: Sequence[str], habits: Habits
) -> Iterator[Alert]:
    zone, day, hours = window.zone, window.day, habits.night_hours
    many = {
        client_key: sales
        for client_key, sales in _sales_at_night(connection, zone, day, zones, hours).items()
        if sales > habits.night_sales
    }
    if not many:
        return
    before: dict[int, int] = defaultdict(int)
    for ago in range(1, habits.night_days + 1):
        night = _sales_at_night(connection, zone, day - timedelta(days=ago), zones, hours)
        for client_key, sales in night.items():
            before[client_key] += sales
    for client in all_clients(connection):
        sales, earlier = many.get(client.key, 0), before[client.key]
        if sales * habits.night_days <= habits.night_times * earlier:
            continue
        yield Alert(
            kind=AlertKind.ODD_HOURS,
            subject=f"client {client.user_name}",
            trace=f"client {client.user_name}",
            detail=(
                f"{day}: {sales} sales from 00:00 to {hours:02}:00, and {earlier} in the "
                f"{habits.night_days} nights before together"
            ),
            count=sales,
            until=window.end,
        )


def _sales_at_night(
    connection: Connection, zone: str, day: date, zones: Sequence[str], hours: int
) -> dict[int, int]:
    values = values_of(connection, _window(zone, day, hours=hours), zones)
    return habit_rows.sales_of_clients(connection, values)


def _same_approver(connection: Connection, now: datetime, habits: Habits) -> Iterator[Alert]:
    approved_by: dict[str, set[str]] = defaultdict(set)
    proposed_by: dict[str, set[str]] = defaultdict(set)
    rows: dict[str, list[Any]] = defaultdict(list)
    for row in habit_rows.approvals(connection, now, timedelta(days=habits.approval_days)):
        proposer, approver = _person(row.proposer), _person(row.approver)
        approved_by[proposer].add(approver)
        proposed_by[approver].add(proposer)
        rows[proposer].append(row)
    for proposer, approved in rows.items():
        approver, *others = approved_by[proposer]
        if others or len(proposed_by[approver]) > 1 or len(approved) < habits.approvals:
            continue
        yield Alert(
            kind=AlertKind.SAME_APPROVER,
            subject=f"{approved[-1].proposer}, approved by {approved[-1].approver}",
            trace=f"who proposed {approved[0].trace}",
            detail=(
                f"all {len(approved)} approvals of {habits.approval_days} days are of this one "
                "person, who approved nothing else"
            ),
            count=len(approved),
            until=_end_of_day(now),
        )


def _identifiers(connection: Connection, now: datetime, habits: Habits) -> Iterator[Alert]:
    for year, minutes in habit_rows.newest_identifiers(connection).items():
        newest = TokenIdentifier(minutes).issued_at(BaseDate(year))
        ahead = newest - now
        if ahead > habits.lead:
            subject = f"base date {year}"
            yield Alert(
                kind=AlertKind.IDENTIFIERS,
                subject=subject,
                trace=subject,
                detail=f"the newest token identifier stands for {newest:%Y-%m-%d %H:%M} UTC",
                count=ahead // _HOUR,
                until=_end_of_day(now),
            )


def _person(name: str) -> str:
    """Return what two ways to write the same name share, as campaigns tell people apart."""
    return " ".join(name.split()).casefold()


def _end_of_day(now: datetime) -> datetime:
    return datetime.combine(now.astimezone(UTC).date() + _DAY, time.min, UTC)
