"""How many units each meter got in a day, kept small: a big day has a million tokens."""

from __future__ import annotations

from array import array
from collections import Counter
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

_SHARES: Final = 64


class DayUnits:
    """Takes units token by token, sixteen octets each, and adds them up share by share."""

    def __init__(self) -> None:
        self._shares = [(array("q"), array("q")) for _ in range(_SHARES)]

    def add(self, meter_key: int, tenths: int) -> None:
        """Keep the units of a token."""
        keys, units = self._shares[meter_key % _SHARES]
        keys.append(meter_key)
        units.append(tenths)

    def above(self, tenths: int, *, at_once: int) -> Iterator[dict[int, int]]:
        """Yield the meters with more units than that, so many at a time at most."""
        for keys, units in self._shares:
            sums: Counter[int] = Counter()
            for meter_key, some in zip(keys, units, strict=True):
                sums[meter_key] += some
            much = [(key, total) for key, total in sums.items() if total > tenths]
            for first in range(0, len(much), at_once):
                yield dict(much[first : first + at_once])
