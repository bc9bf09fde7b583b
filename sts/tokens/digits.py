"""The 20 digits that a customer types: 66 bits, the block with the class put in.

The class takes the place of bits 28 and 27 of the (encrypted) block, and those two
bits move to the top, bits 65 and 64 (IEC 62055-41, class insertion).
"""

from __future__ import annotations

import re
from typing import Final

from sts.errors import TokenMalformed

TOKEN_DIGITS: Final = 20
_TOKEN_BITS: Final = 66
_BLOCK_BITS: Final = 64
_CLASS_SHIFT: Final = 27
_CLASS_MASK: Final = 3 << _CLASS_SHIFT
_REST: Final = (1 << _BLOCK_BITS) - 1 & ~_CLASS_MASK
_GROUP: Final = 4
_GROUPED: Final = re.compile(r"[0-9]+(?:[ -][0-9]+)*")


def to_digits(token_class: int, cipher_block: int) -> str:
    """Return the 20 digits of a class 0 to 3 and a 64-bit (encrypted) block."""
    moved = (cipher_block & _CLASS_MASK) << (_BLOCK_BITS - _CLASS_SHIFT)
    return str(moved | cipher_block & _REST | token_class << _CLASS_SHIFT).zfill(TOKEN_DIGITS)


def from_digits(digits: str) -> tuple[int, int]:
    """Return class and 64-bit (encrypted) block of 20 digits; the counterpart of `to_digits`.

    Raises TokenMalformed unless they are 20 decimal digits below 2^66.
    """
    if not (len(digits) == TOKEN_DIGITS and digits.isascii() and digits.isdigit()):
        raise TokenMalformed(f"{digits[:24]!r} is not a token; expected {TOKEN_DIGITS} digits")
    number = int(digits)
    if number >> _TOKEN_BITS:
        raise TokenMalformed(f"{digits} is not a token; the largest is {(1 << _TOKEN_BITS) - 1}")
    moved = number >> (_BLOCK_BITS - _CLASS_SHIFT) & _CLASS_MASK
    return number >> _CLASS_SHIFT & 3, number & _REST | moved


def parse_token_digits(text: str) -> str:
    """Return the 20 digits of text as people write it, with spaces or dashes between groups.

    Raises TokenMalformed for anything else.
    """
    stripped = text.strip()
    if _GROUPED.fullmatch(stripped) is None:
        raise TokenMalformed(
            f"{text[:24]!r} is not a token; expected {TOKEN_DIGITS} digits, "
            "with a space or dash between groups at most",
        )
    digits = stripped.replace(" ", "").replace("-", "")
    from_digits(digits)
    return digits


def grouped(digits: str) -> str:
    """Return 20 digits as they are printed: "5104 3465 4434 2085 6213"."""
    return " ".join(digits[start : start + _GROUP] for start in range(0, len(digits), _GROUP))
