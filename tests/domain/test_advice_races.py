"""Advices at the same moment as others, as the sale itself, as its retry: one of each wins."""

from __future__ import annotations

import random
import threading
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, Final
from uuid import uuid4

import pytest

from tariffs.account import Account, Debt
from tests.domain.advising import (
    accept,
    balance,
    confirmation,
    on_terms,
    outcome,
    reversal,
    set_rule,
    spent,
    state_of,
    turned_down,
)
from tests.support.selling import (
    FLAT,
    MAKER,
    account,
    change_meter,
    count,
    in_transaction,
    refusal,
    retry,
    sell,
    set_account,
    use_tariff,
)
from tests.support.service import purchase, writing
from vending_api.domain.advices import service
from vending_api.domain.advices.errors import AdviceDeclined, SaleUnknown
from vending_api.domain.advices.tables import ADVICE
from vending_api.domain.issuing.tables import TOKEN
from vending_api.domain.sales.errors import SaleGivenUp
from vending_api.domain.sales.types import Sale, SaleState
from vending_api.domain.selling import service as selling
from vending_api.kit.errors import MessageIdUsed, Refusal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from sqlalchemy import Engine

    from vending_api.domain.sales.types import SellCredit

_LONG_ENOUGH_SECONDS: Final = 0.3
"""For a thread to get as far as it can while another transaction is open."""
_WITH_DEBT: Final = FLAT + '[version.debt]\nshare_percent = "20"\n'


def test_one_of_sixteen_equal_advices_counts(engine: Engine) -> None:
    set_rule(engine, reversal_credit_minutes=5)
    client = on_terms(engine, deposit_minor=10_000, is_prepaid=True)
    for make in (confirmation, reversal):
        on_terms(engine, deposit_minor=10_000, is_prepaid=True)
        advice = make(sell(engine, purchase(client=client)).purchase_id)
        outcomes = _at_once([partial(outcome, engine, advice)] * 16)
        assert outcomes.count(None) == 1
        assert sum(isinstance(one, MessageIdUsed) for one in outcomes) == 15
    assert balance(engine) == 20_000
    assert count(engine, ADVICE) == 2


def test_one_of_sixteen_advices_with_ids_of_their_own_counts(engine: Engine) -> None:
    set_rule(engine, reversal_credit_minutes=5)
    client = on_terms(engine, deposit_minor=10_000, is_prepaid=True)
    sold = sell(engine, purchase(client=client)).purchase_id
    advices = [reversal(sold) for _ in range(16)]
    outcomes = _at_once([partial(outcome, engine, one) for one in advices])
    assert outcomes.count(None) == 1
    assert sum(_is_refusal(one, AdviceDeclined) for one in outcomes) == 15
    assert balance(engine) == 10_000


def test_confirmed_or_reversed_but_never_both(engine: Engine) -> None:
    set_rule(engine, reversal_credit_minutes=5)
    client = on_terms(engine, deposit_minor=100_000, is_prepaid=True)
    states = []
    for _ in range(10):
        sold = sell(engine, purchase(client=client)).purchase_id
        advices = [make(sold) for make in (confirmation, reversal) for _ in range(2)]
        random.shuffle(advices)
        outcomes = _at_once([partial(outcome, engine, one) for one in advices])
        assert outcomes.count(None) == 1
        states.append(state_of(engine, sold))
        is_reversal = advices[outcomes.index(None)].reason != ""
        assert states[-1] is (SaleState.REVERSED if is_reversal else SaleState.CONFIRMED)
    assert balance(engine) == 10_000 * states.count(SaleState.REVERSED)


def test_one_id_of_an_advice_is_good_for_one_of_two_sales(engine: Engine) -> None:
    for _ in range(5):
        advice = confirmation(sell(engine, purchase()).purchase_id)
        other = replace(advice, request_id=sell(engine, purchase()).purchase_id)
        outcomes = _at_once([partial(outcome, engine, one) for one in (advice, other)])
        assert outcomes.count(None) == 1
        states = [state_of(engine, one.request_id) for one in (advice, other)]
        assert sorted(states) == [SaleState.CONFIRMED, SaleState.ISSUED]


