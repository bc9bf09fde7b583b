"""Answers: octets in the byte form of the contract, kept by nobody on their way."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from starlette.responses import Response

from vending_api.surfaces.crestflow import php_json

if TYPE_CHECKING:
    from collections.abc import Mapping

_KEPT_BY_NOBODY: Final = {"Cache-Control": "no-store, private"}
"""Answers hold tokens and personal data."""


def answer(
    message: Any, status: int = 200, *, headers: Mapping[str, str] | None = None
) -> Response:
    """Return an answer of a message of `wire`."""
    return Response(
        php_json.dumps(message),
        status,
        {**_KEPT_BY_NOBODY, **(headers or {})},
        media_type="application/json",
    )
