"""A sale and its meter's account change together or not at all, and a retry tells the same."""

from __future__ import annotations

import threading
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest
from sqlalchemy import text, update

from sts.virtual_meter import Accepted, Refused
from tariffs.account import Account, Debt, Owed
from tests.support.selling import (
    BROKEN_MAKER,
    EVERYTHING,
    FLAT,
    account,
    change_meter,
    identifier_of,
    refusal,
    retry,
    sell,
    set_account,
    use_tariff,
)
from tests.support.service import NOON, lookup, purchase, writing
from vending_api.domain.issuing.errors import TokenNotProven
from vending_api.domain.issuing.types import TokenKind
from vending_api.domain.key_changes.errors import MeterKeyUnusable
from vending_api.domain.meters.types import PurchaseLimits
from vending_api.domain.offers.errors import NothingDue
from vending_api.domain.pricing.errors import AmountOutsideLimits, AmountTooSmall, NoPrice
from vending_api.domain.pricing.types import Bill
from vending_api.domain.sales.service import restore_account
from vending_api.domain.sales.tables import SALE
from vending_api.domain.sales.types import FoundMeter
from vending_api.domain.selling import service
from vending_api.kit.errors import MessageIdUsed
from vending_api.sandbox.virtual_meters import demo_virtual_meter

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from vending_api.domain.sales.types import Sale

BLOCKS = FLAT.replace(
    'rate = "100"', 'blocks = [{ up_to = "100", rate = "100" }, { rate = "250" }]'
)
MONTHLY = '[[version.charge]]\nname = "Service fee"\nevery = "month"\namount_minor = "1000"\n'
FREE = '[version.free_units]\nunits = "50"\ncounts_towards_blocks = {counts}\n'
DEMO_AMOUNTS = {
    **dict.fromkeys(("TST001", "TST003", "TST004", "TST006", "TST010", "TST011"), 10_000),
    **dict.fromkeys(("TST007", "TST008", "TST009"), 20_000),
    "TST002": 0,
    "TST005": 5_000,
}


def _shown(sale: Sale) -> int:
    """Add up what a point of sale is told: it must be what was paid."""
    services = sum(line.charge.net_minor for line in sale.bill.service_charges)
    debts = sum(line.charge.net_minor for line in sale.bill.debts_recovered)
    return sale.purchase_total_minor + sale.tax_total_minor + services + debts


def test_a_sale_leaves_its_account(engine: Engine) -> None:
    use_tariff(engine, EVERYTHING)
    set_account(
        engine,
        Account(
            gets_free_units=True,
            last_purchase_on=date(2026, 9, 30),
            units_this_month=Decimal(77),
            owed=(Owed(name="Network", amount_minor=50_000),),
            debts=(Debt(name="Rates", balance_minor=90_000),),
        ),
    )
    sale = sell(engine, purchase(amount_minor=30_000))
    left = account(engine)
    assert left.last_purchase_on == date(2026, 11, 21)
    assert left.units_this_month == Decimal(sale.tokens[0].units_tenths) / 10 + 5
    assert left.paid_this_month_minor == 30_000
    assert left.free_units_on == date(2026, 11, 21)
    assert left.debts == (Debt(name="Rates", balance_minor=90_000 - 6_000),)
    # 500.00 and two months of 46.40 fell due; 30 % of the purchase was taken.
    assert left.owed == (Owed(name="Network", amount_minor=50_000 + 2 * 4_640 - 9_000),)
    assert left.carried_minor < 0
    assert _shown(sale) == 30_000


@pytest.mark.parametrize(("meter_id", "amount_minor"), DEMO_AMOUNTS.items())
def test_every_demo_bill_adds_up_and_is_repeated_to_the_cent(
    engine: Engine, meter_id: str, amount_minor: int
) -> None:
    command = purchase(external_meter_id=meter_id, amount_minor=amount_minor)
    first = sell(engine, command)
    assert _shown(first) == amount_minor
    assert retry(engine, replace(command, message_id=str(uuid4()))) == first._replace(
        meter=retry(engine, command).meter
    )


