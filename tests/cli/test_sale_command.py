"""`vending sale show` tells an operator all that is stored of a sale."""

from __future__ import annotations

import json
import re
from decimal import Decimal
from typing import TYPE_CHECKING, NamedTuple

import pytest

from sts.tokens.digits import grouped
from tests.domain.slips import made
from tests.support.selling import (
    EVERYTHING,
    MAKER,
    identifier_of,
    refusal,
    sell,
    set_account,
    use_tariff,
)
from tests.support.service import key_change, prepared_engine, purchase, writing
from tests.support.vending_command import VendingCommand
from vending_api.cli.sale import STATES
from vending_api.domain.meters.service import lock_meter, order_key_change
from vending_api.domain.sales.service import move
from vending_api.domain.sales.types import Sale, SaleEvent, SaleState
from vending_api.domain.selling.service import change_key
from vending_api.domain.token_queue.service import queue_token
from vending_api.domain.token_queue.types import NewQueuedToken, QueuedKind

if TYPE_CHECKING:
    from pathlib import Path

    from sqlalchemy import Engine


class Shop(NamedTuple):
    """A database in which something was sold."""

    url: str
    sale: Sale


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Shop:
    """Give a database that tests only read, with a sale of everything that a sale can have."""
    url = f"sqlite:///{tmp_path_factory.mktemp('shop') / 'vending.db'}"
    engine = prepared_engine(url)
    use_tariff(engine, EVERYTHING)
    set_account(engine, made.OWING)
    with writing(engine) as connection, connection.begin():
        meter = lock_meter(connection, "TST001")
        for kind, value in ((QueuedKind.POWER_LIMIT, 13_800), (QueuedKind.CLEAR_TAMPER, 0)):
            order = NewQueuedToken(kind=kind, value=value, reason="why", ordered_by="who")
            queue_token(connection, meter, order, made.AT)
        order_key_change(connection, meter, made.NEW_KEY)
    sale = sell(engine, purchase(amount_minor=20_000))
    engine.dispose()
    return Shop(url, sale)


@pytest.fixture
def sale(shop: Shop) -> Sale:
    return shop.sale


@pytest.fixture
def vending(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    shop: Shop,
) -> VendingCommand:
    monkeypatch.setenv("VENDING_DATABASE_URL", shop.url)
    return VendingCommand(monkeypatch, capsys, tmp_path)


@pytest.fixture
def vending_here(
    vending: VendingCommand, monkeypatch: pytest.MonkeyPatch, engine: Engine
) -> VendingCommand:
    """Give the command on the database of the `engine` fixture."""
    url = engine.url.render_as_string(hide_password=False)
    monkeypatch.setenv("VENDING_DATABASE_URL", url)
    return vending


def _pairs(out: str) -> list[list[str]]:
    return [re.split(r" {2,}", line.strip()) for line in out.splitlines()]


def test_it_tells_state_parties_numbers_and_times(vending: VendingCommand, sale: Sale) -> None:
    done = vending("sale", "show", sale.purchase_id)
    assert (done.code, done.err) == (0, "")
    receipts = [one.receipt_number for one in sale.tokens if one.receipt_number is not None]
    receipts += [line.receipt_number or "" for line in sale.bill.debts_recovered]
    assert len(receipts) == 4
    pairs = _pairs(done.out)
    for pair in (
        [f"Purchase {receipts[0]}"],
        ["State", STATES[SaleState.ISSUED]],
        ["Id", sale.purchase_id],
        ["Client", "test, Demo point of sale"],
        ["Terminal", "TILL0001"],
        ["Meter", "TST001, Electrum Test Server"],
        ["Time", "2026-11-21 14:00:00 SAST (12:00:00 UTC)"],
        ["Paid", "ZAR 200.00"],
        ["Tax invoice", sale.invoice_number],
        ["Receipts", ", ".join(receipts)],
        ["SGC, KRN, TI", "from 000001, 1, 01 to 000001, 2, 01"],
    ):
        assert pair in pairs


