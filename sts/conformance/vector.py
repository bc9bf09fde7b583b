"""One test vector: its fields by type, and the list of what is wrong with it."""

from __future__ import annotations

import hmac
import re
from typing import TYPE_CHECKING, Final, TypeVar

from sts.conformance.report import Failure
from sts.conformance.vector_file import NumberWithPoint
from sts.errors import StsError
from sts.keys.secret import mac_check_value

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_Value = TypeVar("_Value")

ABSENT: Final = "absent"
_SECRET: Final = frozenset({"vending_key_hex", "decoder_key_hex", "new_decoder_key_hex"})
_HEX_OCTETS: Final = re.compile(r"([0-9A-Fa-f]{2})+")


class Vector:
    """A vector's fields, read one at a time; whatever is wrong is noted and not raised.

    A field that is absent, null or of the wrong type reads as None, so that the other
    fields are still checked; the wrong type is a failure.
    """

    def __init__(
        self,
        identifier: str,
        fields: Mapping[str, object],
        *,
        prefix: str = "",
        failures: list[Failure] | None = None,
    ) -> None:
        self.identifier = identifier
        self.failures: list[Failure] = [] if failures is None else failures
        self._fields = fields
        self._prefix = prefix

    def __contains__(self, name: str) -> bool:
        return self._fields.get(name) is not None

    def fail(self, name: str, expected: object, got: object) -> None:
        """Note that the field `name` is wrong; the same remark is noted once."""
        failure = Failure(self.identifier, self._prefix + name, str(expected), str(got))
        if failure not in self.failures:
            self.failures.append(failure)

    def part(self, name: str) -> Vector | None:
        """Return a nested object as a vector that notes its failures here."""
        value = self._fields.get(name)
        if value is None:
            return None
        if not isinstance(value, dict):
            self.fail(name, "an object", _kind(value))
            return None
        prefix = f"{self._prefix}{name}."
        return Vector(self.identifier, value, prefix=prefix, failures=self.failures)

    def nothing(self) -> Vector:
        """Return a vector without fields that notes its failures here."""
        return Vector(self.identifier, {}, failures=self.failures)

    def text(self, name: str) -> str | None:
        """Return a text field."""
        value = self._fields.get(name)
        if value is None or isinstance(value, str):
            return value
        self.fail(name, "text", _kind(value))
        return None

    def number(self, name: str) -> int | None:
        """Return a whole number; `true` is not one."""
        value = self._fields.get(name)
        if value is None or (isinstance(value, int) and not isinstance(value, bool)):
            return value
        self.fail(name, "a whole number", _kind(value))
        return None

    def written(self, name: str) -> str | None:
        """Return a field that may be text or a number, as it is written."""
        value = self._fields.get(name)
        if isinstance(value, int | NumberWithPoint) and not isinstance(value, bool):
            return str(value)
        return self.text(name)

    def octets(self, name: str) -> bytes | None:
        """Return a field of hex digits as octets."""
        value = self.text(name)
        if value is None:
            return None
        if not _HEX_OCTETS.fullmatch(value):
            self.fail(name, "an even number of hex digits", "something else")
            return None
        return bytes.fromhex(value)

    def text_as(self, name: str, make: Callable[[str], _Value]) -> _Value | None:
        """Return what `make` makes of a text field; a refusal is a failure."""
        value = self.text(name)
        return None if value is None else self.attempt(name, lambda: make(value))

    def number_as(self, name: str, make: Callable[[int], _Value]) -> _Value | None:
        """Return what `make` makes of a whole number; a refusal is a failure."""
        value = self.number(name)
        return None if value is None else self.attempt(name, lambda: make(value))

    def attempt(self, name: str, make: Callable[[], _Value]) -> _Value | None:
        """Return what `make` returns; if it refuses, that is a failure of the field `name`."""
        try:
            return make()
        except StsError as error:
            self.fail(name, self._shown(name), f"refused: {error}")
            return None

    def check(self, name: str, got: object) -> None:
        """Compare the field `name`, if the vector has it, with what was computed."""
        expected = self._fields.get(name)
        if expected is not None and (type(expected), expected) != (type(got), got):
            self.fail(name, expected, got)

    def check_same(self, name: str, other: Vector, other_name: str) -> None:
        """Compare the field `name` with what another part of the vector calls `other_name`."""
        if other_name in other:
            self.check(name, other._fields[other_name])

    def check_hex(self, name: str, got: bytes) -> None:
        """Compare a field of hex digits with octets."""
        expected = self.octets(name)
        if expected is not None and expected != got:
            self.fail(name, expected.hex(), got.hex())

    def check_hex_number(self, name: str, got: int) -> None:
        """Compare a field of hex digits with a whole number; leading zeros are free."""
        expected = self.text(name)
        if expected is not None and expected.lower().lstrip("0") != f"{got:x}".lstrip("0"):
            self.fail(name, expected, f"{got:x}")

    def check_key(self, name: str, got: bytes) -> None:
        """Compare a field that holds a key with octets; both show as check values only."""
        expected = self.octets(name)
        if expected is not None and not hmac.compare_digest(expected, got):
            shown = (f"a key with check value {mac_check_value(key)}" for key in (expected, got))
            self.fail(name, *shown)

    def check_key_part(self, name: str, got: bytes) -> None:
        """Compare a field that holds a part of a key, too short for a check value, with octets."""
        expected = self.octets(name)
        if expected is not None and not hmac.compare_digest(expected, got):
            self.fail(name, "what the inputs give (not shown: part of a key)", "something else")

    def _shown(self, name: str) -> object:
        return "a usable key" if name in _SECRET else self._fields.get(name, ABSENT)


def _kind(value: object) -> str:
    names = {bool: "true or false", int: "a number", NumberWithPoint: "a number with a point"}
    return names.get(type(value), f"a {type(value).__name__}")
