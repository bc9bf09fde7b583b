"""Compares lists of meters with the register, and enters the difference.

Nothing is ever deleted, and what is the same is left alone, so a list may be entered again and
again. What a registered meter is made of, its key data above all, is never changed here: the
register knows what key change tokens have done to it since. Nor is what it owes and has bought.
"""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Any, Final, TypeVar

from sts.security_module import MeterConfiguration
from tariffs.account import Account
from vending_api.domain.accounts.service import open_accounts, set_customers
from vending_api.domain.meter_lists import repository
from vending_api.domain.meter_lists.types import Comparison, Conflict, MeterChange
from vending_api.domain.meters.service import check_tariff, classes_ahead, register_meters
from vending_api.domain.meters.types import Customer, NewMeter, ServiceType
from vending_api.kit.entries import EntryInvalid

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from datetime import datetime
    from enum import Enum

    from sqlalchemy import Connection, Row

    from vending_api.domain.meter_lists.types import MeterEntry

T = TypeVar("T")

_LOOKED_UP_AT_ONCE: Final = 500
_WRITTEN_AT_ONCE: Final = 1000

_CUSTOMER_FIELDS: Final = frozenset({"first_name", "last_name", "address"})
_ACCOUNT_FIELDS: Final = frozenset({"customer_class", "is_exempt", "gets_free_units"})
_METER_FIELDS: Final = frozenset({"tariff", "token_technology_code", "is_blocked", "limits"})
CHANGEABLE_FIELDS: Final = _CUSTOMER_FIELDS | _ACCOUNT_FIELDS | _METER_FIELDS
"""What a list may change of a registered meter."""
_KEY_DATA: Final = ("supply_group_code", "key_revision_number", "tariff_index")
_MADE_OF: Final = ("pan", *_KEY_DATA, "base_date", "encryption_algorithm", "tariff")
"""What a new meter needs."""


def compare_list(
    connection: Connection,
    entries: Sequence[MeterEntry],
    fields: frozenset[str],
    at: datetime,
    *,
    advance: Callable[[int], None] = lambda _: None,
) -> Comparison:
    """Return how a list differs from the register, and what keeps it from being entered.

    Of registered meters, only what is named in `fields` is compared. `advance` is told how many
    entries have been looked at since it was told last.
    """
    comparer = _Comparer(connection, fields & CHANGEABLE_FIELDS, at)
    numbered = enumerate(entries)
    while chunk := list(islice(numbered, _LOOKED_UP_AT_ONCE)):
        comparer.compare(chunk)
        advance(len(chunk))
    return Comparison(
        fields=fields & CHANGEABLE_FIELDS,
        new=tuple(comparer.new),
        changed=tuple(comparer.changed),
        unchanged=comparer.unchanged,
        conflicts=tuple(comparer.conflicts),
    )


def enter_list(
    connection: Connection,
    comparison: Comparison,
    *,
    advance: Callable[[int], None] = lambda _: None,
) -> None:
    """Enter what a list says and the register does not; `advance` as in `compare_list`.

    Raises EntryInvalid for the first conflict of the comparison.
    """
    for conflict in comparison.conflicts:
        raise EntryInvalid(f"entry {conflict.position + 1}, {conflict.field}", conflict.problem)
    tariff_keys = {row.name: row.key for row in repository.tariffs(connection)}
    # Sales lock meters in the order of their numbers; so does this, lest both wait in a ring.
    changes = iter(sorted(comparison.changed, key=lambda change: change.entry.external_id))
    while some := list(islice(changes, _WRITTEN_AT_ONCE)):
        _enter_changes(connection, some, comparison.fields, tariff_keys)
        advance(len(some))
    new = iter(comparison.new)
    while entries := list(islice(new, _WRITTEN_AT_ONCE)):
        _enter_new(connection, entries, tariff_keys)
        advance(len(entries))


