"""Class 2, subclasses 3, 4, 8 and 9: give a meter its next decoder key, in sections.

    64-bit keys    section 3: bytes 0-3                                    section 4: bytes 4-7
    128-bit keys   section 3: bytes 0-3   8: bytes 4-7   9: bytes 8-11     section 4: bytes 12-15

All are encrypted under the key that the meter has now; everything in them is about
the key that it gets. They carry no identifier: a meter takes them in any order.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar, Final, Self, TypeAlias

from sts.bits import BitLayout, Field
from sts.errors import InvalidField
from sts.key_data import KeyRevisionNumber, KeyType, TariffIndex
from sts.keys.secret import SecretOctets

if TYPE_CHECKING:
    from sts.keys.key_change import KeyChange

FIRST_SECTION_PAYLOAD: Final = BitLayout(  # IEC 62055-41, Set1stSectionDecoderKey
    fields=(
        Field("key_expiry_number_high", 4),  # KENHO
        Field("key_revision_number", 4),
        Field("rollover", 1),
        Field("third_key_change_token", 1),  # 3KCT; reserved 0 in 128-bit sets
        Field("key_type", 2),
        Field("key_word", 32),  # NKHO
    ),
    total=44,
)
SECOND_SECTION_PAYLOAD: Final = BitLayout(  # IEC 62055-41, Set2ndSectionDecoderKey
    fields=(
        Field("key_expiry_number_low", 4),  # KENLO
        Field("tariff_index", 8),  # binary, not BCD
        Field("key_word", 32),  # NKLO
    ),
    total=44,
)
THIRD_SECTION_PAYLOAD: Final = BitLayout(  # IEC 62055-41, Set3rdSectionDecoderKey
    fields=(Field("supply_group_low", 12), Field("key_word", 32)),  # SGCLO, NKMO2
    total=44,
)
FOURTH_SECTION_PAYLOAD: Final = BitLayout(  # IEC 62055-41, Set4thSectionDecoderKey
    fields=(Field("supply_group_high", 12), Field("key_word", 32)),  # SGCHO, NKMO1
    total=44,
)
SUBCLASSES_OF_A_SET: Final = {8: (3, 4), 16: (3, 8, 9, 4)}
"""The sections of a key change by the octets of the key, in the order of these octets."""
_SECTIONS_OF_64_BIT_KEYS: Final = 2
_MAX_NIBBLE: Final = 15
_MAX_12_BITS: Final = 0xFFF
_MAX_32_BITS: Final = 0xFFFF_FFFF


@dataclass(frozen=True, slots=True, kw_only=True)
class KeySection(SecretOctets):
    """What the four sections have in common: 32 bits of the new key; not a token by itself.

    The key word shows in no repr and no error, and pickling is refused with
    TypeError. Raises InvalidField if it does not fit 32 bits.
    """

    token_class: ClassVar[int] = 2

    key_word: int = field(repr=False)

    def __post_init__(self) -> None:
        if not 0 <= self.key_word <= _MAX_32_BITS:
            raise InvalidField("key word", "it does not fit", "32 bits")


@dataclass(frozen=True, slots=True, kw_only=True)
class Set1stSectionDecoderKey(KeySection):
    """Bytes 0 to 3 of the new key, its revision, type and the high half of its KEN.

    `rollover` tells the meter to forget the identifiers it has seen, as it must
    when the base date changes. `third_key_change_token` announces a third token to
    a meter with 64-bit keys; its layout is unverified and this engine makes none.

    Raises InvalidField if `key_expiry_number_high` does not fit 4 bits.
    """

    subclass: ClassVar[int] = 3

    key_expiry_number_high: int
    key_revision_number: KeyRevisionNumber
    rollover: bool
    key_type: KeyType
    third_key_change_token: bool = False

    def __post_init__(self) -> None:
        KeySection.__post_init__(self)
        _require_fits("key expiry number, high half", self.key_expiry_number_high, _MAX_NIBBLE)

    @property
    def payload(self) -> int:
        """The 44 bits after the subclass."""
        return FIRST_SECTION_PAYLOAD.pack(
            key_expiry_number_high=self.key_expiry_number_high,
            key_revision_number=self.key_revision_number.value,
            rollover=int(self.rollover),
            third_key_change_token=int(self.third_key_change_token),
            key_type=int(self.key_type),
            key_word=self.key_word,
        )

    @classmethod
    def from_payload(cls, payload: int) -> Self:
        """Return the section of 44 bits; raises InvalidField for a revision that is not 1 to 9."""
        bits = FIRST_SECTION_PAYLOAD.unpack(payload)
        return cls(
            key_expiry_number_high=bits["key_expiry_number_high"],
            key_revision_number=KeyRevisionNumber(bits["key_revision_number"]),
            rollover=bool(bits["rollover"]),
            key_type=KeyType(bits["key_type"]),
            third_key_change_token=bool(bits["third_key_change_token"]),
            key_word=bits["key_word"],
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Set2ndSectionDecoderKey(KeySection):
    """The last four bytes of the new key, its tariff index and the low half of its KEN.

    Raises InvalidField if `key_expiry_number_low` does not fit 4 bits.
    """

    subclass: ClassVar[int] = 4

    key_expiry_number_low: int
    tariff_index: TariffIndex

    def __post_init__(self) -> None:
        KeySection.__post_init__(self)
        _require_fits("key expiry number, low half", self.key_expiry_number_low, _MAX_NIBBLE)

    @property
    def payload(self) -> int:
        """The 44 bits after the subclass."""
        return SECOND_SECTION_PAYLOAD.pack(
            key_expiry_number_low=self.key_expiry_number_low,
            tariff_index=int(self.tariff_index.digits),
            key_word=self.key_word,
        )

    @classmethod
    def from_payload(cls, payload: int) -> Self:
        """Return the section of 44 bits; raises InvalidField for a tariff index above 99."""
        bits = SECOND_SECTION_PAYLOAD.unpack(payload)
        return cls(
            key_expiry_number_low=bits["key_expiry_number_low"],
            tariff_index=TariffIndex(f"{bits['tariff_index']:02}"),
            key_word=bits["key_word"],
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Set3rdSectionDecoderKey(KeySection):
    """Bytes 4 to 7 of a 128-bit key and the low 12 bits of its supply group code.

    The standard calls the word NKMO2, as if it were the third; compliance tokens
    show that it is the second. Raises InvalidField beyond 12 bits.
    """

    subclass: ClassVar[int] = 8

    supply_group_low: int

    def __post_init__(self) -> None:
        KeySection.__post_init__(self)
        _require_fits("supply group code, low half", self.supply_group_low, _MAX_12_BITS)

    @property
    def payload(self) -> int:
        """The 44 bits after the subclass."""
        return THIRD_SECTION_PAYLOAD.pack(
            supply_group_low=self.supply_group_low, key_word=self.key_word
        )

    @classmethod
    def from_payload(cls, payload: int) -> Self:
        """Return the section of 44 bits; the counterpart of `payload`."""
        return cls(**THIRD_SECTION_PAYLOAD.unpack(payload))


@dataclass(frozen=True, slots=True, kw_only=True)
class Set4thSectionDecoderKey(KeySection):
    """Bytes 8 to 11 of a 128-bit key and the high 12 bits of its supply group code.

    Raises InvalidField beyond 12 bits.
    """

    subclass: ClassVar[int] = 9

    supply_group_high: int

    def __post_init__(self) -> None:
        KeySection.__post_init__(self)
        _require_fits("supply group code, high half", self.supply_group_high, _MAX_12_BITS)

    @property
    def payload(self) -> int:
        """The 44 bits after the subclass."""
        return FOURTH_SECTION_PAYLOAD.pack(
            supply_group_high=self.supply_group_high, key_word=self.key_word
        )

    @classmethod
    def from_payload(cls, payload: int) -> Self:
        """Return the section of 44 bits; the counterpart of `payload`."""
        return cls(**FOURTH_SECTION_PAYLOAD.unpack(payload))


KeyChangeToken: TypeAlias = (
    Set1stSectionDecoderKey
    | Set2ndSectionDecoderKey
    | Set3rdSectionDecoderKey
    | Set4thSectionDecoderKey
)


def key_change_tokens(change: KeyChange) -> tuple[KeyChangeToken, ...]:
    """Return the tokens of a key change in the order of the key's bytes: 3, 4 or 3, 8, 9, 4.

    Two for a 64-bit key, four for a 128-bit one. A 64-bit set cannot tell the meter
    its new supply group code.
    """
    words = change.key_words
    expiry = change.key_expiry_number.value
    first = Set1stSectionDecoderKey(
        key_expiry_number_high=expiry >> 4,
        key_revision_number=change.key_revision_number,
        rollover=change.rollover,
        key_type=change.key_type,
        key_word=words[0],
    )
    last = Set2ndSectionDecoderKey(
        key_expiry_number_low=expiry & _MAX_NIBBLE,
        tariff_index=change.tariff_index,
        key_word=words[-1],
    )
    if len(words) == _SECTIONS_OF_64_BIT_KEYS:
        return first, last
    supply_group = int(change.supply_group_code.digits)
    third = Set3rdSectionDecoderKey(supply_group_low=supply_group & _MAX_12_BITS, key_word=words[1])
    fourth = Set4thSectionDecoderKey(supply_group_high=supply_group >> 12, key_word=words[2])
    return first, third, fourth, last


def _require_fits(name: str, value: int, maximum: int) -> None:
    if not 0 <= value <= maximum:
        raise InvalidField(name, f"{value} does not fit", f"0 to {maximum}")
