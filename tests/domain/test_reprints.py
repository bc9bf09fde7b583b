"""A reprint hands out what was sold, never anything new, and only so often in a day."""

from __future__ import annotations

import threading
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest

from sts.id_record import IdRecord
from tests.domain.advising import (
    accept,
    changed_key,
    everything,
    other_client,
    reversal,
    set_rule,
)
from tests.support.selling import change_meter, count, refusal, retry, sell
from tests.support.service import DEMO_CLIENT, NOON, purchase, writing
from vending_api.domain.clients.errors import TerminalNotRegistered
from vending_api.domain.clients.service import name_terminals
from vending_api.domain.credit.errors import LimitExceeded
from vending_api.domain.issuing.tables import TOKEN
from vending_api.domain.meters.errors import UnknownMeter
from vending_api.domain.meters.tables import METER
from vending_api.domain.reprints.errors import NothingToReprint
from vending_api.domain.reprints.service import reprint
from vending_api.domain.reprints.tables import REPRINT
from vending_api.domain.reprints.types import Reprint, ReprintTokens
from vending_api.domain.sales.errors import SaleGivenUp
from vending_api.domain.token_log.tables import TOKEN_LOG
from vending_api.kit.errors import MessageIdUsed, Refusal
from vending_api.sandbox.demo_data import demo_meter_configuration

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from vending_api.domain.sales.types import Sale
    from vending_api.kit.errors import DomainError


def test_the_last_sale_is_handed_out_again_and_nothing_is_made(engine: Engine) -> None:
    sell(engine, purchase())
    last = sell(engine, purchase())
    with engine.connect() as connection:
        before = everything(connection)
    copies = [_reprint(engine, _ask()) for _ in range(2)]
    assert [copy.copy_number for copy in copies] == [1, 2]
    assert all(_is_copy(copy, last) for copy in copies)
    with engine.connect() as connection:
        after = everything(connection)
    for table in (TOKEN, TOKEN_LOG, METER):
        assert after[table.name] == before[table.name]


def test_a_sale_is_found_by_any_of_its_references(engine: Engine) -> None:
    command = purchase()
    again = replace(command, message_id=str(uuid4()))
    sold = sell(engine, command)
    retry(engine, again)
    sell(engine, purchase())
    receipt = sold.tokens[0].receipt_number
    assert receipt is not None
    for reference in (command.purchase_id, again.message_id, receipt):
        assert _is_copy(_reprint(engine, _ask(original_reference=reference)), sold)


def test_a_key_change_is_handed_out_again(engine: Engine) -> None:
    changed = changed_key(engine)
    for reference in (None, changed.purchase_id):
        ask = _ask(external_meter_id="TST006", original_reference=reference)
        copy = _reprint(engine, ask).sale
        assert copy.tokens == changed.tokens
        assert copy.new_key_data == changed.new_key_data


def test_a_card_alone_names_the_meter(engine: Engine) -> None:
    sold = sell(engine, purchase())
    configuration = demo_meter_configuration(1)
    card = IdRecord(
        pan=configuration.pan,
        supply_group_code=configuration.supply_group_code,
        tariff_index=configuration.tariff_index,
        key_revision_number=configuration.key_revision_number,
    )
    assert _is_copy(_reprint(engine, _ask(external_meter_id="", card=card)), sold)


def test_another_client_may_hand_out_copies_and_they_count_together(engine: Engine) -> None:
    sell(engine, purchase())
    _reprint(engine, _ask())
    assert _reprint(engine, _ask(client=other_client(engine))).copy_number == 2


def test_a_blocked_meter_still_gets_what_was_sold_to_it(engine: Engine) -> None:
    sold = sell(engine, purchase())
    change_meter(engine, is_blocked=True)
    assert _is_copy(_reprint(engine, _ask()), sold)


def test_there_is_nothing_to_reprint_but_the_meters_own_sales(engine: Engine) -> None:
    refused = purchase(amount_minor=1)
    refusal(engine, refused)
    assert isinstance(_turned_down(engine, _ask()), NothingToReprint)
    other = sell(engine, purchase(external_meter_id="TST003"))
    sell(engine, purchase())
    receipt = other.tokens[0].receipt_number
    for reference in ("unknown", "", refused.purchase_id, other.purchase_id, receipt):
        reason = _turned_down(engine, _ask(original_reference=reference))
        assert isinstance(reason, NothingToReprint)
    assert isinstance(_turned_down(engine, _ask(external_meter_id="9999")), UnknownMeter)
    assert count(engine, REPRINT) == 0