def test_a_bill_of_everything_adds_up_and_is_repeated_to_the_cent(engine: Engine) -> None:
    use_tariff(engine, EVERYTHING)
    set_account(
        engine, Account(gets_free_units=True, debts=(Debt(name="Rates", balance_minor=4_000),))
    )
    for days in (0, 3, 40):
        command = purchase(amount_minor=23_457, received_at=NOON + timedelta(days=days))
        sale = sell(engine, command)
        assert _shown(sale) == 23_457
        again = retry(engine, command)
        assert (again.bill, again.tokens) == (sale.bill, sale.tokens)
        assert _shown(again) == 23_457


def test_a_retry_of_what_was_refused_keeps_its_bill(engine: Engine) -> None:
    command = purchase()
    change_meter(engine, is_blocked=True)
    refusal(engine, command)
    change_meter(engine, is_blocked=False)
    sale = retry(engine, command)
    assert sale.bill.lines
    assert retry(engine, command).bill == sale.bill


def test_a_sale_from_before_bills_were_kept_is_repeated_with_its_totals(engine: Engine) -> None:
    command = purchase()
    sale = sell(engine, command)
    with writing(engine) as connection, connection.begin():
        connection.execute(update(SALE).values(bill=None))
    again = retry(engine, command)
    assert (again.tokens, again.bill) == (sale.tokens, Bill())
    assert (again.purchase_total_minor, again.tax_total_minor) == (8_696, 1_304)


@pytest.mark.parametrize(
    ("amount_minor", "meter", "reason"),
    [
        (10, {}, AmountTooSmall),
        (499_999, {}, AmountOutsideLimits),
        (0, {}, NothingDue),
        (9_000, {"key_revision_number": 9}, MeterKeyUnusable),
    ],
)
def test_a_refused_sale_changes_nothing(
    engine: Engine, amount_minor: int, meter: dict[str, Any], reason: type[Exception]
) -> None:
    fee = '[version.channel_fee]\nname = "Fee"\nflat_minor = 10\n'
    use_tariff(engine, FLAT + MONTHLY + fee + "[version.limits]\nmaximum_minor = 400_000\n")
    sell(engine, purchase(amount_minor=5_000, received_at=NOON - timedelta(days=60)))
    before = account(engine)
    if meter:
        change_meter(engine, **meter)
    assert isinstance(refusal(engine, purchase(amount_minor=amount_minor)), reason)
    assert account(engine) == before


def test_a_sale_that_fails_changes_nothing(engine: Engine) -> None:
    command = purchase(external_meter_id="TST007", amount_minor=20_000)
    before = account(engine, "TST007")
    with pytest.raises(TokenNotProven):
        sell(engine, command, BROKEN_MAKER)
    assert account(engine, "TST007") == before
    sell(engine, command)
    assert account(engine, "TST007") != before


def test_a_known_id_changes_no_account(engine: Engine) -> None:
    command = purchase(external_meter_id="TST007", amount_minor=20_000)
    sell(engine, command)
    before = account(engine, "TST007")
    with pytest.raises(MessageIdUsed):
        sell(engine, command)
    retry(engine, command)
    assert account(engine, "TST007") == before


