"""What every part of a message is built from: the rules of a model, texts, numbers, times.

The contract asks for tolerance, and this is where it is given: unknown properties
are ignored, whole numbers may come as digits in quotes, texts may come as JSON
numbers, decimals may be quoted, and null of an optional field is the same as its
absence. Nothing else is tolerated, and patterns match the whole text.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from math import isfinite
from typing import Annotated, Any, Final

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    GetCoreSchemaHandler,
    PlainSerializer,
    StringConstraints,
    WithJsonSchema,
)
from pydantic.alias_generators import to_camel
from pydantic_core.core_schema import (
    CoreSchema,
    lax_or_strict_schema,
    no_info_before_validator_function,
)

from vending_api.kit.idempotency import MAX_MESSAGE_ID_LENGTH

_MAX_INTEGER: Final = 10**15 - 1
_QUOTED_INTEGER: Final = re.compile(r"-?[0-9]{1,15}")
_QUOTED_DECIMAL: Final = re.compile(r"-?[0-9]{1,15}(\.[0-9]{1,15})?")
_RFC_3339: Final = (
    r"^[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])"
    r"[Tt]([01][0-9]|2[0-3]):[0-5][0-9]:([0-5][0-9]|60)(\.[0-9]+)?"
    r"([Zz]|[+-]([01][0-9]|2[0-3]):[0-5][0-9])$"
)


class WireModel(BaseModel):
    """A part of a message: snake_case here, camelCase on the wire, and never changed."""

    model_config = ConfigDict(
        frozen=True,
        extra="ignore",
        alias_generator=to_camel,
        validate_by_name=True,
        serialize_by_alias=True,
        hide_input_in_errors=True,  # an error must not carry a card number into a log
    )


class SecretModel(WireModel):
    """A part that may hold what opens a bank account, or who somebody is; it does not print."""

    def __repr_args__(self) -> list[tuple[str | None, Any]]:
        """Return nothing, so that logs and tracebacks show the name of the class alone."""
        return []


def _number_as_text(value: object) -> object:
    if isinstance(value, int | float) and not isinstance(value, bool) and isfinite(value):
        return str(value)
    return value


def _quoted_integer(value: object) -> object:
    if isinstance(value, str) and _QUOTED_INTEGER.fullmatch(value):
        return int(value)
    return value


def _plain_decimal(value: object) -> object:
    if isinstance(value, str) and not _QUOTED_DECIMAL.fullmatch(value):
        raise ValueError("a decimal is digits, maybe with a point among them")
    return value


def _on_the_calendar(text: str) -> str:
    date.fromisoformat(text[:10])
    return text


@dataclass(frozen=True)
class Tolerance:
    """Mends a value before it is looked at, but where a model is read strictly.

    Strictly read, what needs no mending is looked at in two thirds of the time.
    """

    mend: Callable[[object], object]

    def __get_pydantic_core_schema__(
        self, source: object, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        """Return how pydantic is to look at a value that is mended."""
        strict = handler(source)
        mended = no_info_before_validator_function(self.mend, strict)
        return lax_or_strict_schema(lax_schema=mended, strict_schema=strict)


NUMBERS_TOO: Final = Tolerance(_number_as_text)
"""Lets a text be given as a JSON number."""


def null_is(default: str) -> Tolerance:
    """Return what makes null of a word the same as its absence, which has a default."""
    return Tolerance(lambda value: default if value is None else value)


Text = Annotated[str, NUMBERS_TOO]
"""Any text."""
Text20 = Annotated[str, StringConstraints(max_length=20), NUMBERS_TOO]
"""Text of at most 20 characters; so on for the other lengths."""
Text30 = Annotated[str, StringConstraints(max_length=30), NUMBERS_TOO]
Text40 = Annotated[str, StringConstraints(max_length=40), NUMBERS_TOO]
Text80 = Annotated[str, StringConstraints(max_length=80), NUMBERS_TOO]
Text160 = Annotated[str, StringConstraints(max_length=160), NUMBERS_TOO]

MessageId = Annotated[
    str, StringConstraints(min_length=1, max_length=MAX_MESSAGE_ID_LENGTH), NUMBERS_TOO
]
"""The id of a message: a UUID by convention, any text that the database can keep by right."""

Timestamp = Annotated[
    str,
    StringConstraints(pattern=_RFC_3339),
    AfterValidator(_on_the_calendar),
    WithJsonSchema({"type": "string", "format": "date-time"}),
]
"""An RFC 3339 date and time, kept as the text that it came as."""

WholeNumber = Annotated[
    int,
    Field(strict=True, ge=-_MAX_INTEGER, le=_MAX_INTEGER),
    Tolerance(_quoted_integer),
]
"""An integer of at most 15 digits; money is a whole number of minor units."""

ExactNumber = Annotated[
    Decimal,
    BeforeValidator(_plain_decimal),
    PlainSerializer(float, return_type=float, when_used="json"),
    WithJsonSchema({"type": "number"}),
]
"""A decimal that leaves as a JSON number; up to 15 significant digits leave unchanged."""

TwoDigits = Annotated[str, StringConstraints(pattern=r"^[0-9]{2}$"), NUMBERS_TOO]
SupplyGroupDigits = Annotated[str, StringConstraints(pattern=r"^[0-9]{6}$"), NUMBERS_TOO]
OneDigit = Annotated[str, StringConstraints(pattern=r"^[0-9]$"), NUMBERS_TOO]


class Message(WireModel):
    """What is sent under an id of its own."""

    id: MessageId
