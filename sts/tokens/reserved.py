"""What decoding reports when the standard gives a block no meaning."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

_MANAGEMENT_CLASS: Final = 2
_KEY_SECTION_SUBCLASSES: Final = frozenset({3, 4, 8, 9})


@dataclass(frozen=True, slots=True, kw_only=True)
class ReservedToken:
    """A block with a right checksum that is none of the known tokens, reported raw.

    Its class and subclass are reserved or proprietary; or they are known and a field
    holds what cannot exist: key revision 0 or above 9, tariff index above 99,
    manufacturer code with too many digits. Such a token is never encoded. For class 3
    not even the checksum is known.

    The payload of a broken key section is part of a key, so no repr shows a payload.
    """

    token_class: int
    subclass: int
    payload: int = field(repr=False)

    @property
    def holds_key_bits(self) -> bool:
        """Whether this is a key section that cannot be used; its payload is not shown."""
        return self.token_class == _MANAGEMENT_CLASS and self.subclass in _KEY_SECTION_SUBCLASSES
