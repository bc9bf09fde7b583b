"""Key files: vending keys in TOML, read once into a store that cannot change.

`keys.example` at the top of the repository explains the format, entry by entry.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from sts.errors import InvalidField, KeyFileInvalid, VendingKeyNotFound
from sts.keys.entries import FACT_FIELDS, EntryWrong, facts_of, field_of, require_known
from sts.keys.files import parse_toml, read_text
from sts.keys.vending_key import check_value_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from sts.key_data import KeyRevisionNumber, SupplyGroupCode
    from sts.keys.vending_key import VendingKey

_TABLE: Final = "vending_key"
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

WELL_KNOWN_CHECK_VALUES: Final = frozenset(map(check_value_of, WELL_KNOWN_KEYS))
"""By these they are known, and so are the same DES keys with other parity bits."""


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
        return any(key.key_check_value in WELL_KNOWN_CHECK_VALUES for key in self)

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
    if "seal" in data:
        raise KeyFileInvalid(path, "it is sealed, and a plain key file is wanted here")
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
        except EntryWrong as wrong:
            raise KeyFileInvalid(path, f"[[{_TABLE}]] entry {number}, {wrong}") from None
        first = places.setdefault((key.supply_group_code, key.key_revision_number), number)
        if first != number:
            raise KeyFileInvalid(
                path,
                f"[[{_TABLE}]] entry {number}: same supply group and revision as entry {first}",
            )
        keys.append(key)
    return KeyStore(keys)


def _vending_key(entry: dict[str, Any]) -> VendingKey:
    """Return the key of one entry; raises EntryWrong for the first field that is wrong."""
    require_known(entry, (*FACT_FIELDS, "key"))
    facts = facts_of(entry)

    def made_of(digits: str) -> VendingKey:
        algorithm = facts.algorithm
        if not re.fullmatch("(?:[0-9A-Fa-f]{2})*", digits):
            raise InvalidField("key", "not hexadecimal", f"{algorithm.key_octets * 2} hex digits")
        return facts.with_octets(bytes.fromhex(digits))

    return field_of(entry, "key", str, made_of)
