"""What a point of sale does on such a day, well and badly."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any, Final
from uuid import uuid4

import httpx2
import psutil  # type: ignore[import-untyped]  # it ships no types

from tests.leaks.day import CARD, TILL_PASSWORD, WRONG_TILL_PASSWORD, Day
from tests.support.http import PLAIN, message
from tests.support.processes import name_of
from vending_api.main import ELECTRUM_PATH

if TYPE_CHECKING:
    from collections.abc import Iterator

METERS: Final = ("TST001", "TST002", "TST004", "TST006", "TST008", "TST011", "nobody's")


class Till:
    """A point of sale, whose every answer is kept."""

    def __init__(self, day: Day, password: str = TILL_PASSWORD) -> None:
        self._day = day
        self._client = httpx2.Client(
            base_url=f"{day.address}{ELECTRUM_PATH}",
            auth=("test", password),
            trust_env=False,
            timeout=60,
            verify=PLAIN,
        )

    def post(self, path: str, body: Any = None, **how: Any) -> httpx2.Response:
        """Ask for something."""
        if body is not None:
            how["json"] = body
        try:
            return self._day.answered(self._client.post(path, **how))
        except httpx2.TransportError as error:
            return httpx2.Response(599, text=str(error))

    def buy(self, **changes: Any) -> httpx2.Response:
        """Buy."""
        body = message(**changes)
        return self.post(f"/tokenPurchases/{body['id']}", body)

    def close(self) -> None:
        """Go home."""
        self._client.close()


def sells(day: Day) -> None:
    """Do all that a point of sale does, and what it should not."""
    till = Till(day)
    for meter in METERS:
        body = message(meter={"meterId": meter})
        till.post(f"/meterLookups/{body['id']}", body)
        till.post(f"/tokenPurchases/{body['id']}", body)
        till.post(f"/tokenPurchases/{body['id']}", body)
        till.post(f"/tokenPurchases/{body['id']}/retry", body)
        again = message(meter={"meterId": meter})
        till.post(f"/tokenReprints/{again['id']}", again)
        change = message(meter={"meterId": meter})
        till.post(f"/keyChangeTokenRequests/{change['id']}", change)
        trial = message(meter={"meterId": meter})
        till.post(f"/tokenPurchases/{trial['id']}/trial", trial)
        advice = message(requestId=body["id"], reversalReason="TIMEOUT")
        till.post(f"/tokenPurchases/{body['id']}/reversals/{advice['id']}", advice)
    assert day.tokens
    for bad in _bad_bodies(next(iter(day.tokens)).decode()):
        till.post(f"/tokenPurchases/{uuid4()}", **bad)
        till.post(f"/events/tokenPurchases?purchaseId={uuid4()}", **bad)
    till.close()


def _bad_bodies(token: str) -> Iterator[dict[str, Any]]:
    basic = base64.b64encode(f"test:{TILL_PASSWORD}".encode()).decode()
    for octets in (b"", b"{", basic.encode(), b'{"password": "' + TILL_PASSWORD.encode(), b"\xff"):
        yield {"content": octets, "headers": {"Content-Type": "application/json"}}
    yield {"content": basic.encode(), "headers": {"Content-Type": "text/plain"}}
    yield {"content": TILL_PASSWORD.encode() * 10_000}
    card = {"type": "CREDIT_CARD", "cardNumber": CARD, "amount": CARD, "pin": TILL_PASSWORD}
    for method in (card, card | {"type": CARD}, CARD, [CARD]):
        yield {"body": message(paymentMethods=[method])}
        yield {"body": message(paymentMethods=method)}
    for slip in ({"token": token}, [{"token": [token]}], [{"token": {"token": token}}]):
        yield {"body": message(tokens=slip, token=slip)}


def is_guessed(day: Day) -> None:
    """Ask with wrong passwords, and with headers that hold them in the wrong form."""
    stranger = Till(day, WRONG_TILL_PASSWORD)
    for _ in range(3):
        stranger.buy()
    basic = base64.b64encode(f"test:{WRONG_TILL_PASSWORD}".encode()).decode()
    for header in (
        WRONG_TILL_PASSWORD,
        f"Bearer {basic}",
        f"Basic {basic[:-1]}",
        f"Basic x{basic}",
    ):
        body = message()
        path = f"/tokenPurchases/{body['id']}"
        stranger.post(path, body, headers={"Authorization": header}, auth=None)
    stranger.close()


def sells_in_trouble(day: Day) -> None:
    """Sell while tables are gone, and while processes end."""
    till = Till(day)
    for table in ("token", "sale", "message", "client", "token_log"):
        with day.without(table):
            till.buy()
            body = message()
            till.post(f"/tokenReprints/{body['id']}", body)
            till.post(f"/meterLookups/{body['id']}", body)
    for name in ("vending-module", "vending-teller"):
        for one in day.family()[1:]:
            if name_of(one) == name:
                one.kill()
                psutil.wait_procs([one], 10)
        till.buy()
        day.until_ready()
        till.buy()
    till.close()
