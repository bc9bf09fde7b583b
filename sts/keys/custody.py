"""Custody: a secret of chance in shares, of which some number opens a sealed key file.

Shamir's scheme in GF(2^128), from pycryptodome. Fewer shares than are needed tell nothing at
all. A share is 40 letters and digits in eight groups, made to be printed and typed: it carries
its number, how many are needed, which set it is of, and a checksum over all of it.
"""

from __future__ import annotations

import hashlib
import hmac
import struct
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from Crypto.Protocol.SecretSharing import Shamir

from sts.errors import InvalidField, ShareInvalid
from sts.keys.sealing import CUSTODY_OCTETS, Custody, OpenedBy, OpeningSecret
from sts.keys.secret import SecretOctets

if TYPE_CHECKING:
    from collections.abc import Iterable

FEWEST_NEEDED: Final = 2
MOST_CUSTODIANS: Final = 15
SHARE_SET_OCTETS: Final = 3

_SHARE: Final = struct.Struct(f">B {SHARE_SET_OCTETS}s {CUSTODY_OCTETS}s")
"""Needed and number (4 bits each), set, the share's own 16 octets."""
_CHECKSUM_OCTETS: Final = 5
_SYMBOLS: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
"""Crockford's base 32: no I, L, O or U, which are misread."""
_MISREAD: Final = str.maketrans("ILO", "110", " -\t\r\n")
_LENGTH: Final = 40
_GROUP: Final = 5


@dataclass(frozen=True, slots=True, eq=False)
class Share(SecretOctets):
    """One custodian's part of the secret; its repr shows which, and not what.

    Raises InvalidField for numbers that cannot be.
    """

    octets: bytes = field(repr=False)
    number: int
    needed: int
    share_set: bytes

    def __post_init__(self) -> None:
        require_custodians(self.needed, self.number, self.number)
        if (len(self.octets), len(self.share_set)) != (CUSTODY_OCTETS, SHARE_SET_OCTETS):
            raise InvalidField("share", "its length is wrong", f"{CUSTODY_OCTETS} octets")

    @classmethod
    def parse(cls, text: str) -> Share:
        """Return the share that somebody has typed; raises ShareInvalid, which never shows it."""
        symbols = text.upper().translate(_MISREAD)
        if len(symbols) != _LENGTH or not set(symbols) <= set(_SYMBOLS):
            raise ShareInvalid(f"a share is {_LENGTH} letters and digits, in groups of {_GROUP}")
        number = 0
        for symbol in symbols:
            number = number << 5 | _SYMBOLS.index(symbol)
        octets = number.to_bytes(_LENGTH * 5 // 8, "big")
        said, checksum = octets[: _SHARE.size], octets[_SHARE.size :]
        if not hmac.compare_digest(_checksum_of(said), checksum):
            raise ShareInvalid("this share is mistyped: its checksum is wrong")
        both, share_set, own = _SHARE.unpack(said)
        try:
            return cls(own, both & 0xF, both >> 4, share_set)
        except InvalidField:
            raise ShareInvalid("this is no share: its numbers cannot be") from None

    def text(self) -> str:
        """Return the share in groups, as it is printed; this is the secret itself."""
        said = _SHARE.pack(self.needed << 4 | self.number, self.share_set, self.octets)
        number = int.from_bytes(said + _checksum_of(said), "big")
        symbols = "".join(_SYMBOLS[number >> 5 * at & 31] for at in reversed(range(_LENGTH)))
        return "-".join(symbols[at : at + _GROUP] for at in range(0, _LENGTH, _GROUP))


class Custodians:
    """Takes the shares that open one file, in any order, and joins them."""

    def __init__(self, custody: Custody) -> None:
        self._custody = custody
        self._shares: dict[int, bytes] = {}

    @property
    def missing(self) -> int:
        """How many shares are still to come."""
        return self._custody.needed - len(self._shares)

    def add(self, share: Share) -> None:
        """Take a share; raises ShareInvalid for one of another set or that is there already."""
        if (share.share_set, share.needed) != (self._custody.share_set, self._custody.needed):
            raise ShareInvalid(
                f"this share is of set {set_name(share.share_set)}; "
                f"the file is opened by set {set_name(self._custody.share_set)}"
            )
        if share.number in self._shares:
            raise ShareInvalid(f"share {share.number} is there already; another one is needed")
        self._shares[share.number] = share.octets

    def secret(self) -> OpeningSecret:
        """Return what the shares make; raises ShareInvalid while some are missing."""
        if self.missing:
            raise ShareInvalid(f"{self.missing} more of the shares are needed")
        return OpeningSecret(Shamir.combine(list(self._shares.items())), OpenedBy.CUSTODIANS)

    def __repr__(self) -> str:
        return f"Custodians({len(self._shares)} of {self._custody.needed} shares)"


def shares_of(parts: Iterable[tuple[int, bytes]], *, needed: int, share_set: bytes) -> list[Share]:
    """Return the shares of what Shamir's scheme has split; raises InvalidField.

    Splitting takes chance, so whoever calls this has done it.
    """
    return [Share(octets, number, needed, share_set) for number, octets in parts]


def require_custodians(needed: int, number: int, custodians: int) -> None:
    """Let pass what can be a share; raises InvalidField."""
    if not FEWEST_NEEDED <= needed <= MOST_CUSTODIANS:
        raise InvalidField(
            "shares needed", f"{needed} is not that", f"{FEWEST_NEEDED} to {MOST_CUSTODIANS}"
        )
    if not 1 <= number <= custodians <= MOST_CUSTODIANS:
        raise InvalidField(
            "custodians", f"{custodians} is not that", f"as many as needed, to {MOST_CUSTODIANS}"
        )


def set_name(share_set: bytes) -> str:
    """Return the name of a set of shares, which is no secret."""
    return share_set.hex().upper()


def _checksum_of(said: bytes) -> bytes:
    return hashlib.sha256(b"sts share 1" + said).digest()[:_CHECKSUM_OCTETS]
