"""Every answer that these tests get is held against its model, and a wrong one would be found."""

from __future__ import annotations

import json
from typing import Any

import httpx2
import pytest
from pydantic import ValidationError

from tests.surfaces.electrum.contract import require_contract
from tests.surfaces.electrum.full_message import ABSENT, with_value
from tests.surfaces.electrum.goods import CHARGED_METER_ID
from tests.surfaces.electrum.sent import EVERY_OPERATION, Sent, purchase
from tests.surfaces.electrum.shop import Shop, point_of_sale

_PATH = "/tokenPurchases/purchase-1"


def _answer(content: bytes, *, path: str = _PATH, status: int = 201) -> httpx2.Response:
    request = httpx2.Request("POST", f"http://till{path}")
    return httpx2.Response(status, content=content, request=request)


@pytest.fixture(scope="module")
def sold() -> dict[str, Any]:
    amount = {"amount": 20_000, "currency": "710"}
    message = purchase(meter={"meterId": CHARGED_METER_ID}, purchaseAmount=amount)
    body: dict[str, Any] = point_of_sale(Shop()).post(_PATH, json=message).json()
    return body


@pytest.mark.parametrize("sent", EVERY_OPERATION, ids=lambda sent: sent.operation.operation_id)
def test_a_point_of_sale_of_the_tests_looks_at_every_answer(
    sent: Sent, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = point_of_sale(Shop())
    assert client.event_hooks["response"] == [require_contract]
    seen: list[httpx2.Response] = []
    monkeypatch.setattr(client, "event_hooks", {"response": [require_contract, seen.append]})
    answer = client.post(sent.path, json=sent.message)
    assert seen == [answer]


def test_an_answer_as_it_should_be_passes_in_any_order(sold: dict[str, Any]) -> None:
    require_contract(_answer(json.dumps(sold).encode()))
    require_contract(_answer(json.dumps(dict(reversed(sold.items()))).encode()))


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("customer.nickname", "N"),
        ("nickname", "N"),
        ("slipData.messageLines.0.cut", None),
        ("vatInvoiceNumber", None),
        ("tokens.0.units", "40.3"),
        ("tokens.0.units", 40),
        ("tokens.0.tariffCalc.0.rate", "339.9055"),
        ("tokens.0.amount.taxRate", 15),
        ("tokens.0.amount.amount", "10000"),
        ("slipData.slipWidth", "40"),
        ("slipData.messageLines.0.fontWidthScaleFactor", 2),
        ("meter.keyRevisionNum", 1),
        ("purchaseTotal.amount", "1"),
    ],
    ids=lambda part: "absent" if part is ABSENT else str(part),
)
def test_an_answer_in_other_words_is_found(sold: dict[str, Any], path: str, value: object) -> None:
    wrong = with_value(sold, path, value)
    with pytest.raises(AssertionError):
        require_contract(_answer(json.dumps(wrong).encode()))


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("id", ABSENT),
        ("meter", ABSENT),
        ("tokens.0.amount", ABSENT),
        ("tokens.0.tokenType", "standard"),
        ("tokens.0.amount.taxRate", None),
        ("purchaseTotal.amount", 1.5),
        ("slipData.issuerReference", "r17"),
        ("utility.name", "x" * 41),
    ],
    ids=lambda part: "absent" if part is ABSENT else str(part),
)
def test_an_answer_that_is_none_is_found(sold: dict[str, Any], path: str, value: object) -> None:
    wrong = with_value(sold, path, value)
    with pytest.raises((AssertionError, ValidationError)):
        require_contract(_answer(json.dumps(wrong).encode()))


def test_a_name_that_stands_twice_is_found(sold: dict[str, Any]) -> None:
    twice = json.dumps(sold)[:-1] + f',"id":"{sold["id"]}"}}'
    with pytest.raises(AssertionError):
        require_contract(_answer(twice.encode()))


def test_a_body_where_none_belongs_and_another_status_are_found(sold: dict[str, Any]) -> None:
    event = "/events/tokenPurchases"
    require_contract(_answer(b"", path=event, status=202))
    with pytest.raises(AssertionError):
        require_contract(_answer(b"{}", path=event, status=202))
    with pytest.raises(AssertionError):
        require_contract(_answer(json.dumps(sold).encode(), status=200))


def test_a_refusal_is_held_against_its_model_too() -> None:
    refusal = point_of_sale(Shop()).post(_PATH, json={}).json()
    require_contract(_answer(json.dumps(refusal).encode(), status=400))
    with pytest.raises(ValidationError):
        require_contract(_answer(b"{}", status=400))
