"""A meter's life in any order: sell, delay, replay, grow old, change keys, roll over."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from hypothesis import assume
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    initialize,
    invariant,
    multiple,
    rule,
)

from sts.errors import CrcMismatch
from sts.key_data import EncryptionAlgorithm, KeyRevisionNumber, SupplyGroupCode, TariffIndex
from sts.keys.decoder_key import DecoderKey
from sts.meter_number import MeterPan
from sts.token_identifier import TokenIdentifier
from sts.tokens.codec import TokenCodec
from sts.tokens.credit import Resource, TransferCredit
from sts.tokens.key_change import KeyChangeToken, Set1stSectionDecoderKey, key_change_tokens
from sts.units import TransferAmount
from sts.virtual_meter import Accepted, RefusalReason, Refused, VirtualMeter
from tests.support.sts_tokens import key_change

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hypothesis.stateful import MultipleResults

CODEC = TokenCodec()
SECTION_ORDER = {2: (3, 4), 4: (3, 8, 9, 4)}


@dataclass(frozen=True)
class Printed:
    """A token on paper: its digits, and what it was made of."""

    digits: str
    token: TransferCredit | KeyChangeToken
    key: DecoderKey


class MeterLife(RuleBasedStateMachine):
    """A meter beside the simplest account of what it should hold."""

    vouchers: Bundle[Printed] = Bundle("vouchers")
    sections: Bundle[Printed] = Bundle("sections")

    @initialize(algorithm=st.sampled_from([EncryptionAlgorithm.EA07, EncryptionAlgorithm.EA11]))
    def install(self, algorithm: EncryptionAlgorithm) -> None:
        """Put the meter up with a first key, nothing sold."""
        self.minute = 0
        self.revision = 1
        self.key = self.new_key(algorithm, seed=0)
        self.taken: set[int] = set()
        self.pending: dict[int, KeyChangeToken] = {}
        self.tenths = 0
        self.meter = VirtualMeter(
            pan=MeterPan.parse("600727000000000009"),
            codec=CODEC,
            decoder_key=self.key,
            supply_group_code=SupplyGroupCode("123457"),
            key_revision_number=KeyRevisionNumber(1),
            tariff_index=TariffIndex("01"),
        )

    @staticmethod
    def new_key(algorithm: EncryptionAlgorithm, seed: int) -> DecoderKey:
        return DecoderKey(bytes([seed % 256] * algorithm.key_octets), algorithm)

    def sell(self, tenths: int) -> Printed:
        self.minute += 1
        token = TransferCredit(
            resource=Resource.ELECTRICITY,
            amount=TransferAmount.covering(tenths),
            token_identifier=TokenIdentifier(self.minute),
            random=self.minute % 16,
        )
        return Printed(CODEC.encode(token, self.key), token, self.key)

    @rule(target=vouchers, tenths=st.integers(1, 10**6))
    def sell_for_later(self, tenths: int) -> Printed:
        """Print a voucher under the meter's present key; it may be entered at any time."""
        return self.sell(tenths)

    @rule(target=vouchers, count=st.integers(1, 60))
    def sell_and_enter(self, count: int) -> Printed:
        """Use the meter as most people do, until old vouchers fall out of its memory."""
        for _ in range(count):
            voucher = self.sell(1)
            self.enter_voucher(voucher)
        return voucher

    @rule(voucher=vouchers)
    def enter_voucher(self, voucher: Printed) -> None:
        """Enter a voucher for the first time, or again, or under a key that has gone."""
        outcome = self.meter.enter(voucher.digits)
        if voucher.key != self.key:
            self.check_not_for_this_meter(voucher, outcome)
            return
        assert isinstance(voucher.token, TransferCredit)
        minutes = voucher.token.token_identifier.minutes
        newest = sorted(self.taken)[-50:]
        if minutes in newest:
            assert isinstance(outcome, Refused)
            assert outcome.reason is RefusalReason.USED
        elif len(newest) == 50 and minutes < newest[0]:
            assert isinstance(outcome, Refused)
            assert outcome.reason is RefusalReason.OLD
        else:
            assert outcome == Accepted(voucher.token, outcome.words)
            self.taken.add(minutes)
            self.tenths += voucher.token.amount.tenths

    @rule(target=sections, rollover=st.booleans(), seed=st.integers(1, 255))
    def order_key_change(self, rollover: bool, seed: int) -> MultipleResults[Printed]:  # noqa: FBT001 (drawn)
        """Print the sections of a key change; several changes may be on paper at once."""
        self.revision = self.revision % 9 + 1
        change = replace(
            key_change(self.new_key(self.key.algorithm, seed), rollover=rollover),
            key_revision_number=KeyRevisionNumber(self.revision),
        )
        tokens: Sequence[KeyChangeToken] = key_change_tokens(change)
        return multiple(
            *(Printed(CODEC.encode(token, self.key), token, self.key) for token in tokens)
        )

    @rule(section=sections)
    def enter_section(self, section: Printed) -> None:
        """Enter any section: of this change or an earlier one, in any order, even twice."""
        outcome = self.meter.enter(section.digits)
        if section.key != self.key:
            self.check_not_for_this_meter(section, outcome)
            return
        assert isinstance(outcome, Accepted)
        assert not isinstance(section.token, TransferCredit)
        self.pending[section.token.subclass] = section.token
        order = SECTION_ORDER[self.key.algorithm.key_octets // 4]
        if set(order) <= set(self.pending):
            self.change_key([self.pending[subclass] for subclass in order])

    def change_key(self, sections: Sequence[KeyChangeToken]) -> None:
        octets = b"".join(section.key_word.to_bytes(4, "big") for section in sections)
        self.key = DecoderKey(octets, self.key.algorithm)
        first = sections[0]
        assert isinstance(first, Set1stSectionDecoderKey)
        assert self.meter.key_revision_number == first.key_revision_number
        if first.rollover:
            self.taken.clear()
        self.pending.clear()

    def check_not_for_this_meter(self, printed: Printed, outcome: Accepted | Refused) -> None:
        try:
            CODEC.decode(printed.digits, self.key)
        except CrcMismatch:
            assert isinstance(outcome, Refused)
            assert outcome.reason is RefusalReason.NOT_FOR_THIS_METER
        else:
            assume(False)  # noqa: FBT003 (one wrong key in 65536 fits the checksum by chance)

    @invariant()
    def the_meter_holds_what_was_sold_to_it_once(self) -> None:
        """Compare all that can be seen from outside."""
        assert self.meter.credit_tenths[Resource.ELECTRICITY] == self.tenths
        assert self.meter.decoder_key == self.key


TestMeterLife = MeterLife.TestCase
