"""The demo's meters bring the answers that integrators expect, again and again."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, NamedTuple

import pytest

from sts.key_data import KeyRevisionNumber
from tests.sandbox.rehearsing import (
    BOUGHT,
    DEMO_METERS,
    buy_for_good,
    operate,
    state_of,
)
from tests.support.service import NOON, writing
from tests.support.statements import first_words
from vending_api.domain.accounts.service import account_of, store_account
from vending_api.domain.meters.service import (
    find_meter,
    lock_meter,
    order_key_change,
    record_key_data,
    register_meter,
    set_blocked,
    take_token_identifiers,
)
from vending_api.domain.meters.types import Customer, KeyData, NewMeter, ServiceType
from vending_api.domain.pricing.service import price
from vending_api.domain.token_queue.service import deliver, queue_token, waiting, withdraw
from vending_api.domain.token_queue.types import NewQueuedToken, QueuedKind
from vending_api.sandbox.demo_data import demo_meter_configuration, ensure_demo_data
from vending_api.sandbox.rehearsal import before_key_change, rearm
from vending_api.sandbox.scenarios import (
    BASE_DATE,
    KEY_DATA,
    NEXT_KEY_DATA,
    SCENARIOS,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import Connection, Engine

    from vending_api.domain.meters.types import Meter


class _Shape(NamedTuple):
    """What a purchase brings: the kinds of its tokens, and the parts of its bill."""

    tokens: tuple[str, ...] = ("standard",)
    blocks: int = 1
    debts_left: tuple[int, ...] = ()
    services: tuple[str, ...] = ()


SHAPES = {
    "TST001": _Shape(),
    "TST002": _Shape(tokens=("free",), blocks=0),
    "TST003": _Shape(tokens=("standard", "free")),
    "TST004": _Shape(blocks=2),
    "TST005": _Shape(tokens=("standard", "refund")),
    "TST006": _Shape(tokens=("key_change", "standard")),
    "TST007": _Shape(debts_left=(27_300,), services=("Connection fee",)),
    "TST008": _Shape(debts_left=(0, 27_300)),
    "TST009": _Shape(services=("Connection fee", "Service fee")),
    "TST010": _Shape(),
    "TST011": _Shape(),
}


def _change_key(connection: Connection, meter: Meter) -> None:
    record_key_data(connection, meter, NEXT_KEY_DATA, BASE_DATE)


def _deliver_all(connection: Connection, meter: Meter) -> None:
    deliver(connection, meter, [token.key for token in waiting(connection, meter)], sale_key=1)


def _rearm(engine: Engine, external_id: str) -> None:
    with writing(engine) as connection, connection.begin():
        rearm(connection, external_id, NOON)


def _buy(engine: Engine, external_id: str, days: int) -> _Shape:
    """Return what a purchase brings by the rules of every meter, and leave what it leaves."""
    with writing(engine) as connection, connection.begin():
        meter = lock_meter(connection, external_id)
        account, queued = account_of(connection, meter.key), waiting(connection, meter)
        amount_minor = meter.limits.maximum_minor
        bought = price(meter.tariff, account, amount_minor, NOON + timedelta(days=days))
        is_changing = meter.key_data_to_hold != KeyData.of(meter.configuration)
        if is_changing:
            record_key_data(connection, meter, meter.key_data_to_hold, BASE_DATE)
        deliver(connection, meter, [token.key for token in queued], sale_key=1)
        store_account(connection, meter.key, bought.account, before=account)
    return _Shape(
        tokens=(
            *(("key_change",) if is_changing else ()),
            *(("standard",) if bought.units_tenths else ()),
            *(("free",) if bought.free_units_tenths else ()),
            *(token.kind.value for token in queued),
        ),
        blocks=len(bought.bill.blocks),
        debts_left=tuple(line.balance_minor or 0 for line in bought.bill.debts_recovered),
        services=tuple(line.name for line in bought.bill.service_charges),
    )


def test_the_demo_has_eleven_meters() -> None:
    assert tuple(SCENARIOS) == tuple(SHAPES) == DEMO_METERS


def test_every_purchase_brings_what_its_scenario_says(engine: Engine) -> None:
    for days in (0, 0, 1, 40):
        brought = {}
        for external_id in DEMO_METERS:
            brought[external_id] = _buy(engine, external_id, days)
            _rearm(engine, external_id)
        assert brought == SHAPES


def test_a_meter_that_is_not_put_back_would_bring_something_else(engine: Engine) -> None:
    alike = {
        external_id
        for external_id in DEMO_METERS
        if _buy(engine, external_id, days=0) == _buy(engine, external_id, days=0)
    }
    assert alike == {"TST001", "TST010", "TST011"}


@pytest.mark.parametrize(
    "acts",
    [(buy_for_good,), (_change_key,), (_deliver_all,), (buy_for_good, _change_key, _deliver_all)],
    ids=["account", "key", "queue", "all"],
)
def test_a_meter_is_put_back_to_where_its_scenario_begins(
    engine: Engine, acts: tuple[Callable[[Connection, Meter], object], ...]
) -> None:
    begins = {one: state_of(engine, one) for one in DEMO_METERS}
    for external_id in DEMO_METERS:
        operate(engine, external_id, *acts)
        _rearm(engine, external_id)
    assert {one: state_of(engine, one) for one in DEMO_METERS} == begins


def test_the_scenarios_begin_as_the_register_says(engine: Engine) -> None:
    for external_id in DEMO_METERS:
        state, scenario = state_of(engine, external_id), SCENARIOS[external_id]
        assert (state.key_data, state.base_date) == (KEY_DATA, BASE_DATE)
        assert state.account == scenario.account
    assert state_of(engine, "TST006").key_data_to_hold == NEXT_KEY_DATA
    assert state_of(engine, "TST005").queued == ((QueuedKind.REFUND, 738, 10_000),)


def test_a_meter_that_stands_as_it_should_is_only_read(engine: Engine) -> None:
    for external_id in DEMO_METERS:
        with writing(engine) as connection, connection.begin(), first_words(engine) as sent:
            rearm(connection, external_id, NOON)
        assert sent == ["SELECT"] * (5 if external_id == "TST005" else 4)


def test_other_meters_are_left_alone(engine: Engine) -> None:
    other = NewMeter(
        external_id="TST012",
        configuration=demo_meter_configuration(12),
        base_date=BASE_DATE,
        service_type=ServiceType.ELECTRICITY,
        token_technology_code="02",
        limits=None,
        customer=Customer(first_name="", last_name="", address=""),
        tariff_key=1,
    )
    with writing(engine) as connection, connection.begin():
        register_meter(connection, other)
    operate(engine, "TST012", buy_for_good)
    with writing(engine) as connection, connection.begin(), first_words(engine) as sent:
        for external_id in ("TST012", "NOBODY", ""):
            rearm(connection, external_id, NOON)
            before_key_change(connection, external_id)
    assert sent == []
    assert state_of(engine, "TST012").account == BOUGHT


def test_token_identifiers_go_on(engine: Engine) -> None:
    def take(connection: Connection, meter: Meter) -> None:
        take_token_identifiers(connection, meter, NOON, count=3)

    for external_id in ("TST001", "TST006"):
        operate(engine, external_id, take, _change_key)
        with engine.connect() as connection:
            newest = find_meter(connection, external_id).last_token_identifier
        _rearm(engine, external_id)
        with engine.connect() as connection:
            assert find_meter(connection, external_id).last_token_identifier == newest
        assert newest is not None


def test_what_operators_do_by_themselves_stays(engine: Engine) -> None:
    def block(connection: Connection, meter: Meter) -> None:
        set_blocked(connection, meter, is_blocked=True)

    def queue(connection: Connection, meter: Meter) -> None:
        order = NewQueuedToken(
            kind=QueuedKind.CLEAR_TAMPER, value=0, reason="Opened", ordered_by="ann"
        )
        queue_token(connection, meter, order, NOON)

    for external_id in ("TST001", "TST005"):
        operate(engine, external_id, block, queue)
        _rearm(engine, external_id)
        with engine.connect() as connection:
            assert find_meter(connection, external_id).is_blocked
        assert (QueuedKind.CLEAR_TAMPER, 0, 0) in state_of(engine, external_id).queued


def test_the_refund_is_queued_again_beside_other_tokens(engine: Engine) -> None:
    def swap(connection: Connection, meter: Meter) -> None:
        (refund,) = waiting(connection, meter)
        limit = NewQueuedToken(
            kind=QueuedKind.POWER_LIMIT, value=4_600, reason="Fuse", ordered_by="ann"
        )
        queue_token(connection, meter, limit, NOON)
        withdraw(connection, meter, refund.key, NOON)

    operate(engine, "TST005", swap)
    _rearm(engine, "TST005")
    kinds = [kind for kind, _, _ in state_of(engine, "TST005").queued]
    assert kinds == [QueuedKind.POWER_LIMIT, QueuedKind.REFUND]


def test_every_meter_can_be_asked_for_a_key_change_again_and_again(engine: Engine) -> None:
    for external_id in DEMO_METERS * 2:
        begins = state_of(engine, external_id)
        with writing(engine) as connection, connection.begin():
            before_key_change(connection, external_id)
        ordered = state_of(engine, external_id)
        assert (ordered.key_data, ordered.key_data_to_hold) == (KEY_DATA, NEXT_KEY_DATA)
        operate(engine, external_id, _change_key)
        _rearm(engine, external_id)
        assert state_of(engine, external_id) == begins


def test_an_order_for_a_key_change_that_came_to_nothing_is_withdrawn(engine: Engine) -> None:
    with writing(engine) as connection, connection.begin():
        before_key_change(connection, "TST001")
    _rearm(engine, "TST001")
    assert state_of(engine, "TST001").key_data_to_hold == KEY_DATA


def test_an_operators_own_order_for_a_key_change_is_kept_until_then(engine: Engine) -> None:
    other = KEY_DATA._replace(key_revision_number=KeyRevisionNumber(3))

    def order(connection: Connection, meter: Meter) -> None:
        order_key_change(connection, meter, other)

    operate(engine, "TST001", order)
    with writing(engine) as connection, connection.begin():
        before_key_change(connection, "TST001")
    assert state_of(engine, "TST001").key_data_to_hold == other


def test_what_is_rearmed_with_a_sale_that_is_rolled_back_is_rolled_back(engine: Engine) -> None:
    operate(engine, "TST001", buy_for_good)
    with writing(engine) as connection:
        transaction = connection.begin()
        rearm(connection, "TST001", NOON)
        transaction.rollback()
    assert state_of(engine, "TST001").account == BOUGHT


def test_the_register_of_the_demo_is_made_once(engine: Engine) -> None:
    operate(engine, "TST001", buy_for_good)
    with writing(engine) as connection, connection.begin():
        ensure_demo_data(connection)
    assert state_of(engine, "TST001").account == BOUGHT
    with engine.connect() as connection:
        assert find_meter(connection, "TST001").rules.reprints_a_day == 1_000