def test_two_sales_of_one_meter_at_once_see_each_other(engine: Engine) -> None:
    use_tariff(engine, BLOCKS)
    use_tariff(engine, BLOCKS, "TST003")
    together = threading.Barrier(8)
    sales: list[Sale] = []

    def buy() -> None:
        together.wait()
        sales.append(sell(engine, purchase(amount_minor=4_000)))

    threads = [threading.Thread(target=buy) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    at_once = sell(engine, purchase(external_meter_id="TST003", amount_minor=32_000))
    units = sum(sale.tokens[0].units_tenths for sale in sales)
    # R320 buys 100 units at R1 and 88 at R2.50; each sale may gain less than a tenth.
    assert at_once.tokens[0].units_tenths == 1_880
    assert 1_880 <= units < 1_880 + 8
    left = account(engine)
    assert left.units_this_month == Decimal(units) / 10
    assert left.paid_this_month_minor == 32_000


def test_a_month_begins_at_midnight_where_the_tariff_is(engine: Engine) -> None:
    use_tariff(engine, BLOCKS + MONTHLY)
    last_second = datetime(2026, 11, 30, 21, 59, 59, tzinfo=UTC)  # 23:59:59 in Johannesburg

    def buy(at: datetime) -> Sale:
        return sell(engine, purchase(amount_minor=11_000, received_at=at))

    first, second = buy(NOON), buy(last_second)
    assert [sale.tokens[0].units_tenths for sale in (first, second)] == [1_000, 440]
    assert [len(sale.bill.service_charges) for sale in (first, second)] == [1, 0]
    third = buy(last_second + timedelta(seconds=1))
    assert third.tokens[0].units_tenths == 1_000
    assert len(third.bill.service_charges) == 1
    assert account(engine).units_this_month == 100


def test_charges_accrue_in_months_without_a_purchase(engine: Engine) -> None:
    use_tariff(engine, FLAT + MONTHLY)
    sell(engine, purchase(amount_minor=2_000))
    late = sell(engine, purchase(amount_minor=5_000, received_at=NOON + timedelta(days=92)))
    (fee,) = late.bill.service_charges
    assert (fee.charge.net_minor, fee.balance_minor) == (3_000, 0)
    assert late.tokens[0].units_tenths == 200


def test_customers_pay_by_their_class(engine: Engine) -> None:
    classes = '[version.energy.classes]\nDL.rate = "50"\nDO1.rate = "200"\n'
    use_tariff(engine, FLAT.replace('[version.energy]\nrate = "100"\n', classes))
    assert isinstance(refusal(engine, purchase()), NoPrice)
    for customer_class, units_tenths in (("DL", 2_000), ("DO1", 500)):
        set_account(engine, Account(customer_class=customer_class))
        sale = sell(engine, purchase())
        assert sale.tokens[0].units_tenths == units_tenths
        assert account(engine).customer_class == customer_class


def test_exempt_customers_pay_no_tax(engine: Engine) -> None:
    set_account(engine, Account(is_exempt=True))
    sale = sell(engine, purchase())
    assert sale.tokens[0].units_tenths == 463  # R100 at 216.11 c
    assert (sale.purchase_total_minor, sale.tax_total_minor) == (10_000, 0)
    assert account(engine).is_exempt


def test_free_units_come_on_a_token_of_their_own_once_a_month(engine: Engine) -> None:
    use_tariff(engine, FLAT + FREE.format(counts="true"))
    set_account(engine, Account(gets_free_units=True))
    meter = demo_virtual_meter(serial=1)
    paid, free = sell(engine, purchase()).tokens
    assert (paid.kind, free.kind) == (TokenKind.STANDARD, TokenKind.FREE)
    assert (paid.units_tenths, free.units_tenths) == (1_000, 500)
    assert free.charge.net_minor == free.charge.tax_minor == 0
    (next_paid,) = sell(engine, purchase()).tokens
    minutes = [identifier_of(token).minutes for token in (paid, free, next_paid)]
    assert minutes == [minutes[0], minutes[0] + 1, minutes[0] + 2]
    for token in (paid, free, next_paid):
        assert isinstance(meter.enter(token.digits), Accepted)
    assert isinstance(meter.enter(free.digits), Refused)
    next_month = purchase(received_at=NOON + timedelta(days=20))
    assert len(sell(engine, next_month).tokens) == 2


def test_free_units_alone_are_bought_for_nothing(engine: Engine) -> None:
    command = purchase(external_meter_id="TST002", amount_minor=0)
    sale = sell(engine, command)
    (token,) = sale.tokens
    assert (token.kind, token.units_tenths) == (TokenKind.FREE, 500)
    assert sale.blocks_of(token) == ()
    assert (sale.purchase_total_minor, sale.tax_total_minor) == (0, 0)
    assert retry(engine, command).tokens == sale.tokens
    again = replace(command, purchase_id="again", message_id="again")
    assert isinstance(refusal(engine, again), NothingDue)


def test_free_units_are_due_whatever_the_least_purchase_is(engine: Engine) -> None:
    command = purchase(external_meter_id="TST003", amount_minor=0)
    (token,) = sell(engine, command).tokens
    assert token.kind is TokenKind.FREE
    again = purchase(external_meter_id="TST003", amount_minor=0)
    assert isinstance(refusal(engine, again), NothingDue)


def _limits_found(engine: Engine, at: datetime = NOON) -> PurchaseLimits:
    with writing(engine) as connection, connection.begin():
        found = service.look_up(connection, lookup(received_at=at))
    assert isinstance(found, FoundMeter)
    return found.meter.limits


@pytest.mark.parametrize(
    ("stated", "limits"),
    [
        ("minimum_minor = 100\nmaximum_minor = 900_000", (1_000, 500_000)),
        ("minimum_minor = 1_100\nmaximum_minor = 400_000", (1_100, 400_000)),
        ("maximum_minor = 400_000\nmonth_maximum_minor = 300_000", (1_000, 300_000)),
    ],
)
def test_a_lookup_shows_the_narrower_limits(
    engine: Engine, stated: str, limits: tuple[int, int]
) -> None:
    use_tariff(engine, f"{FLAT}[version.limits]\n{stated}\n")
    change_meter(engine, minimum_purchase_minor=None, maximum_purchase_minor=None)
    found = _limits_found(engine)
    assert (found.minimum_minor, found.maximum_minor) == limits
    before_the_tariff = datetime(2013, 12, 31, tzinfo=UTC)
    assert _limits_found(engine, before_the_tariff) == PurchaseLimits(
        minimum_minor=1_000, maximum_minor=500_000
    )
    for amount_minor in (limits[0] - 1, limits[1] + 1):
        reason = refusal(engine, purchase(amount_minor=amount_minor))
        assert isinstance(reason, AmountOutsideLimits)
    sell(engine, purchase(amount_minor=limits[0]))


_AUDITS = {
    "postgresql": """
        SELECT line ->> 'name', sum((line ->> 'net_minor')::bigint)
        FROM sale CROSS JOIN LATERAL jsonb_array_elements(sale.bill) AS line
        WHERE line ->> 'kind' = 'debt' GROUP BY 1 ORDER BY 1""",
    "sqlite": """
        SELECT line.value ->> 'name', sum(line.value ->> 'net_minor')
        FROM sale, json_each(sale.bill) AS line
        WHERE line.value ->> 'kind' = 'debt' GROUP BY 1 ORDER BY 1""",
}


def test_auditors_can_look_into_bills(engine: Engine) -> None:
    for meter_id in ("TST007", "TST008", "TST007"):
        sell(engine, purchase(external_meter_id=meter_id, amount_minor=20_000))
    refusal(engine, purchase(external_meter_id="TST008", amount_minor=1))
    with engine.connect() as connection:
        found = connection.execute(text(_AUDITS[engine.dialect.name])).all()
    assert [tuple(row) for row in found] == [
        ("Municipal rates arrears", 15_000),
        ("Municipal water arrears", 5_000),
    ]


def test_a_sale_that_is_given_back_leaves_the_account_as_if_it_had_not_been(
    engine: Engine,
) -> None:
    use_tariff(engine, BLOCKS + MONTHLY)
    command = purchase()
    first = sell(engine, command)
    second = sell(engine, purchase())
    with writing(engine) as connection, connection.begin():
        restore_account(connection, first)
    left = account(engine)
    assert left.units_this_month == Decimal(second.tokens[0].units_tenths).scaleb(-1)
    assert left.owed == (Owed(name="Service fee", amount_minor=1_000),)
    again = sell(engine, purchase())
    assert again.bill.service_charges[0].charge == first.bill.service_charges[0].charge
