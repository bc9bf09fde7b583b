"""The columns of a list of meters: what each means, and how its cells are read."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final, TypeVar

from sts.base_date import BaseDate
from sts.errors import CheckDigitWrong, InvalidField
from sts.key_data import EncryptionAlgorithm, KeyRevisionNumber, SupplyGroupCode, TariffIndex
from sts.meter_number import (
    LONG_DRN_IIN,
    DecoderReferenceNumber,
    IssuerIdentificationNumber,
    MeterPan,
)
from tariffs.account import Debt
from vending_api.domain.accounts.tables import ACCOUNT, ARREARS
from vending_api.domain.meters.tables import CUSTOMER, TARIFF
from vending_api.domain.meters.types import ServiceType

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import Table

_Made = TypeVar("_Made")

ELECTRICITY_IIN: Final = "600727"
_LONG_DRN: Final = 13
_REMEMBERED: Final = 1024
_YES: Final = frozenset({"yes", "y", "true", "1"})
_NO: Final = frozenset({"no", "n", "false", "0"})
_LOST_ZEROS: Final = "a spreadsheet may have dropped zeros at the front"


class CellWrong(Exception):
    """A cell that cannot be what its column is for."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column: its name, how a cell that is not empty is read, and what it means."""

    name: str
    read: Callable[[str], Any]
    words: str
    empty: str
    """What an empty cell means."""


def meter_number(text: str) -> str:
    """Return what points of sale send for a meter; raises CellWrong."""
    if not re.fullmatch("[A-Za-z0-9]{1,20}", text):
        raise CellWrong(f"{text[:24]!r} is not one; write 1 to 20 letters and digits")
    return text


def pan_of(pan: str, drn: str, iin: str) -> MeterPan | None:
    """Return the PAN of a meter's cells, None if all are empty; raises CellWrong."""
    said = _from_sts(MeterPan.parse, pan) if pan else None
    if not drn:
        return said
    decoder = _from_sts(DecoderReferenceNumber, drn)
    issuer = iin or (LONG_DRN_IIN if len(drn) == _LONG_DRN else ELECTRICITY_IIN)
    made = _from_sts(lambda digits: MeterPan(IssuerIdentificationNumber(digits), decoder), issuer)
    if said is not None and said != made:
        raise CellWrong(f"{said} is not the PAN of DRN {drn}, which is {made}; write one of them")
    return made


def _from_sts(make: Callable[[str], _Made], text: str) -> _Made:
    try:
        return make(text)
    except CheckDigitWrong as wrong:
        raise CellWrong(
            f"wrong check digit (Luhn): {wrong.problem}, expected {wrong.expected}"
        ) from wrong
    except InvalidField as wrong:
        digits = re.match("([0-9]+)[a-z0-9 ]* digits", wrong.expected)
        is_short = digits is not None and text.isdigit() and len(text) < int(digits[1])
        hint = f" ({_LOST_ZEROS})" if is_short else ""
        raise CellWrong(f"{text[:24]!r} is not one; write {wrong.expected}{hint}") from wrong


def _sts(make: Callable[[str], _Made]) -> Callable[[str], _Made]:
    return lru_cache(_REMEMBERED)(lambda text: _from_sts(make, text))


def _revision(text: str) -> KeyRevisionNumber:
    if not re.fullmatch("[0-9]", text):
        raise InvalidField("key revision number", "", "1 to 9")
    return KeyRevisionNumber(int(text))


def _algorithm(text: str) -> EncryptionAlgorithm:
    offered = {one.value: one for one in (EncryptionAlgorithm.EA07, EncryptionAlgorithm.EA11)}
    if text not in offered:
        raise InvalidField("encryption algorithm", "", " or ".join(offered))
    return offered[text]


def _base_date(text: str) -> BaseDate:
    if text not in {str(one.value) for one in BaseDate}:
        raise InvalidField("base date", "", "1993, 2014 or 2035")
    return BaseDate.parse(text)


def _technology(text: str) -> str:
    if not re.fullmatch("[0-9]{2}", text):
        raise CellWrong(f"{text[:24]!r} is not one; write 2 digits ({_LOST_ZEROS})")
    return text


