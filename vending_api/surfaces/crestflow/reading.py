"""Bodies of requests: octets to the fields of a JSON object."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final, NoReturn

from starlette.requests import ClientDisconnect

from vending_api.surfaces.crestflow.errors import TooLarge

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.requests import Request

MAX_BODY_OCTETS: Final = 65_536
"""A hundred times a usual registration."""


async def fields_of(request: Request) -> Mapping[str, Any]:
    """Return the fields of the body; a body that is no JSON object has none, as in the framework.

    Raises TooLarge.
    """
    octets = bytearray()
    try:
        async for chunk in request.stream():
            octets += chunk
            if len(octets) > MAX_BODY_OCTETS:
                raise TooLarge
    except ClientDisconnect:  # nobody hears what is said of it, and it is no fault of ours
        return {}
    return parsed(bytes(octets))


def parsed(octets: bytes) -> Mapping[str, Any]:
    """Return the fields of a JSON object in UTF-8; none for anything else."""
    try:
        read = json.loads(octets.decode("utf-8"), parse_float=Decimal, parse_constant=_no_constant)
    # Bad UTF-8 or JSON, numbers beyond all measure, and brackets without end.
    except (ValueError, ArithmeticError, RecursionError):
        return {}
    return read if isinstance(read, dict) else {}


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")
