"""Compares a site with the register, and enters the difference.

Nothing is ever deleted, and what is the same is left alone, so a file may be entered again and
again.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Final

from vending_api.domain.clients import service as clients
from vending_api.domain.meters import service as meters
from vending_api.domain.sites import repository
from vending_api.domain.sites.types import (
    Change,
    Conflict,
    FieldChange,
    Kind,
    SiteComparison,
)
from vending_api.kit.entries import EntryInvalid

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import datetime

    from sqlalchemy import Connection

    from vending_api.domain.sites.types import (
        ClientEntry,
        GroupEntry,
        Site,
        TariffEntry,
        UtilityEntry,
    )

_KEYS: Final = {
    "minimum_purchase_minor": "limits.minimum_minor",
    "maximum_purchase_minor": "limits.maximum_minor",
    "meter_day_maximum_minor": "rules.meter_day_maximum_minor",
    "reprints_a_day": "rules.reprints_a_day",
    "reversal_credit_minutes": "rules.reversal_minutes",
    "key_revision_number": "key_revision",
    "is_prepaid": "prepaid",
}
"""What a site file calls columns that it does not call by their own names."""


def compare_site(connection: Connection, site: Site, at: datetime) -> SiteComparison:
    """Return how a site differs from the register, and what keeps it from being entered."""
    compared = [
        *_compare_utilities(connection, site.utilities),
        *_compare_groups(connection, site.utilities),
        *_compare_tariffs(connection, site.tariffs, at),
        *_compare_clients(connection, site.clients),
    ]
    return SiteComparison(
        changes=tuple(one for one in compared if isinstance(one, Change)),
        conflicts=tuple(one for one in compared if isinstance(one, Conflict)),
    )


def enter_site(
    connection: Connection, site: Site, *, passwords: Mapping[str, str], at: datetime
) -> SiteComparison:
    """Enter what a site says and the register does not, and return what that was.

    `passwords` has those of the new clients, by user name. Raises EntryInvalid for what
    `compare_site` shows as a conflict, and for a new client without a password.
    """
    comparison = compare_site(connection, site, at)
    for conflict in comparison.conflicts:
        raise EntryInvalid(f"{conflict.kind} {conflict.name}", conflict.problem)
    changes = {(change.kind, change.name): change for change in comparison.changes}
    for utility in site.utilities:
        _enter_utility(connection, utility, changes.get((Kind.UTILITY, utility.utility.name)))
        for group in utility.supply_groups:
            change = changes.get((Kind.SUPPLY_GROUP, group.code.digits))
            _enter_group(connection, group, utility.utility.name, change)
    for tariff in site.tariffs:
        _enter_tariff(connection, tariff, changes.get((Kind.TARIFF, tariff.name)))
    for client in site.clients:
        change = changes.get((Kind.CLIENT, client.user_name))
        _enter_client(connection, client, change, passwords.get(client.user_name))
    return comparison


def _compare_utilities(
    connection: Connection, entries: Sequence[UtilityEntry]
) -> Iterator[Change | Conflict]:
    known = {row.name: row for row in repository.utilities(connection)}
    for entry in entries:
        name = entry.utility.name
        row = known.get(name)
        if row is None:
            yield Change(kind=Kind.UTILITY, name=name, is_new=True)
            continue
        is_of_money = row.currency != entry.utility.currency
        if is_of_money and repository.has_meters(connection, row.key):
            yield Conflict(
                kind=Kind.UTILITY,
                name=name,
                field="currency",
                problem=f"its meters' money is counted in {row.currency}, "
                f"which cannot become {entry.utility.currency}; write {row.currency}",
            )
        yield from _changed(Kind.UTILITY, name, row._mapping, _facts(entry))  # noqa: SLF001 (its name)


def _compare_groups(
    connection: Connection, entries: Sequence[UtilityEntry]
) -> Iterator[Change | Conflict]:
    known = {row.supply_group_code: row for row in repository.supply_groups(connection)}
    for utility_name, group in (
        (one.utility.name, g) for one in entries for g in one.supply_groups
    ):
        code = group.code.digits
        row = known.get(code)
        if row is None:
            yield Change(kind=Kind.SUPPLY_GROUP, name=code, is_new=True)
        elif row.utility_name != utility_name:
            yield Conflict(
                kind=Kind.SUPPLY_GROUP,
                name=code,
                field="code",
                problem=f"it belongs to {row.utility_name}, for good; list it there",
            )
        else:
            revision = None if group.key_revision is None else group.key_revision.value
            facts = {"key_revision_number": revision}
            yield from _changed(Kind.SUPPLY_GROUP, code, row._mapping, facts)  # noqa: SLF001 (as above)


def _compare_tariffs(
    connection: Connection, entries: Sequence[TariffEntry], at: datetime
) -> Iterator[Change | Conflict]:
    known = {row.name: row for row in repository.tariffs(connection)}
    for entry in entries:
        row = known.get(entry.name)
        tariff = meters.check_tariff(entry.name, entry.document)
        if row is None:
            yield Change(kind=Kind.TARIFF, name=entry.name, is_new=True)
        elif row.document != entry.document:
            priced = meters.classes_ahead(tariff, at)
            used = repository.classes_of_tariff(connection, row.key)
            for customer_class in sorted(used.keys() - priced):
                yield Conflict(
                    kind=Kind.TARIFF,
                    name=entry.name,
                    field="document",
                    problem=f"it has no prices for class {customer_class!r}, which "
                    f"{used[customer_class]} of its meters are of; add them, "
                    "or put those meters under another class or tariff first",
                )
            yield from _changed(
                Kind.TARIFF, entry.name, {"document": row.document}, {"document": entry.document}
            )


def _compare_clients(
    connection: Connection, entries: Sequence[ClientEntry]
) -> Iterator[Change | Conflict]:
    known = {client.user_name: client for client in clients.all_clients(connection)}
    for entry in entries:
        client = known.get(entry.user_name)
        if client is None:
            yield Change(kind=Kind.CLIENT, name=entry.user_name, is_new=True)
            continue
        named = clients.terminals_of(connection, client)
        before = {"name": client.name} | asdict(client.terms) | {"terminals": " ".join(named)}
        after = {"name": entry.name} | asdict(entry.terms)
        after["terminals"] = " ".join(sorted({*named, *entry.terminals}))
        yield from _changed(Kind.CLIENT, entry.user_name, before, after)


def _changed(
    kind: Kind, name: str, before: Mapping[Any, Any], after: Mapping[str, Any]
) -> Iterator[Change]:
    fields = tuple(
        FieldChange(field=_KEYS.get(key, key), before=before[key], after=value)
        for key, value in after.items()
        if before[key] != value
    )
    if fields:
        yield Change(kind=kind, name=name, is_new=False, fields=fields)


def _facts(entry: UtilityEntry) -> dict[str, Any]:
    """Return what a utility's row holds of it."""
    limits = {
        "minimum_purchase_minor": entry.limits.minimum_minor,
        "maximum_purchase_minor": entry.limits.maximum_minor,
    }
    return entry.utility._asdict() | limits | asdict(entry.rules)