def _service(text: str) -> ServiceType:
    for service in ServiceType:
        if text.lower() == service.value.lower():
            return service
    raise CellWrong(f"{text[:24]!r} is not one; write {', '.join(ServiceType)}")


def _text(table: Table, column: str) -> Callable[[str], str]:
    longest = int(getattr(table.c[column].type, "length", 0))

    def read(text: str) -> str:
        if len(text) > longest:
            raise CellWrong(f"it has {len(text)} characters; write at most {longest}")
        if not text.isprintable():
            raise CellWrong("it has control characters; write one line of printable characters")
        return text

    return read


def _truth(text: str) -> bool:
    if (word := text.lower()) not in _YES | _NO:
        raise CellWrong(f"{text[:24]!r} is neither; write yes or no")
    return word in _YES


def _minor(text: str) -> int:
    if not re.fullmatch("[0-9]{1,15}", text):
        raise CellWrong(f"{text[:24]!r} is not it; write a whole number of minor units, like 12500")
    return int(text)


_debt_name = _text(ARREARS, "name")


def _debts(text: str) -> tuple[Debt, ...]:
    return tuple(_debt(part.strip()) for part in text.split(";") if part.strip())


def _debt(text: str) -> Debt:
    name, colon, sum_ = text.rpartition(":")
    if not colon or not name.strip():
        raise CellWrong(f"{text[:24]!r} is none; write name:minor; name:minor")
    balance_minor = _minor(sum_.strip())
    if not balance_minor:
        raise CellWrong(f"{text[:24]!r} is a debt of nothing; write 1 or more, or leave it out")
    return Debt(name=_debt_name(name.strip()), balance_minor=balance_minor)


_MISSING: Final = "needed for a new meter; of a registered one it is not compared"
_NOTHING: Final = "nothing"
_NO_DEBTS: Final = "none"

NUMBER: Final = "meter_number"
MINIMUM: Final = "minimum_minor"
MAXIMUM: Final = "maximum_minor"
COLUMNS: Final = {
    column.name: column
    for column in (
        Column(NUMBER, meter_number, "what points of sale send: letters, digits", "not allowed"),
        Column("pan", str, "MeterPAN, 18 digits", "made of the drn"),
        Column("drn", str, "the number on the meter, 11 or 13 digits", "taken from the pan"),
        Column("iin", str, "issuer number that the drn belongs to", "600727; 0000 for 13 digits"),
        Column("supply_group_code", _sts(SupplyGroupCode), "SGC, 6 digits, of a site", _MISSING),
        Column("key_revision_number", _sts(_revision), "KRN, 1 to 9, as held", _MISSING),
        Column("tariff_index", _sts(TariffIndex), "TI, 2 digits, as held", _MISSING),
        Column("base_date", _sts(_base_date), "1993, 2014 or 2035", _MISSING),
        Column("encryption_algorithm", _sts(_algorithm), "EA, 07 or 11", _MISSING),
        Column("service_type", _service, "Electricity, Water, Gas or Time", "Electricity"),
        Column("token_technology_code", _technology, "TCT, 2 digits", "02, a keypad"),
        Column("tariff", _text(TARIFF, "name"), "name of a tariff of a site", _MISSING),
        Column("first_name", _text(CUSTOMER, "first_name"), "of the customer", _NOTHING),
        Column("last_name", _text(CUSTOMER, "last_name"), "of the customer", _NOTHING),
        Column("address", _text(CUSTOMER, "address"), "of the customer, one line", _NOTHING),
        Column(
            *("customer_class", _text(ACCOUNT, "customer_class")),
            *("class of the tariff, where it has classes", _NOTHING),
        ),
        Column("is_exempt", _truth, "yes: exempt from what the tariff says", "no"),
        Column("gets_free_units", _truth, "yes: gets the tariff's free units", "no"),
        Column("is_blocked", _truth, "yes: nothing is sold to it", "no"),
        Column(MINIMUM, _minor, "its own smallest purchase", "the utility's limits"),
        Column(MAXIMUM, _minor, "its own largest purchase", "the utility's limits"),
        Column("debts", _debts, "of a new meter: name:minor; name:minor", _NO_DEBTS),
    )
}
"""Every column that a list may have, in the order of the README."""
