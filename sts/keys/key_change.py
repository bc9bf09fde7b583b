"""Key changes: what a meter is told when it moves to another key.

The tokens that carry this are made in `sts.tokens.key_change`; here is what they say.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sts.keys.decoder_key import DecoderKey, derive_decoder_key

if TYPE_CHECKING:
    from sts.key_data import (
        EncryptionAlgorithm,
        KeyExpiryNumber,
        KeyRevisionNumber,
        KeyType,
        SupplyGroupCode,
        TariffIndex,
    )
    from sts.keys.vending_key import VendingKey
    from sts.meter_number import MeterPan


@dataclass(frozen=True, slots=True)
class KeyChange:
    """A meter's new key and the facts that go with it, all of the NEW key."""

    new_key: DecoderKey
    supply_group_code: SupplyGroupCode
    tariff_index: TariffIndex
    key_revision_number: KeyRevisionNumber
    key_expiry_number: KeyExpiryNumber
    key_type: KeyType
    rollover: bool
    """RO: the meter forgets the token identifiers it has seen, as a new base date begins."""

    @property
    def key_words(self) -> tuple[int, ...]:
        """The new key in words of 32 bits, most significant first: two, or four for EA11."""
        octets = self.new_key.octets
        return tuple(
            int.from_bytes(octets[start : start + 4], "big") for start in range(0, len(octets), 4)
        )


def key_change_to(
    new: VendingKey,
    *,
    current: VendingKey,
    pan: MeterPan,
    tariff_index: TariffIndex,
    encryption_algorithm: EncryptionAlgorithm,
) -> KeyChange:
    """Return what a meter under `current` must be told to move to `new`.

    `tariff_index` is the new one. The meter's token memory is cleared exactly when the
    base dates differ, since its identifiers start again from a later moment (STS 531 CTSA26).

    Raises AlgorithmRefused when `new` makes no keys for the meter's encryption algorithm.
    """
    return KeyChange(
        new_key=derive_decoder_key(
            new, pan=pan, tariff_index=tariff_index, encryption_algorithm=encryption_algorithm
        ),
        supply_group_code=new.supply_group_code,
        tariff_index=tariff_index,
        key_revision_number=new.key_revision_number,
        key_expiry_number=new.key_expiry_number,
        key_type=new.key_type,
        rollover=new.base_date is not current.base_date,
    )
