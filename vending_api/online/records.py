"""How the database is reached: threads that read, and acts that whoever has the keys commits."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Concatenate, Final, ParamSpec, Protocol, TypeVar

from vending_api.kit.db import reading
from vending_api.kit.due import is_any_due
from vending_api.kit.threads import BoundedThreads

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import datetime

    from sqlalchemy import Connection, Engine, Table

    from vending_api.domain.issuing.service import TokenMaker

P = ParamSpec("P")
K = TypeVar("K")
T = TypeVar("T")

READING_THREADS: Final = 4
"""Each holds one connection of the engine while it reads."""
WORKER: Final = "worker"
"""The lane of what nobody waits for."""
_SELLER: Final = ":online"
"""Whose lane online sales take: that of the client they are made for."""


class Transact(Protocol):
    """Runs an act in a transaction, and answers once that is durable.

    The act may run in another process: it is a `functools.partial` of a function of a module,
    and all that goes in and comes out can be pickled. It may run again from the start.
    """

    async def __call__(
        self, act: Callable[[Connection, TokenMaker], T], *, key: str, order: str = ""
    ) -> T:
        """Return what the act returns; acts of one key run one after the other.

        Raises what the act raises, which undoes it alone, and Overloaded, StorageUnavailable,
        OutcomeUnknown.
        """
        ...


class Records:
    """The database, as everything here uses it."""

    def __init__(self, engine: Engine, transact: Transact) -> None:
        self._engine = engine
        self._transact = transact
        self._threads = BoundedThreads(threads=READING_THREADS)

    async def read(
        self,
        service: Callable[Concatenate[Connection, P], T],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> T:
        """Return what a service reads; raises what it raises, Overloaded, StorageUnavailable."""
        return await self._threads.run(lambda: self._read(service, *args, **kwargs))

    async def write(
        self,
        key: str,
        service: Callable[Concatenate[Connection, P], T],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> T:
        """Return what a service did that needs no vending keys, once that is durable."""
        act = partial(_without_keys, service=service, args=args, kwargs=kwargs)
        return await self._transact(act, key=key)

    async def with_keys(
        self,
        meter_number: str,
        service: Callable[Concatenate[Connection, TokenMaker, P], T],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> T:
        """Return what a service did that may make tokens for a meter, once that is durable."""
        act = partial(_with_keys, service=service, args=args, kwargs=kwargs)
        return await self._transact(act, key=_SELLER, order=meter_number)

    async def take(
        self, table: Table, taker: Callable[..., Sequence[K]], *, now: datetime, most: int
    ) -> Sequence[K]:
        """Return what a service takes of the rows of a table that are due.

        Where none is, which is so most of the time, nobody's transaction is disturbed.
        """
        if not await self.read(is_any_due, table, now=now):
            return ()
        return await self.write(WORKER, taker, now=now, most=most)

    def stop(self) -> None:
        """End the threads that read."""
        self._threads.stop()

    def _read(
        self,
        service: Callable[Concatenate[Connection, P], T],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> T:
        with reading(self._engine) as connection:
            return service(connection, *args, **kwargs)


def _without_keys(
    connection: Connection,
    _maker: TokenMaker,
    *,
    service: Callable[..., T],
    args: Sequence[Any],
    kwargs: Mapping[str, Any],
) -> T:
    return service(connection, *args, **kwargs)


def _with_keys(
    connection: Connection,
    maker: TokenMaker,
    *,
    service: Callable[..., T],
    args: Sequence[Any],
    kwargs: Mapping[str, Any],
) -> T:
    return service(connection, maker, *args, **kwargs)
