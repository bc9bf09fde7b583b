"""Tokens as people type them, and any 20 digits, read under keys of every cipher."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from sts.describe import describe
from sts.errors import TokenError
from sts.hazmat.sta import SAMPLE_TABLES
from sts.key_data import EncryptionAlgorithm, KeyRevisionNumber, SupplyGroupCode, TariffIndex
from sts.keys.decoder_key import DecoderKey
from sts.meter_number import MeterPan
from sts.tokens.block import seal
from sts.tokens.ciphers import encrypt
from sts.tokens.codec import CLEAR_CLASS, TokenCodec
from sts.tokens.digits import parse_token_digits, to_digits
from sts.tokens.reserved import ReservedToken
from sts.virtual_meter import VirtualMeter

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

WORDS: Final = ("00000000000000000000", " ", "-")
_CODEC: Final = TokenCodec()
_KEYS: Final = (
    DecoderKey(bytes(range(8)), EncryptionAlgorithm.EA07),
    DecoderKey(bytes(range(8)), EncryptionAlgorithm.EA09),
    DecoderKey(bytes(range(16)), EncryptionAlgorithm.EA11),
)
_IS_BLOCK: Final = 0x80
"""In the first octet: what follows is a class and a block, whose checksum is made right."""
_BLOCK_OCTETS: Final = 8


@contextmanager
def opened() -> Iterator[Callable[[bytes], None]]:
    """Give what reads one input: an octet that says under which key and how, and the rest."""
    yield _read


def _read(data: bytes) -> None:
    head, rest = (data[:1] or b"\0")[0], data[1:]
    key = _KEYS[head % len(_KEYS)]
    text = _written(rest, key) if head & _IS_BLOCK else rest.decode("utf-8", "replace")
    try:
        digits = parse_token_digits(text)
        token = _CODEC.decode(digits, key)
    except TokenError:
        return
    describe(token)
    if not isinstance(token, ReservedToken):
        assert _CODEC.encode(token, key) == digits
    _meter(key).enter(digits)


def _written(octets: bytes, key: DecoderKey) -> str:
    """Return the digits of a class, then subclass and data, with the checksum that they need."""
    token_class = (octets[:1] or b"\0")[0] & 3
    said = int.from_bytes(octets[1 : 1 + _BLOCK_OCTETS], "big") >> 16
    block = seal(token_class, said >> 44, said & (1 << 44) - 1)
    if token_class != CLEAR_CLASS:
        block = encrypt(SAMPLE_TABLES, key, block)
    return to_digits(token_class, block)


def _meter(key: DecoderKey) -> VirtualMeter:
    return VirtualMeter(
        pan=MeterPan.parse("600727000000000009"),
        codec=_CODEC,
        decoder_key=key,
        supply_group_code=SupplyGroupCode("123457"),
        key_revision_number=KeyRevisionNumber(1),
        tariff_index=TariffIndex("01"),
    )
