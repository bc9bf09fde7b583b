"""What may be asked of the register."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sts.token_identifier import TokenIdentifier, next_token_identifier
from tariffs.tariff import parse_tariff
from vending_api.domain.meters import repository
from vending_api.domain.meters.errors import EntryInvalid, UnknownMeter

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sqlalchemy import Connection

    from sts.key_data import SupplyGroupCode
    from vending_api.domain.meters.types import Meter, NewMeter, PurchaseLimits, Utility


def find_meter(connection: Connection, external_id: str) -> Meter:
    """Return the meter that points of sale call `external_id`; raises UnknownMeter."""
    meter = repository.find_meter(connection, external_id)
    if meter is None:
        raise UnknownMeter(external_id)
    return meter


def lock_meter(connection: Connection, external_id: str) -> Meter:
    """Return a meter and keep others from selling to it until the transaction ends.

    Raises UnknownMeter.
    """
    meter = repository.lock_meter(connection, external_id)
    if meter is None:
        raise UnknownMeter(external_id)
    return meter


def take_token_identifier(connection: Connection, meter: Meter, now: datetime) -> TokenIdentifier:
    """Return the identifier of the next token of a locked meter, and record it as used.

    Raises TokenIdentifierOutOfRange when the meter's base date has ended.
    """
    token_identifier = next_token_identifier(now, meter.base_date, meter.last_token_identifier)
    repository.record_token_identifier(connection, meter.key, token_identifier)
    return token_identifier


def register_utility(
    connection: Connection,
    utility: Utility,
    *,
    limits: PurchaseLimits,
    supply_groups: Sequence[SupplyGroupCode],
) -> None:
    """Register a utility, the limits of its meters, and its supply groups.

    Raises EntryInvalid for a text that is too long for receipts.
    """
    utility_key = repository.add_utility(connection, utility, limits)
    for code in supply_groups:
        repository.add_supply_group(connection, code, utility_key)


def register_tariff(connection: Connection, name: str, document: str) -> int:
    """Register a tariff document and return its key; raises TariffInvalid for a bad one."""
    parse_tariff(document, document=name)
    return repository.add_tariff(connection, name, document)


def register_meter(connection: Connection, meter: NewMeter) -> None:
    """Register a meter of a registered supply group and tariff, with its customer.

    Raises EntryInvalid for a text that points of sale could not send or print.
    """
    if not (meter.external_id.isascii() and meter.external_id.isalnum()):
        raise EntryInvalid("meter.external_id", "write letters and digits only")
    repository.add_meter(connection, meter)


def is_registered(connection: Connection, utility_name: str) -> bool:
    """Return whether a utility of this name is registered."""
    return repository.find_utility(connection, utility_name) is not None


def has_utilities(connection: Connection) -> bool:
    """Return whether any utility is registered."""
    return repository.has_utilities(connection)
