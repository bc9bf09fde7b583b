"""What tokens say, in the words of the token service."""

from __future__ import annotations

import re
from typing import Any, Final

from sts.errors import InvalidField, TokenNotAllowed, TokenReserved
from sts.token_identifier import TokenIdentifier
from sts.tokens.credit import Resource, TransferCredit
from sts.tokens.currency_credit import FIRST_CURRENCY_SUBCLASS, CurrencyCredit
from sts.tokens.key_change import (
    Set1stSectionDecoderKey,
    Set2ndSectionDecoderKey,
    Set3rdSectionDecoderKey,
    Set4thSectionDecoderKey,
)
from sts.tokens.kinds import READERS, DatedToken
from sts.tokens.management import (
    MANAGEMENT_PAYLOAD,
    SetMaximumPhasePowerUnbalanceLimit,
    SetMaximumPowerLimit,
)
from sts.units import CurrencyAmount, PowerLimit, TransferAmount
from vending_api.custody.prism.link import SERVICE

CREDIT_CLASS: Final = 0
_MANAGEMENT_CLASS: Final = 2
_POWER_SUBCLASSES: Final = frozenset(
    {SetMaximumPowerLimit.subclass, SetMaximumPhasePowerUnbalanceLimit.subclass}
)
_SECTION_SUBCLASSES: Final = frozenset(
    {
        Set1stSectionDecoderKey.subclass,
        Set2ndSectionDecoderKey.subclass,
        Set3rdSectionDecoderKey.subclass,
        Set4thSectionDecoderKey.subclass,
    }
)
_NUMBER: Final = re.compile(r"-?[0-9]{1,60}")


def saying_of(token: DatedToken) -> Any:
    """Return what a token is to say as the service is told it."""
    return SERVICE.Saying(
        token_class=token.token_class,
        subclass=token.subclass,
        token_identifier=token.token_identifier.minutes,
        value=str(_value_of(token)),
        random=None if isinstance(token, CurrencyCredit) else token.random,
    )


def is_said(token: DatedToken, saying: Any) -> bool:
    """Tell whether the service says of a token what it was to say.

    Random bits are compared where they are told: some services choose their own.
    """
    wanted = saying_of(token)
    told = saying.random in {None, wanted.random} or wanted.random is None
    return told and all(
        getattr(saying, name) == getattr(wanted, name)
        for name in ("token_class", "subclass", "token_identifier", "value")
    )


def token_said(saying: Any) -> DatedToken:
    """Return the token of class 0 or 2 that the service has read; random bits untold are 0.

    Raises TokenNotAllowed for a section of a key, TokenReserved for what is unknown, and
    InvalidField for what no token says.
    """
    kind = saying.token_class, saying.subclass
    if saying.token_class == _MANAGEMENT_CLASS and saying.subclass in _SECTION_SUBCLASSES:
        raise TokenNotAllowed("what a section of a key change says stays in the module")
    if kind not in READERS or saying.token_class not in {CREDIT_CLASS, _MANAGEMENT_CLASS}:
        raise TokenReserved(f"class {kind[0]} subclass {kind[1]} is reserved")
    identifier = TokenIdentifier(_whole("token identifier", saying.token_identifier))
    value = _number(saying.value)
    is_credit = saying.token_class == CREDIT_CLASS
    if is_credit and saying.subclass >= FIRST_CURRENCY_SUBCLASS:
        return CurrencyCredit(
            resource=Resource(saying.subclass - FIRST_CURRENCY_SUBCLASS),
            amount=CurrencyAmount.covering(value),
            token_identifier=identifier,
        )
    if is_credit:
        return TransferCredit(
            resource=Resource(saying.subclass),
            amount=TransferAmount(value),
            token_identifier=identifier,
            random=saying.random or 0,
        )
    return _setting(saying, identifier, value)


def _setting(saying: Any, identifier: TokenIdentifier, value: int) -> DatedToken:
    bits = PowerLimit(value).bits if saying.subclass in _POWER_SUBCLASSES else value
    try:
        payload = MANAGEMENT_PAYLOAD.pack(
            random=saying.random or 0, token_identifier=identifier.minutes, setting=bits
        )
    except ValueError as error:
        raise InvalidField("setting", str(error), "16 bits") from None
    return READERS[saying.token_class, saying.subclass](payload)  # type: ignore[return-value]  # sections of keys were refused


def _value_of(token: DatedToken) -> int:
    if isinstance(token, TransferCredit):
        return token.amount.tenths
    if isinstance(token, CurrencyCredit):
        return token.amount.hundred_thousandths
    if isinstance(token, SetMaximumPowerLimit | SetMaximumPhasePowerUnbalanceLimit):
        return token.power.watts
    return token.setting_bits


def _number(text: object) -> int:
    if not isinstance(text, str) or not _NUMBER.fullmatch(text):
        raise InvalidField("value", "not a number", "a whole number as text")
    return int(text)


def _whole(field: str, value: object) -> int:
    if type(value) is not int:
        raise InvalidField(field, "it is missing", "a whole number")
    return value
