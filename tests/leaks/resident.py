"""What a resident does on such a day, well and badly; and what somebody sends as Paystack."""

from __future__ import annotations

import asyncio
import json
import time
from typing import TYPE_CHECKING, Any, Final

import httpx2

from tests.leaks.day import EMAIL, NEW_PASSWORD, PAYSTACK_KEY, RESIDENT_PASSWORD
from tests.support.http import PLAIN
from vending_api.sandbox.estate import estate_meter_number

if TYPE_CHECKING:
    from tests.leaks.day import Day

_SECONDS: Final = 30
_SERIAL: Final = 101


class Resident:
    """Somebody with a telephone, whose every answer is kept."""

    def __init__(self, day: Day) -> None:
        self._day = day
        self._client = httpx2.Client(
            base_url=day.address, trust_env=False, timeout=60, verify=PLAIN
        )

    def get(self, path: str, **how: Any) -> Any:
        """Look at something."""
        return _read(self._day.answered(self._client.get(path, **how)))

    def post(self, path: str, form: Any = None, **how: Any) -> Any:
        """Ask for something."""
        if form is not None:
            how["json"] = form
        return _read(self._day.answered(self._client.post(path, **how)))

    def log_in(self, password: str) -> str:
        """Log in, and use the key from now on."""
        key: str = self.post("/api/login", {"email": EMAIL, "password": password})["api_key"]
        self._day.has_api_key(key)
        self._client.headers["X-API-KEY"] = key
        return key

    def close(self) -> None:
        """Go to bed."""
        self._client.close()


def _read(answer: httpx2.Response) -> Any:
    is_json = answer.headers.get("Content-Type", "").startswith("application/json")
    return answer.json() if is_json else answer.text


def buys(day: Day) -> None:
    """Do all that a resident does."""
    resident = Resident(day)
    estate = resident.get("/api/options")["estates"][0]["id"]
    form = {
        "name": "Ngozi Okafor",
        "email": EMAIL,
        "password": RESIDENT_PASSWORD,
        "estate": estate,
        "flat_number": str(_SERIAL),
        "meter_type": 1,
        "meter_phase_type": 1,
        "meter_number": estate_meter_number(_SERIAL),
    }
    resident.post("/api/register", form | {"meter_number": "1"})
    resident.post("/api/register", form)
    resident.post("/api/register", form)
    key = resident.log_in(RESIDENT_PASSWORD)
    order = resident.post("/api/purchases", {"amount": 5_200, "phone": "+2348012345678"})
    reference = order["reference"]
    day.paystack.pay(reference)
    statuses = asyncio.run(_deliver(day, reference))
    assert statuses == [200, 200, 401, 401, 401]
    deadline = time.monotonic() + _SECONDS
    while resident.get(f"/api/purchases/{reference}")["data"]["status"] != "vended":
        assert time.monotonic() < deadline, "the token does not come"
        time.sleep(0.1)
    resident.get("/paystack/return", params={"reference": reference})
    for path in ("tokenreceipts", "metertransactions", "user", "validate", "purchases"):
        resident.get(f"/api/{path}", params={"api_key": key})
    resident.close()


async def _deliver(day: Day, reference: str) -> list[int]:
    """Send the webhook twice, then with signatures that are none."""
    good = await day.paystack.deliver(reference, times=2)
    bad = [
        await day.paystack.deliver(reference, signature=signature)
        for signature in ("", PAYSTACK_KEY, "0" * 128)
    ]
    return good + [status for statuses in bad for status in statuses]


def goes_wrong(day: Day) -> None:
    """Send what no resident should, with passwords where they do not belong."""
    resident = Resident(day)
    key = resident.log_in(RESIDENT_PASSWORD)
    for password in (NEW_PASSWORD, [RESIDENT_PASSWORD], {"x": RESIDENT_PASSWORD}, 7):
        resident.post("/api/login", {"email": EMAIL, "password": password})
        resident.post("/api/register", {"email": password, "password": password})
        change = {"password": password, "newpassword": [RESIDENT_PASSWORD]}
        resident.post("/api/change-password", change)
    resident.post("/api/login", content=f'{{"password": "{RESIDENT_PASSWORD}'.encode())
    resident.post("/api/login", {"email": RESIDENT_PASSWORD, "password": EMAIL})
    resident.post("/api/modify-user", {"name": [RESIDENT_PASSWORD]})
    resident.post("/api/modify-user", content=json.dumps({"name": key}).encode() * 10_000)
    resident.get("/api/nowhere", params={"api_key": key})
    resident.get("/api/user", params={"api_key": key + "x"}, headers={"X-API-KEY": key[:-1]})
    resident.get("/paystack/return", params={"reference": key})
    for call in ("initialize", "verify"):
        for how in (401, 503, "garbage"):
            day.paystack.fail(call, how=how)
            order = resident.post("/api/purchases", {"amount": 5_200})
            resident.get(f"/api/purchases/{order.get('reference', 'none')}")
    day.paystack.heal()
    for table in ("consumer", "api_key", "payment_order"):
        with day.without(table):
            resident.get("/api/tokenreceipts", params={"api_key": key})
            resident.post("/api/purchases", {"amount": 5_200})
            resident.post("/api/login", {"email": EMAIL, "password": RESIDENT_PASSWORD})
    resident.post(
        "/api/change-password", {"password": RESIDENT_PASSWORD, "newpassword": NEW_PASSWORD}
    )
    resident.close()
