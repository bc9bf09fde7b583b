"""What a demo does around its sales."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from sts.id_record import IdRecord
from tests.sandbox.rehearsing import (
    BOUGHT,
    DEMO_METERS,
    buy_for_good,
    operate,
    sale_of,
    state_of,
)
from tests.support.service import key_change, writing
from vending_api.domain.accounts.service import account_of
from vending_api.domain.meters.errors import MeterBlocked
from vending_api.domain.meters.service import (
    find_meter,
)
from vending_api.kit.errors import Refusal
from vending_api.sandbox.demo_data import demo_meter_configuration
from vending_api.sandbox.errors import UpstreamTimedOut
from vending_api.sandbox.rehearsal import Rehearsal
from vending_api.sandbox.scenarios import (
    KEY_DATA,
    NEXT_KEY_DATA,
    TIMING_OUT_METER,
)

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from sts.meter_number import MeterPan
    from vending_api.domain.meters.types import KeyData


def test_a_sale_puts_its_meter_back_and_a_refusal_does_not(engine: Engine) -> None:
    rehearsal = Rehearsal(timeout_seconds=0)
    begins = state_of(engine, "TST001")
    operate(engine, "TST001", buy_for_good)
    refused = Refusal(MeterBlocked("TST001"))
    with writing(engine) as connection, connection.begin():
        assert rehearsal.sell(connection, lambda: refused) is refused
        assert account_of(connection, find_meter(connection, "TST001").key) == BOUGHT
        rehearsal.sell(connection, lambda: sale_of(find_meter(connection, "TST001")))
    assert state_of(engine, "TST001") == begins


@pytest.mark.parametrize("by_card", [False, True])
def test_a_key_change_finds_an_order_and_leaves_none(engine: Engine, by_card: bool) -> None:  # noqa: FBT001 (parametrised)
    begins = state_of(engine, "TST001")
    configuration = demo_meter_configuration(1)
    card = _card_of(configuration.pan) if by_card else None
    command = key_change(external_meter_id="" if by_card else "TST001", card=card)
    found: list[KeyData] = []

    def refuse() -> Refusal:
        found.append(find_meter(connection, "TST001").key_data_to_hold)
        return Refusal(MeterBlocked("TST001"))

    with writing(engine) as connection, connection.begin():
        Rehearsal(timeout_seconds=0).change_key(connection, command, refuse)
    assert found == [NEXT_KEY_DATA]
    assert state_of(engine, "TST001") == begins


def test_a_key_change_of_no_demo_meter_is_left_alone(engine: Engine) -> None:
    unknown = _card_of(demo_meter_configuration(99).pan)
    refused = Refusal(MeterBlocked("9999"))
    for command in (
        key_change(external_meter_id="9999"),
        key_change(external_meter_id="", card=unknown),
    ):
        with writing(engine) as connection, connection.begin():
            rehearsal = Rehearsal(timeout_seconds=0)
            assert rehearsal.change_key(connection, command, lambda: refused) is refused


def _card_of(pan: MeterPan) -> IdRecord:
    held = KEY_DATA
    return IdRecord(pan, held.supply_group_code, held.tariff_index, held.key_revision_number)


def test_one_meter_times_out_and_no_other() -> None:
    rehearsal = Rehearsal(timeout_seconds=0)
    for external_id in DEMO_METERS:
        if external_id == TIMING_OUT_METER:
            with pytest.raises(UpstreamTimedOut, match="TST011"):
                asyncio.run(rehearsal.delay(external_id))
        else:
            asyncio.run(rehearsal.delay(external_id))
    assert TIMING_OUT_METER == "TST011"
