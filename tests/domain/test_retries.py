"""A retry gets what was sold, whatever happens at the same time; nothing is sold twice."""

from __future__ import annotations

import threading
from dataclasses import replace
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest

from sts.virtual_meter import Accepted
from tests.support.selling import MAKER, change_meter, count, in_transaction, refusal, retry, sell
from tests.support.service import (
    AdvancingClock,
    attempt,
    purchase,
    writing,
)
from vending_api.domain.clients.types import Client
from vending_api.domain.issuing.tables import TOKEN
from vending_api.domain.meters.errors import MeterBlocked
from vending_api.domain.sales.errors import NotForTrials
from vending_api.domain.sales.tables import SALE
from vending_api.domain.sales.types import Sale, Trial
from vending_api.domain.selling import service
from vending_api.kit.errors import MessageIdUsed, Refusal
from vending_api.sandbox.virtual_meters import demo_virtual_meter

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import Engine


def test_a_retry_returns_the_first_token(engine: Engine) -> None:
    clock = AdvancingClock()
    command = purchase(received_at=clock())
    first = sell(engine, command)
    again = retry(engine, replace(command, message_id=str(uuid4()), received_at=clock()))
    assert again.tokens == first.tokens
    assert again.sold_at == first.sold_at
    assert count(engine, TOKEN) == 1


def test_a_retry_of_an_unknown_id_sells_afresh_under_it(engine: Engine) -> None:
    command = purchase(message_id=str(uuid4()))
    first = retry(engine, command)
    assert retry(engine, command).tokens == first.tokens
    with pytest.raises(MessageIdUsed):
        sell(engine, replace(command, message_id=command.purchase_id))


def test_a_retry_for_another_meter_or_sum_is_refused(engine: Engine) -> None:
    change_meter(engine, minimum_purchase_minor=None, maximum_purchase_minor=None)
    command = purchase()
    sell(engine, command)
    for change in (
        {"external_meter_id": "TST003"},
        {"amount_minor": 20_000},
        {"currency": "840"},
        {"client": Client(key=2, user_name="other", name="Other")},
    ):
        with pytest.raises(MessageIdUsed):
            retry(engine, replace(command, **change))


def test_a_retry_of_what_was_refused_is_decided_anew(engine: Engine) -> None:
    command = purchase()
    change_meter(engine, is_blocked=True)
    assert isinstance(refusal(engine, command), MeterBlocked)
    again = in_transaction(engine, service.retry, command)
    assert isinstance(again, Refusal)
    change_meter(engine, is_blocked=False)
    first = retry(engine, command)
    assert retry(engine, command).tokens == first.tokens
    assert count(engine, SALE) == 1


def test_the_id_of_a_retry_may_not_belong_to_another_sale(engine: Engine) -> None:
    one, other = purchase(), purchase()
    sell(engine, one)
    sell(engine, other)
    with pytest.raises(MessageIdUsed):
        retry(engine, replace(one, message_id=other.purchase_id))
    retry_id = str(uuid4())
    first = retry(engine, replace(one, message_id=retry_id))
    with pytest.raises(MessageIdUsed):
        sell(engine, purchase(purchase_id=retry_id, message_id=retry_id))
    # Under the id of a retry the sale is found as well, and nothing else is sold.
    again = retry(engine, replace(one, purchase_id=retry_id, message_id=str(uuid4())))
    assert again.tokens == first.tokens


def test_a_retry_of_a_trial_is_refused(engine: Engine) -> None:
    trial = attempt()
    with writing(engine) as connection, connection.begin():
        assert isinstance(service.try_out(connection, MAKER, trial), Trial)
    command = purchase(purchase_id=trial.trial_id)
    for _ in range(2):
        with pytest.raises(NotForTrials):
            retry(engine, command)
    assert count(engine, SALE) == 0


def test_sixteen_threads_buy_for_one_meter_in_one_minute(engine: Engine) -> None:
    together = threading.Barrier(16)
    sales: list[Sale] = []

    def buy() -> None:
        together.wait()
        sales.append(sell(engine, purchase()))

    _in_threads(buy, 16)
    digits = [sale.tokens[0].digits for sale in sales]
    identifiers = {sale.tokens[0].token_identifier for sale in sales}
    assert len(sales) == len(identifiers) == 16
    meter = demo_virtual_meter(serial=1)
    assert all(isinstance(meter.enter(one), Accepted) for one in digits)


def test_sixteen_concurrent_retries_get_one_token(engine: Engine) -> None:
    command = purchase()
    together = threading.Barrier(16)
    digits: list[str] = []

    def again() -> None:
        together.wait()
        repeated = replace(command, message_id=str(uuid4()))
        digits.append(retry(engine, repeated).tokens[0].digits)

    _in_threads(again, 16)
    assert len(digits) == 16
    assert len(set(digits)) == 1
    assert count(engine, TOKEN) == 1


def test_sixteen_concurrent_retries_of_what_was_refused_get_one_token(engine: Engine) -> None:
    command = purchase()
    change_meter(engine, is_blocked=True)
    refusal(engine, command)
    change_meter(engine, is_blocked=False)
    together = threading.Barrier(16)
    digits: list[str] = []

    def again() -> None:
        together.wait()
        digits.append(retry(engine, command).tokens[0].digits)

    _in_threads(again, 16)
    assert len(digits) == 16
    assert len(set(digits)) == 1


def _in_threads(act: Callable[[], None], count: int) -> None:
    threads = [threading.Thread(target=act) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
