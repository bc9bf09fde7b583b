"""A virtual meter with a household behind it: tokens are keyed in, and electricity is drawn.

Nothing is left to chance: what a household draws follows from the number of its meter and the
time of the week, so every process sees the same, and a meter that is looked at twice has gone on.
Energy is in hundredths of a kWh, whole numbers, so that credit and consumption add up.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import shake_256
from itertools import accumulate
from typing import TYPE_CHECKING, Final

from sts.tokens.credit import Resource, TransferCredit
from sts.virtual_meter import Accepted

if TYPE_CHECKING:
    from sts.virtual_meter import VirtualMeter

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_SECOND: Final = timedelta(seconds=1)
_HOUR: Final = 3600
_WEEK: Final = 7 * 24 * _HOUR
_WATT_SECONDS: Final = 36_000
"""Of a hundredth of a kWh."""
_HUNDREDTHS: Final = 10
"""Of a kWh, in each tenth that tokens carry."""
_USUAL_WATTS: Final = (
    *(110, 100, 95, 95, 105, 180, 320, 380, 300, 240, 220, 230),
    *(260, 250, 230, 240, 300, 420, 610, 720, 690, 520, 310, 170),
)
"""What a household draws on average, by the hour of the day in UTC."""


class Demand:
    """What the household behind a meter draws as long as there is credit."""

    def __init__(self, meter_number: str) -> None:
        size, *hours = shake_256(meter_number.encode()).digest(1 + 7 * 24)
        self._watts = [
            usual * (60 + size * 80 // 255) * (80 + hour * 40 // 255) // 10_000
            for usual, hour in zip(7 * _USUAL_WATTS, hours, strict=True)
        ]
        self._before = [0, *accumulate(watts * _HOUR for watts in self._watts)]

    def watts(self, at: datetime) -> int:
        """Return what is drawn at a moment."""
        return self._watts[_seconds(at) % _WEEK // _HOUR]

    def until(self, at: datetime) -> int:
        """Return what was drawn since 1970, in hundredths of a kWh; it never gets less."""
        weeks, second = divmod(_seconds(at), _WEEK)
        hour, rest = divmod(second, _HOUR)
        drawn = weeks * self._before[-1] + self._before[hour] + self._watts[hour] * rest
        return drawn // _WATT_SECONDS


@dataclass(frozen=True, slots=True)
class _Span:
    """What holds from one token to the next, in hundredths of a kWh."""

    since: datetime
    credit: int
    consumed: int


class Household:
    """A meter that was keyed the tokens of its past, and what was drawn meanwhile."""

    def __init__(self, meter: VirtualMeter, demand: Demand) -> None:
        self._meter = meter
        self._demand = demand
        self._spans = [_Span(_EPOCH, 0, 0)]
        self.credits: list[tuple[int, str]] = []
        """Tenths of a kWh and digits of the credit tokens that the meter took, in order."""
        self.settings: list[str] = []
        """The digits of the other tokens that it took."""

    def key_in(self, digits: str, at: datetime) -> None:
        """Key a token in, after those before it; one that the meter refuses changes nothing."""
        before = self._register
        outcome = self._meter.enter(digits)
        if not isinstance(outcome, Accepted):
            return
        if isinstance(outcome.token, TransferCredit):
            self.credits.append((outcome.token.amount.tenths, digits))
        else:
            self.settings.append(digits)
        at = max(at, self._spans[-1].since)
        # A token that clears credit takes more than is left of it: there is no debt.
        credit = max(0, self.credit(at) + self._register - before)
        self._spans.append(_Span(at, credit, self.consumed(at)))

    def consumed(self, at: datetime) -> int:
        """Return what was drawn until a moment, in hundredths of a kWh; it never gets less."""
        span = self._span(at)
        return span.consumed + self._drawn(span, at)

    def credit(self, at: datetime) -> int:
        """Return what may still be drawn at a moment, in hundredths of a kWh."""
        span = self._span(at)
        return span.credit - self._drawn(span, at)

    def watts(self, at: datetime) -> int:
        """Return what is drawn at a moment: nothing once the credit is used up."""
        return self._demand.watts(at) if self.credit(at) else 0

    @property
    def _register(self) -> int:
        """What the meter was credited with, in hundredths of a kWh."""
        return _HUNDREDTHS * self._meter.credit_tenths[Resource.ELECTRICITY]

    def _span(self, at: datetime) -> _Span:
        place = bisect_right(self._spans, at, key=lambda span: span.since)
        return self._spans[max(0, place - 1)]

    def _drawn(self, span: _Span, at: datetime) -> int:
        return min(span.credit, self._demand.until(at) - self._demand.until(span.since))


def _seconds(at: datetime) -> int:
    return (at - _EPOCH) // _SECOND