class _Comparer:
    """Compares entries with the register, and gathers what comes of it."""

    def __init__(self, connection: Connection, fields: frozenset[str], at: datetime) -> None:
        self._connection = connection
        self._fields = fields
        self._groups = {row.supply_group_code: row for row in repository.supply_groups(connection)}
        self._classes = {
            row.name: classes_ahead(check_tariff(row.name, row.document), at)
            for row in repository.tariffs(connection)
        }
        self.new: list[MeterEntry] = []
        self.changed: list[MeterChange] = []
        self.unchanged = 0
        self.conflicts: list[Conflict] = []

    def compare(self, chunk: Sequence[tuple[int, MeterEntry]]) -> None:
        """Compare some entries, each with its position."""
        registered = repository.find_meters(
            self._connection, [entry.external_id for _, entry in chunk]
        )
        pans = {entry.pan.digits for _, entry in chunk if entry.pan is not None}
        holders = repository.find_pans(self._connection, pans)
        for position, entry in chunk:
            row = registered.get(entry.external_id)
            problems = list(self._problems_of_any(entry, row))
            if row is None:
                problems += self._problems_of_new(entry, holders)
            else:
                problems += _problems_of_registered(entry, row)
            self.conflicts += [
                Conflict(position=position, field=field, problem=problem)
                for field, problem in problems
            ]
            if not problems:
                self._sort_in(entry, row)

    def _sort_in(self, entry: MeterEntry, row: Row[Any] | None) -> None:
        if row is None:
            self.new.append(entry)
        elif differing := _differing(entry, row, self._fields):
            self.changed.append(
                MeterChange(
                    entry=entry,
                    meter_key=row.key,
                    customer_key=row.customer_key,
                    tariff=entry.tariff or row.tariff,
                    fields=differing,
                )
            )
        else:
            self.unchanged += 1

    def _problems_of_any(
        self, entry: MeterEntry, row: Row[Any] | None
    ) -> Iterator[tuple[str, str]]:
        tariff = entry.tariff or (None if row is None else row.tariff)
        classes = self._classes.get(tariff)
        if tariff is not None and classes is None:
            yield "tariff", f"tariff {tariff!r} is not registered; import its site first"
        customer_class = entry.customer_class
        if row is not None and "customer_class" not in self._fields:
            customer_class = row.customer_class
        if classes is not None and customer_class not in classes:
            known = ", ".join(sorted(filter(None, classes))) or "none: leave it empty"
            yield (
                "customer_class",
                f"tariff {tariff!r} has no prices for class {customer_class!r}; it has {known}",
            )

    def _problems_of_new(
        self, entry: MeterEntry, holders: dict[str, str]
    ) -> Iterator[tuple[str, str]]:
        for field in _MADE_OF:
            if getattr(entry, field) is None:
                yield field, "it is missing; this meter is new, so all of its key data are needed"
        if entry.pan is not None and (holder := holders.get(entry.pan.digits)) is not None:
            yield "pan", f"{entry.pan} is registered as meter {holder}; write each meter once"
        code = entry.supply_group_code
        if code is not None and code.digits not in self._groups:
            yield "supply_group_code", f"{code} is not registered; import its site first"


def _problems_of_registered(entry: MeterEntry, row: Row[Any]) -> Iterator[tuple[str, str]]:
    for field, said in _made_of(entry).items():
        held = getattr(row, field)
        if said is None or said == held:
            continue
        mend = "leave it as it is"
        if field in _KEY_DATA:
            mend = f"order other key data with `vending meter key-change {entry.external_id}`"
        yield field, f"the register has {held}, which no import changes; {mend}"


def _differing(entry: MeterEntry, row: Row[Any], fields: Iterable[str]) -> frozenset[str]:
    """Return the fields in which a registered meter differs from its entry."""
    differing = set()
    for field in fields:
        said: object = getattr(entry, field)
        if field == "limits":
            said = _limits(entry)
            held: object = (row.minimum_purchase_minor, row.maximum_purchase_minor)
        else:
            held = getattr(row, field)
        if said != held and not (field == "tariff" and said is None):
            differing.add(field)
    return frozenset(differing)


