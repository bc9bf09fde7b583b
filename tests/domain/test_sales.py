"""Nothing is sold twice, nothing is sold wrongly, and every refusal says why."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import partial
from typing import TYPE_CHECKING

import pytest

from sts.errors import VendingKeyNotFound
from sts.virtual_meter import Accepted, Refused
from tests.support.selling import (
    BROKEN_MAKER,
    MAKER,
    change_meter,
    count,
    identifier_of,
    refusal,
    sell,
)
from tests.support.service import (
    NOON,
    lookup,
    purchase,
    writing,
)
from vending_api.domain.clients.types import Client
from vending_api.domain.issuing.errors import TokenNotProven
from vending_api.domain.issuing.tables import TOKEN
from vending_api.domain.issuing.types import TokenKind
from vending_api.domain.key_changes.errors import MeterKeyUnusable
from vending_api.domain.meters.errors import MeterBlocked, UnknownMeter
from vending_api.domain.offers.errors import CurrencyNotAccepted, NothingDue
from vending_api.domain.pricing.errors import AmountOutsideLimits, AmountTooLarge
from vending_api.domain.pricing.types import TaxedAmount
from vending_api.domain.sales.tables import SALE
from vending_api.domain.selling import service
from vending_api.kit.errors import MessageIdUsed, Refusal
from vending_api.sandbox.virtual_meters import demo_virtual_meter

if TYPE_CHECKING:
    from sqlalchemy import Engine


def test_a_sale_is_priced_taxed_and_taken_by_the_meter_once(engine: Engine) -> None:
    sale = sell(engine, purchase())
    (token,) = sale.tokens
    assert token.kind is TokenKind.STANDARD
    assert token.units_tenths == 403  # R100 at 216.11 c and VAT 15 %: 40.2372, rounded up
    assert token.charge == TaxedAmount(
        net_minor=8_696, tax_minor=1_304, tax_name="VAT", tax_rate_percent=Decimal(15)
    )
    assert sale.purchase_total_minor + sale.tax_total_minor == sale.amount_minor == 10_000
    meter = demo_virtual_meter(serial=1)
    assert isinstance(meter.enter(token.digits), Accepted)
    assert isinstance(meter.enter(token.digits), Refused)


def test_a_purchase_id_sells_once_for_ever(engine: Engine) -> None:
    command = purchase()
    sell(engine, command)
    with pytest.raises(MessageIdUsed):
        sell(engine, command)
    other_client = Client(key=1, user_name="other", name="Other")
    with pytest.raises(MessageIdUsed):
        sell(engine, replace(command, external_meter_id="TST003", client=other_client))
    assert count(engine, TOKEN) == 1


def test_what_a_rule_refused_keeps_its_id_used(engine: Engine) -> None:
    command = purchase(external_meter_id="9999")
    assert isinstance(refusal(engine, command), UnknownMeter)
    with pytest.raises(MessageIdUsed):
        sell(engine, command)
    assert count(engine, SALE) == 1
    assert count(engine, TOKEN) == 0


@pytest.mark.parametrize("amount_minor", [9_999, 10_001, 1, -1])
def test_an_amount_past_the_limits_is_refused(engine: Engine, amount_minor: int) -> None:
    reason = refusal(engine, purchase(amount_minor=amount_minor))
    assert isinstance(reason, AmountOutsideLimits)
    assert (reason.minimum_minor, reason.maximum_minor) == (10_000, 10_000)


def test_a_meter_without_limits_has_those_of_its_utility(engine: Engine) -> None:
    change_meter(engine, minimum_purchase_minor=None, maximum_purchase_minor=None)
    assert isinstance(refusal(engine, purchase(amount_minor=999)), AmountOutsideLimits)
    assert isinstance(refusal(engine, purchase(amount_minor=500_001)), AmountOutsideLimits)
    sell(engine, purchase(amount_minor=1_000))
    sell(engine, purchase(amount_minor=500_000))


def test_another_currency_is_refused(engine: Engine) -> None:
    assert isinstance(refusal(engine, purchase(currency="840")), CurrencyNotAccepted)


def test_a_purchase_of_nothing_finds_nothing_due(engine: Engine) -> None:
    assert isinstance(refusal(engine, purchase(amount_minor=0)), NothingDue)
    change_meter(engine, minimum_purchase_minor=0)
    assert isinstance(refusal(engine, purchase(amount_minor=0)), NothingDue)


def test_a_blocked_meter_gets_no_token(engine: Engine) -> None:
    change_meter(engine, is_blocked=True)
    assert isinstance(refusal(engine, purchase()), MeterBlocked)


def test_more_than_a_token_can_carry_is_refused(engine: Engine) -> None:
    most = 452_358_590  # buys 1,820,162.4 units, the most that a token can carry
    change_meter(engine, minimum_purchase_minor=1, maximum_purchase_minor=10**12)
    sale = sell(engine, purchase(amount_minor=most))
    assert sale.tokens[0].units_tenths == 18_201_624
    too_much = purchase(amount_minor=most + 1)
    assert isinstance(refusal(engine, too_much), AmountTooLarge)


def test_a_base_date_that_is_not_its_keys_is_refused(engine: Engine) -> None:
    change_meter(engine, base_date=2035)
    reason = refusal(engine, purchase(received_at=datetime(2036, 1, 1, tzinfo=UTC)))
    assert isinstance(reason, MeterKeyUnusable)
    assert "base date 2035" in str(reason)


def test_a_base_date_that_is_used_up_is_refused(engine: Engine) -> None:
    after_the_end = datetime(2045, 11, 24, 20, 16, tzinfo=UTC)
    assert isinstance(refusal(engine, purchase(received_at=after_the_end)), MeterKeyUnusable)
    sell(engine, purchase(received_at=after_the_end - timedelta(minutes=1)))


def test_a_meter_whose_key_is_missing_is_refused(engine: Engine) -> None:
    change_meter(engine, key_revision_number=9)
    reason = refusal(engine, purchase())
    assert isinstance(reason, MeterKeyUnusable)
    assert "revision 9" in str(reason)


class _RefusingModule:
    """A security module that knows the key and then cannot use it."""

    def __getattr__(self, name: str) -> object:
        return getattr(MAKER.security_module, name)

    def issue(self, requests: list[object]) -> list[VendingKeyNotFound]:
        return [VendingKeyNotFound("000001", 1) for _ in requests]

    def begin_issue(self, requests: list[object]) -> object:
        return partial(self.issue, requests)


def test_what_the_security_module_refuses_is_refused(engine: Engine) -> None:
    maker = replace(MAKER, security_module=_RefusingModule())  # type: ignore[arg-type]  # a fake
    assert isinstance(refusal(engine, purchase(), maker), MeterKeyUnusable)


def test_a_token_that_does_not_read_back_is_not_sold(engine: Engine) -> None:
    command = purchase()
    with pytest.raises(TokenNotProven):
        sell(engine, command, BROKEN_MAKER)
    assert count(engine, SALE) == 0
    assert count(engine, TOKEN) == 0
    # Nothing was sold, so the very same request may be made again.
    sell(engine, command)


class _AnsweringModule(_RefusingModule):
    """A security module that answers with a token for something else."""

    def issue(self, requests: list[object]) -> list[object]:  # type: ignore[override]  # a fake
        (request,) = requests
        other = replace(request, token=replace(request.token, random=6))  # type: ignore[type-var,attr-defined]  # IssueRequest
        return list(MAKER.security_module.issue([other]))  # type: ignore[list-item]  # as above


def test_a_token_for_something_else_is_not_sold(engine: Engine) -> None:
    maker = replace(MAKER, security_module=_AnsweringModule())  # type: ignore[arg-type]  # a fake
    with pytest.raises(TokenNotProven):
        sell(engine, purchase(), maker)
    assert count(engine, TOKEN) == 0


def test_tokens_of_one_minute_have_identifiers_of_their_own(engine: Engine) -> None:
    identifiers = [identifier_of(sell(engine, purchase()).tokens[0]).minutes for _ in range(3)]
    assert identifiers == [identifiers[0], identifiers[0] + 1, identifiers[0] + 2]
    later = purchase(received_at=NOON + timedelta(minutes=10))
    assert identifier_of(sell(engine, later).tokens[0]).minutes == identifiers[0] + 10


def test_the_reserved_minute_is_never_sold(engine: Engine) -> None:
    midnight = datetime(2026, 11, 22, 0, 0, tzinfo=UTC)
    minutes = [
        identifier_of(sell(engine, purchase(received_at=midnight)).tokens[0]).minutes % 1440
        for _ in range(3)
    ]
    assert minutes == [0, 2, 3]


def test_identifiers_never_go_back_with_the_clock(engine: Engine) -> None:
    first = identifier_of(sell(engine, purchase()).tokens[0])
    earlier = purchase(received_at=NOON - timedelta(days=30))
    assert identifier_of(sell(engine, earlier).tokens[0]) > first


def test_a_lookup_finds_the_meter_and_uses_its_id(engine: Engine) -> None:
    command = lookup(external_meter_id="TST007")
    with writing(engine) as connection, connection.begin():
        found = service.look_up(connection, command)
    assert not isinstance(found, Refusal)
    assert found.meter.customer.last_name == "Palmer"
    assert found.meter.limits.maximum_minor == 20_000
    assert (found.arrears_minor, found.free_units_due) == (32_300, False)
    with writing(engine) as connection, connection.begin(), pytest.raises(MessageIdUsed):
        service.look_up(connection, command)


def test_a_lookup_of_an_unknown_meter_is_refused_and_remembered(engine: Engine) -> None:
    command = lookup(external_meter_id="9999")
    with writing(engine) as connection, connection.begin():
        outcome = service.look_up(connection, command)
    assert isinstance(outcome, Refusal)
    assert isinstance(outcome.reason, UnknownMeter)
    with writing(engine) as connection, connection.begin(), pytest.raises(MessageIdUsed):
        service.look_up(connection, command)
