"""Decoder keys: the secret inside one meter, and how it is derived from a vending key.

    DKGA02:  x = PAN block xor control block;  key = DES(vending key, x) xor x xor vending key
    DKGA04:  key = the first octets of HMAC-SHA-256(vending key, labels and context)

IEC 62055-41, clauses on DKGA02 and DKGA04. DKGA01 and DKGA03 are refused when parsed.
"""

from __future__ import annotations

import hmac
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from sts.errors import AlgorithmRefused, InvalidField
from sts.key_data import DecoderKeyGenerationAlgorithm, EncryptionAlgorithm, KeyType
from sts.keys.secret import SecretOctets, mac_check_value

if TYPE_CHECKING:
    from sts.key_data import KeyRevisionNumber, SupplyGroupCode, TariffIndex
    from sts.keys.vending_key import VendingKey
    from sts.meter_number import MeterPan

_DKGA02: Final = DecoderKeyGenerationAlgorithm.DKGA02
_REFUSED: Final = (
    (_DKGA02, EncryptionAlgorithm.EA11),
    (DecoderKeyGenerationAlgorithm.DKGA04, EncryptionAlgorithm.EA09),
)
_PAN_BLOCK_DIGITS: Final = 16


@dataclass(frozen=True, slots=True, eq=False)
class DecoderKey(SecretOctets):
    """The key of one meter: 16 octets for EA11, else 8, in natural (big-endian) order.

    Some systems keep 64-bit decoder keys with their octets reversed; nothing here does.
    The repr shows the check value, never the octets.

    Raises InvalidField when the length does not fit the algorithm.
    """

    octets: bytes = field(repr=False)
    algorithm: EncryptionAlgorithm

    def __post_init__(self) -> None:
        if len(self.octets) != self.algorithm.key_octets:
            raise InvalidField(
                "decoder key",
                f"it has {len(self.octets)} octets",
                f"{self.algorithm.key_octets} octets for EA{self.algorithm}",
            )

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, DecoderKey):
            return NotImplemented
        same_octets = hmac.compare_digest(self.octets, other.octets)
        return same_octets and self.algorithm is other.algorithm

    def __hash__(self) -> int:
        return hash((self.octets, self.algorithm))

    def __repr__(self) -> str:
        return f"DecoderKey(EA{self.algorithm}, check value {self.key_check_value})"

    @property
    def number(self) -> int:
        """The octets as one big-endian number."""
        return int.from_bytes(self.octets, "big")

    @property
    def key_check_value(self) -> str:
        """Six hex digits that name the key without telling it; this engine's own custom."""
        return mac_check_value(self.octets)


def derive_decoder_key(
    vending_key: VendingKey,
    *,
    pan: MeterPan,
    tariff_index: TariffIndex,
    encryption_algorithm: EncryptionAlgorithm,
) -> DecoderKey:
    """Derive the key of one meter, by the algorithm of its supply group's vending key.

    Raises AlgorithmRefused when that algorithm makes no keys for `encryption_algorithm`:
    EA11 needs DKGA04, and EA09 needs DKGA02.
    """
    algorithm = vending_key.algorithm
    if (algorithm, encryption_algorithm) in _REFUSED:
        raise AlgorithmRefused(
            f"DKGA{algorithm} makes no decoder keys for EA{encryption_algorithm}"
        )
    if algorithm is _DKGA02:
        message = _dkga02_message(vending_key, pan, tariff_index)
    else:
        message = dkga04_message(vending_key, pan, tariff_index, encryption_algorithm)
    octets = vending_key.mix(message)[: encryption_algorithm.key_octets]
    return DecoderKey(octets, encryption_algorithm)


def pan_block(pan: MeterPan, key_type: KeyType) -> bytes:
    """Return the 16 digits of the PAN block as 8 octets, two digits each.

    The DRN after as many last digits of the IIN as there is room for: five before 11
    digits, three before 13. Under a common key the DRN is all zeros. The PAN's check
    digit has no part in it. Initialisation keys are treated like unique ones, which the
    standard does not settle: unverified, for tests.
    """
    drn = pan.decoder.digits
    issuer = pan.issuer.digits[len(drn) - _PAN_BLOCK_DIGITS :]
    return bytes.fromhex(issuer + ("0" * len(drn) if key_type is KeyType.COMMON else drn))


def control_block(
    *,
    key_type: KeyType,
    supply_group_code: SupplyGroupCode,
    tariff_index: TariffIndex,
    key_revision_number: KeyRevisionNumber,
) -> bytes:
    """Return KT (1), SGC (6), TI (2), KRN (1) and six F as 8 octets, a hex digit each."""
    group, revision = supply_group_code.digits, key_revision_number.value
    return _control_number(key_type, group, tariff_index.digits, revision).to_bytes(8, "big")


def _dkga02_message(vending_key: VendingKey, pan: MeterPan, tariff_index: TariffIndex) -> bytes:
    key_type = vending_key.key_type
    control = _control_number(
        key_type,
        vending_key.supply_group_code.digits,
        tariff_index.digits,
        vending_key.key_revision_number.value,
    )
    return (int.from_bytes(pan_block(pan, key_type), "big") ^ control).to_bytes(8, "big")


@lru_cache(maxsize=1024)  # the meters of a supply group share a few, and they are no secret
def _control_number(key_type: int, group: str, tariff_index: str, revision: int) -> int:
    return int(f"{int(key_type)}{group}{tariff_index}{revision}FFFFFF", 16)


def dkga04_message(
    vending_key: VendingKey,
    pan: MeterPan,
    tariff_index: TariffIndex,
    encryption_algorithm: EncryptionAlgorithm,
) -> bytes:
    """Return the 49 octets that DKGA04 signs: each field a length and then ASCII.

    Four labels, four of context, and the key's length in bits. The PAN is whole, with its
    check digit, under common keys too (which is unverified).
    """
    base_date, key_type = vending_key.base_date.two_digits, int(vending_key.key_type)
    group, revision = vending_key.supply_group_code.digits, vending_key.key_revision_number.value
    labels = f"\x0204\x02{base_date}\x02{encryption_algorithm}\x02{tariff_index.digits}"
    context = f"\x06{group}\x01{key_type}\x01{revision}\x12{pan.digits}"
    key_bits = (encryption_algorithm.key_octets * 8).to_bytes(4, "big")
    return f"\x04{labels}\x00\x04{context}".encode("ascii") + key_bits
