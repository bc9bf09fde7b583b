"""Who asks: registering, logging in, API keys, passwords."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache, partial
from typing import TYPE_CHECKING, Final

from vending_api.domain.consumers import service as consumers
from vending_api.domain.consumers.errors import LoginRejected, PasswordIncorrect
from vending_api.domain.consumers.types import ATTEMPTS_BY_ADDRESS, ATTEMPTS_BY_EMAIL, Register
from vending_api.domain.estates.service import all_estates
from vending_api.kit.credentials import hash_password, password_fits
from vending_api.kit.threads import BoundedThreads

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from sqlalchemy import Connection

    from vending_api.domain.consumers.types import Consumer, RegistrationFacts, Staff
    from vending_api.domain.estates.types import Estate
    from vending_api.online.records import Records
    from vending_api.online.world import Terms, World
    from vending_api.surfaces.crestflow.services import NewRegistration

_PASSWORD_THREADS: Final = 2
"""A check takes 19 MiB and a core."""
_PASSWORDS_WAITING: Final = 32
_ACCOUNTS: Final = "consumers"
"""The lane of what consumers change about themselves."""


@dataclass(frozen=True, slots=True)
class _Counter:
    """What attempts are counted by, and how many there may be in a minute."""

    subject: str
    most: int


class Accounts:
    """The residents who buy online, and how they prove who they are."""

    def __init__(self, records: Records, world: World, terms: Terms) -> None:
        self._records = records
        self._world = world
        self._terms = terms
        self._passwords = BoundedThreads(threads=_PASSWORD_THREADS, max_waiting=_PASSWORDS_WAITING)

    async def options(self) -> Sequence[Estate]:
        """Return the estates that sell online."""
        return await self._records.read(all_estates)

    async def registration_problems(
        self, facts: RegistrationFacts, address: str
    ) -> Mapping[str, str]:
        """Return what is wrong with a registration, by field; raises TooManyAttempts.

        The attempt is counted, so that nobody tries addresses and meters by the thousand.
        """
        await self._count(_by_address(address))
        return await self._records.read(consumers.registration_problems, facts)

    async def register(self, new: NewRegistration) -> None:
        """Register a resident.

        Raises MeterNotOfEstate, EstateUnknown, RegistrationRefused.
        """
        password_hash = await self._passwords.run(partial(hash_password, new.password))
        command = Register(
            name=new.name,
            email=new.email,
            password_hash=password_hash,
            estate_key=new.estate_key,
            flat_number=new.flat_number,
            meter_type_id=new.meter_type_id,
            meter_phase_type_id=new.meter_phase_type_id,
            meter_number=new.meter_number,
            received_at=self._world.now(),
        )
        await self._records.write(_ACCOUNTS, consumers.register, command)

    async def log_in(self, email: str, password: str, address: str) -> str:
        """Return a new API key; raises LoginRejected, TooManyAttempts."""
        counter = _by_email(email, address)
        await self._count(_by_address(address), counter)
        known = await self._records.read(consumers.credentials_of, email)
        password_hash = None if known is None else known[1]
        fits = await self._passwords.run(partial(_fits, password_hash, password))
        if known is None or not fits:
            raise LoginRejected
        api_key = self._world.new_api_key()
        await self._records.write(
            _ACCOUNTS,
            _let_in,
            known[0],
            api_key,
            checked_hash=known[1],
            subject=counter.subject,
            at=self._world.now(),
            days=self._terms.api_key_days,
        )
        return api_key

    async def who(self, api_key: str) -> Consumer | Staff:
        """Return who holds an API key; raises ApiKeyRejected."""
        return await self._records.read(consumers.who_holds, api_key, self._world.now())

    async def rename(self, consumer: Consumer, name: str) -> None:
        """Give a consumer another name."""
        await self._records.write(
            _ACCOUNTS, consumers.rename, consumer.key, name, self._world.now()
        )

    async def change_password(
        self, consumer: Consumer, current: str, new: str, address: str
    ) -> None:
        """Give a consumer another password, and end every API key of theirs.

        Raises PasswordIncorrect, TooManyAttempts.
        """
        counter = _by_email(consumer.email, address)
        await self._count(_by_address(address), counter)
        held = await self._records.read(consumers.password_hash_of, consumer.key)
        if not await self._passwords.run(partial(_fits, held, current)):
            raise PasswordIncorrect
        password_hash = await self._passwords.run(partial(hash_password, new))
        await self._records.write(
            _ACCOUNTS,
            _change_password,
            consumer.key,
            password_hash,
            checked_hash=held,
            subject=counter.subject,
            at=self._world.now(),
        )

    async def forget_old_attempts(self, before: datetime) -> None:
        """Delete the counters of attempts that nobody has added to since."""
        await self._records.write(_ACCOUNTS, consumers.delete_old_attempts, before)

    def stop(self) -> None:
        """End the threads that check passwords."""
        self._passwords.stop()

    async def _count(self, *counters: _Counter) -> None:
        # Before the check, so that guesses sent all at once are counted all the same.
        await self._records.write(_ACCOUNTS, _count, counters, self._world.now())


def _by_address(address: str) -> _Counter:
    return _Counter(f"address {address}", ATTEMPTS_BY_ADDRESS)


def _by_email(email: str, address: str) -> _Counter:
    # With the address, so that nobody locks somebody else out by guessing.
    return _Counter(f"e-mail {email.lower()} from {address}", ATTEMPTS_BY_EMAIL)


def _count(connection: Connection, counters: Sequence[_Counter], at: datetime) -> None:
    for one in counters:
        consumers.count_attempt(connection, one.subject, most=one.most, at=at)


def _let_in(
    connection: Connection,
    key: int,
    api_key: str,
    *,
    checked_hash: str,
    subject: str,
    at: datetime,
    days: int,
) -> None:
    consumers.forget_attempts(connection, subject)
    consumers.add_api_key(connection, key, api_key, checked_hash=checked_hash, at=at, days=days)


def _change_password(
    connection: Connection,
    key: int,
    password_hash: str,
    *,
    checked_hash: str,
    subject: str,
    at: datetime,
) -> None:
    consumers.forget_attempts(connection, subject)
    consumers.change_password(connection, key, password_hash, at, checked_hash=checked_hash)


def _fits(password_hash: str | None, password: str) -> bool:
    """Return whether a password is right; it takes as long for an e-mail that nobody has."""
    if password_hash is None:
        password_fits(_hash_of_nobody(), password)
        return False
    return password_fits(password_hash, password)


@cache
def _hash_of_nobody() -> str:
    return hash_password("nobody")
