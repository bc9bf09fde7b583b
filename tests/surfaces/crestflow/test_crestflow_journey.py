"""A resident registers, buys, and sees everything, with the real service and database behind."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from tests.online.shop import open_shop
from tests.support.service import NOON, writing
from tests.surfaces.crestflow.desk import php
from vending_api.domain.consumers.service import add_staff_key
from vending_api.sandbox.estate import ensure_demo_estate, estate_meter_number

if TYPE_CHECKING:
    import httpx2
    from sqlalchemy import Engine

    from tests.online.shop import Shop

NEW: dict[str, Any] = {
    "name": "Jane Doe",
    "email": "Jane@example.org",
    "password": "correct horse battery",
    "estate": 1,
    "flat_number": "55A",
    "meter_type": 1,
    "meter_phase_type": 1,
    "meter_number": estate_meter_number(101),
}


class Resident:
    """Somebody with a key, once logged in; answers must have the status and the form."""

    def __init__(self, client: httpx2.AsyncClient) -> None:
        self._client = client
        self.key = ""

    async def post(self, path: str, body: dict[str, Any], status: int = 200) -> Any:
        """Post a message, the key in the header."""
        answer = await self._client.post(f"/api/{path}", json=body, headers={"X-API-KEY": self.key})
        return _read(answer, status)

    async def get(self, path: str, status: int = 200, **query: str) -> Any:
        """Ask for something, the key in the address."""
        answer = await self._client.get(f"/api/{path}", params={"api_key": self.key, **query})
        return _read(answer, status)

    async def log_in(self, password: str, status: int = 200) -> None:
        """Get a key."""
        body = {"email": "jane@EXAMPLE.org", "password": password}
        self.key = (await self.post("login", body, status)).get("api_key", "")


def _read(answer: httpx2.Response, status: int) -> Any:
    assert answer.status_code == status, answer.text
    document = answer.json()
    assert answer.content == php(document)
    return document


async def _arrive(shop: Shop) -> Resident:
    resident = Resident(shop.customer)
    (estate,) = (await resident.get("options"))["estates"]
    assert (estate["name"], estate["transaction_charge"]) == ("Demo Estate", 200)
    registration = NEW | {"estate": estate["id"]}
    assert await resident.post("register", registration, 201) == {
        "message": "Registration Successful"
    }
    refused = await resident.post("register", registration | {"estate": 999}, 422)
    assert refused["errors"] == {
        "email": ["The email has already been taken."],
        "estate": ["The selected estate is invalid."],
        "meter_number": ["The meter number has already been taken."],
    }
    stranger = {"email": "b@example.org", "meter_number": "00000000000"}
    refused = await resident.post("register", registration | stranger, 422)
    assert refused == {"message": "API error - invalid account"}
    await resident.log_in("wrong", 401)
    await resident.log_in("correct horse battery")
    return resident


async def _buy(shop: Shop, resident: Resident) -> str:
    ordered = await resident.post("purchases", {"amount": 5200}, 201)
    reference: str = ordered["reference"]
    assert (ordered["status"], ordered["total_paid"], ordered["unit"]) == ("ordered", 5000, "kWh")
    paid_for = sum(line["amount"] + line["tax"] for line in ordered["lines"])
    assert round(paid_for, 2) == 5000
    found = (await resident.get(f"purchases/{reference}"))["data"]
    assert (found["status"], found["tokens"]) == ("ordered", [])
    shop.sandbox.pay(reference)
    await shop.work(minutes=3)
    vended = (await resident.get(f"purchases/{reference}"))["data"]
    assert (vended["status"], vended["refund"]) == ("vended", None)
    assert vended["units"] == ordered["expected_units"]
    assert vended["first_shown_at"] is not None
    return reference


async def _journey(engine: Engine) -> None:
    async with open_shop(engine) as shop:
        resident = await _arrive(shop)
        user = (await resident.get("user"))["data"]
        assert (user["name"], user["meter"]["number"]) == ("Jane Doe", NEW["meter_number"])

        reference = await _buy(shop, resident)
        (bought,) = (await resident.get("tokenreceipts"))["data"]
        assert (bought["total_paid"], bought["currency"], bought["unit"]) == (5000, "NGN", "kWh")
        assert bought["meter_payment_transaction"]["reference"] == reference
        (paid,) = (await resident.get("metertransactions"))["data"]
        assert (paid["amount"], paid["status"]) == (5200, "success")
        assert paid["token_receipt"]["token"] == bought["token"]
        assert paid["meter"]["token_receipts"] == [paid["token_receipt"]]
        assert paid["meter"]["user"] == user

        assert await resident.get("remotereading") == {"data": None}
        task = await resident.post("readmeter", {"data_item": "Current Credit Register"})
        assert task["status"] == "pending"
        again = await resident.post("readmeter", {"data_item": "Current Credit Register"}, 422)
        assert again["message"] == "Pending reading request already exists for this data item"
        await shop.work(seconds=5)
        (done,) = (await resident.get("remotereadingtasks"))["data"]
        assert (done["status"], done["task_no"]) == ("successful", task["task_no"])
        read = (await resident.get("remotereading"))["data"]
        assert read["Current_Credit_Register"].endswith(" kWh,ON")

        support = Resident(shop.customer)
        support.key = "s" * 119
        found = await support.get("purchases", meter_number=str(NEW["meter_number"]))
        assert [one["reference"] for one in found["data"]] == [reference]
        await support.get("user", 401)

        await resident.post("modify-user", {"name": "Jane Roe"})
        assert (await resident.get("user"))["data"]["name"] == "Jane Roe"
        passwords = {"currentpassword": NEW["password"], "newpassword": "a longer horse"}
        await resident.post("change-password", passwords)
        rejected = await resident.get("validate", 401)
        assert rejected == {"message": "API Key supplied is invalid or has expired"}
        await resident.log_in("a longer horse")
        assert await resident.get("validate") == {"message": "API key supplied is valid"}


def test_a_resident_finds_everything(engine: Engine) -> None:
    with writing(engine) as connection, connection.begin():
        ensure_demo_estate(connection)
        add_staff_key(connection, "Support", "s" * 119, NOON)
    asyncio.run(_journey(engine))
