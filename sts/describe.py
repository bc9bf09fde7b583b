"""Say in words what a token is, and what its digits tell without a key."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeAlias

from sts.tokens.codec import TokenCodec
from sts.tokens.credit import TransferCredit
from sts.tokens.currency_credit import CurrencyCredit
from sts.tokens.digits import from_digits, grouped, parse_token_digits
from sts.tokens.key_change import (
    KeySection,
    Set1stSectionDecoderKey,
    Set2ndSectionDecoderKey,
    Set3rdSectionDecoderKey,
)
from sts.tokens.management import (
    ALL_REGISTERS,
    ClearCredit,
    ClearTamperCondition,
    SetMaximumPhasePowerUnbalanceLimit,
    SetMaximumPowerLimit,
    SetTariffRate,
)
from sts.tokens.meter_test import InitiateMeterTest
from sts.tokens.reserved import ReservedToken

if TYPE_CHECKING:
    from sts.base_date import BaseDate
    from sts.tokens.key_change import KeyChangeToken
    from sts.tokens.kinds import Token
    from sts.tokens.management import Setting

Rows: TypeAlias = list[tuple[str, str]]
"""Label and value, in the order in which to show them."""

_ENCRYPTED_CLASSES: Final = {0: "credit, encrypted", 2: "management, encrypted"}


def describe(token: Token | ReservedToken, base_date: BaseDate | None = None) -> Rows:
    """Return what a decoded token says, as rows of label and value.

    The identifier becomes a time only with the base date of the key: the token does
    not carry it. Key words are never shown.
    """
    rows = _particulars(token)
    rows.insert(1, ("class", f"{token.token_class}, subclass {token.subclass}"))
    if not isinstance(token, ReservedToken | InitiateMeterTest | KeySection):
        minutes = token.token_identifier.minutes
        rows.append(("token identifier", f"{minutes} ({minutes:#08x}), high byte {minutes >> 16}"))
        if base_date is not None:
            issued = token.token_identifier.issued_at(base_date)
            rows.append(("issued", f"{issued:%Y-%m-%d %H:%M} UTC, base date {base_date.value}"))
        if not isinstance(token, CurrencyCredit):
            rows.append(("random", str(token.random)))
    return rows


def describe_digits(text: str) -> Rows:
    """Return what 20 digits tell without a key: all of classes 1 and 3, else only the class.

    Raises TokenMalformed, and CrcMismatch for a class 1 token with a wrong checksum.
    """
    digits = parse_token_digits(text)
    token_class, _ = from_digits(digits)
    rows = [("digits", grouped(digits))]
    if token_class not in _ENCRYPTED_CLASSES:
        return rows + describe(TokenCodec().decode(digits, None))
    return [
        *rows,
        ("kind", _ENCRYPTED_CLASSES[token_class]),
        ("class", str(token_class)),
        ("note", "what is inside can be read only with the meter's decoder key"),
    ]


def _particulars(token: Token | ReservedToken) -> Rows:
    if isinstance(token, ReservedToken):
        payload = "not shown, part of a key" if token.holds_key_bits else f"{token.payload:#013x}"
        return [("kind", "reserved, no known meaning"), ("payload", payload)]
    if isinstance(token, InitiateMeterTest):
        return [
            ("kind", "meter test or display"),
            ("control", f"{token.control:#x}"),
            ("manufacturer code", token.manufacturer_code.digits),
        ]
    if isinstance(token, KeySection):
        return _key_section(token)
    if isinstance(token, TransferCredit):
        amount = f"{token.amount} {token.resource.unit}"
        return [("kind", f"{token.resource.name.lower()} credit"), ("amount", amount)]
    if isinstance(token, CurrencyCredit):
        name = token.resource.name.lower()
        return [("kind", f"{name} credit in currency"), ("amount", str(token.amount))]
    return _setting(token)


def _setting(token: Setting) -> Rows:
    if isinstance(token, SetMaximumPowerLimit):
        return [("kind", "set maximum power limit"), ("limit", f"{token.power} W")]
    if isinstance(token, SetMaximumPhasePowerUnbalanceLimit):
        return [("kind", "set maximum phase power unbalance"), ("limit", f"{token.power} W")]
    if isinstance(token, ClearCredit):
        register = "all" if token.register == ALL_REGISTERS else str(token.register)
        return [("kind", "clear credit"), ("register", register)]
    if isinstance(token, SetTariffRate):
        return [("kind", "set tariff rate"), ("rate", str(token.rate))]
    if isinstance(token, ClearTamperCondition):
        return [("kind", "clear tamper condition"), ("pad", str(token.pad))]
    return [("kind", "set water meter factor"), ("factor", str(token.factor))]


def _key_section(token: KeyChangeToken) -> Rows:
    rows: Rows
    if isinstance(token, Set1stSectionDecoderKey):
        rows = [
            ("kind", "key change, 1st section"),
            ("new key revision number", str(token.key_revision_number)),
            ("new key type", f"{token.key_type.value} ({token.key_type.name.lower()})"),
            ("new key expiry number, high half", str(token.key_expiry_number_high)),
            ("rollover", "yes" if token.rollover else "no"),
            ("third key change token", "announced" if token.third_key_change_token else "no"),
        ]
    elif isinstance(token, Set2ndSectionDecoderKey):
        rows = [
            ("kind", "key change, 2nd section"),
            ("new tariff index", str(token.tariff_index)),
            ("new key expiry number, low half", str(token.key_expiry_number_low)),
        ]
    elif isinstance(token, Set3rdSectionDecoderKey):
        rows = [
            ("kind", "key change, 3rd section"),
            ("new supply group code, low half", str(token.supply_group_low)),
        ]
    else:
        rows = [
            ("kind", "key change, 4th section"),
            ("new supply group code, high half", str(token.supply_group_high)),
        ]
    return [*rows, ("key word", "not shown")]
