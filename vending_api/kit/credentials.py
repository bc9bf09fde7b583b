"""Passwords: argon2id hashes at rest, and verified credentials remembered for seconds.

argon2 is slow on purpose: some 20 ms a check. A point of sale sends its password
with every request, so a check that went well is remembered for a few seconds, as
a digest under a secret of this process; a change of password counts soon after.
Who keeps asking is checked again before that time is over, and nobody waits for it;
where the stored hash is the one that fitted before, argon2 is not asked again.
"""

from __future__ import annotations

import asyncio
import hashlib
from functools import partial
from typing import TYPE_CHECKING, Final, Generic, NamedTuple, TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from vending_api.kit.errors import DomainError, Fault
from vending_api.kit.guesses import Guesses
from vending_api.kit.threads import BoundedThreads

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")

_REMEMBERED_SECONDS: Final = 5
_AGAIN_AFTER_SECONDS: Final = 2.5
_MAX_REMEMBERED: Final = 10_000
_CHECKS_AT_ONCE: Final = 2
"""Each check takes 19 MiB and a core; more at once would only slow the sales down."""
_CHECKS_WAITING: Final = 1_000
"""As many as are done, at 20 ms each, in the time that one may wait."""

TIME_COST: Final = 2
MEMORY_KIBIBYTES: Final = 19_456
PARALLELISM: Final = 1
"""Of argon2id: some 20 ms."""

_hasher: Final = PasswordHasher(
    time_cost=TIME_COST, memory_cost=MEMORY_KIBIBYTES, parallelism=PARALLELISM
)


def hash_password(password: str) -> str:
    """Return the argon2id hash of a password, salt and parameters included."""
    return _hasher.hash(password)


def password_fits(password_hash: str, password: str) -> bool:
    """Return whether a password belongs to a hash; a damaged hash fits nothing."""
    try:
        return _hasher.verify(password_hash, password)
    except (VerificationError, InvalidHashError):
        return False


class Checked(NamedTuple, Generic[T]):
    """Who credentials belong to, and the hash that the password fits."""

    who: T
    password_hash: str


class _Known(NamedTuple, Generic[T]):
    checked: Checked[T]
    again_at: float
    until: float


class CredentialMemory(Generic[T]):
    """Checks credentials slowly once and quickly for some seconds after.

    `check` gets user name, password, and the hash that this password fits, if that is known; it
    returns who that is or raises, and runs in a thread. `monotonic_seconds` is a clock; `secret`
    keys the digests.
    """

    def __init__(
        self,
        check: Callable[[str, str, str | None], Checked[T]],
        *,
        secret: bytes,
        monotonic_seconds: Callable[[], float],
    ) -> None:
        self._check = check
        self._secret = secret
        self._monotonic_seconds = monotonic_seconds
        self._known: dict[bytes, _Known[T]] = {}
        self._under_way: dict[bytes, asyncio.Task[T]] = {}
        self._threads = BoundedThreads(threads=_CHECKS_AT_ONCE, max_waiting=_CHECKS_WAITING)
        self._guesses = Guesses(monotonic_seconds)

    async def verify(self, user_name: str, password: str, address: str) -> T:
        """Return who `check` says this is; raises what it raises, which is never remembered.

        Raises TooManyGuesses, without a look, where wrong passwords came from an address, and
        Overloaded where too many wait, or one has waited too long, to be checked.
        """
        digest = self._digest(user_name, password)
        known = self._known.get(digest)
        now = self._monotonic_seconds()
        if known is not None and now < known.until:
            if now >= known.again_at:
                self._check_slowly(digest, user_name, password)
            return known.checked.who
        self._guesses.require_open(user_name, address)
        try:
            who = await asyncio.shield(self._check_slowly(digest, user_name, password))
        except DomainError as error:
            if error.fault is Fault.UNAUTHENTICATED:
                self._guesses.note_wrong(user_name, address, digest)
            raise
        self._guesses.note_right(user_name, address)
        return who

    def stop(self) -> None:
        """Wait for the checks that run, and end their threads."""
        self._threads.stop()

    def _check_slowly(self, digest: bytes, user_name: str, password: str) -> asyncio.Task[T]:
        """Return a check that is under way; requests with the same credentials share one."""
        under_way = self._under_way.get(digest)
        if under_way is None:
            under_way = asyncio.create_task(self._checked(digest, user_name, password))
            self._under_way[digest] = under_way
            under_way.add_done_callback(partial(self._ended, digest))
        return under_way

    async def _checked(self, digest: bytes, user_name: str, password: str) -> T:
        known = self._known.get(digest)
        fitted = None if known is None else known.checked.password_hash
        checked = await self._threads.run(partial(self._check, user_name, password, fitted))
        if len(self._known) >= _MAX_REMEMBERED:
            self._known.clear()
        now = self._monotonic_seconds()
        self._known[digest] = _Known(checked, now + _AGAIN_AFTER_SECONDS, now + _REMEMBERED_SECONDS)
        return checked.who

    def _ended(self, digest: bytes, check: asyncio.Task[T]) -> None:
        del self._under_way[digest]
        if check.cancelled():
            return
        # Nobody may have waited for it; what it raised is raised again for whoever comes next.
        error = check.exception()
        if isinstance(error, DomainError) and error.fault is Fault.UNAUTHENTICATED:
            self._known.pop(digest, None)

    def _digest(self, user_name: str, password: str) -> bytes:
        digest = hashlib.blake2b(key=self._secret, digest_size=32)
        for part in (user_name.encode(), password.encode()):
            digest.update(len(part).to_bytes(8, "big"))
            digest.update(part)
        return digest.digest()
