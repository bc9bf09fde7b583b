"""What the surface asks of the service, and what it says of the outcome."""

from __future__ import annotations

import pytest

from tests.surfaces.electrum.shop import METER_ID, PAN, Shop, lookup, point_of_sale, purchase
from vending_api.domain.issuing.types import TokenKind
from vending_api.domain.sales.types import LookUpMeter, SellCredit
from vending_api.surfaces.electrum.mapping import exact_tenths


def test_a_lookup_becomes_a_command() -> None:
    shop = Shop()
    point_of_sale(shop).post("/meterLookups/lookup-1", json=lookup())
    (command,) = shop.commands
    assert isinstance(command, LookUpMeter)
    assert (command.lookup_id, command.external_meter_id) == ("lookup-1", METER_ID)
    assert command.client.user_name == "test"
    assert command.received_at < shop.now()


def test_a_purchase_becomes_a_command_under_its_own_id() -> None:
    shop = Shop()
    point_of_sale(shop).post("/tokenPurchases/purchase-1", json=purchase())
    (command,) = shop.commands
    assert isinstance(command, SellCredit)
    assert (command.purchase_id, command.message_id) == ("purchase-1", "purchase-1")
    assert (command.amount_minor, command.currency) == (11_500, "710")
    assert (command.external_meter_id, command.terminal_id) == (METER_ID, "TERM0001")


def test_a_retry_becomes_a_command_under_the_id_of_the_path() -> None:
    shop = Shop()
    answer = point_of_sale(shop).post("/tokenPurchases/first/retry", json=purchase("second"))
    (command,) = shop.commands
    assert isinstance(command, SellCredit)
    assert (command.purchase_id, command.message_id) == ("first", "second")
    assert answer.json()["id"] == "second"


@pytest.mark.parametrize("kind", TokenKind)
def test_every_kind_of_token_has_its_word(kind: TokenKind) -> None:
    shop = Shop()
    shop.token_kind = kind
    answer = point_of_sale(shop).post("/tokenPurchases/purchase-1", json=purchase())
    (token,) = answer.json()["tokens"]
    assert token["tokenType"] == {
        TokenKind.STANDARD: "STD",
        TokenKind.FREE: "BSST",
        TokenKind.REFUND: "REFUND",
        TokenKind.KEY_CHANGE: "KC",
        TokenKind.POWER_LIMIT: "PWRLMT",
    }.get(kind)


def test_no_answer_has_a_null_or_a_meter_pan() -> None:
    client = point_of_sale(Shop())
    for path, message in (
        ("/meterLookups/lookup-1", lookup()),
        ("/tokenPurchases/purchase-1", purchase()),
        ("/tokenPurchases/purchase-1", purchase()),
    ):
        text = client.post(path, json=message).text
        assert "null" not in text
        assert PAN not in text


def test_units_and_rates_leave_as_json_numbers() -> None:
    text = point_of_sale(Shop()).post("/tokenPurchases/purchase-1", json=purchase()).text
    assert '"units":40.3,' in text
    assert '"taxRate":15.0}' in text


@pytest.mark.parametrize(
    ("tenths", "text"),
    [(0, "0.0"), (1, "0.1"), (10, "1.0"), (403, "40.3"), (18_201_624, "1820162.4")],
)
def test_tenths_are_exact(tenths: int, text: str) -> None:
    assert str(exact_tenths(tenths)) == text
    assert repr(float(exact_tenths(tenths))) == text


def test_payment_methods_are_not_echoed() -> None:
    message = purchase(paymentMethods=[{"type": "CARD", "pan": "4111111111111111"}])
    answer = point_of_sale(Shop()).post("/tokenPurchases/purchase-1", json=message)
    assert answer.status_code == 201
    assert "4111111111111111" not in answer.text
