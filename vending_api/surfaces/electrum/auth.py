"""Who calls: HTTP Basic on every request (RFC 7617), user names and passwords in UTF-8."""

from __future__ import annotations

import base64
import re
from typing import TYPE_CHECKING, Final

from vending_api.domain.clients.errors import CredentialsRejected

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from starlette.requests import Request

    from vending_api.domain.clients.types import Client

CHALLENGE: Final = {"WWW-Authenticate": 'Basic realm="prepaidutility", charset="UTF-8"'}
"""What an answer of status 401 must say."""


_CONTROL_CHARACTER: Final = re.compile(r"[\x00-\x1f\x7f]")


async def caller(
    request: Request, authenticate: Callable[[str, str, str], Awaitable[Client]]
) -> Client:
    """Return the client whose credentials the request carries.

    Raises CredentialsRejected, TooManyGuesses.
    """
    user_name, password = credentials_of(request.headers.get("authorization", ""))
    address = "" if request.client is None else request.client.host
    return await authenticate(user_name, password, address)


def credentials_of(header: str) -> tuple[str, str]:
    """Return user name and password of an Authorization header.

    Raises CredentialsRejected unless it is Basic with sound base64 of UTF-8 text that
    has a colon, a user name, and no control characters.
    """
    scheme, _, encoded = header.partition(" ")
    if scheme.lower() != "basic":
        raise CredentialsRejected
    try:
        text = base64.b64decode(encoded.strip(" "), validate=True).decode("utf-8")
    except ValueError:  # of base64 or of UTF-8
        raise CredentialsRejected from None  # the cause would hold the password
    user_name, colon, password = text.partition(":")
    if not colon or not user_name or _CONTROL_CHARACTER.search(text):
        raise CredentialsRejected
    return user_name, password
