"""What every key class shares: it does not print, and it does not travel."""

from __future__ import annotations

import hmac
from typing import Final, NoReturn

CHECK_VALUE_OCTETS: Final = 3
"""How much of a one-way result names a key in logs: 24 bits tell keys apart and reveal nothing."""


class SecretOctets:
    """A base for dataclasses with a field `octets` that must not leave the process."""

    __slots__ = ()

    def __reduce__(self) -> NoReturn:
        """Refuse pickling and copying, which would write the octets out; raises TypeError."""
        raise TypeError(f"{type(self).__name__} is not pickled or copied: it holds a key")


def mac_check_value(octets: bytes) -> str:
    """Return the first 3 octets, in hex, of HMAC-SHA-256 under a key over 16 zero octets.

    It names a key to people and logs. It is this engine's custom, not checked against any
    other system's.
    """
    return hmac.digest(octets, bytes(16), "sha256")[:CHECK_VALUE_OCTETS].hex().upper()
