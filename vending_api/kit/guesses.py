"""Wrong guesses of passwords lock a name for whoever guesses, ever longer.

They are counted for a name and the address that they come from, so that a stranger who guesses
locks out nobody but himself; in this process, for what is remembered is lost with nothing but time
for a guesser. Four wrong ones are free, for people mistype.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from vending_api.kit.errors import DomainError, Fault

if TYPE_CHECKING:
    from collections.abc import Callable

_FREE: Final = 4
_LONGEST_SECONDS: Final = 900
_FORGOTTEN_SECONDS: Final = 3_600
"""After the last wrong guess."""
_MAX_REMEMBERED: Final = 10_000
_SAME: Final = 8
"""Wrong passwords that are known again: tills that nobody told of a new one go on with the old."""
_GROUPS_OF_A_NETWORK: Final = 4
"""Of an IPv6 address: whoever has one has all that begin so."""


class TooManyGuesses(DomainError):
    """The password was guessed wrongly too often from there; it is not looked at for a while."""

    fault = Fault.UNAUTHENTICATED
    code = "too_many_guesses"

    def __init__(self, seconds: int) -> None:
        super().__init__(f"too many wrong passwords came from there; try again in {seconds} s")
        self.seconds = seconds


class _Wrong(NamedTuple):
    times: int
    last: float
    digests: tuple[bytes, ...]


_NOTHING: Final = _Wrong(0, float("-inf"), ())


class Guesses:
    """Counts wrong guesses by name and address."""

    def __init__(self, monotonic_seconds: Callable[[], float]) -> None:
        self._monotonic_seconds = monotonic_seconds
        self._wrong: dict[tuple[str, str], _Wrong] = {}

    def require_open(self, name: str, address: str) -> None:
        """Make sure that a password may be looked at; raises TooManyGuesses."""
        wrong = self._wrong.get(_place(name, address))
        if wrong is None or wrong.times <= _FREE:
            return
        locked = min(2.0 ** (wrong.times - _FREE), _LONGEST_SECONDS)
        left = wrong.last + locked - self._monotonic_seconds()
        if left > 0:
            raise TooManyGuesses(int(left) + 1)

    def note_right(self, name: str, address: str) -> None:
        """Forget what was guessed from there: whoever it is knows the password."""
        self._wrong.pop(_place(name, address), None)

    def note_wrong(self, name: str, address: str, digest: bytes) -> None:
        """Count a wrong guess, by a digest of it; the same one again is no other guess."""
        place = _place(name, address)
        now = self._monotonic_seconds()
        before = self._wrong.pop(place, _NOTHING)
        if now - before.last > _FORGOTTEN_SECONDS:
            before = _NOTHING
        if digest in before.digests:
            self._wrong[place] = before
            return
        # The newest at the end, so that the oldest give way.
        digests = (*before.digests, digest)[-_SAME:]
        self._wrong[place] = _Wrong(before.times + 1, now, digests)
        if len(self._wrong) > _MAX_REMEMBERED:
            del self._wrong[next(iter(self._wrong))]


def _place(name: str, address: str) -> tuple[str, str]:
    if ":" in address:
        address = ":".join(address.split(":")[:_GROUPS_OF_A_NETWORK])
    return name, address
