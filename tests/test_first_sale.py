"""A point of sale buys over real HTTP, on both databases, and a meter takes each token once."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest

from sts.virtual_meter import Accepted, Refused
from tests.support.http import async_point_of_sale, message, point_of_sale, serving
from tests.support.service import NOON
from vending_api.sandbox.virtual_meters import demo_virtual_meter

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator

    import httpx2


@pytest.fixture
def address(database_url: str) -> Iterator[str]:
    with serving(database_url, now=lambda: NOON) as address:
        yield address


def _token(response: httpx2.Response) -> str:
    assert response.status_code == 201, response.text
    digits: str = response.json()["tokens"][0]["token"]
    return digits


def _together(
    address: str, count: int, post: Callable[[httpx2.AsyncClient, int], Awaitable[httpx2.Response]]
) -> list[httpx2.Response]:
    async def run() -> list[httpx2.Response]:
        async with async_point_of_sale(address) as pos:
            return await asyncio.gather(*(post(pos, number) for number in range(count)))

    return asyncio.run(run())


def _buy(pos: httpx2.AsyncClient, body: dict[str, Any]) -> Awaitable[httpx2.Response]:
    return pos.post(f"/tokenPurchases/{body['id']}", json=body)


def test_a_lookup_a_purchase_and_a_retry(address: str) -> None:
    with point_of_sale(address) as pos:
        lookup = message()
        del lookup["purchaseAmount"]
        found = pos.post(f"/meterLookups/{lookup['id']}", json=lookup)
        assert found.status_code == 201
        assert found.json()["customer"]["lastName"] == "De Wet"
        assert found.json()["maxAmount"] == {"amount": 10_000, "currency": "710"}

        body = message()
        bought = pos.post(f"/tokenPurchases/{body['id']}", json=body)
        digits = _token(bought)
        answer = bought.json()
        assert answer["time"] == body["time"]
        assert answer["thirdPartyIdentifiers"] == body["thirdPartyIdentifiers"]
        assert answer["purchaseTotal"]["amount"] + answer["taxTotal"]["amount"] == 10_000
        assert answer["tokens"][0]["units"] == 40.3

        again = message(id=str(uuid4()))
        retried = pos.post(f"/tokenPurchases/{body['id']}/retry", json=again)
        assert _token(retried) == digits
        assert retried.json()["id"] == again["id"]

    meter = demo_virtual_meter(serial=1)
    assert isinstance(meter.enter(digits), Accepted)
    assert isinstance(meter.enter(digits), Refused)


_SHAPES = {
    "TST001": (10_000, ["STD"], 1, 0, 0),
    "TST002": (0, ["BSST"], 0, 0, 0),
    "TST003": (10_000, ["STD", "BSST"], 1, 0, 0),
    "TST004": (10_000, ["STD"], 2, 0, 0),
    "TST007": (20_000, ["STD"], 1, 1, 1),
    "TST008": (20_000, ["STD"], 1, 2, 0),
    "TST009": (20_000, ["STD"], 1, 0, 2),
}
"""Of each demo meter: the sum, the tokens, how many blocks, debts and service charges."""


def test_answers_have_the_shapes_that_integrators_know_and_add_up(address: str) -> None:
    with point_of_sale(address) as pos:
        for meter_id, (amount, kinds, blocks, debts, services) in _SHAPES.items():
            body = message(
                meter={"meterId": meter_id}, purchaseAmount={"amount": amount, "currency": "710"}
            )
            answer = pos.post(f"/tokenPurchases/{body['id']}", json=body).json()
            assert [token["tokenType"] for token in answer["tokens"]] == kinds
            assert len(answer["tokens"][0].get("tariffCalc", ())) == blocks
            assert len(answer.get("debtRecoveryCharges", ())) == debts
            assert len(answer.get("serviceCharges", ())) == services
            assert _added_up(answer) == amount
            retried = pos.post(f"/tokenPurchases/{body['id']}/retry", json=body).json()
            assert retried == answer


def _added_up(answer: dict[str, Any]) -> int:
    """Return what was paid, from the parts; their taxes must be the tax of the whole."""
    others = answer.get("serviceCharges", []) + answer.get("debtRecoveryCharges", [])
    tokens = answer["tokens"]
    amounts = [part["amount"] for part in (*tokens, *others)]
    assert sum(one["tax"] for one in amounts) == answer["taxTotal"]["amount"]
    net_of_tokens = sum(token["amount"]["amount"] for token in tokens)
    assert net_of_tokens == answer["purchaseTotal"]["amount"]
    return sum(one["amount"] + one["tax"] for one in amounts)


def test_two_blocks_are_explained_with_their_prices(address: str) -> None:
    with point_of_sale(address) as pos:
        body = message(meter={"meterId": "TST004"})
        (token,) = pos.post(f"/tokenPurchases/{body['id']}", json=body).json()["tokens"]
    assert token["units"] == 73.8
    assert token["tariffCalc"] == [
        {"units": 50.0, "rate": 117.3},
        {"units": 23.8, "rate": 173.74},
    ]


def test_an_id_is_used_once(address: str) -> None:
    with point_of_sale(address) as pos:
        body = message()
        _token(pos.post(f"/tokenPurchases/{body['id']}", json=body))
        second = pos.post(f"/tokenPurchases/{body['id']}", json=body)
    assert second.status_code == 400
    assert second.json()["errorType"] == "DUPLICATE_RECORD"


def test_an_unknown_meter_is_refused(address: str) -> None:
    with point_of_sale(address) as pos:
        body = message(meter={"meterId": "9999"})
        refused = pos.post(f"/tokenPurchases/{body['id']}", json=body)
    assert refused.status_code == 400
    assert refused.json()["errorType"] == "UNKNOWN_METER_ID"


def test_wrong_credentials_are_refused(address: str) -> None:
    body = message()
    with point_of_sale(address) as pos:
        for credentials in (("test", "wrong"), ("nobody", "test")):
            refused = pos.post(f"/tokenPurchases/{body['id']}", json=body, auth=credentials)
            assert refused.status_code == 401
            assert refused.headers["WWW-Authenticate"].startswith("Basic")
        _token(pos.post(f"/tokenPurchases/{body['id']}", json=body))


def test_sixteen_tasks_buy_for_one_meter_in_one_minute(address: str) -> None:
    responses = _together(address, 16, lambda pos, _: _buy(pos, message()))
    tokens = [_token(response) for response in responses]
    assert len(set(tokens)) == 16
    meter = demo_virtual_meter(serial=1)
    assert all(isinstance(meter.enter(digits), Accepted) for digits in tokens)
    assert all(isinstance(meter.enter(digits), Refused) for digits in tokens)


def test_of_sixteen_creates_with_one_id_one_sells(address: str) -> None:
    body = message()
    responses = _together(address, 16, lambda pos, _: _buy(pos, body))
    codes = sorted(response.status_code for response in responses)
    assert codes == [201] + [400] * 15


def test_a_create_and_its_retries_at_once_get_one_token(address: str) -> None:
    body = message()

    def post(pos: httpx2.AsyncClient, number: int) -> Awaitable[httpx2.Response]:
        if number == 8:
            return _buy(pos, body)
        retry = message(id=str(uuid4()))
        return pos.post(f"/tokenPurchases/{body['id']}/retry", json=retry)

    responses = _together(address, 16, post)
    sold = [response for response in responses if response.status_code == 201]
    assert len(sold) >= 15  # the create itself may come second: then its id is known
    assert len({_token(response) for response in sold}) == 1


def test_requests_for_many_meters_at_once_are_all_answered(address: str) -> None:
    meters = ("TST001", "TST003", "TST004", "TST010")
    responses = _together(
        address,
        120,
        lambda pos, number: _buy(pos, message(meter={"meterId": meters[number % len(meters)]})),
    )
    tokens = [(number % len(meters), _token(one)) for number, one in enumerate(responses)]
    assert len(set(tokens)) == 120
    for position, meter_id in enumerate(meters):
        meter = demo_virtual_meter(serial=int(meter_id[-2:]))
        own = [digits for which, digits in tokens if which == position]
        assert all(isinstance(meter.enter(digits), Accepted) for digits in own)


def test_an_address_with_a_line_break_is_answered_by_the_surface(address: str) -> None:
    with point_of_sale(address) as pos:
        answer = pos.post("/meterLookups/a%0Ab/c", json={})
    assert (answer.status_code, answer.json()["errorType"]) == (404, "FUNCTION_NOT_SUPPORTED")
