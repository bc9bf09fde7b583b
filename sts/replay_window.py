"""The identifiers that a meter remembers, so that no token works twice."""

from __future__ import annotations

from bisect import bisect_left
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from sts.token_identifier import TokenIdentifier

REMEMBERED: Final = 50
"""How many identifiers a meter keeps (IEC 62055-41)."""


class ReplayWindow:
    """The 50 newest token identifiers that a meter has accepted.

    Newest by the identifier and not by the order of entry. A full window refuses what
    is older than all it holds, because it can no longer tell whether it was used.
    """

    __slots__ = ("_known",)

    def __init__(self) -> None:
        self._known: list[TokenIdentifier] = []

    def __len__(self) -> int:
        return len(self._known)

    def __contains__(self, token_identifier: TokenIdentifier) -> bool:
        place = bisect_left(self._known, token_identifier)
        return place < len(self._known) and self._known[place] == token_identifier

    def is_too_old(self, token_identifier: TokenIdentifier) -> bool:
        """Whether the window is full and all it holds is newer."""
        return len(self._known) == REMEMBERED and token_identifier < self._known[0]

    def remember(self, token_identifier: TokenIdentifier) -> None:
        """Add an identifier; with 51 the oldest is dropped."""
        self._known.insert(bisect_left(self._known, token_identifier), token_identifier)
        del self._known[:-REMEMBERED]

    def forget(self) -> None:
        """Empty the window, as a rollover to a new base date asks."""
        self._known.clear()
