"""Who calls: an API key, in the header or in the address."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from vending_api.domain.consumers.errors import ApiKeyRejected
from vending_api.domain.consumers.types import Consumer, Staff

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from starlette.requests import Request

HEADER: Final = "X-API-KEY"
PARAMETER: Final = "api_key"
_MAX_KEY_LENGTH: Final = 255

Who = Consumer | Staff


def key_of(request: Request) -> str:
    """Return the API key of a request, that of the header first; empty if there is none."""
    return request.headers.get(HEADER) or request.query_params.get(PARAMETER) or ""


async def holder(request: Request, who: Callable[[str], Awaitable[Who]]) -> Who:
    """Return whose key the request carries; raises ApiKeyRejected."""
    key = key_of(request)
    if not key or len(key) > _MAX_KEY_LENGTH or not key.isascii():
        raise ApiKeyRejected
    return await who(key)


async def consumer(request: Request, who: Callable[[str], Awaitable[Who]]) -> Consumer:
    """Return the consumer whose key the request carries; raises ApiKeyRejected, also for staff."""
    found = await holder(request, who)
    if not isinstance(found, Consumer):
        raise ApiKeyRejected
    return found


def address_of(request: Request) -> str:
    """Return the network address that a request came from; attempts are counted by it."""
    return "" if request.client is None else request.client.host