def _made_of(entry: MeterEntry) -> dict[str, str | int | None]:
    """Return what never changes of a meter, in the words of its row."""
    pan, group, index = entry.pan, entry.supply_group_code, entry.tariff_index
    revision = entry.key_revision_number
    return {
        "pan": None if pan is None else pan.digits,
        "supply_group_code": None if group is None else group.digits,
        "key_revision_number": None if revision is None else revision.value,
        "tariff_index": None if index is None else index.digits,
        "base_date": _value(entry.base_date),
        "encryption_algorithm": _value(entry.encryption_algorithm),
        "service_type": _value(entry.service_type),
    }


def _value(member: Enum | None) -> Any:
    return None if member is None else member.value


def _limits(entry: MeterEntry) -> tuple[int | None, int | None]:
    limits = entry.limits
    return (None, None) if limits is None else (limits.minimum_minor, limits.maximum_minor)


def _enter_changes(
    connection: Connection,
    changes: Sequence[MeterChange],
    fields: frozenset[str],
    tariff_keys: dict[str, int],
) -> None:
    """Store what a list says of these meters, and nothing else: the rest may change meanwhile."""
    rows = [
        {"of_meter": change.meter_key} | _meter_values(change, fields, tariff_keys)
        for change in changes
    ]
    repository.update_meters(connection, rows)
    own = fields & _CUSTOMER_FIELDS
    rows = [
        {"of_customer": change.customer_key}
        | {f"new_{field}": getattr(change.entry, field) for field in own}
        for change in changes
        if change.fields & own
    ]
    repository.update_customers(connection, rows)
    own = fields & _ACCOUNT_FIELDS
    accounts = {
        change.meter_key: _account(change.entry) for change in changes if change.fields & own
    }
    set_customers(connection, accounts, own)


def _meter_values(
    change: MeterChange, fields: frozenset[str], tariff_keys: dict[str, int]
) -> dict[str, Any]:
    entry, (minimum_minor, maximum_minor) = change.entry, _limits(change.entry)
    values: dict[str, dict[str, Any]] = {
        "tariff": {"new_tariff_key": tariff_keys[change.tariff]},
        "token_technology_code": {"new_token_technology_code": entry.token_technology_code},
        "is_blocked": {"new_is_blocked": entry.is_blocked},
        "limits": {
            "new_minimum_purchase_minor": minimum_minor,
            "new_maximum_purchase_minor": maximum_minor,
        },
    }
    return {name: one for field in fields & _METER_FIELDS for name, one in values[field].items()}


def _enter_new(
    connection: Connection, entries: Sequence[MeterEntry], tariff_keys: dict[str, int]
) -> None:
    keys = register_meters(connection, [_new_meter(entry, tariff_keys) for entry in entries])
    accounts = {key: _account(entry) for key, entry in zip(keys, entries, strict=True)}
    # A meter without an account has bought nothing yet and is an ordinary customer's.
    plain = Account()
    open_accounts(connection, {key: one for key, one in accounts.items() if one != plain})


def _new_meter(entry: MeterEntry, tariff_keys: dict[str, int]) -> NewMeter:
    return NewMeter(
        external_id=entry.external_id,
        configuration=MeterConfiguration(
            pan=_needed(entry.pan),
            supply_group_code=_needed(entry.supply_group_code),
            key_revision_number=_needed(entry.key_revision_number),
            tariff_index=_needed(entry.tariff_index),
            encryption_algorithm=_needed(entry.encryption_algorithm),
        ),
        base_date=_needed(entry.base_date),
        service_type=entry.service_type or ServiceType.ELECTRICITY,
        token_technology_code=entry.token_technology_code,
        limits=entry.limits,
        customer=Customer(
            first_name=entry.first_name, last_name=entry.last_name, address=entry.address
        ),
        tariff_key=tariff_keys[_needed(entry.tariff)],
        is_blocked=entry.is_blocked,
    )


def _needed(value: T | None) -> T:
    """Return a value that the comparison has found to be there."""
    if value is None:
        raise EntryInvalid("meter", "it is new, and not all of it is given")
    return value


def _account(entry: MeterEntry) -> Account:
    return Account(
        customer_class=entry.customer_class,
        is_exempt=entry.is_exempt,
        gets_free_units=entry.gets_free_units,
        debts=entry.debts,
    )
