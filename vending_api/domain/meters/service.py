"""What may be asked of the register."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sts.token_identifier import TokenIdentifier, next_token_identifier
from tariffs.document import parse_tariff
from vending_api.domain.meters import many, repository
from vending_api.domain.meters.errors import UnknownMeter
from vending_api.domain.meters.types import KeyData, UtilityRules
from vending_api.kit.entries import EntryInvalid
from vending_api.kit.group import forget, recall, remember

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from datetime import datetime

    from sqlalchemy import Connection

    from sts.base_date import BaseDate
    from sts.key_data import KeyRevisionNumber, SupplyGroupCode
    from sts.meter_number import MeterPan
    from tariffs.tariff import Tariff
    from vending_api.domain.meters.types import Meter, NewMeter, PurchaseLimits, Utility

_METER: Final = "meter"
_IDENTIFIER: Final = "newest token identifier"
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
    meter: Meter | None = recall(connection, (_METER, external_id))
    if meter is not None:
        newest = recall(connection, (_IDENTIFIER, meter.key))
        return meter if newest is None else meter._replace(last_token_identifier=newest)
    meter = repository.lock_meter(connection, external_id)
    if meter is None:
        raise UnknownMeter(external_id)
    remember(connection, (_METER, external_id), meter)
    return meter


def lock_meters(connection: Connection, external_ids: Iterable[str]) -> list[Meter]:
    """Return those meters that are registered, locked as `lock_meter` does one.

    The group of the connection knows them from then on.
    """
    meters = repository.lock_meters(connection, external_ids)
    for meter in meters:
        remember(connection, (_METER, meter.external_id), meter)
    return meters


def external_id_of(connection: Connection, pan: MeterPan) -> str:
    """Return the number that points of sale send for the meter of a PAN; raises UnknownMeter."""
    external_id = repository.external_id_of(connection, pan)
    if external_id is None:
        raise UnknownMeter(pan.digits)
    return external_id


def order_key_change(connection: Connection, meter: Meter, key_data: KeyData) -> None:
    """Order a locked meter to hold other key data, by key change tokens with its next purchase.

    Raises EntryInvalid for a supply group that is not registered.
    """
    code = key_data.supply_group_code
    if not repository.has_supply_group(connection, code):
        raise EntryInvalid("supply_group_code", f"{code} is not registered; import its site first")
    is_held = key_data == KeyData.of(meter.configuration)
    repository.order_key_data(connection, meter.key, None if is_held else key_data)


def order_key_changes(connection: Connection, orders: Iterable[tuple[Meter, KeyData]]) -> None:
    """Order locked meters to hold other key data than they do, as `order_key_change` does one.

    Their supply groups are registered, and nothing more is done to them in this transaction.
    """
    for meter, key_data in orders:
        many.order_key_data(connection, meter.key, key_data)


def has_supply_group(connection: Connection, code: SupplyGroupCode) -> bool:
    """Return whether a supply group is registered."""
    return repository.has_supply_group(connection, code)


def order_group_revision(
    connection: Connection, code: SupplyGroupCode, revision: KeyRevisionNumber | None
) -> None:
    """Order all meters of a supply group to hold a key revision; None leaves each as it is.

    A meter gets its key change tokens with its next purchase. Raises EntryInvalid for a group
    that is not registered.
    """
    if not repository.has_supply_group(connection, code):
        raise EntryInvalid("supply_group_code", f"{code} is not registered; import its site first")
    many.set_group_revision(connection, code, revision)


def record_key_data(
    connection: Connection,
    meter: Meter,
    key_data: KeyData,
    base_date: BaseDate,
    *,
    newest: TokenIdentifier | None = None,
    is_last: bool = False,
) -> None:
    """Record what key data a locked meter holds from now on, and under which base date.

    Token identifiers start again with another base date, as the meter forgets those it has
    seen; `newest` is one that was made for it under that base date before, if any. An order
    for a key change is done with. `is_last` says that nothing more is done to the meter in this
    transaction, so that it may be written together with others.
    """
    is_same = base_date is meter.base_date
    last = meter.last_token_identifier if is_same else newest
    forget(connection, (_METER, meter.external_id), (_IDENTIFIER, meter.key))
    repository.store_key_data(connection, meter.key, key_data, base_date, last, is_last=is_last)


def set_blocked(connection: Connection, meter: Meter, *, is_blocked: bool) -> None:
    """Forbid selling to a meter, or allow it again."""
    repository.set_blocked(connection, meter.key, is_blocked=is_blocked)


def set_queued(connection: Connection, meter_key: int, *, has_queued_tokens: bool) -> None:
    """Note at a locked meter whether operators' tokens wait for its next purchase."""
    repository.set_queued(connection, meter_key, has_queued_tokens=has_queued_tokens)


