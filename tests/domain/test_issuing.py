"""How the tokens of a group's sales are asked for together, and come back to their sales."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from sts.errors import ReadBackMismatch, StsError, VendingKeyNotFound
from sts.security_module import InProcessSecurityModule, IssuedToken, IssueRequest
from sts.tokens.codec import TokenCodec
from tests.custody.test_elsewhere import METER, credit
from tests.support.selling import MAKER
from tests.support.service import NOON, purchase, writing
from vending_api.domain.issuing.columns import Column, column_of
from vending_api.domain.issuing.errors import TokenNotProven
from vending_api.domain.issuing.service import order_tokens
from vending_api.domain.issuing.types import Payer, SoldToken, TokenKind, TokenOrder
from vending_api.domain.key_changes.errors import MeterKeyUnusable
from vending_api.domain.meters.service import lock_meter
from vending_api.domain.pricing.types import FREE_OF_CHARGE
from vending_api.domain.sales.types import Sale
from vending_api.domain.selling import service as selling
from vending_api.kit.group import GROUP, Group, Unfinished
from vending_api.sandbox.example_keys import example_keys

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from sqlalchemy import Engine


PAYER = Payer(client_key=1, amount_minor=10_000, currency="710")


class Watched(InProcessSecurityModule):
    """A module that tells how many tokens were asked for at once, and may fail."""

    def __init__(self, error: StsError | None = None) -> None:
        super().__init__(example_keys(), TokenCodec())
        self.begun: list[int] = []
        self.waited = 0
        self.error = error

    def begin_issue(
        self, requests: Sequence[IssueRequest]
    ) -> Callable[[], list[IssuedToken | StsError]]:
        self.begun.append(len(requests))

        def wait() -> list[IssuedToken | StsError]:
            self.waited += 1
            return [self.error] * len(requests) if self.error else self.issue(requests)

        return wait


def _requests(count: int, *, first: int = 0) -> list[IssueRequest]:
    return [IssueRequest(METER, credit(minutes=5_000_000 + first + one)) for one in range(count)]


def test_requests_are_begun_eight_at_a_time_and_waited_for_when_they_are_needed() -> None:
    module = Watched()
    column = Column(module)
    asked = [_requests(1 + number % 2, first=2 * number) for number in range(13)]
    places = [column.add(requests) for requests in asked]
    assert (module.begun, module.waited) == ([9, 9], 0)
    assert places[4].outcomes() == module.issue(asked[4])
    assert (module.begun, module.waited) == ([9, 9, 1], 1)
    for requests, place in reversed(list(zip(asked, places, strict=True))):
        assert place.outcomes() == module.issue(requests)
    assert (module.begun, module.waited) == ([9, 9, 1], 3)
    assert column.add(_requests(1, first=99)).outcomes() == module.issue(_requests(1, first=99))
    assert module.begun == [9, 9, 1, 1]


def test_a_group_has_one_column_and_a_command_by_itself_one_of_its_own(engine: Engine) -> None:
    module = Watched()
    with writing(engine) as connection, connection.begin():
        assert column_of(connection, module) is not column_of(connection, module)
        together = connection.execution_options(**{GROUP: Group()})
        assert column_of(together, module) is column_of(together, module)


def _order(**changes: Any) -> TokenOrder:
    return TokenOrder(kind=TokenKind.STANDARD, units_tenths=256, charge=FREE_OF_CHARGE)._replace(
        **changes
    )


def test_the_first_tokens_get_the_receipt_numbers(engine: Engine) -> None:
    orders = [
        _order(charge=FREE_OF_CHARGE._replace(net_minor=100)),
        _order(
            kind=TokenKind.POWER_LIMIT, units_tenths=0, setting=5_000, approval="order 1 by ann"
        ),
    ]
    with writing(engine) as connection, connection.begin():
        meter = lock_meter(connection, "TST001")
        ordered = order_tokens(connection, MAKER, meter, orders, payer=PAYER, now=NOON)
    made = ordered.made(["17"])
    assert [
        SoldToken(
            kind=order.kind,
            digits=token.digits,
            units_tenths=order.units_tenths,
            token_identifier=said.token_identifier,
            charge=order.charge,
            setting=order.setting,
            receipt_number=number,
        )
        for order, token, said, number in zip(
            orders, made, ordered.tokens, ["17", None], strict=True
        )
    ] == list(made)
    assert [token.receipt_number for token in ordered.made([])] == [None, None]


@pytest.mark.parametrize(
    ("error", "raised"),
    [
        (ReadBackMismatch("bad"), TokenNotProven),
        (VendingKeyNotFound("123456", 1), MeterKeyUnusable),
    ],
)
def test_a_token_that_cannot_be_made_is_told_when_it_is_needed(
    engine: Engine, error: StsError, raised: type[Exception]
) -> None:
    maker = replace(MAKER, security_module=Watched(error))
    with writing(engine) as connection, connection.begin():
        meter = lock_meter(connection, "TST001")
        ordered = order_tokens(connection, maker, meter, [_order()], payer=PAYER, now=NOON)
    with pytest.raises(raised):
        ordered.made(["17"])


def test_sales_of_a_group_ask_once_and_are_finished_together(engine: Engine) -> None:
    module = Watched()
    maker = replace(MAKER, security_module=module)
    group = Group()
    with writing(engine) as plain, plain.begin():
        connection = plain.execution_options(**{GROUP: group})
        commands = [purchase() for _ in range(3)]
        selling.foresee(connection, commands)
        outcomes = [selling.sell(connection, maker, command) for command in commands]
        assert [type(one) for one in outcomes] == [Unfinished] * 3
        assert (module.begun, module.waited) == ([], 0)
        group.flush(connection)
        assert len(module.begun) == module.waited == 1
        sales = [one.outcome() for one in outcomes if isinstance(one, Unfinished)]
    assert [type(one) for one in sales] == [Sale] * 3
    digits = [token.digits for sale in sales for token in sale.tokens]
    assert len(set(digits)) == len(digits) == sum(module.begun)
