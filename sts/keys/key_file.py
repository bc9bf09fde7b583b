"""Key files: vending keys in TOML, read once into a store that cannot change.

`keys.example` at the top of the repository explains the format, entry by entry.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final, TypeVar

from sts.base_date import BaseDate
from sts.errors import AlgorithmRefused, InvalidField, KeyFileInvalid, VendingKeyNotFound
from sts.key_data import (
    DecoderKeyGenerationAlgorithm,
    KeyExpiryNumber,
    KeyRevisionNumber,
    KeyType,
    SupplyGroupCode,
)
from sts.keys.files import parse_toml, read_text
from sts.keys.vending_key import VendingKey

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

_Raw = TypeVar("_Raw")
_Made = TypeVar("_Made")

_TABLE: Final = "vending_key"
_FIELDS: Final = (
    "supply_group_code",
    "key_revision_number",
    "key_type",
    "base_date",
    "key_expiry_number",
    "decoder_key_generation_algorithm",
    "key",
)

WELL_KNOWN_KEYS: Final = frozenset(
    bytes.fromhex(key)
    for key in (
        "abababababababab",  # STS 531 compliance tests, DKGA02
        "9494949494949494",  # the same, second key
        "abababababababab949494949494949401234567",  # the same, DKGA04
        "0123456789abcdef",  # keys.example, and every textbook on DES
        "fedcba9876543210",  # the same
    )
)
"""Keys that anyone can look up. What is sold under them anyone can forge."""


class KeyStore:
    """Vending keys by supply group and revision; it does not change once made.

    Raises InvalidField when two keys share supply group and revision.
    """

    __slots__ = ("_keys",)

    def __init__(self, keys: Iterable[VendingKey]) -> None:
        # By plain digits and number, which hash faster than the types around them.
        self._keys: dict[tuple[str, int], VendingKey] = {}
        for key in keys:
            place = (key.supply_group_code.digits, key.key_revision_number.value)
            if place in self._keys:
                raise InvalidField(
                    "key store",
                    f"supply group {place[0]} revision {place[1]} is in it twice",
                    "one key for each revision",
                )
            self._keys[place] = key

    def find(
        self, supply_group_code: SupplyGroupCode, key_revision_number: KeyRevisionNumber
    ) -> VendingKey:
        """Return the key of a supply group's revision; raises VendingKeyNotFound."""
        place = (supply_group_code.digits, key_revision_number.value)
        key = self._keys.get(place)
        if key is None:
            raise VendingKeyNotFound(*place)
        return key

    @property
    def holds_well_known_keys(self) -> bool:
        """Whether a published test key is among them; nothing real is sold under such a key."""
        return any(key.octets in WELL_KNOWN_KEYS for key in self)

    def __iter__(self) -> Iterator[VendingKey]:
        return iter(self._keys.values())

    def __len__(self) -> int:
        return len(self._keys)

    def __repr__(self) -> str:
        return f"KeyStore({len(self)} keys: {', '.join(key.key_check_value for key in self)})"


def load_key_file(path: Path) -> KeyStore:
    """Return the keys of a TOML file; raises KeyFileInvalid."""
    return parse_key_file(read_text(path, KeyFileInvalid), path=str(path))


def parse_key_file(text: str, *, path: str) -> KeyStore:
    """Return the keys of a TOML text with a `[[vending_key]]` table for each key.

    Raises KeyFileInvalid that names `path`, the entry (from 1) and the field. It tells
    what is expected and never what was found, for that may be a key in the wrong place.
    """
    data = parse_toml(text, path, KeyFileInvalid)
    entries = data.pop(_TABLE, None)
    if data:
        raise KeyFileInvalid(path, f"unknown field {min(data)}; only [[{_TABLE}]] is known")
    are_tables = isinstance(entries, list) and all(isinstance(entry, dict) for entry in entries)
    if not entries or not are_tables:
        raise KeyFileInvalid(path, f"it holds no [[{_TABLE}]] tables")
    keys: list[VendingKey] = []
    places: dict[tuple[SupplyGroupCode, KeyRevisionNumber], int] = {}
    for number, entry in enumerate(entries, start=1):
        try:
            key = _vending_key(entry)
        except _Wrong as wrong:
            raise KeyFileInvalid(path, f"[[{_TABLE}]] entry {number}, {wrong}") from None
        first = places.setdefault((key.supply_group_code, key.key_revision_number), number)
        if first != number:
            raise KeyFileInvalid(
                path,
                f"[[{_TABLE}]] entry {number}: same supply group and revision as entry {first}",
            )
        keys.append(key)
    return KeyStore(keys)


class _Wrong(Exception):
    """A field of an entry, and what is wrong with it."""

    def __init__(self, field: str, problem: str) -> None:
        super().__init__(f"field {field}: {problem}")


def _vending_key(entry: dict[str, Any]) -> VendingKey:
    """Return the key of one entry; raises _Wrong for the first field that is wrong."""
    if unknown := entry.keys() - set(_FIELDS):
        raise _Wrong(min(unknown), f"unknown; known are {', '.join(_FIELDS)}")
    group = _field(entry, "supply_group_code", str, SupplyGroupCode)
    revision = _field(entry, "key_revision_number", int, KeyRevisionNumber)
    key_type = _field(entry, "key_type", int, KeyType.parse)
    base_date = _field(entry, "base_date", int, BaseDate.parse)
    expiry = _field(entry, "key_expiry_number", int, KeyExpiryNumber)
    algorithm = _field(
        entry, "decoder_key_generation_algorithm", str, DecoderKeyGenerationAlgorithm.parse
    )

    def made_of(digits: str) -> VendingKey:
        if not re.fullmatch("(?:[0-9A-Fa-f]{2})*", digits):
            raise InvalidField("key", "not hexadecimal", f"{algorithm.key_octets * 2} hex digits")
        return VendingKey(
            bytes.fromhex(digits), group, revision, key_type, base_date, expiry, algorithm
        )

    return _field(entry, "key", str, made_of)


def _field(
    entry: dict[str, Any], name: str, raw_type: type[_Raw], make: Callable[[_Raw], _Made]
) -> _Made:
    """Return a field of an entry as its own type; raises _Wrong, which shows no value."""
    if name not in entry:
        raise _Wrong(name, "missing")
    raw = entry[name]
    if type(raw) is not raw_type:  # a bool is an int to isinstance
        raise _Wrong(name, f"expected {'text in quotes' if raw_type is str else 'a whole number'}")
    try:
        return make(raw)
    except InvalidField as problem:
        raise _Wrong(name, f"expected {problem.expected}") from None
    except AlgorithmRefused as refused:
        raise _Wrong(name, str(refused)) from None
