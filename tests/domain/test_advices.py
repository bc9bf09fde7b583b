"""Advices: the life of a sale is one table, and each advice is decided on once."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final
from uuid import uuid4

import pytest
from sqlalchemy import select

from tests.domain.advising import (
    accept,
    changed_key,
    confirmation,
    everything,
    key_change_confirmation,
    other_client,
    outcome,
    reversal,
    set_rule,
    state_of,
    turned_down,
)
from tests.support.selling import MAKER, change_meter, count, refusal, retry, sell
from tests.support.service import DEMO_CLIENT, NOON, attempt, purchase, writing
from vending_api.domain.advices import service
from vending_api.domain.advices.errors import AdviceDeclined, AdvisedAmountWrong, SaleUnknown
from vending_api.domain.advices.tables import ADVICE
from vending_api.domain.advices.types import AdviceKind, NoteSale
from vending_api.domain.sales.errors import SaleGivenUp
from vending_api.domain.sales.types import LIFE, SaleEvent, SaleState
from vending_api.domain.selling.service import try_out
from vending_api.kit.errors import MessageIdUsed

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import Engine

    from vending_api.domain.advices.types import Advise

_ADVICES: Final[dict[SaleEvent, Callable[[str], Advise]]] = {
    SaleEvent.CONFIRM: confirmation,
    SaleEvent.REVERSE: reversal,
    SaleEvent.REVERSE_AND_CREDIT: reversal,
}


@pytest.mark.parametrize("event", _ADVICES)
@pytest.mark.parametrize("state", SaleState)
def test_an_advice_leads_where_the_table_of_life_says_or_is_declined(
    engine: Engine, state: SaleState, event: SaleEvent
) -> None:
    purchase_id = _in_state(engine, state)
    set_rule(engine, reversal_credit_minutes=5 if event is SaleEvent.REVERSE_AND_CREDIT else None)
    # For what was refused there is nothing to give back.
    is_refused = state is SaleState.REFUSED and event is SaleEvent.REVERSE_AND_CREDIT
    expected = LIFE.get((state, SaleEvent.REVERSE if is_refused else event))
    advice = _ADVICES[event](purchase_id)
    if expected is None:
        assert isinstance(turned_down(engine, advice), AdviceDeclined)
    else:
        accept(engine, advice)
    assert state_of(engine, purchase_id) is (expected or state)
    with pytest.raises(MessageIdUsed):
        outcome(engine, advice)
    assert state_of(engine, purchase_id) is (expected or state)


def test_a_key_change_is_confirmed_once(engine: Engine) -> None:
    request_id = changed_key(engine).purchase_id
    advice = key_change_confirmation(request_id)
    accept(engine, advice)
    assert state_of(engine, request_id) is SaleState.CONFIRMED
    with pytest.raises(MessageIdUsed):
        outcome(engine, advice)
    again = turned_down(engine, key_change_confirmation(request_id))
    assert isinstance(again, AdviceDeclined)


def test_advices_on_purchases_and_on_key_changes_do_not_find_each_other(engine: Engine) -> None:
    key_change_id = changed_key(engine).purchase_id
    purchase_id = sell(engine, purchase()).purchase_id
    for advice in (
        confirmation(key_change_id),
        reversal(key_change_id),
        key_change_confirmation(purchase_id),
    ):
        assert isinstance(turned_down(engine, advice), SaleUnknown)
    for request_id in (key_change_id, purchase_id):
        assert state_of(engine, request_id) is SaleState.ISSUED


def test_a_purchase_and_a_key_change_of_one_id_are_told_apart(engine: Engine) -> None:
    same = changed_key(engine).purchase_id
    sell(engine, purchase(purchase_id=same, message_id=same))
    accept(engine, key_change_confirmation(same))
    accept(engine, confirmation(same))


def test_the_same_id_is_used_once_within_each_kind_of_advice(engine: Engine) -> None:
    one, other = sell(engine, purchase()).purchase_id, sell(engine, purchase()).purchase_id
    advice = confirmation(one)
    accept(engine, advice)
    with pytest.raises(MessageIdUsed):
        outcome(engine, replace(advice, request_id=other))
    assert state_of(engine, other) is SaleState.ISSUED
    accept(engine, reversal(other, advice_id=advice.advice_id))


def test_the_id_of_an_advice_on_what_is_unknown_belongs_to_that_request(engine: Engine) -> None:
    sold = sell(engine, purchase()).purchase_id
    advice = confirmation(str(uuid4()))
    turned_down(engine, advice)
    with pytest.raises(MessageIdUsed):
        outcome(engine, replace(advice, request_id=sold))
    assert state_of(engine, sold) is SaleState.ISSUED


def test_a_confirmation_before_its_purchase_is_unknown_until_it_comes_again(
    engine: Engine,
) -> None:
    command = purchase()
    advice = confirmation(command.purchase_id)
    assert isinstance(turned_down(engine, advice), SaleUnknown)
    assert isinstance(turned_down(engine, advice), SaleUnknown)
    assert count(engine, ADVICE) == 1
    sell(engine, command)
    accept(engine, advice)
    assert state_of(engine, command.purchase_id) is SaleState.CONFIRMED
    assert count(engine, ADVICE) == 1
    with pytest.raises(MessageIdUsed):
        outcome(engine, advice)


def test_nothing_is_ever_sold_under_an_id_that_was_reversed_before_it_came(
    engine: Engine,
) -> None:
    command = purchase()
    advice = reversal(command.purchase_id)
    assert isinstance(turned_down(engine, advice), SaleUnknown)
    for buy in (sell, retry):
        with pytest.raises(SaleGivenUp):
            buy(engine, command)
    for again in (advice, reversal(command.purchase_id), confirmation(command.purchase_id)):
        assert isinstance(turned_down(engine, again), SaleUnknown)
    with pytest.raises(SaleGivenUp):
        retry(engine, command)


def test_a_reversed_retry_is_not_sold_but_the_purchase_may_be_retried(engine: Engine) -> None:
    command = purchase()
    one, other = (replace(command, message_id=str(uuid4())) for _ in range(2))
    assert isinstance(turned_down(engine, reversal(one.message_id)), SaleUnknown)
    with pytest.raises(SaleGivenUp):
        retry(engine, one)
    assert len(retry(engine, other).tokens) == 1


def test_an_advice_may_name_the_id_of_a_retry(engine: Engine) -> None:
    command = purchase()
    again = replace(command, message_id=str(uuid4()))
    sell(engine, command)
    retry(engine, again)
    accept(engine, confirmation(again.message_id))
    assert state_of(engine, command.purchase_id) is SaleState.CONFIRMED
    assert isinstance(turned_down(engine, reversal(command.purchase_id)), AdviceDeclined)


def test_the_reversal_of_a_refused_request_gives_it_up(engine: Engine) -> None:
    command = purchase()
    change_meter(engine, is_blocked=True)
    refusal(engine, command)
    change_meter(engine, is_blocked=False)
    accept(engine, reversal(command.purchase_id))
    assert state_of(engine, command.purchase_id) is SaleState.GIVEN_UP
    with pytest.raises(SaleGivenUp):
        retry(engine, command)
    with pytest.raises(MessageIdUsed):
        sell(engine, command)
    with engine.connect() as connection:
        assert service.open_cases(connection) == []


def test_what_a_trial_or_a_lookup_asked_for_is_unknown(engine: Engine) -> None:
    tried = attempt()
    with writing(engine) as connection, connection.begin():
        try_out(connection, MAKER, tried)
    for advice in (confirmation(tried.trial_id), reversal(tried.trial_id)):
        assert isinstance(turned_down(engine, advice), SaleUnknown)


def test_the_sale_of_another_client_is_unknown_and_nothing_is_remembered(engine: Engine) -> None:
    sold = sell(engine, purchase()).purchase_id
    refused = purchase(amount_minor=1)
    refusal(engine, refused)
    request_id = changed_key(engine).purchase_id
    stranger = other_client(engine)
    with engine.connect() as connection:
        before = everything(connection)
    for advice in (
        confirmation(sold),
        reversal(sold),
        reversal(refused.purchase_id),
        key_change_confirmation(request_id),
    ):
        with pytest.raises(SaleUnknown):
            outcome(engine, replace(advice, client=stranger))
    with engine.connect() as connection:
        assert everything(connection) == before
    accept(engine, reversal(sold))


@pytest.mark.parametrize("make", [confirmation, reversal])
@pytest.mark.parametrize(
    ("approved_minor", "currency"),
    [(10_001, "710"), (-1, "710"), (10_000, "840"), (0, "840"), (10_001, None)],
)
def test_an_advice_cannot_name_more_than_the_sale_nor_another_currency(
    engine: Engine, make: Callable[..., Advise], approved_minor: int, currency: str | None
) -> None:
    sold = sell(engine, purchase()).purchase_id
    advice = make(sold, approved_minor=approved_minor, currency=currency)
    assert isinstance(turned_down(engine, advice), AdvisedAmountWrong)
    assert state_of(engine, sold) is SaleState.ISSUED
    with pytest.raises(MessageIdUsed):
        outcome(engine, advice)


@pytest.mark.parametrize("approved_minor", [None, 0, 1, 10_000])
def test_a_confirmation_may_name_the_sum_of_the_sale_or_less(
    engine: Engine, approved_minor: int | None
) -> None:
    sold = sell(engine, purchase()).purchase_id
    accept(engine, confirmation(sold, approved_minor=approved_minor, currency="710"))
    with engine.connect() as connection:
        assert connection.execute(select(ADVICE.c.approved_minor)).scalar() == approved_minor


def test_a_sale_is_reversed_whole(engine: Engine) -> None:
    sold = sell(engine, purchase()).purchase_id
    for part in (1, 10_000):
        advice = reversal(sold, approved_minor=part, currency="710")
        assert isinstance(turned_down(engine, advice), AdviceDeclined)
    with engine.connect() as connection:
        assert service.open_cases(connection) == []
    accept(engine, reversal(sold, approved_minor=0, currency="710"))


def test_an_advice_is_kept_with_how_it_was_paid(engine: Engine) -> None:
    sold = sell(engine, purchase())
    tenders = ({"tenderType": "CASH", "amount": {"amount": 10_000, "currency": "710"}},)
    advice = confirmation(sold.purchase_id, tenders=tenders)
    accept(engine, advice)
    with engine.connect() as connection:
        row = connection.execute(select(ADVICE)).one()
    assert row.kind == AdviceKind.CONFIRMATION
    assert row.advice_id == advice.advice_id
    assert row.sale_key == sold.key
    assert row.outcome == "accepted"
    assert row.tenders == list(tenders)
    assert row.received_at == NOON
    assert not row.is_open


def test_the_event_of_a_sale_is_noted_and_changes_nothing(engine: Engine) -> None:
    command = purchase()
    sell(engine, command)
    again = replace(command, message_id=str(uuid4()))
    retry(engine, again)
    event = _event(command.purchase_id)
    _note(engine, event)
    with engine.connect() as connection:
        noted = everything(connection)
    _note(engine, event)
    with engine.connect() as connection:
        assert everything(connection) == noted
    _note(engine, _event(again.message_id))
    accept(engine, confirmation(command.purchase_id))
    _note(engine, _event(command.purchase_id))


def test_the_event_of_what_was_not_sold_to_the_client_is_unknown(engine: Engine) -> None:
    sold, given_up = sell(engine, purchase()).purchase_id, str(uuid4())
    refused = purchase(amount_minor=1)
    refusal(engine, refused)
    turned_down(engine, reversal(given_up))
    unknown = [str(uuid4()), refused.purchase_id, given_up, changed_key(engine).purchase_id]
    events = [*map(_event, unknown), _event(sold, client=other_client(engine))]
    with engine.connect() as connection:
        before = everything(connection)
    for event in events:
        with pytest.raises(SaleUnknown):
            _note(engine, event)
    with engine.connect() as connection:
        assert everything(connection) == before


def _in_state(engine: Engine, state: SaleState) -> str:
    """Bring a request to a state, and return its id."""
    command = purchase()
    if state in {SaleState.REFUSED, SaleState.GIVEN_UP}:
        change_meter(engine, is_blocked=True)
        refusal(engine, command)
        change_meter(engine, is_blocked=False)
    else:
        sell(engine, command)
    set_rule(engine, reversal_credit_minutes=5 if state is SaleState.REVERSED else None)
    if state is SaleState.CONFIRMED:
        accept(engine, confirmation(command.purchase_id))
    elif state not in {SaleState.REFUSED, SaleState.ISSUED}:
        accept(engine, reversal(command.purchase_id))
    assert state_of(engine, command.purchase_id) is state
    return command.purchase_id


def _event(purchase_id: str, **changes: object) -> NoteSale:
    command = NoteSale(
        purchase_id=purchase_id,
        message_id=str(uuid4()),
        client=DEMO_CLIENT,
        received_at=NOON,
    )
    return replace(command, **changes)  # type: ignore[arg-type]  # tests name real fields


def _note(engine: Engine, event: NoteSale) -> None:
    with writing(engine) as connection, connection.begin():
        service.note_sale(connection, event)
