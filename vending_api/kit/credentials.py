"""Passwords: argon2id hashes at rest, and verified credentials remembered for seconds.

argon2 is slow on purpose: some 20 ms a check. A point of sale sends its password
with every request, so a check that went well is remembered for a few seconds, as
a digest under a secret of this process; a change of password counts soon after.
"""

from __future__ import annotations

import asyncio
import hashlib
from typing import TYPE_CHECKING, Final, Generic, TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from vending_api.kit.errors import DomainError, Fault
from vending_api.kit.guesses import Guesses

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")

_REMEMBERED_SECONDS: Final = 5
_MAX_REMEMBERED: Final = 10_000
_CHECKS_AT_ONCE: Final = 2
"""Each check takes 19 MiB and a core; more at once would only slow the sales down."""

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


class CredentialMemory(Generic[T]):
    """Checks credentials slowly once and quickly for some seconds after.

    `check` gets user name and password, returns who that is or raises; it runs in
    a thread. `monotonic_seconds` is a clock; `secret` keys the digests.
    """

    def __init__(
        self,
        check: Callable[[str, str], T],
        *,
        secret: bytes,
        monotonic_seconds: Callable[[], float],
    ) -> None:
        self._check = check
        self._secret = secret
        self._monotonic_seconds = monotonic_seconds
        self._known: dict[bytes, tuple[float, T]] = {}
        self._under_way: dict[bytes, asyncio.Future[T]] = {}
        self._places = asyncio.Semaphore(_CHECKS_AT_ONCE)
        self._guesses = Guesses(monotonic_seconds)

    async def verify(self, user_name: str, password: str, address: str) -> T:
        """Return who `check` says this is; raises what it raises, which is never remembered.

        Raises TooManyGuesses, without a look, where wrong passwords came from an address.
        """
        digest = self._digest(user_name, password)
        known = self._known.get(digest)
        if known is not None and self._monotonic_seconds() < known[0]:
            return known[1]
        self._guesses.require_open(user_name, address)
        # Requests that arrive together with the same credentials share one check.
        under_way = self._under_way.get(digest)
        if under_way is None:
            under_way = asyncio.ensure_future(self._verify_slowly(digest, user_name, password))
            self._under_way[digest] = under_way
            under_way.add_done_callback(lambda _: self._under_way.pop(digest))
        try:
            who = await asyncio.shield(under_way)
        except DomainError as error:
            if error.fault is Fault.UNAUTHENTICATED:
                self._guesses.note_wrong(user_name, address, digest)
            raise
        self._guesses.note_right(user_name, address)
        return who

    async def _verify_slowly(self, digest: bytes, user_name: str, password: str) -> T:
        async with self._places:
            who = await asyncio.to_thread(self._check, user_name, password)
        if len(self._known) >= _MAX_REMEMBERED:
            self._known.clear()
        self._known[digest] = (self._monotonic_seconds() + _REMEMBERED_SECONDS, who)
        return who

    def _digest(self, user_name: str, password: str) -> bytes:
        digest = hashlib.blake2b(key=self._secret, digest_size=32)
        for part in (user_name.encode(), password.encode()):
            digest.update(len(part).to_bytes(8, "big"))
            digest.update(part)
        return digest.digest()
