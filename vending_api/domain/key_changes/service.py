"""Decides whether a meter must change its key, from which and to which.

A meter must when it does not hold the key data that it should: by order of an operator, by
the revision of its supply group, or because its card shows that it never got its last key
change. Where nobody has ordered anything and its key makes no more credit, since the base
date has ended or the key has expired, it moves to the newest key of its supply group.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from sts.base_date import BaseDate
from sts.errors import TokenIdentifierOutOfRange, VendingKeyNotFound
from sts.key_data import KeyType
from sts.token_identifier import TokenIdentifier
from vending_api.domain.key_changes.errors import CardContradicts, MeterKeyUnusable
from vending_api.domain.key_changes.types import KeyChangeDue
from vending_api.domain.meters.types import KeyData

if TYPE_CHECKING:
    from datetime import datetime

    from sts.id_record import IdRecord
    from sts.keys.key_facts import KeyDirectory, KeyFacts
    from sts.security_module import MeterConfiguration
    from vending_api.domain.meters.types import Meter


def due_key_change(
    security_module: KeyDirectory, meter: Meter, card: IdRecord | None, now: datetime
) -> KeyChangeDue | None:
    """Return the key change that a meter needs before it takes anything else, or None.

    Raises MeterKeyUnusable when its key, or the one it should get, cannot be used;
    CardContradicts when a card is of another meter, or newer than the register.
    """
    held = _held(security_module, meter, card)
    held_data = KeyData.of(held)
    held_key = _key_of(security_module, meter, held_data)
    if held is meter.configuration and held_key.base_date is not meter.base_date:
        # Identifiers count from the key's base date; counted from another, the meter refuses them.
        raise MeterKeyUnusable(
            meter.external_id,
            f"the register says base date {meter.base_date.value}, "
            f"its vending key {held_key.base_date.value}",
        )
    wanted = meter.key_data_to_hold
    if wanted != held_data:
        new_key = _key_of(security_module, meter, wanted)
        _require_credit(new_key, meter, now)
    elif _makes_credit(held_key, now):
        return None
    else:
        new_key = _newest_key(security_module, meter, held, now)
        wanted = wanted._replace(key_revision_number=new_key.key_revision_number)
    return KeyChangeDue(
        held=held,
        held_base_date=held_key.base_date,
        new=wanted,
        new_base_date=new_key.base_date,
    )


def _held(security_module: KeyDirectory, meter: Meter, card: IdRecord | None) -> MeterConfiguration:
    """Return what a meter is keyed with: what its card shows, if that is known and older.

    A card of keys that are not in the key store says nothing that could be used.
    """
    registered = meter.configuration
    if card is None:
        return registered
    shown = KeyData(card.supply_group_code, card.key_revision_number, card.tariff_index)
    try:
        key = security_module.vending_key_for(shown.supply_group_code, shown.key_revision_number)
    except VendingKeyNotFound:
        return registered
    if card.pan != registered.pan:
        raise CardContradicts(meter.external_id, "it shows another meter number")
    if shown == KeyData.of(registered):
        return registered
    is_same_group = shown.supply_group_code == registered.supply_group_code
    is_newer = is_same_group and shown.key_revision_number > registered.key_revision_number
    if is_newer or key.base_date > meter.base_date:
        raise CardContradicts(meter.external_id, "it shows a newer key than the register")
    return replace(
        registered,
        supply_group_code=shown.supply_group_code,
        key_revision_number=shown.key_revision_number,
        tariff_index=shown.tariff_index,
    )


def _key_of(security_module: KeyDirectory, meter: Meter, key_data: KeyData) -> KeyFacts:
    try:
        return security_module.vending_key_for(
            key_data.supply_group_code, key_data.key_revision_number
        )
    except VendingKeyNotFound as error:
        raise MeterKeyUnusable(meter.external_id, str(error)) from error


def _makes_credit(key: KeyFacts, now: datetime) -> bool:
    """Return whether a key makes credit tokens now: its base date goes on, and it itself does."""
    # Also when the clock is wrong: credit of this base date ended on 2024-11-24.
    if key.base_date is BaseDate.YEAR_1993:
        return False
    try:
        identifier = TokenIdentifier.at(now, key.base_date)
    except TokenIdentifierOutOfRange:
        return False
    return identifier.high_byte <= key.key_expiry_number.value


def _require_credit(key: KeyFacts, meter: Meter, now: datetime) -> None:
    if not _makes_credit(key, now):
        raise MeterKeyUnusable(
            meter.external_id,
            f"revision {key.key_revision_number}, which it should hold, has expired",
        )


def _newest_key(
    security_module: KeyDirectory, meter: Meter, held: MeterConfiguration, now: datetime
) -> KeyFacts:
    """Return the newest key of a meter's supply group that makes credit."""
    keys = [
        key
        for key in security_module.facts()
        if key.supply_group_code == held.supply_group_code
        and key.key_type is KeyType.UNIQUE
        and _makes_credit(key, now)
    ]
    if not keys:
        raise MeterKeyUnusable(
            meter.external_id,
            f"base date {meter.base_date.value} has ended or its key has expired, "
            "and its supply group has no newer key",
        )
    return max(keys, key=lambda key: (key.base_date, key.key_revision_number))