@pytest.mark.parametrize("buy", [selling.sell, selling.retry])
def test_a_purchase_or_its_reversal_comes_first_and_the_other_knows(
    engine: Engine, buy: Callable[..., Any]
) -> None:
    set_rule(engine, reversal_credit_minutes=5)
    client = on_terms(engine, deposit_minor=100_000, is_prepaid=True)
    sold = 0
    for _ in range(10):
        command = purchase(client=client)
        advice = reversal(command.purchase_id)
        bought, reversed_ = _at_once(
            [partial(in_transaction, engine, buy, command), partial(outcome, engine, advice)]
        )
        if isinstance(bought, Sale):
            sold += 1
            assert reversed_ is None
            assert state_of(engine, command.purchase_id) is SaleState.REVERSED
        else:
            assert isinstance(bought, SaleGivenUp)
            assert _is_refusal(reversed_, SaleUnknown)
    assert count(engine, TOKEN) == sold
    assert balance(engine) == 100_000


@pytest.mark.parametrize("buy", [selling.sell, selling.retry])
def test_a_reversal_waits_for_the_purchase_that_is_under_way_and_reverses_it(
    engine: Engine, buy: Callable[..., Any]
) -> None:
    set_rule(engine, reversal_credit_minutes=5)
    command = purchase()
    advice = reversal(command.purchase_id)
    with _under_way(engine, buy, command):
        waiting = _Thread(partial(outcome, engine, advice))
        waiting.join(_LONG_ENOUGH_SECONDS)
        assert waiting.is_alive()
    assert waiting.result() is None
    assert state_of(engine, command.purchase_id) is SaleState.REVERSED


def test_a_reversal_of_a_retrys_id_waits_for_the_retry_and_reverses_the_sale(
    engine: Engine,
) -> None:
    command = purchase(message_id=str(uuid4()))
    sell(engine, replace(command, message_id=command.purchase_id))
    advice = reversal(command.message_id)
    with _under_way(engine, selling.retry, command):
        waiting = _Thread(partial(outcome, engine, advice))
        waiting.join(_LONG_ENOUGH_SECONDS)
        assert waiting.is_alive()
    assert waiting.result() is None
    assert state_of(engine, command.purchase_id) is SaleState.REVERSAL_REFUSED


def test_a_reversal_that_waited_for_a_purchase_that_broke_off_takes_its_id(
    engine: Engine,
) -> None:
    command = purchase()
    advice = reversal(command.purchase_id)
    with _under_way(engine, selling.sell, command, is_kept=False):
        waiting = _Thread(partial(outcome, engine, advice))
        waiting.join(_LONG_ENOUGH_SECONDS)
        assert waiting.is_alive()
    assert _is_refusal(waiting.result(), SaleUnknown)
    with pytest.raises(SaleGivenUp):
        sell(engine, command)


@pytest.mark.parametrize("buy", [selling.sell, selling.retry])
def test_a_purchase_waits_for_the_reversal_that_is_under_way_and_is_not_made(
    engine: Engine, buy: Callable[..., Any]
) -> None:
    command = purchase()
    advice = reversal(command.purchase_id)
    with writing(engine) as connection, connection.begin():
        assert _is_refusal(service.advise(connection, advice), SaleUnknown)
        waiting = _Thread(partial(in_transaction, engine, buy, command))
        waiting.join(_LONG_ENOUGH_SECONDS)
        assert waiting.is_alive()
    assert isinstance(waiting.result(), SaleGivenUp)
    assert count(engine, TOKEN) == 0


def test_the_retry_of_what_was_refused_or_its_reversal_comes_first(engine: Engine) -> None:
    for _ in range(10):
        command = purchase()
        change_meter(engine, is_blocked=True)
        refusal(engine, command)
        change_meter(engine, is_blocked=False)
        advice = reversal(command.purchase_id)
        bought, reversed_ = _at_once(
            [partial(retry, engine, command), partial(outcome, engine, advice)]
        )
        assert reversed_ is None
        if isinstance(bought, Sale):
            assert state_of(engine, command.purchase_id) is SaleState.REVERSAL_REFUSED
        else:
            assert isinstance(bought, SaleGivenUp)
            assert state_of(engine, command.purchase_id) is SaleState.GIVEN_UP


