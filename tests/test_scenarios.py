"""The demo's meters answer over HTTP as integrators know them, again and again."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Final
from uuid import uuid4

import pytest

from sts.virtual_meter import Accepted
from tests.support.http import message, point_of_sale, serving
from vending_api.sandbox.scenarios import SCENARIOS
from vending_api.sandbox.virtual_meters import demo_virtual_meter

if TYPE_CHECKING:
    from collections.abc import Iterator

    import httpx2

_TIMEOUT_SECONDS: Final = 0.3
_METERS: Final = tuple(SCENARIOS)

_TOKENS: Final = {
    "TST001": ["STD"],
    "TST002": ["BSST"],
    "TST003": ["STD", "BSST"],
    "TST004": ["STD"],
    "TST005": ["STD", "REFUND"],
    "TST006": ["KC", "KC", "STD"],
    "TST007": ["STD"],
    "TST008": ["STD"],
    "TST009": ["STD"],
    "TST010": ["STD"],
    "TST011": ["STD"],
}
_DEBTS: Final = {
    "TST007": ["Municipal rates arrears"],
    "TST008": ["Municipal rates arrears", "Municipal water arrears"],
}
_SERVICES: Final = {"TST007": ["Connection fee"], "TST009": ["Connection fee", "Service fee"]}


@pytest.fixture(scope="module")
def till(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx2.Client]:
    url = f"sqlite:///{tmp_path_factory.mktemp('demo') / 'vending.db'}"
    with (
        serving(url, demo_timeout_seconds=_TIMEOUT_SECONDS) as address,
        point_of_sale(address) as client,
    ):
        yield client


@pytest.mark.parametrize("meter_id", _METERS)
def test_each_meter_answers_with_its_shape_whenever_it_is_asked(
    till: httpx2.Client, meter_id: str
) -> None:
    answers = [_bought(till, meter_id) for _ in range(3)]
    for answer in answers:
        assert [token["tokenType"] for token in answer["tokens"]] == _TOKENS[meter_id]
        assert _names(answer, "debtRecoveryCharges") == _DEBTS.get(meter_id, [])
        assert _names(answer, "serviceCharges") == _SERVICES.get(meter_id, [])
        blocks = answer["tokens"][-1].get("tariffCalc", [])
        assert len(blocks) == 2 if meter_id == "TST004" else len(blocks) <= 1
        assert answer["slipData"]["messageLines"]
        assert ("keyChangeData" in answer["meter"]) == (meter_id == "TST006")
        assert _paid(answer) == SCENARIOS[meter_id].amount_minor
    figures = [
        [(token["units"], token["amount"]["amount"]) for token in answer["tokens"]]
        for answer in answers
    ]
    assert figures[0] == figures[1] == figures[2]
    digits = {token["token"] for answer in answers for token in _credit(answer)}
    assert len(digits) == 3 * len(_credit(answers[0]))


@pytest.mark.parametrize("meter_id", _METERS)
def test_its_meter_takes_each_token_in_order(till: httpx2.Client, meter_id: str) -> None:
    meter = demo_virtual_meter(serial=int(meter_id[3:]))
    for token in _bought(till, meter_id)["tokens"]:
        assert isinstance(meter.enter(token["token"]), Accepted)


@pytest.mark.parametrize("meter_id", _METERS)
def test_every_meter_can_be_asked_for_a_key_change(till: httpx2.Client, meter_id: str) -> None:
    for _ in range(2):
        answer = _ask(till, "keyChangeTokenRequests", meter_id, status=201)
        assert [token["tokenType"] for token in answer["tokens"]] == ["KC", "KC"]
        assert answer["meter"]["keyChangeData"] == {
            "newSupplyGroupCode": "000001",
            "newKeyRevisionNumber": "2",
            "newTariffIndex": "01",
        }
    assert [token["tokenType"] for token in _bought(till, meter_id)["tokens"]] == _TOKENS[meter_id]


@pytest.mark.parametrize("meter_id", _METERS)
def test_every_meter_can_be_looked_up_and_reported(till: httpx2.Client, meter_id: str) -> None:
    found = _ask(till, "meterLookups", meter_id, status=201)
    scenario = SCENARIOS[meter_id]
    assert found["customer"]["lastName"] == scenario.customer.last_name
    assert found["minAmount"] == found["maxAmount"]
    assert found["minAmount"] == {"amount": scenario.amount_minor, "currency": "710"}
    assert found["bsstDue"] == ("BSST" in _TOKENS[meter_id])
    assert bool(found["arrearsAmount"]["amount"]) == (meter_id in _DEBTS)
    fault = {"contactNumber": "0123456789", "faultType": "MeterDead"}
    report = _ask(till, "faultReports", meter_id, status=201, **fault)
    assert report["reference"] == f"{report['time']}TILL0001"


def test_the_meter_that_times_out_sells_all_the_same(till: httpx2.Client) -> None:
    body = _purchase("TST011")
    began = time.monotonic()
    answer = till.post(f"/tokenPurchases/{body['id']}", json=body)
    assert time.monotonic() - began >= _TIMEOUT_SECONDS
    assert (answer.status_code, answer.json()["errorType"]) == (504, "UPSTREAM_UNAVAILABLE")
    retried = [till.post(f"/tokenPurchases/{body['id']}/retry", json=body) for _ in range(2)]
    assert [one.status_code for one in retried] == [201, 201]
    assert retried[0].json() == retried[1].json()
    advice = {
        "id": str(uuid4()),
        "requestId": body["id"],
        "time": body["time"],
        "thirdPartyIdentifiers": [],
        "tenders": [],
    }
    path = f"/tokenPurchases/{body['id']}/confirmations/{advice['id']}"
    assert till.post(path, json=advice).status_code == 202


def test_the_last_sale_of_a_meter_is_printed_again_as_a_copy(till: httpx2.Client) -> None:
    sold = _bought(till, "TST006")
    again = _ask(till, "tokenReprints", "TST006", status=200)
    assert [token["token"] for token in again["tokens"]] == [
        token["token"] for token in sold["tokens"]
    ]
    assert again["meter"] == sold["meter"]
    assert again["slipData"] != sold["slipData"]


def _purchase(meter_id: str) -> dict[str, Any]:
    amount = {"amount": SCENARIOS[meter_id].amount_minor, "currency": "710"}
    return message(meter={"meterId": meter_id}, purchaseAmount=amount)


def _bought(till: httpx2.Client, meter_id: str) -> dict[str, Any]:
    body = _purchase(meter_id)
    # A retry is never kept waiting, and sells what was not sold.
    path = "/retry" if meter_id == "TST011" else ""
    answer = till.post(f"/tokenPurchases/{body['id']}{path}", json=body)
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


def _ask(
    till: httpx2.Client, resource: str, meter_id: str, *, status: int, **more: Any
) -> dict[str, Any]:
    body = message(meter={"meterId": meter_id}, **more)
    del body["purchaseAmount"]
    answer = till.post(f"/{resource}/{body['id']}", json=body)
    assert answer.status_code == status, answer.text
    return dict(answer.json())


def _names(answer: dict[str, Any], field: str) -> list[str]:
    return [one["description"] for one in answer.get(field, [])]


def _credit(answer: dict[str, Any]) -> list[dict[str, Any]]:
    return [token for token in answer["tokens"] if token["tokenType"] != "KC"]


def _paid(answer: dict[str, Any]) -> int:
    charges = [*answer.get("debtRecoveryCharges", []), *answer.get("serviceCharges", [])]
    total = answer["purchaseTotal"]["amount"] + answer["taxTotal"]["amount"]
    return int(total + sum(one["amount"]["amount"] for one in charges))
