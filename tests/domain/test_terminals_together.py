"""What a group needs of its terminals takes as many statements for many of them as for one."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

import pytest

from tests.support.service import DEMO_CLIENT, demo_token_maker, purchase, writing
from vending_api.domain.clients.errors import TerminalNotRegistered
from vending_api.domain.clients.service import name_terminals
from vending_api.domain.sales.types import Sale
from vending_api.domain.selling import service as selling
from vending_api.kit import statements
from vending_api.kit.driver import on_driver
from vending_api.kit.errors import Refusal
from vending_api.kit.group import GROUP, Group, finished

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sqlalchemy import Engine

    from vending_api.domain.sales.types import SellCredit

MAKER = demo_token_maker()
METERS = ["TST001", "TST004", "TST010", "TST011"]
MANY = [f"TILL000{number}" for number in range(1, 5)]
NAMING = replace(DEMO_CLIENT, names_terminals=True)


@pytest.fixture(autouse=True)
def _named(engine: Engine) -> None:
    with writing(engine) as connection, connection.begin():
        name_terminals(connection, DEMO_CLIENT.key, MANY)


def _sales(terminals: Sequence[str]) -> list[SellCredit]:
    return [
        purchase(external_meter_id=meter, terminal_id=terminal, client=NAMING)
        for meter, terminal in zip(METERS, terminals, strict=True)
    ]


def _sold(engine: Engine, commands: Sequence[SellCredit]) -> list[Sale | Refusal]:
    group = Group()
    with writing(engine) as plain, plain.begin():
        connection = plain.execution_options(**{GROUP: group})
        selling.foresee(connection, commands)
        outcomes = [selling.sell(connection, MAKER, command) for command in commands]
        group.flush(connection)
        return [finished(one) for one in outcomes]


def _receipts(outcomes: Sequence[Sale | Refusal]) -> list[str | None]:
    return [one.tokens[0].receipt_number for one in outcomes if isinstance(one, Sale)]


@contextmanager
def _counted() -> Iterator[list[str]]:
    """Give the texts of the statements that are run."""
    run: list[str] = []

    def counting(act: Any, errors: Any, what: Any, given: Any = ()) -> Any:
        run.append(what if isinstance(what, str) else "COPY")
        return on_driver(act, errors, what, given)

    with patch.object(statements, "on_driver", counting):
        yield run


def test_many_terminals_take_as_many_statements_as_one(engine: Engine) -> None:
    for terminals in (MANY, MANY[:1] * 4):  # their series begin, and every form is compiled
        _sold(engine, _sales(terminals))
    with _counted() as of_one:
        _sold(engine, _sales(MANY[:1] * 4))
    with _counted() as of_many:
        sold = _sold(engine, _sales(MANY))
    assert len(of_many) == len(of_one)
    assert len({receipt.split("-")[0] for receipt in _receipts(sold) if receipt}) == 4


def test_numbers_go_on_where_they_were_with_old_terminals_and_new(engine: Engine) -> None:
    first = _sold(engine, _sales(["TILL0001", "TILL0001", "TILL0002", "TILL0003"]))
    second = _sold(engine, _sales(["TILL0004", "TILL0002", "TILL0001", "TILL0003"]))
    series = [str(receipt).split("-")[0] for receipt in _receipts(first)]
    assert _receipts(first) == [
        f"{series[0]}-000001", f"{series[0]}-000002", f"{series[2]}-000001", f"{series[3]}-000001",
    ]  # fmt: skip
    newest, *known = _receipts(second)
    assert known == [f"{series[2]}-000002", f"{series[0]}-000003", f"{series[3]}-000002"]
    assert str(newest).endswith("-000001")
    assert str(newest).split("-")[0] not in series


def test_a_terminal_that_is_not_named_is_refused_among_others(engine: Engine) -> None:
    outcomes = _sold(engine, _sales(["TILL0001", "STRANGER", "TILL0002", "TILL0001"]))
    refused = outcomes.pop(1)
    assert isinstance(refused, Refusal)
    assert isinstance(refused.reason, TerminalNotRegistered)
    assert len(_receipts(outcomes)) == 3
