"""What is known of the keys in the hardware: a file, for no operation is documented that tells."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from sts.errors import InvalidField, KeyFileInvalid
from sts.keys.entries import FACT_FIELDS, EntryWrong, facts_of, field_of, require_known
from sts.keys.files import parse_toml, read_text
from sts.security_module import VendingKeyFacts

if TYPE_CHECKING:
    from pathlib import Path

_TABLE: Final = "vending_key"
_CHECK_VALUE: Final = "key_check_value"


def load_facts(path: Path) -> list[VendingKeyFacts]:
    """Return the facts of a TOML file with a `[[vending_key]]` table for each key.

    Raises KeyFileInvalid that names file, entry (from 1) and field, and shows no value.
    """
    data = parse_toml(read_text(path, KeyFileInvalid), str(path), KeyFileInvalid)
    entries = data.pop(_TABLE, None)
    if data:
        raise KeyFileInvalid(path, f"unknown field {min(data)}; only [[{_TABLE}]] is known")
    are_tables = isinstance(entries, list) and all(isinstance(entry, dict) for entry in entries)
    if not entries or not are_tables:
        raise KeyFileInvalid(path, f"it holds no [[{_TABLE}]] tables")
    facts: dict[tuple[str, int], VendingKeyFacts] = {}
    for number, entry in enumerate(entries, start=1):
        try:
            one = _facts(entry)
        except EntryWrong as wrong:
            raise KeyFileInvalid(path, f"[[{_TABLE}]] entry {number}, {wrong}") from None
        if one.place in facts:
            raise KeyFileInvalid(
                path, f"[[{_TABLE}]] entry {number}: same supply group and revision as another"
            )
        facts[one.place] = one
    return list(facts.values())


def _facts(entry: dict[str, Any]) -> VendingKeyFacts:
    require_known(entry, (*FACT_FIELDS, _CHECK_VALUE))
    known = facts_of(entry)
    return VendingKeyFacts(
        known.supply_group_code,
        known.key_revision_number,
        known.key_type,
        known.base_date,
        known.key_expiry_number,
        known.algorithm,
        field_of(entry, _CHECK_VALUE, str, _check_value),
    )


def _check_value(digits: str) -> str:
    if not re.fullmatch(r"[0-9A-Fa-f]{6,16}", digits):
        raise InvalidField(_CHECK_VALUE, "not that", "6 to 16 hex digits")
    return digits.upper()