def test_a_confirmation_of_a_purchase_under_way_is_unknown_or_confirms_it(engine: Engine) -> None:
    for _ in range(10):
        command = purchase()
        advice = confirmation(command.purchase_id)
        bought, confirmed = _at_once(
            [partial(sell, engine, command), partial(outcome, engine, advice)]
        )
        assert isinstance(bought, Sale)
        if confirmed is not None:
            assert _is_refusal(confirmed, SaleUnknown)
            accept(engine, advice)
        assert state_of(engine, command.purchase_id) is SaleState.CONFIRMED


def test_equal_reversals_of_what_is_unknown_are_all_unknown(engine: Engine) -> None:
    advice = reversal(str(uuid4()))
    outcomes = _at_once([partial(outcome, engine, advice)] * 8)
    assert all(_is_refusal(one, SaleUnknown) for one in outcomes)
    assert count(engine, ADVICE) == 1
    assert isinstance(turned_down(engine, advice), SaleUnknown)


def test_sales_and_reversals_of_one_meter_at_once_leave_the_money_right(engine: Engine) -> None:
    use_tariff(engine, _WITH_DEBT)
    set_account(engine, Account(debts=(Debt(name="Old debt", balance_minor=90_000),)))
    set_rule(engine, reversal_credit_minutes=5, meter_day_maximum_minor=10**6)
    client = on_terms(engine, deposit_minor=200_000, is_prepaid=True, day_maximum_minor=10**6)
    commands = [purchase(client=client) for _ in range(8)]
    sold = [sell(engine, command).purchase_id for command in commands]
    acts: list[Callable[[], Any]] = []
    for command, purchase_id in zip(commands, sold, strict=True):
        acts.append(partial(outcome, engine, reversal(purchase_id)))
        acts.append(partial(sell, engine, purchase(client=client)))
        acts.append(partial(in_transaction, engine, selling.retry, command))
    random.shuffle(acts)
    for one in _at_once(acts):
        assert one is None or isinstance(one, Sale | SaleGivenUp), one
    assert all(state_of(engine, one) is SaleState.REVERSED for one in sold)
    assert balance(engine) == 120_000
    assert set(spent(engine).values()) == {80_000}
    left = account(engine)
    assert left.debts == (Debt(name="Old debt", balance_minor=90_000 - 8 * 2_000),)
    assert left.paid_this_month_minor == 80_000


class _Thread(threading.Thread):
    """Does something at once; `result` is what it returned or raised."""

    def __init__(self, act: Callable[[], Any]) -> None:
        super().__init__()
        self._act = act
        self._result: Any = None
        self.start()

    def run(self) -> None:
        try:
            self._result = self._act()
        except Exception as error:  # noqa: BLE001 (it is looked at)
            self._result = error

    def result(self) -> Any:
        self.join()
        return self._result


def _at_once(acts: Sequence[Callable[[], Any]]) -> list[Any]:
    """Return what each returned or raised, all begun at the same moment."""
    together = threading.Barrier(len(acts))

    def begin(act: Callable[[], Any]) -> Any:
        together.wait()
        return act()

    threads = [_Thread(partial(begin, act)) for act in acts]
    return [thread.result() for thread in threads]


@contextmanager
def _under_way(
    engine: Engine, buy: Callable[..., Any], command: SellCredit, *, is_kept: bool = True
) -> Iterator[None]:
    """Keep the transaction of a purchase open until the end of the block."""
    with writing(engine) as connection:
        transaction = connection.begin()
        assert isinstance(buy(connection, MAKER, command), Sale)
        yield
        if is_kept:
            transaction.commit()
        else:
            transaction.rollback()


def _is_refusal(one: Any, reason: type[Exception]) -> bool:
    return isinstance(one, Refusal) and isinstance(one.reason, reason)
