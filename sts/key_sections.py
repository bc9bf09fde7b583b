"""What a meter does with the sections of a key change: collect them, then join them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from sts.key_data import EncryptionAlgorithm, KeyExpiryNumber, SupplyGroupCode
from sts.keys.decoder_key import DecoderKey
from sts.tokens.key_change import (
    KeyChangeToken,
    Set1stSectionDecoderKey,
    Set2ndSectionDecoderKey,
    Set3rdSectionDecoderKey,
    Set4thSectionDecoderKey,
)

if TYPE_CHECKING:
    from sts.key_data import KeyRevisionNumber, KeyType, TariffIndex

_OCTETS_OF_TWO_SECTIONS: Final = 8
_WORD_OCTETS: Final = 4


@dataclass(frozen=True, slots=True)
class ReceivedKey:
    """All that a complete set of sections tells a meter; the counterpart of KeyChange.

    `supply_group_code` is None for a 64-bit key, whose two sections do not carry it.
    """

    decoder_key: DecoderKey
    key_revision_number: KeyRevisionNumber
    key_type: KeyType
    key_expiry_number: KeyExpiryNumber
    tariff_index: TariffIndex
    supply_group_code: SupplyGroupCode | None
    rollover: bool


@dataclass(frozen=True, slots=True)
class KeySections:
    """The sections that a meter holds so far, at most one of each, in no order.

    Nothing in a section says to which key change it belongs, so sections of two sets
    can be mixed: the latest of each counts.
    """

    algorithm: EncryptionAlgorithm
    first: Set1stSectionDecoderKey | None = None
    second: Set2ndSectionDecoderKey | None = None
    third: Set3rdSectionDecoderKey | None = None
    fourth: Set4thSectionDecoderKey | None = None

    @property
    def needed(self) -> int:
        """How many sections make a key of this algorithm: 2 or 4."""
        return 2 if self.algorithm.key_octets == _OCTETS_OF_TWO_SECTIONS else 4

    @property
    def held(self) -> int:
        """How many different sections are here."""
        return 4 - (self.first, self.second, self.third, self.fourth).count(None)

    def has_place_for(self, section: KeyChangeToken) -> bool:
        """Whether keys of this algorithm have such a section; 64-bit keys have no 3rd and 4th."""
        only_long = isinstance(section, Set3rdSectionDecoderKey | Set4thSectionDecoderKey)
        return self.needed > 2 or not only_long  # noqa: PLR2004 (two sections or four)

    def with_section(self, section: KeyChangeToken) -> KeySections:
        """Return the sections with this one added; it replaces an earlier one of its kind."""
        if isinstance(section, Set1stSectionDecoderKey):
            return replace(self, first=section)
        if isinstance(section, Set2ndSectionDecoderKey):
            return replace(self, second=section)
        if isinstance(section, Set3rdSectionDecoderKey):
            return replace(self, third=section)
        return replace(self, fourth=section)

    def received_key(self) -> ReceivedKey | None:
        """Return the key that the sections make, or None while one is missing.

        Raises InvalidField if together they name a supply group code above 999999,
        which can only come of sections that were made for different keys.
        """
        first, second, third, fourth = self.first, self.second, self.third, self.fourth
        if first is None or second is None:
            return None
        words, supply_group = [first.key_word, second.key_word], None
        if self.needed > len(words):
            if third is None or fourth is None:
                return None
            words[1:1] = [third.key_word, fourth.key_word]
            number = fourth.supply_group_high << 12 | third.supply_group_low
            supply_group = SupplyGroupCode(f"{number:06}")
        octets = b"".join(word.to_bytes(_WORD_OCTETS, "big") for word in words)
        return ReceivedKey(
            decoder_key=DecoderKey(octets, self.algorithm),
            key_revision_number=first.key_revision_number,
            key_type=first.key_type,
            key_expiry_number=KeyExpiryNumber(
                first.key_expiry_number_high << 4 | second.key_expiry_number_low
            ),
            tariff_index=second.tariff_index,
            supply_group_code=supply_group,
            rollover=first.rollover,
        )
