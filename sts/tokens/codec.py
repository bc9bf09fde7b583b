"""From a token to 20 digits and back: block, checksum, cipher, class, decimal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sts.errors import DecoderKeyMissing, InvalidField, TokenReserved
from sts.hazmat.sta import SAMPLE_TABLES, StaTables
from sts.tokens.block import DATA_BLOCK, open_block, seal
from sts.tokens.ciphers import decrypt, encrypt
from sts.tokens.credit import TransferCredit
from sts.tokens.digits import from_digits, to_digits
from sts.tokens.kinds import READERS, Token
from sts.tokens.reserved import ReservedToken

if TYPE_CHECKING:
    from sts.keys.decoder_key import DecoderKey

CLEAR_CLASS: Final = 1
"""Class 1 is never encrypted."""
RESERVED_CLASS: Final = 3
"""Class 3 has no meaning, and nothing says whether it would be encrypted."""


class TokenCodec:
    """Encodes and decodes tokens; holds the STA tables that EA07 uses and no keys.

    Without tables of your own it uses the sample set of IEC 62055-41, whose tokens
    no meter in the field accepts.
    """

    __slots__ = ("_tables",)

    def __init__(self, sta_tables: StaTables = SAMPLE_TABLES) -> None:
        self._tables = sta_tables

    @property
    def uses_sample_tables(self) -> bool:
        """Whether EA07 runs on the printed sample tables, good for tests only."""
        return self._tables.is_sample

    def block_of(self, token: Token | ReservedToken) -> int:
        """Return the 64-bit block of a token before encryption, checksum included.

        Raises TokenReserved for a ReservedToken.
        """
        if isinstance(token, ReservedToken):
            raise TokenReserved(
                f"class {token.token_class} subclass {token.subclass} is reserved as it stands "
                "and is not encoded",
            )
        return seal(token.token_class, token.subclass, token.payload)

    def encode(self, token: Token | ReservedToken, key: DecoderKey | None) -> str:
        """Return the 20 digits of a token for the meter with this decoder key.

        Class 1 needs no key. Raises TokenReserved for a ReservedToken,
        DecoderKeyMissing if a key is needed.
        """
        block = self.block_of(token)
        if token.token_class == CLEAR_CLASS:
            return to_digits(CLEAR_CLASS, block)
        return to_digits(token.token_class, encrypt(self._tables, _required(key), block))

    def decode(self, digits: str, key: DecoderKey | None) -> Token | ReservedToken:
        """Return the token of 20 digits, read with this decoder key; it encodes to them again.

        Class 1 needs no key. What is reserved is reported as ReservedToken, see there;
        class 3 without decryption or checksum. Raises TokenMalformed, DecoderKeyMissing
        if a key is needed, CrcMismatch, in this order.
        """
        token_class, block = from_digits(digits)
        if token_class == RESERVED_CLASS:
            return _class_3(block)
        subclass, payload = self._opened(token_class, block, key)
        try:
            return READERS[token_class, subclass](payload)
        except (KeyError, InvalidField):  # reserved, or known with a field that cannot exist
            return ReservedToken(token_class=token_class, subclass=subclass, payload=payload)

    def reads_back(self, digits: str, key: DecoderKey | None, token: Token) -> bool:
        """Return whether 20 digits, read with this decoder key, say what `token` says.

        What `decode(digits, key) == token` tells, with the same errors but for class 3, which has
        no checksum to be right.
        """
        if not isinstance(token, TransferCredit):
            return self.decode(digits, key) == token
        # Nearly all that is sold. The way back is the same; only the token that `decode` would
        # make at its end, for nobody to read, is spared.
        token_class, block = from_digits(digits)
        subclass, payload = self._opened(token_class, block, key)
        is_of_kind = token_class == token.token_class and subclass == token.subclass
        return is_of_kind and token.is_said_by(payload)

    def _opened(self, token_class: int, block: int, key: DecoderKey | None) -> tuple[int, int]:
        """Return subclass and payload of a block as it stands in the digits."""
        if token_class != CLEAR_CLASS:
            block = decrypt(self._tables, _required(key), block)
        return open_block(token_class, block)


def _class_3(block: int) -> ReservedToken:
    bits = DATA_BLOCK.unpack(block)
    return ReservedToken(
        token_class=RESERVED_CLASS, subclass=bits["subclass"], payload=bits["payload"]
    )


def _required(key: DecoderKey | None) -> DecoderKey:
    if key is None:
        raise DecoderKeyMissing("tokens of class 0 and 2 need the meter's decoder key")
    return key
