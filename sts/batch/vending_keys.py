"""The vending keys of a key store as arrays that kernels look up by the place of a row's key."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import numpy as np

from sts.batch.compiled import u32, u64
from sts.batch.kernels import des, sha256
from sts.key_data import (
    DecoderKeyGenerationAlgorithm,
    EncryptionAlgorithm,
    KeyType,
    TariffIndex,
)
from sts.keys.decoder_key import control_block, dkga04_message
from sts.keys.secret import SecretOctets
from sts.meter_number import MeterPan
from sts.security_module import KEY_TYPES_WITHOUT_CREDIT

if TYPE_CHECKING:
    from sts.batch.compiled import Flags, HalfWords, Numbers, Words
    from sts.keys.key_file import KeyStore
    from sts.keys.vending_key import VendingKey

NO_TARIFF_INDEX: Final = TariffIndex("00")
_ANY_PAN: Final = MeterPan.parse("600727000000000009")
_MESSAGE_OCTETS: Final = 49
_BLOCK_OCTETS: Final = 64
_PLACES_OF_ROW: Final = (11, 12, *range(27, 45))
"""Octets of the message that differ from meter to meter: tariff index and PAN."""


@dataclass(frozen=True, slots=True, eq=False)
class VendingKeyColumns(SecretOctets):
    """What the kernels need of each vending key, one row a key; no repr shows any of it."""

    places: Words = field(repr=False)
    """Supply group and revision in rising order, a nibble a digit."""
    order: Numbers = field(repr=False)
    """Which key stands at each place."""
    is_dkga04: Flags = field(repr=False)
    no_credit: Flags = field(repr=False)
    is_common: Flags = field(repr=False)
    group: Words = field(repr=False)
    revision: Words = field(repr=False)
    key_type: Words = field(repr=False)
    base_date: Words = field(repr=False)
    expiry: Numbers = field(repr=False)
    control: Words = field(repr=False)
    """The control block with tariff index 00 (DKGA02)."""
    octets: Words = field(repr=False)
    """The 8 octets of a key for DKGA02."""
    schedules: Words = field(repr=False)
    """Its DES key schedule."""
    states: HalfWords = field(repr=False)
    """SHA-256 once it has taken in a key for DKGA04, inner and outer."""
    templates: dict[int, HalfWords] = field(repr=False)
    """By EA: the message that DKGA04 signs, without what is the row's."""

    @classmethod
    def of(cls, store: KeyStore) -> VendingKeyColumns:
        """Return the keys of a store."""
        keys = list(store)
        numbers = [int(str(key.supply_group_code)) for key in keys]
        # Six decimal digits read as hexadecimal are a nibble a digit.
        places = np.array(
            [int(f"{key.supply_group_code}{key.key_revision_number}", 16) for key in keys], u64
        )
        order = np.argsort(places)
        is_dkga04 = [key.algorithm is DecoderKeyGenerationAlgorithm.DKGA04 for key in keys]
        # A key takes part in one of the two algorithms, and is nothing in the arrays of the other.
        short = [bytes(8) if new else key.octets for key, new in zip(keys, is_dkga04, strict=True)]
        long = [key.octets if new else b"" for key, new in zip(keys, is_dkga04, strict=True)]
        return cls(
            places=places[order],
            order=order.astype(np.int64),
            is_dkga04=np.array(is_dkga04, np.bool_),
            no_credit=np.array(
                [key.key_type in KEY_TYPES_WITHOUT_CREDIT for key in keys], np.bool_
            ),
            is_common=np.array([key.key_type is KeyType.COMMON for key in keys], np.bool_),
            group=np.array(numbers, u64),
            revision=np.array([key.key_revision_number.value for key in keys], u64),
            key_type=np.array([int(key.key_type) for key in keys], u64),
            base_date=np.array([key.base_date.value for key in keys], u64),
            expiry=np.array([key.key_expiry_number.value for key in keys], np.int64),
            control=np.array([_control(key) for key in keys], u64),
            octets=np.array([int.from_bytes(octets) for octets in short], u64),
            schedules=np.array([*map(des.round_keys, short)], u64).reshape(-1, 16, 2),
            states=np.array([*map(sha256.absorbed, long)], u32).reshape(-1, 2, 8),
            templates={
                int(ea): np.array([_template(key, ea) for key in keys], u32).reshape(-1, 16)
                for ea in (EncryptionAlgorithm.EA07, EncryptionAlgorithm.EA11)
            },
        )


def _control(key: VendingKey) -> int:
    block = control_block(
        key_type=key.key_type,
        supply_group_code=key.supply_group_code,
        tariff_index=NO_TARIFF_INDEX,
        key_revision_number=key.key_revision_number,
    )
    return int.from_bytes(block, "big")


def _template(key: VendingKey, algorithm: EncryptionAlgorithm) -> HalfWords:
    """Return the padded message of DKGA04 with zeros in place of tariff index and PAN."""
    message = bytearray(dkga04_message(key, _ANY_PAN, NO_TARIFF_INDEX, algorithm))
    for place in _PLACES_OF_ROW:
        message[place] = 0
    bits = (_BLOCK_OCTETS + _MESSAGE_OCTETS) * 8
    padded = bytes(message) + b"\x80" + bytes(6) + bits.to_bytes(8, "big")
    return sha256.words_of(padded)