def _enter_utility(connection: Connection, entry: UtilityEntry, change: Change | None) -> None:
    if change is None:
        return
    if change.is_new:
        meters.register_utility(
            connection, entry.utility, limits=entry.limits, supply_groups=(), rules=entry.rules
        )
    else:
        repository.update_utility(connection, entry.utility.name, _facts(entry))


def _enter_group(
    connection: Connection, group: GroupEntry, utility_name: str, change: Change | None
) -> None:
    if change is None:
        return
    if change.is_new:
        meters.register_supply_group(connection, group.code, utility_name)
    meters.order_group_revision(connection, group.code, group.key_revision)


def _enter_tariff(connection: Connection, entry: TariffEntry, change: Change | None) -> None:
    if change is None:
        return
    if change.is_new:
        meters.register_tariff(connection, entry.name, entry.document)
    else:
        repository.update_tariff(connection, entry.name, entry.document)


def _enter_client(
    connection: Connection, entry: ClientEntry, change: Change | None, password: str | None
) -> None:
    if change is None:
        return
    if change.is_new:
        if not password:
            raise EntryInvalid(f"client {entry.user_name}", "it is new and needs a password")
        key = clients.register_client(
            connection,
            user_name=entry.user_name,
            name=entry.name,
            password=password,
            terms=entry.terms,
        )
    else:
        key = clients.find_client(connection, entry.user_name).key
        clients.change_client(connection, key, name=entry.name, terms=entry.terms)
    clients.name_terminals(connection, key, entry.terminals)
