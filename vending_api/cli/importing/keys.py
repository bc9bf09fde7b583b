"""Warns of what could be registered, but not sold to, for want of a key."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from sts.errors import KeyFileInvalid, VendingKeyNotFound
from sts.keys.sealed_file import key_directory
from vending_api.settings import read_settings

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sts.keys.key_facts import KeyDirectory
    from vending_api.domain.meter_lists.types import MeterEntry
    from vending_api.domain.sites.types import Site


def warnings_for_site(site: Site) -> list[str]:
    """Return what is missing in the key file, if there is one, for the supply groups of a site."""
    keys, warnings = _keys()
    if keys is None:
        return warnings
    facts = keys.facts()
    held = {key.supply_group_code for key in facts}
    for group in (one for utility in site.utilities for one in utility.supply_groups):
        if group.code not in held:
            warnings.append(f"VENDING_KEYS_FILE has no key of supply group {group.code}")
        elif group.key_revision is not None and not any(
            (key.supply_group_code, key.key_revision_number) == (group.code, group.key_revision)
            for key in facts
        ):
            warnings.append(
                f"VENDING_KEYS_FILE has no key of supply group {group.code} "
                f"revision {group.key_revision}, which its meters should hold"
            )
    return warnings


def warnings_for_meters(entries: Iterable[MeterEntry]) -> list[str]:
    """Return what is missing in the key file, if there is one, for new meters."""
    keys, warnings = _keys()
    if keys is None:
        return warnings
    counted = Counter(
        (entry.supply_group_code, entry.key_revision_number, entry.base_date) for entry in entries
    )
    for (group, revision, base_date), count in counted.items():
        if group is None or revision is None or base_date is None:
            continue
        whose = f"{count} new meter{'s' * (count > 1)} of supply group {group} revision {revision}"
        try:
            key = keys.vending_key_for(group, revision)
        except VendingKeyNotFound:
            warnings.append(f"{whose}: VENDING_KEYS_FILE has no such key")
            continue
        if key.base_date is not base_date:
            warnings.append(
                f"{whose}: the list says base date {base_date.value}, "
                f"the key in VENDING_KEYS_FILE {key.base_date.value}"
            )
    return warnings


def _keys() -> tuple[KeyDirectory | None, list[str]]:
    file = read_settings().keys_file
    if file is None:
        return None, []
    try:
        return key_directory(file), []
    except KeyFileInvalid as error:
        # An operator may register meters and not be allowed to see keys.
        return None, [f"keys were not looked up: VENDING_KEYS_FILE: {error}"]
