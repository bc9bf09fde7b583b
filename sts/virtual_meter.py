"""A meter in software: takes 20 digits, does what a real one does, and says why not.

It knows nothing that a real meter does not know: its own key and settings, and the
identifiers it has seen. It has no clock, so a token from the future is welcome. What
is checked follows IEC 62055-41; the order of the checks is ours, because no public
document gives one: digits, checksum, meaning, key expiry, default key, resource,
register, used, old.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from sts.errors import CrcMismatch, InvalidField, TokenMalformed
from sts.key_data import KeyExpiryNumber, KeyType
from sts.key_sections import KeySections
from sts.replay_window import REMEMBERED, ReplayWindow
from sts.tokens.credit import Resource, TransferCredit
from sts.tokens.currency_credit import CurrencyCredit
from sts.tokens.digits import parse_token_digits
from sts.tokens.key_change import KeySection, Set1stSectionDecoderKey
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
    from sts.key_data import KeyRevisionNumber, SupplyGroupCode, TariffIndex
    from sts.key_sections import ReceivedKey
    from sts.keys.decoder_key import DecoderKey
    from sts.meter_number import MeterPan
    from sts.tokens.codec import TokenCodec
    from sts.tokens.key_change import KeyChangeToken
    from sts.tokens.kinds import DatedToken, Token
    from sts.tokens.management import Setting
    from sts.units import PowerLimit

_CURRENCY_REGISTERS: Final = 4
"""Registers 0 to 3 count tenths of a unit, 4 to 7 money, by the class 0 subclass."""


class RefusalReason(StrEnum):
    """Why a meter refuses digits; the values are stable, for programs and logs."""

    MALFORMED = "malformed"
    NOT_FOR_THIS_METER = "not_for_this_meter"
    RESERVED = "reserved"
    KEY_EXPIRED = "key_expired"
    DEFAULT_KEY = "default_key"
    OTHER_RESOURCE = "other_resource"
    UNKNOWN_REGISTER = "unknown_register"
    USED = "used"
    OLD = "old"
    NO_SUCH_SECTION = "no_such_section"
    THIRD_KEY_CHANGE_TOKEN = "third_key_change_token"  # noqa: S105 (a reason, not a password)
    SECTIONS_DISAGREE = "sections_disagree"


@dataclass(frozen=True, slots=True)
class Accepted:
    """The meter took the token; `words` say what it did."""

    token: Token
    words: str


@dataclass(frozen=True, slots=True)
class Refused:
    """The meter did nothing; `words` say why, beginning with the short form on its display."""

    reason: RefusalReason
    words: str


@dataclass(slots=True, kw_only=True, eq=False)
class VirtualMeter:
    """One meter with its key, its registers, and its memory of tokens.

    `resources` are what it sells; credit for others is refused. Credit registers are
    keyed by resource: tenths of a unit, and hundred-thousandths of currency. A setting
    is None until a token sets it. A 64-bit key change does not carry the supply group
    code, so after one the meter still shows the code that it had.
    """

    pan: MeterPan
    codec: TokenCodec = field(repr=False)
    decoder_key: DecoderKey
    supply_group_code: SupplyGroupCode
    key_revision_number: KeyRevisionNumber
    tariff_index: TariffIndex
    key_type: KeyType = KeyType.UNIQUE
    key_expiry_number: KeyExpiryNumber = field(default_factory=lambda: KeyExpiryNumber(255))
    resources: frozenset[Resource] = frozenset(Resource)

    credit_tenths: dict[Resource, int] = field(init=False)
    credit_hundred_thousandths: dict[Resource, int] = field(init=False)
    power_limit: PowerLimit | None = field(init=False, default=None)
    phase_power_unbalance_limit: PowerLimit | None = field(init=False, default=None)
    tariff_rate: int | None = field(init=False, default=None)
    water_meter_factor: int | None = field(init=False, default=None)
    last_test: InitiateMeterTest | None = field(init=False, default=None)
    is_tampered: bool = field(init=False, default=False)
    _window: ReplayWindow = field(init=False, repr=False, default_factory=ReplayWindow)
    _sections: KeySections = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self.credit_tenths = dict.fromkeys(Resource, 0)
        self.credit_hundred_thousandths = dict.fromkeys(Resource, 0)
        self._sections = KeySections(self.decoder_key.algorithm)

    def tamper(self) -> None:
        """Open the meter's case; it stays tampered until a token clears it."""
        self.is_tampered = True

    def enter(self, digits: str) -> Accepted | Refused:
        """Type digits into the meter, spaces and dashes allowed; never raises for what they say."""
        try:
            token = self.codec.decode(parse_token_digits(digits), self.decoder_key)
        except TokenMalformed as error:
            return Refused(RefusalReason.MALFORMED, f"malformed: {error}")
        except CrcMismatch:
            return Refused(
                RefusalReason.NOT_FOR_THIS_METER,
                "not for this meter: the checksum is wrong under this meter's key; the token was "
                "made for another meter or key, or a digit was mistyped",
            )
        if isinstance(token, ReservedToken):
            return Refused(
                RefusalReason.RESERVED,
                f"reserved: class {token.token_class} subclass {token.subclass} has no meaning "
                "here as it stands",
            )
        if isinstance(token, InitiateMeterTest):
            self.last_test = token
            return Accepted(token, f"test: control {token.control:#x} carried out")
        if isinstance(token, KeySection):
            return self._take_section(token)
        return self._take_dated(token)

    def _take_dated(self, token: DatedToken) -> Accepted | Refused:
        refused = self._refusal(token) or self._replay(token)
        if refused is not None:
            return refused
        self._window.remember(token.token_identifier)
        if isinstance(token, TransferCredit | CurrencyCredit):
            return Accepted(token, self._add_credit(token))
        return Accepted(token, self._manage(token))

    def _refusal(self, token: DatedToken) -> Refused | None:
        minutes = token.token_identifier.minutes
        if token.token_identifier.high_byte > self.key_expiry_number.value:
            return Refused(
                RefusalReason.KEY_EXPIRED,
                f"key expired: identifier {minutes} has high byte "
                f"{token.token_identifier.high_byte}, the key expiry number of this meter's key "
                f"is {self.key_expiry_number.value}",
            )
        if isinstance(token, TransferCredit | CurrencyCredit):
            return self._credit_refusal(token.resource)
        if isinstance(token, ClearCredit) and token.register not in {*range(8), ALL_REGISTERS}:
            return Refused(
                RefusalReason.UNKNOWN_REGISTER,
                f"unknown register: {token.register} is neither 0 to 7 nor {ALL_REGISTERS} for all",
            )
        return None

    def _credit_refusal(self, resource: Resource) -> Refused | None:
        if self.key_type is KeyType.DEFAULT:
            return Refused(
                RefusalReason.DEFAULT_KEY,
                "DDTK error: this meter still has its default key, which takes no credit; "
                "change its key first",
            )
        if resource not in self.resources:
            sold = ", ".join(sorted(r.name.lower() for r in self.resources))
            return Refused(
                RefusalReason.OTHER_RESOURCE,
                f"other resource: the token is for {resource.name.lower()}, this meter sells "
                f"{sold}",
            )
        return None

    def _replay(self, token: DatedToken) -> Refused | None:
        if token.token_identifier in self._window:
            return Refused(
                RefusalReason.USED,
                "used: a token with this identifier has been entered before",
            )
        if self._window.is_too_old(token.token_identifier):
            return Refused(
                RefusalReason.OLD,
                f"old: the meter remembers {REMEMBERED} tokens and all of them are newer, so it "
                "cannot tell whether this one was used",
            )
        return None

    def _add_credit(self, token: TransferCredit | CurrencyCredit) -> str:
        name = token.resource.name.lower()
        if isinstance(token, CurrencyCredit):
            self.credit_hundred_thousandths[token.resource] += token.amount.hundred_thousandths
            return f"credit: {token.amount} of currency for {name}"
        self.credit_tenths[token.resource] += token.amount.tenths
        return f"credit: {token.amount} {token.resource.unit} of {name}"

    def _manage(self, token: Setting) -> str:
        if isinstance(token, SetMaximumPowerLimit):
            self.power_limit = token.power
            return f"power limit: {token.power} W"
        if isinstance(token, ClearCredit):
            return self._clear_credit(token.register)
        if isinstance(token, SetTariffRate):
            self.tariff_rate = token.rate
            return f"tariff rate: {token.rate}"
        if isinstance(token, ClearTamperCondition):
            self.is_tampered = False
            return "tamper condition cleared"
        if isinstance(token, SetMaximumPhasePowerUnbalanceLimit):
            self.phase_power_unbalance_limit = token.power
            return f"phase unbalance limit: {token.power} W"
        self.water_meter_factor = token.factor
        return f"water meter factor: {token.factor}"

    def _clear_credit(self, register: int) -> str:
        registers = range(8) if register == ALL_REGISTERS else (register,)
        for number in registers:
            resource = Resource(number % _CURRENCY_REGISTERS)
            if number < _CURRENCY_REGISTERS:
                self.credit_tenths[resource] = 0
            else:
                self.credit_hundred_thousandths[resource] = 0
        return "credit cleared: " + ("all" if len(registers) > 1 else f"register {register}")

    def _take_section(self, token: KeyChangeToken) -> Accepted | Refused:
        if not self._sections.has_place_for(token):
            return Refused(
                RefusalReason.NO_SUCH_SECTION,
                "no such section: this meter's keys have 64 bits and come in 2 sections",
            )
        if isinstance(token, Set1stSectionDecoderKey) and token.third_key_change_token:
            return Refused(
                RefusalReason.THIRD_KEY_CHANGE_TOKEN,
                "third key change token: the section announces one, and this meter knows none",
            )
        sections = self._sections.with_section(token)
        try:
            received = sections.received_key()
        except InvalidField as error:
            return Refused(RefusalReason.SECTIONS_DISAGREE, f"sections disagree: {error}")
        if received is None:
            self._sections = sections
            return Accepted(
                token, f"key change: {sections.held} of {sections.needed} sections entered"
            )
        return Accepted(token, self._change_key(received))

    def _change_key(self, received: ReceivedKey) -> str:
        self.decoder_key = received.decoder_key
        self.key_revision_number = received.key_revision_number
        self.key_type = received.key_type
        self.key_expiry_number = received.key_expiry_number
        self.tariff_index = received.tariff_index
        if received.supply_group_code is not None:
            self.supply_group_code = received.supply_group_code
        self._sections = KeySections(self.decoder_key.algorithm)
        words = (
            f"key changed: revision {self.key_revision_number}, tariff index {self.tariff_index}, "
            f"key expiry number {self.key_expiry_number.value}"
        )
        if received.rollover:
            self._window.forget()
            words += "; rollover: the meter forgets the tokens it has seen"
        return words
