"""Vending keys: a supply group's secret, from which the keys of all its meters are derived."""

from __future__ import annotations

import hmac
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sts.errors import InvalidField, KeyExpired
from sts.hazmat.des import DesCipher
from sts.key_data import DecoderKeyGenerationAlgorithm
from sts.keys.secret import CHECK_VALUE_OCTETS, SecretOctets, mac_check_value

if TYPE_CHECKING:
    from sts.base_date import BaseDate
    from sts.key_data import KeyExpiryNumber, KeyRevisionNumber, KeyType, SupplyGroupCode
    from sts.token_identifier import TokenIdentifier


@dataclass(frozen=True, slots=True, eq=False)
class VendingKey(SecretOctets):
    """One revision of a supply group's key, with all that travels with it.

    8 octets for DKGA02 and 20 for DKGA04. Parity bits are left as they come, since they
    take part in DKGA02. The repr shows the check value, never the octets.

    Raises InvalidField when the length does not fit the algorithm.
    """

    octets: bytes = field(repr=False)
    supply_group_code: SupplyGroupCode
    key_revision_number: KeyRevisionNumber
    key_type: KeyType
    base_date: BaseDate
    key_expiry_number: KeyExpiryNumber
    algorithm: DecoderKeyGenerationAlgorithm
    _des: DesCipher | None = field(init=False, repr=False)

    def __post_init__(self) -> None:
        if len(self.octets) != self.algorithm.key_octets:
            raise InvalidField(
                "vending key",
                f"it has {len(self.octets)} octets",
                f"{self.algorithm.key_octets} octets for DKGA{self.algorithm}",
            )
        is_des = self.algorithm is DecoderKeyGenerationAlgorithm.DKGA02
        object.__setattr__(self, "_des", DesCipher(self.octets) if is_des else None)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, VendingKey):
            return NotImplemented
        same_octets = hmac.compare_digest(self.octets, other.octets)
        return same_octets and self._public_facts() == other._public_facts()

    def __hash__(self) -> int:
        return hash(self._public_facts())

    def __repr__(self) -> str:
        return (
            f"VendingKey({self.supply_group_code} revision {self.key_revision_number}, "
            f"{self.key_type.name}, base {self.base_date.value}, DKGA{self.algorithm}, "
            f"check value {self.key_check_value})"
        )

    @property
    def key_check_value(self) -> str:
        """Six hex digits that name the key without telling it.

        DKGA02: the first 3 octets of the zero block under DES. DKGA04: the first 3 octets
        of HMAC-SHA-256 over 16 zero octets (not checked against any other system's).
        """
        return check_value_of(self.octets) if self._des is None else _des_check_value(self._des)

    def mix(self, message: bytes) -> bytes:
        """Return the one-way function at the heart of the key's DKGA, over `message`.

        DKGA02: DES of a message of 8 octets, xor the message, xor the key with all its
        64 bits. DKGA04: HMAC-SHA-256 over a message of any length.
        """
        if self._des is None:
            return hmac.digest(self.octets, message, "sha256")
        encrypted = int.from_bytes(self._des.encrypt(message), "big")
        mixed = encrypted ^ int.from_bytes(message, "big") ^ int.from_bytes(self.octets, "big")
        return mixed.to_bytes(8, "big")

    def require_valid_for(self, token_identifier: TokenIdentifier) -> None:
        """Let a token pass if the key has not expired at its identifier.

        Raises KeyExpired when the identifier's high byte exceeds the key expiry number.
        """
        require_unexpired(token_identifier, self.key_expiry_number)

    def _public_facts(self) -> tuple[object, ...]:
        return (
            self.supply_group_code,
            self.key_revision_number,
            self.key_type,
            self.base_date,
            self.key_expiry_number,
            self.algorithm,
        )


def require_unexpired(token_identifier: TokenIdentifier, expiry: KeyExpiryNumber) -> None:
    """Let a token pass if its key has not expired at its identifier; raises KeyExpired.

    A key has expired where the identifier's high byte exceeds the key expiry number.
    """
    if token_identifier.high_byte > expiry.value:
        raise KeyExpired(token_identifier.minutes, expiry.value)


def check_value_of(octets: bytes) -> str:
    """Return the key check value of a vending key's octets: 8 for DKGA02, 20 for DKGA04."""
    if len(octets) == DecoderKeyGenerationAlgorithm.DKGA02.key_octets:
        return _des_check_value(DesCipher(octets))
    return mac_check_value(octets)


def _des_check_value(des: DesCipher) -> str:
    return des.encrypt(bytes(8))[:CHECK_VALUE_OCTETS].hex().upper()
