"""Sites, on both databases: what differs is entered, what is the same is left alone."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from sts.key_data import KeyRevisionNumber, SupplyGroupCode
from tariffs.account import Account
from tests.support.selling import FLAT, set_account
from tests.support.service import NOON, prepared_engine, writing
from vending_api.domain.clients import service as clients
from vending_api.domain.clients.types import ClientTerms
from vending_api.domain.meters.service import find_meter, register_supply_group
from vending_api.domain.meters.types import KeyData, PurchaseLimits, UtilityRules
from vending_api.domain.sites.service import compare_site, enter_site
from vending_api.domain.sites.types import (
    Change,
    ClientEntry,
    FieldChange,
    GroupEntry,
    Kind,
    Site,
    SiteComparison,
    TariffEntry,
    UtilityEntry,
)
from vending_api.kit.entries import EntryInvalid
from vending_api.sandbox.demo_data import UTILITY

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Engine

OWN = UTILITY._replace(name="Riverside", currency="404")
GROUP = GroupEntry(code=SupplyGroupCode("100001"), key_revision=KeyRevisionNumber(3))
CLIENT = ClientEntry(
    user_name="shop",
    name="Shop",
    terms=ClientTerms(is_prepaid=True, slip_columns=48),
    terminals=("TILL0001",),
)


@pytest.fixture
def register(sqlite_url: str) -> Iterator[Engine]:
    """Give the demo's register on SQLite, for decisions that no database takes part in."""
    engine = prepared_engine(sqlite_url)
    yield engine
    engine.dispose()


def _utility(**changes: Any) -> UtilityEntry:
    entry = UtilityEntry(
        utility=OWN,
        limits=PurchaseLimits(minimum_minor=1, maximum_minor=2),
        rules=UtilityRules(),
        supply_groups=(GROUP,),
    )
    return replace(entry, **changes)


SITE = Site(
    utilities=(_utility(),),
    tariffs=(TariffEntry(name="flat", document=FLAT),),
    clients=(CLIENT,),
)


def _enter(engine: Engine, site: Site, **passwords: str) -> SiteComparison:
    with writing(engine) as connection, connection.begin():
        return enter_site(connection, site, passwords=passwords, at=NOON)


def test_a_site_is_entered_once_and_then_left_alone(engine: Engine) -> None:
    first = _enter(engine, SITE, shop="open sesame")
    assert {(one.kind, one.is_new) for one in first.changes} == {(kind, True) for kind in Kind}
    assert first.new_names(Kind.CLIENT) == {"shop"}
    assert _enter(engine, SITE) == SiteComparison(changes=(), conflicts=())
    with engine.connect() as connection:
        client = clients.check_credentials(connection, "shop", "open sesame")
        assert clients.terminals_of(connection, client) == ["TILL0001"]
    assert client.terms == CLIENT.terms
    assert client.names_terminals


def test_what_differs_is_entered_and_told(engine: Engine) -> None:
    _enter(engine, SITE, shop="open sesame")
    rules = UtilityRules(reprints_a_day=1, reversal_credit_minutes=9)
    changed = Site(
        utilities=(
            _utility(
                utility=OWN._replace(message="Hello", currency="710"),
                limits=PurchaseLimits(minimum_minor=1, maximum_minor=3),
                rules=rules,
                supply_groups=(replace(GROUP, key_revision=None),),
            ),
        ),
        tariffs=(TariffEntry(name="flat", document=FLAT + "\n"),),
        clients=(replace(CLIENT, name="Shops", terminals=("TILL0000",)),),
    )
    told = {change.name: change.fields for change in _enter(engine, changed).changes}
    assert {field.field for field in told["Riverside"]} == {
        *("message", "currency", "limits.maximum_minor"),
        *("rules.reprints_a_day", "rules.reversal_minutes"),
    }
    assert told["100001"] == (FieldChange(field="key_revision", before=3, after=None),)
    assert told["shop"] == (
        FieldChange(field="name", before="Shop", after="Shops"),
        FieldChange(field="terminals", before="TILL0001", after="TILL0000 TILL0001"),
    )
    assert _enter(engine, changed).changes == ()


def test_the_key_revision_of_a_group_counts_for_its_meters(register: Engine) -> None:
    group = GroupEntry(code=SupplyGroupCode("000001"), key_revision=KeyRevisionNumber(2))
    limits = PurchaseLimits(minimum_minor=1_000, maximum_minor=500_000)
    demo = UtilityEntry(
        utility=UTILITY, limits=limits, rules=UtilityRules(), supply_groups=(group,)
    )
    change = Change(
        kind=Kind.SUPPLY_GROUP,
        name="000001",
        is_new=False,
        fields=(FieldChange(field="key_revision", before=None, after=2),),
    )
    assert change in _enter(register, Site(utilities=(demo,))).changes
    with register.connect() as connection:
        meter = find_meter(connection, "TST001")
    held = KeyData.of(meter.configuration)
    assert meter.key_data_to_hold == held._replace(key_revision_number=KeyRevisionNumber(2))


def test_what_the_register_holds_against_a_site_is_a_conflict(engine: Engine) -> None:
    set_account(engine, Account(customer_class="big"))
    limits = PurchaseLimits(minimum_minor=1, maximum_minor=2)
    group = GroupEntry(code=SupplyGroupCode("000001"))
    site = Site(
        utilities=(
            _utility(supply_groups=(GROUP, group)),
            _utility(utility=UTILITY._replace(currency="404"), limits=limits, supply_groups=()),
        ),
        tariffs=(TariffEntry(name="demo", document=FLAT),),
    )
    with engine.connect() as connection:
        comparison = compare_site(connection, site, NOON)
    assert [(one.kind, one.name, one.field) for one in comparison.conflicts] == [
        (Kind.UTILITY, UTILITY.name, "currency"),
        (Kind.SUPPLY_GROUP, "000001", "code"),
        (Kind.TARIFF, "demo", "document"),
    ]
    with pytest.raises(EntryInvalid, match="utility Electrum Test Server: its meters' money"):
        _enter(engine, site)


def test_a_new_client_needs_a_password(register: Engine) -> None:
    with pytest.raises(EntryInvalid, match="client shop: it is new and needs a password"):
        _enter(register, Site(clients=(CLIENT,)), other="open sesame")


def test_a_supply_group_needs_a_registered_utility(register: Engine) -> None:
    with (
        writing(register) as connection,
        connection.begin(),
        pytest.raises(EntryInvalid, match="utility: Nobody is not registered"),
    ):
        register_supply_group(connection, GROUP.code, "Nobody")