def note_queued(connection: Connection, meter_keys: Iterable[int]) -> None:
    """Note at locked meters that tokens wait for their next purchase.

    Nothing more is done to them in this transaction.
    """
    for key in meter_keys:
        many.set_queued(connection, key)


def take_token_identifiers(
    connection: Connection, meter: Meter, now: datetime, *, count: int
) -> list[TokenIdentifier]:
    """Return the identifiers of the next tokens of a locked meter, and record them as used.

    `meter` is as it was locked: its next tokens are all taken here, at once. Raises
    TokenIdentifierOutOfRange when the meter's base date has ended.
    """
    is_remembered = recall(connection, (_METER, meter.external_id)) is not None
    taken: list[TokenIdentifier] = []
    last = meter.last_token_identifier
    for _ in range(count):
        last = next_token_identifier(now, meter.base_date, last)
        taken.append(last)
    if is_remembered:
        # Beside the meter that the group knows: only the next sale to it must make that anew.
        remember(connection, (_IDENTIFIER, meter.key), taken[-1])
    repository.record_token_identifier(
        connection, meter.key, taken[-1], is_remembered=is_remembered
    )
    return taken


def register_utility(
    connection: Connection,
    utility: Utility,
    *,
    limits: PurchaseLimits,
    supply_groups: Sequence[SupplyGroupCode],
    rules: UtilityRules | None = None,
) -> None:
    """Register a utility, the limits of its meters, its rules, and its supply groups.

    Raises EntryInvalid for a text that is too long for receipts.
    """
    utility_key = repository.add_utility(connection, utility, limits, rules or UtilityRules())
    for code in supply_groups:
        repository.add_supply_group(connection, code, utility_key)


def register_supply_group(connection: Connection, code: SupplyGroupCode, utility_name: str) -> None:
    """Register another supply group of a registered utility.

    Raises EntryInvalid for a utility that is not registered.
    """
    utility_key = repository.find_utility(connection, utility_name)
    if utility_key is None:
        raise EntryInvalid("utility", f"{utility_name} is not registered; import its site first")
    repository.add_supply_group(connection, code, utility_key)


def check_tariff(name: str, document: str) -> Tariff:
    """Return the tariff of a document that may be registered.

    Raises TariffInvalid for a bad one, EntryInvalid for a name that is too long for receipts.
    """
    tariff = parse_tariff(document, document=name)
    for charge in _names_of_charges(tariff):
        if len(charge) > _LONGEST_CHARGE_NAME:
            raise EntryInvalid(
                "tariff.document",
                f"charge {charge!r} has {len(charge)} characters; "
                f"write at most {_LONGEST_CHARGE_NAME}",
            )
    return tariff


def register_tariff(connection: Connection, name: str, document: str) -> int:
    """Register a tariff document and return its key; raises as `check_tariff`."""
    check_tariff(name, document)
    return repository.add_tariff(connection, name, document)


def classes_ahead(tariff: Tariff, at: datetime) -> frozenset[str]:
    """Return the customer classes that a tariff has prices for at a moment, and for good."""
    today = tariff.local_date(at)
    ended = [version for version in tariff.versions[1:] if version.valid_from <= today]
    ahead = tariff.versions[len(ended) :]
    return frozenset.intersection(*(frozenset(version.blocks) for version in ahead))


def register_meter(connection: Connection, meter: NewMeter) -> int:
    """Register a meter of a registered supply group and tariff, and return its key.

    Its customer is registered with it. Raises EntryInvalid for a text that points of sale
    could not send or print.
    """
    return register_meters(connection, [meter])[0]


def register_meters(connection: Connection, meters: Sequence[NewMeter]) -> list[int]:
    """Register meters and return their keys in the same order; as `register_meter` does one."""
    for meter in meters:
        if not (meter.external_id.isascii() and meter.external_id.isalnum()):
            raise EntryInvalid("meter.external_id", "write letters and digits only")
    return repository.add_meters(connection, meters)


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
