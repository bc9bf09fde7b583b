"""Reads a message: its body once, straight from the octets, and the ids in its address."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, Final, NoReturn, TypeVar

from pydantic import ValidationError

from vending_api.kit.idempotency import MAX_MESSAGE_ID_LENGTH
from vending_api.surfaces.electrum.errors import FormatRefused, MessageTooLong, Violation
from vending_api.surfaces.electrum.wire.base import Message

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pydantic_core import ErrorDetails
    from starlette.requests import Request

M = TypeVar("M", bound=Message)

MAX_BODY_OCTETS: Final = 65_536
"""Thirty times a usual purchase."""
MAX_VIOLATIONS: Final = 20
MAX_VALUE_LENGTH: Final = 64

_SOUND_ID: Final = re.compile(
    rf"[^\0\ud800-\udfff\ufffd]{{1,{MAX_MESSAGE_ID_LENGTH}}}",
)
_SECRET_FIELDS: Final = frozenset(
    {
        *("paymentMethods", "cardNumber", "track2Data", "token"),
        *("customer", "contactNumber", "msisdn"),
    }
)
"""Whatever is wrong in or below these is never repeated to anybody."""
_MARKS_OF_TROUBLE: Final = (b"\\u0000", b"NaN", b"Infinity")
"""What the parser lets pass and may be NUL or no JSON; a message without them is sound."""


async def read(request: Request, model: type[M]) -> M:
    """Return the message in the body; raises FormatRefused, MessageTooLong.

    Unpaired surrogates and control characters are refused by the parser, wherever they
    stand; NUL written as an escape, NaN and Infinity are looked for here.
    """
    _require_json(request.headers.get("content-type", "application/json"))
    octets = await _octets(request)
    message = _message(octets, model)
    if any(mark in octets for mark in _MARKS_OF_TROUBLE):
        _require_sound(octets)
    request.state.message_id = message.id
    return message


def require_same_id(in_path: str, in_body: str, *, field: str = "id") -> None:
    """Raise FormatRefused unless an id in the path is that of the message."""
    if in_path != in_body:
        raise FormatRefused([Violation(field, "differs from the id in the path", in_body)])


def require_sound_id(in_address: str | None, *, name: str) -> str:
    """Return an id that only the address holds; raises FormatRefused for what none can be.

    Octets that are no UTF-8 arrive as surrogates or replacement characters.
    """
    if in_address is None or not _SOUND_ID.fullmatch(in_address):
        raise FormatRefused([Violation("", f"{name} in the address is no id")])
    return in_address


def _require_json(content_type: str) -> None:
    media_type = content_type.partition(";")[0].strip().lower()
    if media_type != "application/json":
        raise FormatRefused([Violation("", "Content-Type must be application/json")])


def _message(octets: bytearray, model: type[M]) -> M:
    try:
        # Nearly all messages need no tolerance.
        return model.model_validate_json(octets, strict=True, by_alias=True, by_name=False)
    except ValidationError:
        pass
    try:
        return model.model_validate_json(octets, by_alias=True, by_name=False)
    except ValidationError as error:
        # Without its cause, which holds the whole message.
        raise FormatRefused(_violations(error)) from None


async def _octets(request: Request) -> bytearray:
    octets = bytearray()
    while True:
        part = await request.receive()
        if part["type"] == "http.disconnect":
            # Nobody hears this, but it is no fault of ours to be logged as one.
            raise FormatRefused([Violation("", "the connection ended too early")])
        octets += part.get("body", b"")
        if len(octets) > MAX_BODY_OCTETS:
            raise MessageTooLong
        if not part.get("more_body", False):
            return octets


def _require_sound(octets: bytearray) -> None:
    if any("\0" in text for text in _texts(json.loads(octets, parse_constant=_no_constant))):
        raise FormatRefused([Violation("", "NUL characters are not accepted")])


def _no_constant(name: str) -> NoReturn:
    raise FormatRefused([Violation("", f"{name} is not JSON")])


def _texts(value: Any) -> Iterator[str]:
    """Yield every key and text of a JSON value; the parser has limited its depth."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        yield from value
        for part in value.values():
            yield from _texts(part)
    elif isinstance(value, list):
        for part in value:
            yield from _texts(part)


def _violations(error: ValidationError) -> list[Violation]:
    found = error.errors(include_url=False, include_context=False)
    return [
        Violation(_field(one["loc"]), _problem(one), _shown_value(one))
        for one in found[:MAX_VIOLATIONS]
    ]


def _field(location: tuple[int | str, ...]) -> str:
    """Return `tenders[0].amount` for a location."""
    field = ""
    for part in location:
        if isinstance(part, int):
            field += f"[{part}]"
        elif not part.isupper():  # upper case names the variant of a payment method, not a field
            field += f".{part}" if field else part
    return field


def _problem(error: ErrorDetails) -> str:
    # The library's words for this one case repeat the value, which may be a card number.
    return "Type is unknown" if error["type"] == "union_tag_invalid" else error["msg"]


def _shown_value(error: ErrorDetails) -> str | None:
    """Return what was sent, `***` for secrets, nothing for whole objects or the whole body."""
    location, value = error["loc"], error["input"]
    if not _SECRET_FIELDS.isdisjoint(location):
        return "***"
    if error["type"] == "missing" or (location and value is None):
        return "null"
    if not location or isinstance(value, dict | list):
        return None
    text = value if isinstance(value, str) else json.dumps(value)
    return text[:MAX_VALUE_LENGTH]
