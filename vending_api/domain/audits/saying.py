"""What tokens say, compared with what the records of their sales say, column by column."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from sts.tokens.codec import CLEAR_CLASS, RESERVED_CLASS
from sts.tokens.credit import Resource
from sts.tokens.management import ClearCredit, ClearTamperCondition, SetMaximumPowerLimit
from vending_api.domain.audits.types import Said
from vending_api.domain.issuing.types import TokenKind
from vending_api.domain.meters.types import ServiceType

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Flags = NDArray[np.bool_]

NONE: Final = -1
"""Stands for null where numbers are never below 0."""
_CREDIT: Final = (TokenKind.STANDARD, TokenKind.FREE, TokenKind.REFUND)
_SERVICES: Final = {
    ServiceType.ELECTRICITY: Resource.ELECTRICITY,
    ServiceType.WATER: Resource.WATER,
    ServiceType.GAS: Resource.GAS,
    ServiceType.TIME: Resource.TIME,
}
NO_SERVICE: Final = len(_SERVICES)
"""Stands for the service type of a meter that there is not."""
_CODE_OF: Final = {
    TokenKind.POWER_LIMIT: 32 + SetMaximumPowerLimit.subclass,
    TokenKind.CLEAR_CREDIT: 32 + ClearCredit.subclass,
    TokenKind.CLEAR_TAMPER: 32 + ClearTamperCondition.subclass,
}
"""Class and subclass in one number; that of credit is the resource."""
_WITH_SETTING: Final = [_CODE_OF[TokenKind.POWER_LIMIT], _CODE_OF[TokenKind.CLEAR_CREDIT]]
_VALUES: Final = ("amount_tenths", "power_watts", "register")
_SECTIONS: Final = np.array([32 + 3, 32 + 4, 32 + 8, 32 + 9])


class Compared(NamedTuple):
    """Which rows agree in what."""

    kind: Flags
    value: Flags
    identifier: Flags


def is_read(answer: Any) -> Flags:
    """Return which tokens of an answer of `verify` were read under a key.

    Two classes need none: any meter takes the one, none takes the other, and nobody sells either.
    """
    needs_no_key = np.isin(numbers(answer["read_class"]), [CLEAR_CLASS, RESERVED_CLASS])
    found: Flags = answer["error"].is_null().to_numpy(zero_copy_only=False) & ~needs_no_key
    return found


def compare(
    read: Any, *, kind: Any, service_type: NDArray[Any], units_tenths: Any, setting: Any
) -> Compared:
    """Compare what tokens say, a table of `verify`, with columns of their records.

    `read` also has the column `token_identifier` of the record; `service_type` is as of `services`.
    Rows that could not be read, and columns that are null, agree in nothing.
    """
    return agree(
        code=codes(read),
        said=values(read),
        identifier=numbers(read["read_token_identifier_minutes"]),
        kind=kinds(kind),
        service_type=service_type,
        units_tenths=numbers(units_tenths),
        setting=numbers(setting),
        token_identifier=numbers(read["token_identifier"]),
    )


def agree(
    *,
    code: NDArray[Any],
    said: NDArray[Any],
    identifier: NDArray[Any],
    kind: NDArray[Any],
    service_type: NDArray[Any],
    units_tenths: NDArray[Any],
    setting: NDArray[Any],
    token_identifier: NDArray[Any],
) -> Compared:
    """Compare what tokens say, the first three, with their records; NONE stands for null."""
    resource = np.array([*map(int, _SERVICES.values()), NONE])[service_type]
    expected = np.array([_CODE_OF.get(one, NONE) for one in TokenKind] + [NONE])[kind]
    is_credit = np.isin(kind, [[*TokenKind].index(one) for one in _CREDIT])
    is_section = kind == [*TokenKind].index(TokenKind.KEY_CHANGE)
    expected = np.where(is_credit, resource, expected)
    is_kind = (code == expected) & (expected != NONE) | is_section & np.isin(code, _SECTIONS)
    recorded = np.where(is_credit, units_tenths, setting)
    # A clear credit of no register is made for register 0.
    recorded = np.where((recorded == NONE) & (said != NONE), 0, recorded)
    has_value = is_credit | np.isin(expected, _WITH_SETTING)
    return Compared(
        kind=is_kind,
        value=(said == recorded) | ~has_value,
        identifier=identifier == token_identifier,
    )


def codes(read: Any) -> NDArray[np.int64]:
    """Return class and subclass of what was read, in one number; negative for nothing."""
    return numbers(read["read_class"]) * 16 + numbers(read["read_subclass"])


def values(read: Any) -> NDArray[np.int64]:
    """Return tenths, watts or a register; NONE where a token carries nothing of the sort."""
    return numbers(pc.coalesce(*(read[f"read_{name}"].cast(pa.int64()) for name in _VALUES)))


def kinds(column: Any) -> NDArray[np.int64]:
    """Return the number of each kind of a record; one more than there are for one unheard of."""
    return _places(column, [*TokenKind])


def services(column: Any) -> NDArray[np.int64]:
    """Return the number of each service type, in the same way."""
    return _places(column, [*_SERVICES])


def said_by(read: Any, row: int) -> Said | None:
    """Return what the token of a row says, or None if it could not be read."""
    if (kind := read["read_kind"][row].as_py()) is None:
        return None
    value = next(
        (found for name in _VALUES if (found := read[f"read_{name}"][row].as_py()) is not None),
        None,
    )
    return Said(kind, value, read["read_token_identifier_minutes"][row].as_py())


def sold_as(row: Any) -> Said:
    """Return what the record of a token says."""
    is_credit = row.kind in {one.value for one in _CREDIT}
    return Said(row.kind, row.units_tenths if is_credit else row.setting, row.token_identifier)


def numbers(column: Any) -> NDArray[np.int64]:
    """Return a column of numbers; NONE for null."""
    found: NDArray[np.int64] = (
        column.fill_null(NONE).to_numpy().astype(np.int64, copy=False)
        if column.null_count
        else column.to_numpy().astype(np.int64, copy=False)
    )
    return found


def _places(column: Any, values: Sequence[str]) -> NDArray[np.int64]:
    """Return the place of each text among some; behind the last for those that are not there."""
    found = pc.index_in(column, pa.array([str(one) for one in values]))
    places: NDArray[np.int64] = found.fill_null(len(values)).to_numpy().astype(np.int64)
    return places
