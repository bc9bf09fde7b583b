"""Forms: the fields of a request, held against their rules; all that is wrong is told at once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, TypeVar

from vending_api.surfaces.crestflow.errors import FieldsInvalid, named
from vending_api.surfaces.crestflow.rules import Wrong

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

T = TypeVar("T")

_REQUIRED: Final = "The {field} field is required."


class Form:
    """The fields of one request; what is wrong with them is gathered until a value is used."""

    def __init__(self, fields: Mapping[str, Any]) -> None:
        self._fields = fields
        self._errors: dict[str, list[str]] = {}

    def read(
        self,
        field: str,
        rule: Callable[[Any], T],
        *,
        is_required: bool = True,
        is_trimmed: bool = True,
    ) -> T | None:
        """Return the value of a field by a rule of `rules`; None if it is missing or wrong.

        Null, empty texts and empty lists count as missing. Of texts the blanks around them do
        not count, unless they are passwords.
        """
        value = self._fields.get(field)
        if is_trimmed and isinstance(value, str):
            value = value.strip()
        if value is None or value in ("", [], {}):
            if is_required:
                self.say(field, _REQUIRED)
            return None
        try:
            return rule(value)
        except Wrong as wrong:
            self.say(field, str(wrong))
            return None

    def say(self, field: str, text: str) -> None:
        """Say what is wrong with a field, in a text with `{field}` where its name belongs."""
        self._errors.setdefault(field, []).append(text.format(field=named(field)))

    def sound(self, value: T | None) -> T:
        """Return a required value that was read; raises FieldsInvalid if any field is wrong."""
        if value is None or self._errors:
            raise FieldsInvalid(self._errors)
        return value
