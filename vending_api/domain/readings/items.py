"""The 76 things that a meter may be asked for, as the consumer interface lists them.

An item's number is its place in the list. The last two would change the meter; they are listed
and never read.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from vending_api.domain.readings.types import DataItem

if TYPE_CHECKING:
    from collections.abc import Iterator

MONTHS: Final = 12
PAST: Final = 10
"""How many of the newest a meter remembers of each: openings, power cuts, credits, tokens."""
_TEEN: Final = range(11, 14)
_ENDINGS: Final = {1: "st", 2: "nd", 3: "rd"}
_KEYS_OF_LABELS: Final = {"Dual-source rate": "Dual_source_rate"}
"""Where a key is more than the label with underscores for blanks."""


def nth_last(count: int) -> str:
    """Return how the list calls the newest (1) or an older one: "last", "last 2nd"."""
    if count == 1:
        return "last"
    ending = "th" if count in _TEEN else _ENDINGS.get(count % 10, "th")
    return f"last {count}{ending}"


def _newest(what: str, most: int = PAST) -> list[str]:
    return [f"The {nth_last(count)} {what}" for count in range(1, most + 1)]


_COMMANDS: Final = ("Clear tampered", "Clear credit")
_GROUPS: Final = (
    ["Cumulative kWh consumption"],
    [f"Power consumption of {nth_last(count)} month" for count in range(1, MONTHS + 1)],
    ["The number of cover meter open", *_newest("cover open time")],
    ["The number of power down", *_newest("power down time")],
    ["Voltage", "Current", "Power"],
    ["Date", "Time"],
    ["The number of credit", "Current Credit Register", *_newest("credit amount")],
    _newest("credit token"),
    _newest("management token"),
    ["Protocol version number", "Dual-source rate"],
    _COMMANDS,
)
"""The labels, a row for each group of tasks."""


def _items() -> Iterator[DataItem]:
    number = 0
    for group, labels in enumerate(_GROUPS, start=1):
        for label in labels:
            number += 1
            yield DataItem(
                id=number,
                key=_KEYS_OF_LABELS.get(label, label.replace(" ", "_")),
                label=label,
                task_group=group,
                is_command=label in _COMMANDS,
            )


ITEMS: Final = tuple(_items())
"""In the order of their numbers."""
_BY_LABEL: Final = {item.label: item for item in ITEMS}


def item_by_label(label: str) -> DataItem | None:
    """Return the item of a label, written exactly so, or None."""
    return _BY_LABEL.get(label)


def item_of(item_id: int) -> DataItem:
    """Return the item of a number that a task has."""
    return ITEMS[item_id - 1]
