"""A process of the service that ends itself with SIGKILL at a point that it is told."""

from __future__ import annotations

import asyncio
import inspect
import os
import signal
from dataclasses import dataclass
from functools import wraps
from importlib import import_module
from typing import TYPE_CHECKING, Any

from tests.online.shop import PATIENCE, MovedClock, open_shop
from vending_api.kit.db import open_database

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from datetime import datetime

    from tests.online.shop import Shop
    from vending_api.domain.payment_events.types import Delivery


@dataclass(frozen=True)
class Point:
    """A moment in the life of a process: before or after a function does its work."""

    module: str
    function: str
    """Of the module, or of one of its classes: `Class.method`."""
    when: str
    """ "before" or "after"."""

    def __str__(self) -> str:
        return f"{self.when} {self.function} of {self.module.removeprefix('vending_api.')}"


@dataclass(frozen=True, kw_only=True)
class Errand:
    """What the process is to do, and where it dies."""

    database_url: str
    paystack_url: str
    at: datetime
    action: str
    """ "order", "come back", "hear" or "work"."""
    point: Point
    reference: str = ""
    delivery: Delivery | None = None
    keeps_messages: str = ""
    """A file that each message is noted in, as it is sent."""


def run(errand: Errand) -> None:
    """Do an errand, and die on the way; to come to its end is a fault of the test."""
    _arm(errand.point)
    asyncio.run(_run(errand))


async def _run(errand: Errand) -> None:
    engine = open_database(errand.database_url, connections=20)
    async with open_shop(engine, clock=MovedClock(errand.at), paystack=errand.paystack_url) as shop:
        shop.messages.file = errand.keeps_messages
        await _ACTIONS[errand.action](shop, errand)


async def _order(shop: Shop, _: Errand) -> None:
    await shop.order()


async def _come_back(shop: Shop, errand: Errand) -> None:
    await shop.online.purchases.after_payment(errand.reference, PATIENCE)


async def _hear(shop: Shop, errand: Errand) -> None:
    assert errand.delivery is not None
    await shop.online.purchases.hear(errand.delivery)


async def _work(shop: Shop, _: Errand) -> None:
    await shop.work()


_ACTIONS: dict[str, Callable[[Shop, Errand], Awaitable[None]]] = {
    "order": _order,
    "come back": _come_back,
    "hear": _hear,
    "work": _work,
}


def _arm(point: Point) -> None:
    """Put a mine around a function."""
    *owners, name = point.function.split(".")
    owner: Any = import_module(point.module)
    for one in owners:
        owner = getattr(owner, one)
    setattr(owner, name, _mined(getattr(owner, name), point.when))


def _mined(function: Any, when: str) -> Any:
    if inspect.iscoroutinefunction(function):

        @wraps(function)
        async def mined(*args: Any, **kwargs: Any) -> Any:
            if when == "after":
                await function(*args, **kwargs)
            _die()

        return mined

    @wraps(function)
    def mined_here(*args: Any, **kwargs: Any) -> Any:
        if when == "after":
            function(*args, **kwargs)
        _die()

    return mined_here


def _die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)