@pytest.mark.parametrize("columns", ["80", "60"])
def test_every_token_has_its_kind_identifier_receipt_and_all_its_digits(
    vending: VendingCommand, sale: Sale, monkeypatch: pytest.MonkeyPatch, columns: str
) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    lines = vending("sale", "show", sale.purchase_id).out.splitlines()
    kinds = ["Key", "Key", "Electricity", "Free", "Power", "Clear"]
    carried = ["", "", "27.1 kWh", "5.0 kWh", "13,800 W", ""]
    assert len(sale.tokens) == len(kinds)
    for token, kind, carries in zip(sale.tokens, kinds, carried, strict=True):
        (row,) = [line for line in lines if grouped(token.digits) in line]
        assert row.startswith(kind)
        assert carries in row
        if token.token_identifier is not None:
            assert str(identifier_of(token).minutes) in row
        assert (token.receipt_number or "") in row


def test_the_bill_is_told_line_by_line_and_adds_up(vending: VendingCommand, sale: Sale) -> None:
    out = vending("sale", "show", sale.purchase_id).out
    words = " ".join(out.split())
    for line in sale.bill.lines:
        assert line.name in words
    for text in ("energy, first 10 this month", "for 34 days", "TAX 17 %", "settled now"):
        assert text in words
    net = sum(line.charge.net_minor for line in sale.bill.lines)
    tax = sale.tax_total_minor
    assert net + tax == 20_000
    money = [f"{Decimal(amount).scaleb(-2):,.2f}" for amount in (net, tax)]
    assert ["Together", *money] in _pairs(out)
    assert "Still owed after it: ZAR 316.00 Municipal water arrears" in out


def test_json_has_exact_numbers(vending: VendingCommand, sale: Sale) -> None:
    answer = json.loads(vending("sale", "show", sale.purchase_id, "--json").out)
    assert answer["state"] == "issued"
    assert answer["kind"] == "purchase"
    assert answer["client"] == "test"
    assert (answer["amount_minor"], answer["currency"]) == (20_000, "ZAR")
    assert [token["digits"] for token in answer["tokens"]] == [one.digits for one in sale.tokens]
    assert answer["new_key_data"] == {
        "supply_group_code": "000001",
        "key_revision_number": 2,
        "tariff_index": "01",
    }
    paid = [line["charge"]["net_minor"] + line["charge"]["tax_minor"] for line in answer["bill"]]
    assert sum(paid) == 20_000


def test_a_key_change_has_tokens_and_no_bill(vending_here: VendingCommand, engine: Engine) -> None:
    with writing(engine) as connection, connection.begin():
        meter = lock_meter(connection, "TST001")
        order_key_change(connection, meter, made.NEW_KEY)
        command = key_change(external_meter_id="TST001")
        sold = change_key(connection, MAKER, command)
    assert isinstance(sold, Sale)
    out = vending_here("sale", "show", command.request_id).out
    assert f"Key change {command.request_id}" in out
    assert grouped(sold.tokens[1].digits) in out
    for word in ("Paid", "Together", "Receipts", "Tax invoice"):
        assert word not in out
    on_slip = command.request_id.replace("-", "").upper()
    assert vending_here("sale", "show", on_slip).out == out
    answer = json.loads(vending_here("sale", "show", command.request_id, "--json").out)
    assert (answer["kind"], answer["bill"]) == ("key_change", [])
    assert answer["tokens"][0]["token_identifier"] is None


@pytest.mark.parametrize(
    ("event", "state"),
    [
        (SaleEvent.CONFIRM, SaleState.CONFIRMED),
        (SaleEvent.REVERSE, SaleState.REVERSAL_REFUSED),
        (SaleEvent.REVERSE_AND_CREDIT, SaleState.REVERSED),
    ],
)
def test_what_became_of_it_is_said(
    vending_here: VendingCommand, engine: Engine, event: SaleEvent, state: SaleState
) -> None:
    sale = sell(engine, purchase())
    with writing(engine) as connection, connection.begin():
        move(connection, sale, event)
    assert ["State", STATES[state]] in _pairs(vending_here("sale", "show", sale.purchase_id).out)


def test_every_state_of_a_sale_has_words() -> None:
    assert {*SaleState} - {*STATES} == {SaleState.REFUSED, SaleState.GIVEN_UP}


def test_what_was_refused_is_no_sale(vending_here: VendingCommand, engine: Engine) -> None:
    command = purchase(amount_minor=1)
    refusal(engine, command)
    done = vending_here("sale", "show", command.purchase_id)
    assert (done.code, done.out) == (1, "")
    assert "nothing was sold under" in done.err
