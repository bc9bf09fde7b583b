"""What a card says of a key, and requests for the tokens of a key change alone."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from sts.key_data import KeyRevisionNumber, SupplyGroupCode
from sts.virtual_meter import Accepted
from tests.domain.keying import (
    SECOND,
    TO_SECOND,
    card_of,
    change,
    held,
    order,
    refused,
)
from tests.support.selling import (
    refusal,
    retry,
    sell,
)
from tests.support.service import key_change, purchase
from vending_api.domain.issuing.types import TokenKind
from vending_api.domain.key_changes.errors import CardContradicts
from vending_api.domain.sales.errors import NoKeyChangeDue
from vending_api.domain.sales.types import Sale, SaleKind
from vending_api.kit.errors import MessageIdUsed
from vending_api.sandbox.virtual_meters import demo_virtual_meter

if TYPE_CHECKING:
    from sqlalchemy import Engine


# Cards


def test_a_card_with_an_older_key_brings_the_key_change_again(engine: Engine) -> None:
    order(engine, "TST001", TO_SECOND)
    lost = sell(engine, purchase())
    sale = sell(engine, purchase(card=card_of(1)))
    assert [token.kind for token in sale.tokens[:2]] == [TokenKind.KEY_CHANGE] * 2
    assert sale.tokens[2].digits != lost.tokens[2].digits
    meter = demo_virtual_meter(serial=1)
    assert all(isinstance(meter.enter(token.digits), Accepted) for token in sale.tokens)
    assert held(engine, "TST001") == TO_SECOND


def test_a_card_as_registered_or_of_unknown_keys_changes_nothing(engine: Engine) -> None:
    for card in (
        card_of(1),
        replace(card_of(1), supply_group_code=SupplyGroupCode("777777")),
        replace(card_of(1), key_revision_number=KeyRevisionNumber(9)),
    ):
        assert len(sell(engine, purchase(card=card)).tokens) == 1


def test_a_card_of_another_meter_or_with_a_newer_key_contradicts(engine: Engine) -> None:
    assert isinstance(refusal(engine, purchase(card=card_of(2))), CardContradicts)
    newer = replace(card_of(1), key_revision_number=SECOND)
    assert isinstance(refusal(engine, purchase(card=newer)), CardContradicts)


def test_a_card_alone_names_the_meter(engine: Engine) -> None:
    command = purchase(external_meter_id="", card=card_of(1))
    sale = sell(engine, command)
    assert sale.meter.external_id == "TST001"
    assert retry(engine, command).tokens == sale.tokens
    with pytest.raises(MessageIdUsed):
        retry(engine, replace(command, card=card_of(2)))
    unknown = refusal(engine, purchase(external_meter_id="", card=card_of(99)))
    assert unknown.code == "unknown_meter"


# Key change requests


def test_a_request_brings_the_set_alone_once(engine: Engine) -> None:
    order(engine, "TST001", TO_SECOND)
    command = key_change(external_meter_id="TST001")
    sale = change(engine, command)
    assert isinstance(sale, Sale)
    assert (sale.kind, sale.amount_minor, len(sale.tokens)) == (SaleKind.KEY_CHANGE, 0, 2)
    assert (sale.new_key_data, sale.invoice_number) == (TO_SECOND, None)
    meter = demo_virtual_meter(serial=1)
    assert all(isinstance(meter.enter(token.digits), Accepted) for token in sale.tokens)
    with pytest.raises(MessageIdUsed):
        change(engine, command)
    assert isinstance(refused(engine, key_change(external_meter_id="TST001")), NoKeyChangeDue)
    assert len(sell(engine, purchase()).tokens) == 1


def test_a_request_that_is_refused_keeps_its_id_used(engine: Engine) -> None:
    command = key_change(external_meter_id="9999")
    assert refused(engine, command).code == "unknown_meter"
    with pytest.raises(MessageIdUsed):
        change(engine, command)


def test_the_ids_of_requests_and_purchases_are_apart(engine: Engine) -> None:
    order(engine, "TST001", TO_SECOND)
    command = key_change(external_meter_id="TST001")
    change(engine, command)
    sell(engine, purchase(purchase_id=command.request_id, message_id=command.request_id))
