"""What a teller answers: what was told of the outcome, and what the metrics want to know."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from sts.base_date import BaseDate
from sts.security_module import InProcessSecurityModule
from sts.tokens.codec import TokenCodec
from tests.support.service import NOON, lookup, purchase, writing
from vending_api.domain.meters.errors import UnknownMeter
from vending_api.kit.errors import Refusal
from vending_api.sandbox.example_keys import example_keys
from vending_api.teller import Asked, Teller, Told

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from vending_api.domain.sales.types import Sale


@pytest.fixture
def teller() -> Teller:
    return Teller(InProcessSecurityModule(example_keys(), TokenCodec()))


def _asked(engine: Engine, teller: Teller, asked: Asked) -> tuple[Any, dict[str, Any]]:
    """Return the outcome of what is asked, and the fields of its command."""
    fields = teller.fields_of(asked)
    with writing(engine) as connection, connection.begin():
        return fields["act"](connection), fields


def _words(sale: Sale) -> bytes:
    return sale.purchase_id.encode()


def test_a_sale_is_told_where_it_was_made(engine: Engine, teller: Teller) -> None:
    command = purchase()
    sale, fields = _asked(engine, teller, Asked("sell", command, _words, is_new=True))
    assert fields["tell"](sale) == Told(
        command.purchase_id.encode(), lead_minutes=0, external_meter_id="TST001"
    )
    assert (fields["key"], fields["order"], fields["foreseen"]) == ("test", "TST001", command)


def test_a_sale_of_before_is_told_as_repeated(engine: Engine, teller: Teller) -> None:
    command = purchase()
    _asked(engine, teller, Asked("sell", command, _words))
    later = replace(command, received_at=NOON + timedelta(seconds=1))
    sale, fields = _asked(engine, teller, Asked("retry", later, _words))
    assert fields["tell"](sale).is_repeated
    assert fields["foreseen"] is None


def test_a_refusal_is_raised_once_it_is_durable(engine: Engine, teller: Teller) -> None:
    outcome, fields = _asked(engine, teller, Asked("look_up", lookup(external_meter_id="NOBODY")))
    assert isinstance(outcome, Refusal)
    with pytest.raises(UnknownMeter):
        fields["tell"](outcome)


def test_what_nobody_wants_told_is_told_by_nothing(engine: Engine, teller: Teller) -> None:
    found, fields = _asked(engine, teller, Asked("look_up", lookup()))
    assert fields["tell"](found) == Told(b"")


def test_the_lead_grows_by_a_minute_with_each_sale_of_the_same_minute(
    engine: Engine, teller: Teller
) -> None:
    for lead in range(3):
        sale, fields = _asked(engine, teller, Asked("sell", purchase(), _words))
        assert fields["tell"](sale).lead_minutes == lead


def test_the_lead_counts_from_the_base_date_of_the_new_key(engine: Engine, teller: Teller) -> None:
    asked = Asked("sell", purchase(external_meter_id="TST006"), _words)
    sale, fields = _asked(engine, teller, asked)
    assert sale.new_key_data is not None
    before = sale._replace(meter=sale.meter._replace(base_date=BaseDate.YEAR_1993))
    assert fields["tell"](before).lead_minutes == 0


def test_a_sale_without_dated_tokens_has_no_lead(engine: Engine, teller: Teller) -> None:
    sale, fields = _asked(engine, teller, Asked("sell", purchase(), _words))
    assert fields["tell"](sale._replace(tokens=())).lead_minutes is None
