"""Entries of key files: a field is its own type or an error, which never shows what was found."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final, TypeVar

from sts.base_date import BaseDate
from sts.errors import AlgorithmRefused, InvalidField
from sts.key_data import (
    DecoderKeyGenerationAlgorithm,
    KeyExpiryNumber,
    KeyRevisionNumber,
    KeyType,
    SupplyGroupCode,
)
from sts.keys.key_facts import KeyFacts

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

_Raw = TypeVar("_Raw")
_Made = TypeVar("_Made")

FACT_FIELDS: Final = (
    "supply_group_code",
    "key_revision_number",
    "key_type",
    "base_date",
    "key_expiry_number",
    "decoder_key_generation_algorithm",
)


class EntryWrong(Exception):
    """A field of an entry, and what is wrong with it; the reader of the file adds the place."""

    def __init__(self, field: str, problem: str) -> None:
        super().__init__(f"field {field}: {problem}")


def require_known(entry: dict[str, Any], known: Collection[str]) -> None:
    """Let an entry pass that has no other than the known fields; raises EntryWrong."""
    if unknown := entry.keys() - set(known):
        raise EntryWrong(min(unknown), f"unknown; known are {', '.join(known)}")


def facts_of(entry: dict[str, Any]) -> KeyFacts:
    """Return the open facts of a key's entry; raises EntryWrong for the first that is wrong."""
    return KeyFacts(
        field_of(entry, "supply_group_code", str, SupplyGroupCode),
        field_of(entry, "key_revision_number", int, KeyRevisionNumber),
        field_of(entry, "key_type", int, KeyType.parse),
        field_of(entry, "base_date", int, BaseDate.parse),
        field_of(entry, "key_expiry_number", int, KeyExpiryNumber),
        field_of(
            entry, "decoder_key_generation_algorithm", str, DecoderKeyGenerationAlgorithm.parse
        ),
    )


def octets_of(entry: dict[str, Any], name: str, length: int) -> bytes:
    """Return a field of so many octets in hex digits; raises EntryWrong."""

    def octets(digits: str) -> bytes:
        if not re.fullmatch(f"[0-9A-Fa-f]{{{2 * length}}}", digits):
            raise InvalidField(name, "not that", f"{2 * length} hex digits")
        return bytes.fromhex(digits)

    return field_of(entry, name, str, octets)


def number_of(entry: dict[str, Any], name: str) -> int:
    """Return a field that is a whole number; raises EntryWrong."""
    return field_of(entry, name, int, int)


def field_of(
    entry: dict[str, Any], name: str, raw_type: type[_Raw], make: Callable[[_Raw], _Made]
) -> _Made:
    """Return a field of an entry as its own type; raises EntryWrong, which shows no value."""
    if name not in entry:
        raise EntryWrong(name, "missing")
    raw = entry[name]
    if type(raw) is not raw_type:  # a bool is an int to isinstance
        expected = "text in quotes" if raw_type is str else "a whole number"
        raise EntryWrong(name, f"expected {expected}")
    try:
        return make(raw)
    except InvalidField as problem:
        raise EntryWrong(name, f"expected {problem.expected}") from None
    except AlgorithmRefused as refused:
        raise EntryWrong(name, str(refused)) from None
