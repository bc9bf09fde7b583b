"""Checks that the fields of several tokens share."""

from __future__ import annotations

from typing import Final

from sts.errors import InvalidField

_MAX_RANDOM: Final = 15
_MAX_OF_16_BITS: Final = 0xFFFF


def require_random(value: int) -> None:
    """Raise InvalidField unless `value` is RND, the 4 random bits of a token."""
    if not 0 <= value <= _MAX_RANDOM:
        raise InvalidField("random", f"{value} does not fit 4 bits", "0 to 15")


def require_16_bits(field: str, value: int) -> None:
    """Raise InvalidField that names `field` unless `value` fits 16 bits."""
    if not 0 <= value <= _MAX_OF_16_BITS:
        raise InvalidField(field, f"{value} does not fit 16 bits", "0 to 65535")
