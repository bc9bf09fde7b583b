"""Trials, queued tokens, numbers, credit and limits: what comes with a sale, or forbids it."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import pytest
from sqlalchemy import select, update

from sts.errors import VendingKeyNotFound
from sts.tokens.credit import Resource
from sts.virtual_meter import Accepted
from tests.support.selling import MAKER, account, change_meter, count, refusal, retry, sell
from tests.support.service import DEMO_CLIENT, NOON, attempt, purchase, writing
from vending_api.domain.clients.errors import TerminalNotRegistered
from vending_api.domain.clients.service import name_terminals
from vending_api.domain.clients.types import ClientTerms
from vending_api.domain.credit import service as credit
from vending_api.domain.credit.errors import InsufficientFunds, LimitExceeded
from vending_api.domain.credit.tables import SPENDING
from vending_api.domain.credit.types import EntryKind
from vending_api.domain.issuing.tables import TOKEN
from vending_api.domain.issuing.types import TokenKind
from vending_api.domain.key_changes.errors import MeterKeyUnusable
from vending_api.domain.meters.errors import MeterBlocked
from vending_api.domain.meters.service import lock_meter
from vending_api.domain.meters.tables import UTILITY
from vending_api.domain.numbers.tables import NUMBER_SERIES
from vending_api.domain.pricing.errors import AmountOutsideLimits
from vending_api.domain.sales.tables import SALE
from vending_api.domain.sales.types import Trial, TryCredit
from vending_api.domain.selling import service
from vending_api.domain.token_log.service import breaks
from vending_api.domain.token_log.tables import TOKEN_LOG
from vending_api.domain.token_queue.service import queue_token
from vending_api.domain.token_queue.types import NewQueuedToken, QueuedKind
from vending_api.kit.errors import MessageIdUsed, Refusal
from vending_api.sandbox.virtual_meters import demo_virtual_meter

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from vending_api.kit.errors import DomainError

_PREPAID: Final = replace(DEMO_CLIENT, terms=ClientTerms(is_prepaid=True))


# Trials


def test_a_trial_says_what_the_sale_then_does_and_stores_nothing(engine: Engine) -> None:
    for external_id, amount_minor in (("TST004", 10_000), ("TST007", 20_000), ("TST003", 10_000)):
        asked = {"external_meter_id": external_id, "amount_minor": amount_minor}
        before = (account(engine, external_id), count(engine, SALE), count(engine, NUMBER_SERIES))
        trial = _try(engine, attempt(**asked))
        assert before == (
            account(engine, external_id),
            count(engine, SALE),
            count(engine, NUMBER_SERIES),
        )
        assert count(engine, TOKEN) == count(engine, TOKEN_LOG)
        sale = sell(engine, purchase(**asked))
        carried = {token.kind: token.units_tenths for token in sale.tokens}
        assert carried[TokenKind.STANDARD] == trial.units_tenths
        assert carried.get(TokenKind.FREE, 0) == trial.free_units_tenths
        assert sale.purchase_total_minor == trial.purchase_total_minor
        assert sale.tax_total_minor == trial.tax_total_minor
        assert [line.charge for line in sale.bill.lines] == [
            line.charge for line in trial.bill.lines
        ]


def test_a_trial_is_refused_for_what_the_sale_would_be_and_its_id_stays_used(
    engine: Engine,
) -> None:
    trial = attempt(amount_minor=1)
    assert isinstance(_try_in_vain(engine, trial), AmountOutsideLimits)
    with pytest.raises(MessageIdUsed):
        _try(engine, trial)
    assert isinstance(_try_in_vain(engine, attempt(client=_PREPAID)), InsufficientFunds)
    limited = replace(DEMO_CLIENT, terms=ClientTerms(day_maximum_minor=9_999))
    assert isinstance(_try_in_vain(engine, attempt(client=limited)), LimitExceeded)
    change_meter(engine, is_blocked=True)
    assert isinstance(_try_in_vain(engine, attempt()), MeterBlocked)


# Queued tokens


def test_queued_tokens_come_once_after_the_credit_and_cost_nothing(engine: Engine) -> None:
    _queue(engine, QueuedKind.REFUND, 738, amount_minor=10_000)
    _queue(engine, QueuedKind.POWER_LIMIT, 5_000)
    _queue(engine, QueuedKind.CLEAR_TAMPER, 0)
    _queue(engine, QueuedKind.CLEAR_CREDIT, 5)
    command = purchase()
    sale = sell(engine, command)
    assert [(token.kind, token.units_tenths, token.setting) for token in sale.tokens] == [
        (TokenKind.STANDARD, 403, None),
        (TokenKind.REFUND, 738, None),
        (TokenKind.POWER_LIMIT, 0, 5_000),
        (TokenKind.CLEAR_TAMPER, 0, 0),
        (TokenKind.CLEAR_CREDIT, 0, 5),
    ]
    assert sale.purchase_total_minor + sale.tax_total_minor == 10_000
    meter = demo_virtual_meter(serial=1)
    meter.tamper()
    assert all(isinstance(meter.enter(token.digits), Accepted) for token in sale.tokens)
    assert meter.credit_tenths[Resource.ELECTRICITY] == 403 + 738
    assert (meter.power_limit is not None, meter.is_tampered) == (True, False)
    assert retry(engine, command).tokens == sale.tokens
    assert len(sell(engine, purchase()).tokens) == 1


def test_what_is_queued_waits_while_purchases_are_refused(engine: Engine) -> None:
    _queue(engine, QueuedKind.POWER_LIMIT, 5_000)
    refusal(engine, purchase(amount_minor=1))
    refusal(engine, purchase(amount_minor=0))
    _try(engine, attempt())
    assert len(sell(engine, purchase()).tokens) == 2


# Numbers


def test_each_credit_token_and_each_debt_has_a_receipt_number(engine: Engine) -> None:
    plain = sell(engine, purchase())
    both = sell(engine, purchase(external_meter_id="TST003"))
    debts = sell(engine, purchase(external_meter_id="TST008", amount_minor=20_000))
    elsewhere = sell(engine, purchase(terminal_id="TILL0002"))
    assert [token.receipt_number for token in (*plain.tokens, *both.tokens, *debts.tokens)] == [
        "1-000001",
        "1-000002",
        "1-000003",
        "1-000004",
    ]
    assert [line.receipt_number for line in debts.bill.debts_recovered] == ["1-000005", "1-000006"]
    assert [sale.invoice_number for sale in (plain, both, debts)] == [
        "1-2026-000001",
        "1-2026-000002",
        "1-2026-000003",
    ]
    assert elsewhere.tokens[0].receipt_number == "2-000001"
    assert elsewhere.invoice_number == "2-2026-000001"


def test_no_number_is_missing_whatever_is_refused_between(engine: Engine) -> None:
    first = sell(engine, purchase())
    refusal(engine, purchase(), _UNABLE)
    refusal(engine, purchase(client=_PREPAID))
    second = sell(engine, purchase())
    assert (first.invoice_number, second.invoice_number) == ("1-2026-000001", "1-2026-000002")
    assert second.tokens[0].receipt_number == "1-000002"


def test_free_units_alone_and_utilities_without_vat_number_have_no_invoice(
    engine: Engine,
) -> None:
    free = sell(engine, purchase(external_meter_id="TST002", amount_minor=0))
    assert (free.invoice_number, free.tokens[0].receipt_number) == (None, "1-000001")
    with writing(engine) as connection, connection.begin():
        connection.execute(update(UTILITY).values(vat_registration_number=""))
    assert sell(engine, purchase()).invoice_number is None


def test_the_year_of_invoices_is_that_of_the_utility(engine: Engine) -> None:
    # In Johannesburg the new year begins two hours before it does in UTC.
    still = purchase(received_at=NOON.replace(month=12, day=31, hour=21, minute=59))
    assert sell(engine, still).invoice_number == "1-2026-000001"
    next_year = purchase(received_at=NOON.replace(month=12, day=31, hour=22))
    assert sell(engine, next_year).invoice_number == "1-2027-000001"


# Credit and limits


def test_a_prepaid_client_sells_what_it_has_deposited_and_no_more(engine: Engine) -> None:
    with writing(engine) as connection, connection.begin():
        credit.deposit(connection, 1, 20_500, reference="slip 1", note="", at=NOON)
    sold = [sell(engine, purchase(client=_PREPAID)) for _ in range(2)]
    assert isinstance(refusal(engine, purchase(client=_PREPAID)), InsufficientFunds)
    assert count(engine, TOKEN) == 2
    with engine.connect() as connection:
        assert credit.balance(connection, 1) == 500
        entries = credit.statement(connection, 1)
    assert [(entry.kind, entry.amount_minor, entry.reference) for entry in entries] == [
        (EntryKind.DEPOSIT, 20_500, "slip 1"),
        *((EntryKind.SALE, -10_000, sale.purchase_id) for sale in sold),
    ]


def test_what_is_refused_after_it_was_drawn_is_not_drawn(engine: Engine) -> None:
    terms = ClientTerms(is_prepaid=True, day_maximum_minor=10_000)
    client = replace(DEMO_CLIENT, terms=terms)
    with writing(engine) as connection, connection.begin():
        credit.deposit(connection, 1, 10_000, reference="slip 1", note="", at=NOON)
    assert isinstance(refusal(engine, purchase(client=client), _UNABLE), MeterKeyUnusable)
    sell(engine, purchase(client=client))


def test_a_retry_draws_nothing_again(engine: Engine) -> None:
    with writing(engine) as connection, connection.begin():
        credit.deposit(connection, 1, 10_000, reference="slip 1", note="", at=NOON)
    command = purchase(client=_PREPAID)
    assert retry(engine, command).tokens == retry(engine, command).tokens
    assert isinstance(refusal(engine, purchase(client=_PREPAID)), InsufficientFunds)


@pytest.mark.parametrize(
    ("terms", "sold_before"),
    [
        (ClientTerms(sale_maximum_minor=9_999), 0),
        (ClientTerms(day_maximum_minor=29_999), 2),
    ],
)
def test_limits_of_a_client_hold(engine: Engine, terms: ClientTerms, sold_before: int) -> None:
    client = replace(DEMO_CLIENT, terms=terms)
    for meter in ("TST001", "TST010")[:sold_before]:
        sell(engine, purchase(client=client, external_meter_id=meter))
    assert isinstance(refusal(engine, purchase(client=client)), LimitExceeded)
    if sold_before:
        tomorrow = NOON.replace(day=22)
        sell(engine, purchase(client=client, received_at=tomorrow))


def test_limits_that_are_just_reached_let_pass(engine: Engine) -> None:
    terms = ClientTerms(sale_maximum_minor=10_000, day_maximum_minor=20_000)
    client = replace(DEMO_CLIENT, terms=terms)
    for _ in range(2):
        sell(engine, purchase(client=client))
    assert isinstance(refusal(engine, purchase(client=client)), LimitExceeded)


def test_a_meter_buys_no_more_a_day_than_its_utility_says(engine: Engine) -> None:
    with writing(engine) as connection, connection.begin():
        connection.execute(update(UTILITY).values(meter_day_maximum_minor=20_000))
    for _ in range(2):
        sell(engine, purchase())
    assert isinstance(refusal(engine, purchase()), LimitExceeded)
    sell(engine, purchase(external_meter_id="TST010"))
    with engine.connect() as connection:
        assert len(connection.execute(select(SPENDING)).all()) == 2


def test_a_client_that_names_terminals_sells_from_no_other(engine: Engine) -> None:
    with writing(engine) as connection, connection.begin():
        name_terminals(connection, 1, ["TILL0001"])
    client = replace(DEMO_CLIENT, names_terminals=True)
    sell(engine, purchase(client=client))
    other = purchase(client=client, terminal_id="TILL0002")
    assert isinstance(refusal(engine, other), TerminalNotRegistered)
    sell(engine, purchase(terminal_id="TILL0002"))


# The log


def test_every_token_is_in_the_log_and_the_chains_hold(engine: Engine) -> None:
    _queue(engine, QueuedKind.POWER_LIMIT, 5_000)
    sales = [sell(engine, purchase()) for _ in range(3)]
    refusal(engine, purchase(amount_minor=1))
    with engine.connect() as connection:
        assert list(breaks(connection)) == []
        logged = connection.execute(select(TOKEN_LOG.c.reference, TOKEN_LOG.c.kind)).all()
    made = [(sale.purchase_id, token.kind.value) for sale in sales for token in sale.tokens]
    assert sorted(tuple(row) for row in logged) == sorted(made)


class _UnableModule:
    """A security module that knows the key and then cannot use it."""

    def __getattr__(self, name: str) -> Any:
        return getattr(MAKER.security_module, name)

    def issue(self, requests: list[object]) -> list[VendingKeyNotFound]:
        return [VendingKeyNotFound("000001", 1) for _ in requests]

    def begin_issue(self, requests: list[object]) -> object:
        return partial(self.issue, requests)


_UNABLE: Final = replace(MAKER, security_module=_UnableModule())  # type: ignore[arg-type]  # a fake


def _try(engine: Engine, command: TryCredit) -> Trial:
    with writing(engine) as connection, connection.begin():
        outcome = service.try_out(connection, MAKER, command)
    assert isinstance(outcome, Trial)
    return outcome


def _try_in_vain(engine: Engine, command: TryCredit) -> DomainError:
    with writing(engine) as connection, connection.begin():
        outcome = service.try_out(connection, MAKER, command)
    assert isinstance(outcome, Refusal)
    return outcome.reason


def _queue(engine: Engine, kind: QueuedKind, value: int, *, amount_minor: int = 0) -> None:
    order = NewQueuedToken(
        kind=kind, value=value, amount_minor=amount_minor, reason="test", ordered_by="tests"
    )
    with writing(engine) as connection, connection.begin():
        queue_token(connection, lock_meter(connection, "TST001"), order, NOON)