def test_what_the_merchant_bears_is_handed_out_again(engine: Engine) -> None:
    sold = sell(engine, purchase())
    accept(engine, reversal(sold.purchase_id))
    assert _reprint(engine, _ask()).sale.tokens == sold.tokens


def test_what_was_given_back_is_not_handed_out_again(engine: Engine) -> None:
    set_rule(engine, reversal_credit_minutes=5)
    older, newer = sell(engine, purchase()), sell(engine, purchase())
    accept(engine, reversal(newer.purchase_id))
    reason = _turned_down(engine, _ask(original_reference=newer.purchase_id))
    assert isinstance(reason, SaleGivenUp)
    assert _is_copy(_reprint(engine, _ask()), older)


def test_a_meter_gets_so_many_reprints_a_day_where_its_utility_is(engine: Engine) -> None:
    set_rule(engine, reprints_a_day=2)
    sell(engine, purchase())
    one, two = sell(engine, purchase()), sell(engine, purchase(external_meter_id="TST003"))
    # 23:59 of the 21st in Johannesburg.
    late = datetime(2026, 11, 21, 21, 59, tzinfo=UTC)
    _reprint(engine, _ask(received_at=late, original_reference=one.purchase_id))
    _reprint(engine, _ask(received_at=late))
    for _ in range(2):
        reason = _turned_down(engine, _ask(received_at=late))
        assert isinstance(reason, LimitExceeded)
        assert reason.maximum == 2
    assert count(engine, REPRINT) == 2
    assert _is_copy(_reprint(engine, _ask(received_at=late, external_meter_id="TST003")), two)
    _reprint(engine, _ask(received_at=late.replace(hour=22)))


def test_no_reprints_a_day_are_none(engine: Engine) -> None:
    set_rule(engine, reprints_a_day=0)
    sell(engine, purchase())
    assert isinstance(_turned_down(engine, _ask()), LimitExceeded)


def test_reprints_at_once_do_not_pass_the_limit(engine: Engine) -> None:
    set_rule(engine, reprints_a_day=3)
    sell(engine, purchase())
    together = threading.Barrier(8)
    outcomes: list[Reprint | Refusal] = []

    def ask() -> None:
        together.wait()
        outcomes.append(_outcome(engine, _ask()))

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    copies = sorted(one.copy_number for one in outcomes if isinstance(one, Reprint))
    assert copies == [1, 2, 3]
    assert len(outcomes) == 8


def test_an_id_is_used_once_even_for_what_was_refused(engine: Engine) -> None:
    refused = _ask()
    assert isinstance(_turned_down(engine, refused), NothingToReprint)
    sell(engine, purchase())
    done = _ask()
    _reprint(engine, done)
    for ask in (refused, done):
        with pytest.raises(MessageIdUsed):
            _outcome(engine, ask)
    assert count(engine, REPRINT) == 1


def test_a_client_that_names_its_terminals_hands_out_copies_at_no_other(engine: Engine) -> None:
    sell(engine, purchase())
    with writing(engine) as connection, connection.begin():
        name_terminals(connection, DEMO_CLIENT.key, ["TILL0002"])
    client = replace(DEMO_CLIENT, names_terminals=True)
    assert isinstance(_turned_down(engine, _ask(client=client)), TerminalNotRegistered)
    _reprint(engine, _ask(client=client, terminal_id="TILL0002"))


def _ask(**changes: object) -> ReprintTokens:
    command = ReprintTokens(
        reprint_id=str(uuid4()),
        external_meter_id="TST001",
        original_reference=None,
        terminal_id="TILL0001",
        client=DEMO_CLIENT,
        received_at=NOON,
    )
    return replace(command, **changes)  # type: ignore[arg-type]  # tests name real fields


def _outcome(engine: Engine, command: ReprintTokens) -> Reprint | Refusal:
    with writing(engine) as connection, connection.begin():
        return reprint(connection, command)


def _reprint(engine: Engine, command: ReprintTokens) -> Reprint:
    done = _outcome(engine, command)
    assert isinstance(done, Reprint)
    return done


def _is_copy(copy: Reprint, sale: Sale) -> bool:
    """Return whether a copy tells of a sale what was told when it was made."""
    told = [
        (one.purchase_id, one.tokens, one.bill, one.sold_at, one.invoice_number, one.new_key_data)
        for one in (copy.sale, sale)
    ]
    return told[0] == told[1] and copy.sale.meter.configuration == sale.meter.configuration


def _turned_down(engine: Engine, command: ReprintTokens) -> DomainError:
    refused = _outcome(engine, command)
    assert isinstance(refused, Refusal)
    return refused.reason
