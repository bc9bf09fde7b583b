"""What may be asked of the register."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sts.token_identifier import TokenIdentifier, next_token_identifier
from tariffs.document import parse_tariff
from vending_api.domain.meters import repository
from vending_api.domain.meters.errors import UnknownMeter
from vending_api.kit.entries import EntryInvalid

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

    from sqlalchemy import Connection

    from sts.key_data import SupplyGroupCode
    from tariffs.tariff import Tariff
    from vending_api.domain.meters.types import Meter, NewMeter, PurchaseLimits, Utility

_LONGEST_CHARGE_NAME: Final = 40
"""What points of sale can print of a charge."""


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


def take_token_identifiers(
    connection: Connection, meter: Meter, now: datetime, *, count: int
) -> list[TokenIdentifier]:
    """Return the identifiers of the next tokens of a locked meter, and record them as used.

    `meter` is as it was locked: its next tokens are all taken here, at once. Raises
    TokenIdentifierOutOfRange when the meter's base date has ended.
    """
    taken: list[TokenIdentifier] = []
    last = meter.last_token_identifier
    for _ in range(count):
        last = next_token_identifier(now, meter.base_date, last)
        taken.append(last)
    repository.record_token_identifier(connection, meter.key, taken[-1])
    return taken


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
    """Register a tariff document and return its key.

    Raises TariffInvalid for a bad one, EntryInvalid for a name that is too long for receipts.
    """
    for charge in _names_of_charges(parse_tariff(document, document=name)):
        if len(charge) > _LONGEST_CHARGE_NAME:
            raise EntryInvalid(
                "tariff.document",
                f"charge {charge!r} has {len(charge)} characters; "
                f"write at most {_LONGEST_CHARGE_NAME}",
            )
    return repository.add_tariff(connection, name, document)


def register_meter(connection: Connection, meter: NewMeter) -> int:
    """Register a meter of a registered supply group and tariff, and return its key.

    Its customer is registered with it. Raises EntryInvalid for a text that points of sale
    could not send or print.
    """
    if not (meter.external_id.isascii() and meter.external_id.isalnum()):
        raise EntryInvalid("meter.external_id", "write letters and digits only")
    return repository.add_meter(connection, meter)


def is_registered(connection: Connection, utility_name: str) -> bool:
    """Return whether a utility of this name is registered."""
    return repository.find_utility(connection, utility_name) is not None


def has_utilities(connection: Connection) -> bool:
    """Return whether any utility is registered."""
    return repository.has_utilities(connection)


def _names_of_charges(tariff: Tariff) -> Iterator[str]:
    for version in tariff.versions:
        yield from (charge.name for charge in version.charges)
        if version.channel_fee is not None:
            yield version.channel_fee.name
