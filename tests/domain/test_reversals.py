"""Reversals of what was sold: a case for the operator, and money back if the rule gives it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

import pytest

from sts.virtual_meter import Accepted
from tariffs.account import Account, Debt
from tests.domain.advising import (
    accept,
    balance,
    confirmation,
    everything,
    on_terms,
    outcome,
    reversal,
    set_rule,
    spent,
    state_of,
)
from tests.support.selling import FLAT, account, retry, sell, set_account, use_tariff
from tests.support.service import NOON, purchase, writing
from vending_api.domain.advices import repository, service
from vending_api.domain.advices.errors import CaseUnknown
from vending_api.domain.advices.types import ReversalCase
from vending_api.domain.credit import service as credit
from vending_api.domain.credit.types import EntryKind
from vending_api.domain.sales.errors import SaleGivenUp
from vending_api.domain.sales.types import SaleState
from vending_api.kit.entries import EntryInvalid
from vending_api.sandbox.virtual_meters import demo_virtual_meter

if TYPE_CHECKING:
    from sqlalchemy import Engine

_WITH_DEBT: Final = FLAT + '[version.debt]\nshare_percent = "20"\n'
_MILLISECOND: Final = timedelta(milliseconds=1)


def test_by_default_the_merchant_is_liable_and_nothing_is_given_back(engine: Engine) -> None:
    client = on_terms(engine, deposit_minor=50_000, is_prepaid=True, day_maximum_minor=50_000)
    command = purchase(client=client)
    sale = sell(engine, command)
    before = (account(engine), balance(engine), spent(engine))
    accept(engine, reversal(sale.purchase_id))
    assert (account(engine), balance(engine), spent(engine)) == before
    assert state_of(engine, sale.purchase_id) is SaleState.REVERSAL_REFUSED
    assert retry(engine, command).tokens == sale.tokens
    assert not _only_case(engine).was_credited


def test_what_a_sale_took_comes_back_in_time_and_only_that(engine: Engine) -> None:
    use_tariff(engine, _WITH_DEBT)
    set_account(engine, Account(debts=(Debt(name="Old debt", balance_minor=9_000),)))
    set_rule(engine, reversal_credit_minutes=5, meter_day_maximum_minor=60_000)
    client = on_terms(engine, deposit_minor=50_000, is_prepaid=True, day_maximum_minor=60_000)
    sell(engine, purchase(client=client, amount_minor=20_000))
    before = (account(engine), balance(engine), spent(engine))
    command = purchase(client=client, amount_minor=10_000)
    sale = sell(engine, command)
    assert balance(engine) == 20_000
    assert spent(engine) == {("client", "2026-11-21"): 30_000, ("meter", "2026-11-21"): 30_000}
    accept(engine, reversal(sale.purchase_id, client=client))
    assert (account(engine), balance(engine), spent(engine)) == before
    assert balance(engine) == 30_000
    assert state_of(engine, sale.purchase_id) is SaleState.REVERSED
    with engine.connect() as connection:
        newest = credit.statement(connection, client.key)[-1]
    assert (newest.kind, newest.reference) == (EntryKind.REVERSAL, command.purchase_id)
    with pytest.raises(SaleGivenUp):
        retry(engine, command)


def test_a_later_sale_of_the_meter_keeps_what_it_took(engine: Engine) -> None:
    use_tariff(engine, _WITH_DEBT)
    set_rule(engine, reversal_credit_minutes=5)
    set_account(engine, Account(debts=(Debt(name="Old debt", balance_minor=9_000),)))
    first = sell(engine, purchase(amount_minor=20_000))
    sell(engine, purchase(amount_minor=10_000))
    accept(engine, reversal(first.purchase_id))
    left = account(engine)
    assert left.debts == (Debt(name="Old debt", balance_minor=7_000),)
    assert left.paid_this_month_minor == 10_000


@pytest.mark.parametrize(
    ("later", "state"),
    [
        (timedelta(minutes=-1), SaleState.REVERSED),
        (timedelta(minutes=5), SaleState.REVERSED),
        (timedelta(minutes=5) + _MILLISECOND, SaleState.REVERSAL_REFUSED),
    ],
)
def test_the_rule_gives_back_within_its_minutes(
    engine: Engine, later: timedelta, state: SaleState
) -> None:
    set_rule(engine, reversal_credit_minutes=5)
    sale = sell(engine, purchase())
    accept(engine, reversal(sale.purchase_id, received_at=NOON + later))
    assert state_of(engine, sale.purchase_id) is state


def test_the_day_that_was_counted_is_the_day_of_the_sale_where_the_utility_is(
    engine: Engine,
) -> None:
    # 23:59 of the 21st in Johannesburg; the reversal comes on the 22nd.
    sold_at = datetime(2026, 11, 21, 21, 59, tzinfo=UTC)
    set_rule(engine, reversal_credit_minutes=5, meter_day_maximum_minor=60_000)
    sale = sell(engine, purchase(received_at=sold_at))
    sell(engine, purchase(received_at=sold_at + timedelta(minutes=2)))
    accept(engine, reversal(sale.purchase_id, received_at=sold_at + timedelta(minutes=3)))
    assert spent(engine) == {("meter", "2026-11-21"): 0, ("meter", "2026-11-22"): 10_000}


def test_a_confirmed_sale_gives_nothing_back(engine: Engine) -> None:
    set_rule(engine, reversal_credit_minutes=5)
    client = on_terms(engine, deposit_minor=10_000, is_prepaid=True)
    sale = sell(engine, purchase(client=client))
    accept(engine, confirmation(sale.purchase_id))
    outcome(engine, reversal(sale.purchase_id))
    assert balance(engine) == 0


def test_the_token_of_a_reversed_sale_stays_good(engine: Engine) -> None:
    set_rule(engine, reversal_credit_minutes=5)
    sale = sell(engine, purchase())
    accept(engine, reversal(sale.purchase_id))
    assert isinstance(demo_virtual_meter(serial=1).enter(sale.tokens[0].digits), Accepted)


def test_a_case_tells_what_must_be_settled_oldest_first(engine: Engine) -> None:
    younger, older = sell(engine, purchase()), sell(engine, purchase())
    accept(engine, reversal(younger.purchase_id, received_at=NOON + 2 * _MILLISECOND))
    set_rule(engine, reversal_credit_minutes=5)
    accept(
        engine,
        reversal(older.purchase_id, received_at=NOON + _MILLISECOND, reason="CANCELLED"),
    )
    first = ReversalCase(
        purchase_id=older.purchase_id,
        external_meter_id="TST001",
        client_name="Demo point of sale",
        amount_minor=10_000,
        currency="710",
        reason="CANCELLED",
        was_credited=True,
        received_at=NOON + _MILLISECOND,
    )
    second = replace(
        first,
        purchase_id=younger.purchase_id,
        reason="TIMEOUT",
        was_credited=False,
        received_at=NOON + 2 * _MILLISECOND,
    )
    assert _cases(engine) == [first, second]


def test_a_case_is_closed_once_and_with_a_note(engine: Engine) -> None:
    sale, other = sell(engine, purchase()), sell(engine, purchase())
    for one in (sale, other):
        accept(engine, reversal(one.purchase_id))
    for note in ("", " ", "x" * 201):
        with pytest.raises(EntryInvalid):
            _close(engine, sale.purchase_id, note=note)
    assert len(_cases(engine)) == 2
    _close(engine, sale.purchase_id, note="x" * 200)
    assert [case.purchase_id for case in _cases(engine)] == [other.purchase_id]
    with pytest.raises(CaseUnknown):
        _close(engine, sale.purchase_id, note="paid")
    assert state_of(engine, sale.purchase_id) is SaleState.REVERSAL_REFUSED


def test_what_is_not_an_open_case_cannot_be_closed(engine: Engine) -> None:
    issued, confirmed = sell(engine, purchase()), sell(engine, purchase())
    accept(engine, confirmation(confirmed.purchase_id))
    for purchase_id in ("unknown", issued.purchase_id, confirmed.purchase_id):
        with pytest.raises(CaseUnknown):
            _close(engine, purchase_id, note="paid")


_STEPS: Final = (
    (service, "give_up"),
    (service, "lock_request"),
    (repository, "record"),
    (service, "move"),
    (service, "restore_account"),
    (service, "uncount"),
    (service, "give_back"),
)


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("step", _STEPS, ids=lambda step: step[1])
def test_a_reversal_that_breaks_off_leaves_no_trace_and_can_come_again(
    engine: Engine, monkeypatch: pytest.MonkeyPatch, step: tuple[Any, str], when: str
) -> None:
    use_tariff(engine, _WITH_DEBT)
    set_rule(engine, reversal_credit_minutes=5, meter_day_maximum_minor=60_000)
    client = on_terms(engine, deposit_minor=10_000, is_prepaid=True, day_maximum_minor=60_000)
    sale = sell(engine, purchase(client=client))
    with engine.connect() as connection:
        before = everything(connection)
    module, name = step
    original = getattr(module, name)

    def broken(*args: Any, **kwargs: Any) -> Any:
        if when == "after":
            original(*args, **kwargs)
        raise ZeroDivisionError

    advice = reversal(sale.purchase_id, client=client)
    with monkeypatch.context() as patched:
        patched.setattr(module, name, broken)
        with pytest.raises(ZeroDivisionError):
            outcome(engine, advice)
    with engine.connect() as connection:
        assert everything(connection) == before
    accept(engine, advice)
    assert balance(engine) == 10_000


def _cases(engine: Engine) -> list[ReversalCase]:
    with engine.connect() as connection:
        return service.open_cases(connection)


def _only_case(engine: Engine) -> ReversalCase:
    (case,) = _cases(engine)
    return case


def _close(engine: Engine, purchase_id: str, *, note: str) -> None:
    with writing(engine) as connection, connection.begin():
        service.close_case(connection, purchase_id, note=note, at=NOON)
