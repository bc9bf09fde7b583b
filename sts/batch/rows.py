"""A row as the scalar engine takes it: its requests, and its own words when there is none.

The kernels hand over every row that they do not finish: what is wrong, what is rare (EA09, class
1, enormous amounts of currency), and what did not read back. So errors, their order and their
texts are those of the scalar engine because they are made by it.
"""

from __future__ import annotations

import re
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from sts.batch.kinds import DATED, SECTIONS
from sts.errors import InvalidField, TokenNotAllowed, TokenReserved
from sts.key_data import EncryptionAlgorithm, KeyRevisionNumber, SupplyGroupCode, TariffIndex
from sts.meter_number import ManufacturerCode, MeterPan
from sts.security_module import (
    IssueRequest,
    KeyChangeRequest,
    MeterConfiguration,
    VerifyRequest,
)
from sts.token_identifier import TokenIdentifier
from sts.tokens.meter_test import InitiateMeterTest

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sts.tokens.kinds import Token

_METER_TEST_CLASS: Final = 1
_METER_TEST_SUBCLASSES: Final = (0, 1)
_CURRENCY_SUBCLASSES: Final = range(4, 8)

Row: TypeAlias = "Mapping[str, Any]"
"""A row by column; a column that the table lacks is a null."""


def meter_of(row: Row) -> MeterConfiguration:
    """Return the meter that a row names; raises InvalidField for the first wrong column."""
    return MeterConfiguration(
        pan=MeterPan.parse(_text(row, "pan", "18 decimal digits")),
        supply_group_code=SupplyGroupCode(_text(row, "supply_group_code", "6 decimal digits")),
        key_revision_number=KeyRevisionNumber(_number(row, "key_revision_number")),
        tariff_index=TariffIndex(_text(row, "tariff_index", "2 decimal digits")),
        encryption_algorithm=EncryptionAlgorithm.parse(
            _text(row, "encryption_algorithm", "07, 09 or 11")
        ),
    )


def issue_request(row: Row) -> IssueRequest:
    """Return the meter and the token of a row.

    Raises InvalidField, and TokenReserved or TokenNotAllowed for a class and subclass that is not
    issued.
    """
    return IssueRequest(meter_of(row), _token_of(row))


def key_change_request(row: Row) -> KeyChangeRequest:
    """Return the key change of a row; what it leaves out of the new key stays.

    Raises InvalidField.
    """
    meter = meter_of(row)
    group = row.get("new_supply_group_code")
    revision = row.get("new_key_revision_number")
    tariff_index = row.get("new_tariff_index")
    return KeyChangeRequest(
        meter=meter,
        new_supply_group_code=meter.supply_group_code if group is None else SupplyGroupCode(group),
        new_key_revision_number=meter.key_revision_number
        if revision is None
        else KeyRevisionNumber(_number(row, "new_key_revision_number")),
        new_tariff_index=meter.tariff_index if tariff_index is None else TariffIndex(tariff_index),
    )


def verify_request(row: Row) -> VerifyRequest:
    """Return the meter and the digits of a row; raises InvalidField."""
    return VerifyRequest(meter_of(row), _text(row, "token", "20 decimal digits"))


def _token_of(row: Row) -> Token:
    token_class, subclass = _number(row, "class", 0), _number(row, "subclass", 0)
    place = (token_class, subclass)
    if place in SECTIONS:
        raise TokenNotAllowed("a section of a key change is issued with its whole set only")
    if token_class == _METER_TEST_CLASS and subclass in _METER_TEST_SUBCLASSES:
        return _meter_test_of(row, subclass)
    if place not in DATED:
        raise TokenReserved(
            f"class {token_class} subclass {subclass} is reserved as it stands and is not encoded"
        )
    kind = DATED[place]
    value = _number(row, kind.column, 0 if kind.column == "pad" else None)
    identifier = TokenIdentifier(_number(row, "token_identifier_minutes"))
    takes_random = token_class != 0 or subclass not in _CURRENCY_SUBCLASSES
    random = _number(row, "random") if takes_random else 0
    return kind.make(value, token_identifier=identifier, random=random)


def _meter_test_of(row: Row, subclass: int) -> InitiateMeterTest:
    code = ManufacturerCode(_text(row, "manufacturer_code", "2 or 4 decimal digits"))
    token = InitiateMeterTest(control=_number(row, "control"), manufacturer_code=code)
    if token.subclass != subclass:
        raise InvalidField(
            "subclass",
            f"{subclass} does not go with manufacturer code {code}",
            "0 with 2 digits, 1 with 4",
        )
    return token


def _text(row: Row, name: str, expected: str) -> str:
    value = row.get(name)
    if value is None:
        raise InvalidField(name, "it is missing", expected)
    return str(value)


def _number(row: Row, name: str, default: int | None = None) -> int:
    """Return a whole number, also from text that is nothing else; raises InvalidField."""
    value = row.get(name)
    if value is None:
        value = default
    if isinstance(value, str):
        value = int(value) if re.fullmatch("-?[0-9]{1,40}", value) else None
    if isinstance(value, Decimal):
        value = int(value)
    if value is None:
        raise InvalidField(name, "it is missing or not a whole number", "a whole number")
    return int(value)
