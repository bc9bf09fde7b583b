"""What must fit together in a tariff: names, what levies and taxes are on, shares, dates.

Each check is told the table that a version was read from, so that it can name the key.
"""

from __future__ import annotations

from decimal import Decimal
from graphlib import CycleError, TopologicalSorter
from itertools import pairwise
from typing import TYPE_CHECKING, Final

from tariffs.table import quoted
from tariffs.tariff import ENERGY, Step

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tariffs.table import Table
    from tariffs.tariff import Version

EVERYTHING: Final = "everything"
"""Short for all parts that a levy or a tax may be on."""

_RESERVED: Final = (ENERGY, EVERYTHING)
_MOST_LEVIES: Final = 20
_WHOLE_PURCHASE: Final = Decimal(100)


def check_dates(versions: Sequence[Version], document: Table) -> None:
    """Refuse versions that do not follow one another: no day has two, and none is skipped."""
    for number, (older, newer) in enumerate(pairwise(versions), start=2):
        if newer.valid_from <= older.valid_from:
            raise document.wrong(
                f"version[{number}].valid_from",
                f"it must be after {older.valid_from}, where version[{number - 1}] begins",
            )


def check_version(version: Version, table: Table) -> None:
    """Refuse a version whose parts do not fit together."""
    _check_names(version, table)
    _check_levies(version, table)
    _check_taxes(version, table)
    _check_shares(version, table)
    _check_free_units(version, table)


def _names(version: Version) -> Iterator[tuple[str, str]]:
    """Yield the key and the name of everything that has one."""
    if version.channel_fee is not None:
        yield "channel_fee.name", version.channel_fee.name
    for kind, names in (
        ("charge", [one.name for one in version.charges]),
        ("per_unit", [one.name for one in version.per_unit]),
        ("levy", [one.name for one in version.levies]),
        ("tax", [one.name for one in version.taxes]),
    ):
        for number, name in enumerate(names, start=1):
            yield f"{kind}[{number}].name", name


def _check_names(version: Version, table: Table) -> None:
    places: dict[str, str] = {}
    for key, name in _names(version):
        if name in _RESERVED:
            raise table.wrong(key, f'"{name}" has a meaning of its own; choose another name')
        if name in places:
            raise table.wrong(key, f"{places[name]} has the same name; choose another")
        places[name] = key


def _check_levies(version: Version, table: Table) -> None:
    if len(version.levies) > _MOST_LEVIES:
        raise table.wrong("levy", f"there are {len(version.levies)}; write at most {_MOST_LEVIES}")
    for number, levy in enumerate(version.levies, start=1):
        _check_known(levy.on, version, table, f"levy[{number}].on")
    below = {levy.name: levy.on for levy in version.levies}
    try:
        TopologicalSorter(below).prepare()
    except CycleError as error:
        circle = error.args[1]
        number = list(below).index(circle[0]) + 1
        raise table.wrong(
            f"levy[{number}].on", f"it is a percentage of itself: {' of '.join(circle[::-1])}"
        ) from None


def _check_taxes(version: Version, table: Table) -> None:
    names = {tax.name for tax in version.taxes}
    untaxed = _taken_before_tax(version)
    for number, tax in enumerate(version.taxes, start=1):
        key = f"tax[{number}].on"
        for part in tax.on:
            if part in names:
                raise table.wrong(key, f'"{part}" is a tax; there is no tax on a tax')
        _check_known(tax.on, version, table, key)
        for part in tax.on:
            if part in untaxed:
                raise table.wrong(
                    key,
                    f'"{part}" is taken before tax begins; put tax before charges in order, '
                    "or list the other parts here",
                )


def _check_known(on: Sequence[str], version: Version, table: Table, key: str) -> None:
    """Refuse what a levy or a tax cannot be on."""
    known = [ENERGY, *(one.name for one in version.charges)]
    known += [one.name for one in version.per_unit]
    known += [one.name for one in version.levies]
    for part in on:
        if part not in known:
            raise table.wrong(
                key,
                f'{quoted(part)} is no part of the price; write "{EVERYTHING}", or a list of '
                f"some of {', '.join(known)}",
            )


def _taken_before_tax(version: Version) -> set[str]:
    """Return the charges, if they come before tax in the order, and every levy on them."""
    if version.order.index(Step.CHARGES) > version.order.index(Step.TAX):
        return set()
    untaxed = {charge.name for charge in version.charges}
    for _ in version.levies:  # a levy may be on a levy further down
        untaxed |= {levy.name for levy in version.levies if untaxed & set(levy.on)}
    return untaxed


def _check_shares(version: Version, table: Table) -> None:
    """Refuse shares of the whole purchase that are more than the purchase together."""
    together = Decimal(0)
    for key, percent in _shares(version):
        together += percent
        if together > _WHOLE_PURCHASE:
            raise table.wrong(
                key, f"all shares of a purchase are {together} % together; 100 is all there is"
            )


def _shares(version: Version) -> Iterator[tuple[str, Decimal]]:
    if version.channel_fee is not None:
        yield "channel_fee.percent", version.channel_fee.percent
    if version.debt is not None and version.debt.share_percent is not None:
        yield "debt.share_percent", version.debt.share_percent
    for number, charge in enumerate(version.charges, start=1):
        if charge.share_percent is not None:
            yield f"charge[{number}].share_percent", charge.share_percent


def _check_free_units(version: Version, table: Table) -> None:
    free, step = version.free_units, version.rounding.step
    if free is not None and free.units % step != 0:
        raise table.wrong("free_units.units", f"a token carries whole steps of {step:f}")
