"""Puts demo meters back, so that each purchase finds the state that its scenario begins with.

The answers themselves come from the real rules. After a purchase the meter has bought this
month, paid off debts, got its queued token and changed its key; here operators' functions set
all that back, in the purchase's own transaction. What a meter would notice stays: the token
identifiers go on, so no token is ever made twice. What operators do by themselves stays, too:
a meter that they block, a token that they queue.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from vending_api.domain.accounts.service import account_of, store_account
from vending_api.domain.meters.errors import UnknownMeter
from vending_api.domain.meters.service import (
    external_id_of,
    lock_meter,
    order_key_change,
    record_key_data,
)
from vending_api.domain.meters.types import KeyData
from vending_api.domain.sales.types import Sale
from vending_api.domain.token_queue.service import queue_token, waiting
from vending_api.kit.group import finished
from vending_api.sandbox.errors import UpstreamTimedOut
from vending_api.sandbox.scenarios import (
    BASE_DATE,
    KEY_DATA,
    NEXT_KEY_DATA,
    SCENARIOS,
    TIMING_OUT_METER,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from sqlalchemy import Connection

    from vending_api.domain.meters.types import Meter
    from vending_api.domain.sales.types import ChangeKey
    from vending_api.kit.errors import Refusal
    from vending_api.kit.group import Unfinished
    from vending_api.sandbox.scenarios import Scenario


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """What a demo does around its sales."""

    timeout_seconds: float
    """How long the first purchase of the meter that times out is kept waiting."""

    def sell(
        self, connection: Connection, act: Callable[[], Sale | Unfinished[Sale] | Refusal]
    ) -> Sale | Refusal:
        """Let a meter be sold to, and put it back in the same transaction."""
        outcome = finished(act())
        if isinstance(outcome, Sale):
            rearm(connection, outcome.meter.external_id, outcome.sold_at)
        return outcome

    def change_key(
        self, connection: Connection, command: ChangeKey, act: Callable[[], Sale | Refusal]
    ) -> Sale | Refusal:
        """Let any demo meter be asked for a key change, and put it back, whatever came of it."""
        external_id = command.external_meter_id
        if not external_id and command.card is not None:
            with suppress(UnknownMeter):
                external_id = external_id_of(connection, command.card.pan)
        before_key_change(connection, external_id)
        outcome = act()
        rearm(connection, external_id, command.received_at)
        return outcome

    async def delay(self, external_meter_id: str) -> None:
        """Keep a first purchase of TST011 waiting and raise UpstreamTimedOut; pass any other."""
        if external_meter_id == TIMING_OUT_METER:
            await asyncio.sleep(self.timeout_seconds)
            raise UpstreamTimedOut(TIMING_OUT_METER)


def rearm(connection: Connection, external_meter_id: str, at: datetime) -> None:
    """Put a demo meter back to where its scenario begins; do nothing for any other meter.

    Writes only what differs.
    """
    scenario = SCENARIOS.get(external_meter_id)
    if scenario is None:
        return
    meter = lock_meter(connection, external_meter_id)
    _put_account_back(connection, meter, scenario)
    _put_key_data_back(connection, meter, scenario)
    _queue_again(connection, meter, scenario, at)


def before_key_change(connection: Connection, external_meter_id: str) -> None:
    """Order a key change for a demo meter that has none, so that it may be asked for one."""
    if external_meter_id not in SCENARIOS:
        return
    meter = lock_meter(connection, external_meter_id)
    if meter.key_data_to_hold == KeyData.of(meter.configuration):
        order_key_change(connection, meter, NEXT_KEY_DATA)


def _put_account_back(connection: Connection, meter: Meter, scenario: Scenario) -> None:
    account = account_of(connection, meter.key)
    if account != scenario.account:
        store_account(connection, meter.key, scenario.account, before=account)


def _put_key_data_back(connection: Connection, meter: Meter, scenario: Scenario) -> None:
    holds = KeyData.of(meter.configuration)
    if holds == KEY_DATA and meter.key_data_to_hold == scenario.key_data_to_hold:
        return
    if holds != KEY_DATA:
        record_key_data(connection, meter, KEY_DATA, BASE_DATE)
        meter = lock_meter(connection, meter.external_id)
        if meter.key_data_to_hold == scenario.key_data_to_hold:
            return
    order_key_change(connection, meter, scenario.key_data_to_hold)


def _queue_again(connection: Connection, meter: Meter, scenario: Scenario, at: datetime) -> None:
    if scenario.queued is None:
        return
    kinds = (token.kind for token in waiting(connection, meter))
    if scenario.queued.kind not in kinds:
        queue_token(connection, meter, scenario.queued, at)
