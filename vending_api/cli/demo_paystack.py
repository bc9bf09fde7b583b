"""`vending demo --paystack`: a resident pays online, and gets one token, whatever is sent twice."""

from __future__ import annotations

import asyncio
import secrets
import time
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final, Self

import httpx2
from pydantic import SecretStr

from sts.virtual_meter import Accepted
from vending_api.cli.in_thread import served
from vending_api.cli.payment_check import open_gateway
from vending_api.cli.serving import LOOPBACK, listen, prepare_demo_database
from vending_api.domain.payment_checks.service import check_day
from vending_api.kit.currencies import plain_money
from vending_api.kit.db import open_database
from vending_api.main import create_app
from vending_api.sandbox.estate import estate_meter_number
from vending_api.sandbox.paystack import PaystackSandbox
from vending_api.sandbox.virtual_meters import estate_virtual_meter
from vending_api.settings import Settings

if TYPE_CHECKING:
    import socket
    from collections.abc import Iterator
    from pathlib import Path

    from rich.console import Console

    from vending_api.domain.payment_checks.types import DayTotals
    from vending_api.domain.payments.types import Payment

SERIAL: Final = 101
NAIRA: Final = 5_200
EMAIL: Final = "ngozi@example.org"
_NAIRA_NUMBER: Final = "566"
_PATIENCE_SECONDS: Final = 20
_LOOK_SECONDS: Final = 0.1


def demo_settings(folder: Path, **changes: object) -> Settings:
    """Return how a demo runs on a database of its own, with `changes`.

    What the environment says belongs to the real installation; the demo keeps out of it.
    """
    values: dict[str, object] = {
        **{name: field.default for name, field in Settings.model_fields.items()},
        "database_url": SecretStr(f"sqlite:///{folder / 'vending.db'}"),
        "demo": True,
    }
    return Settings.model_validate(values | changes)


@contextmanager
def paystack_demo(folder: Path, listener: socket.socket) -> Iterator[PaystackDemo]:
    """Run the service on a new database with a stand-in for Paystack, both on loopback only."""
    key = f"sk_test_{secrets.token_hex(20)}"
    sandbox = PaystackSandbox(key, now=lambda: datetime.now(UTC))
    host, port = listener.getsockname()[:2]
    public_url = f"http://{host}:{port}"
    sandbox.webhook_url = f"{public_url}/paystack/webhook"
    with served(sandbox.app, listen(LOOPBACK, 0)) as paystack_url:
        settings = demo_settings(
            folder,
            public_url=public_url,
            paystack_secret_key=SecretStr(key),
            paystack_url=paystack_url,
        )
        prepare_demo_database(settings)
        with served(create_app(settings), listener) as address, _Resident(address) as resident:
            yield PaystackDemo(address, settings, sandbox, resident)


class PaystackDemo:
    """A purchase online, step by step."""

    def __init__(
        self,
        address: str,
        settings: Settings,
        sandbox: PaystackSandbox,
        resident: _Resident,
    ) -> None:
        self.address = address
        """Where the service is."""
        self._settings = settings
        self._sandbox = sandbox
        self._resident = resident

    def show(self, console: Console) -> None:
        """Show a purchase from the order to the token, and the totals of the day."""
        number = estate_meter_number(SERIAL)
        console.print(f"\n[bold]1. A resident registers with meter {number}[/]")
        self._resident.register(number)
        console.print(f"   201: {EMAIL} may buy, with an API key of their own")
        console.print(f"\n[bold]2. They order electricity for NGN {NAIRA:,}[/]")
        order = self._resident.order()
        reference = order["reference"]
        _print_order(console, order)
        console.print("\n[bold]3. They pay at Paystack[/]")
        console.print(f"   {order['authorization_url']}")
        self._resident.pay(order["authorization_url"])
        console.print("   paid; Paystack tells the service by its webhook, with a signature")
        console.print("\n[bold]4. The service asks Paystack whether that is so, and vends[/]")
        vended = self._resident.wait_for_token(reference)
        token = vended["tokens"][-1]
        console.print(f"   token {token['token']}: {token['units']} {vended['unit']}")
        console.print("\n[bold]5. The resident keys the token into the meter[/]")
        meter = estate_virtual_meter(SERIAL)
        for attempt in ("first time", "second time"):
            answer = meter.enter(token["token"].replace(" ", ""))
            verdict = "accepted" if isinstance(answer, Accepted) else "refused"
            console.print(f"   {attempt}: {verdict}; {answer.words}")
        console.print("\n[bold]6. The same webhook comes again[/]")
        (status,) = asyncio.run(self._sandbox.deliver(reference))
        console.print(f"   {status}: {self._resident.count_tokens()} token, as before")
        console.print("\n[bold]7. The day's money, at Paystack, in orders and in tokens[/]")
        self._print_totals(console)

    def _print_totals(self, console: Console) -> None:
        today = datetime.now(UTC).date()
        listed = asyncio.run(_listed(self._settings))
        engine = open_database(self._settings.database_url.get_secret_value(), connections=1)
        with engine.connect() as connection:
            found = check_day(connection, today, listed)
        engine.dispose()
        for currency, totals in found.totals.items():
            console.print(f"   {currency} {_sum(totals)}")
        console.print(f"   {len(found.differences)} differences")


class _Resident:
    """Somebody with a telephone: the consumer interface, and a browser."""

    def __init__(self, address: str) -> None:
        self._client = httpx2.Client(base_url=address, trust_env=False, timeout=60)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()

    def register(self, meter_number: str) -> None:
        """Register, and log in."""
        estate = self._get("options")["estates"][0]
        password = secrets.token_urlsafe()
        form = {
            "name": "Ngozi Okafor",
            "email": EMAIL,
            "password": password,
            "estate": estate["id"],
            "flat_number": str(SERIAL),
            "meter_type": 1,
            "meter_phase_type": 1,
            "meter_number": meter_number,
        }
        self._post("register", form)
        logged_in = self._post("login", {"email": EMAIL, "password": password})
        self._client.headers["X-API-KEY"] = logged_in["api_key"]

    def order(self) -> dict[str, Any]:
        """Order electricity."""
        return self._post("purchases", {"amount": NAIRA})

    def pay(self, checkout_url: str) -> None:
        """Press the button of Paystack's page; where the browser goes then is another matter."""
        with httpx2.Client(trust_env=False, timeout=60) as browser:
            browser.post(f"{checkout_url}?status=success")

    def wait_for_token(self, reference: str) -> dict[str, Any]:
        """Look until the token is there; raises OSError if it does not come."""
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while time.monotonic() < deadline:
            found: dict[str, Any] = self._get(f"purchases/{reference}")["data"]
            if found["status"] == "vended":
                return found
            time.sleep(_LOOK_SECONDS)
        raise OSError("the token did not come; the lines above say why")

    def count_tokens(self) -> int:
        """Return how many tokens the meter has got."""
        total: int = self._get("tokenreceipts")["meta"]["total"]
        return total

    def _get(self, path: str) -> Any:
        return self._client.get(f"/api/{path}").raise_for_status().json()

    def _post(self, path: str, form: dict[str, Any]) -> dict[str, Any]:
        answer = self._client.post(f"/api/{path}", json=form).raise_for_status()
        told: dict[str, Any] = answer.json()
        return told


def _print_order(console: Console, order: dict[str, Any]) -> None:
    console.print(f"   201: {order['reference']}, expected {order['expected_units']} kWh")
    console.print(f"   {'charge of the estate':<28}{order['transaction_charge']:>10,}")
    for line in order["lines"]:
        console.print(f"   {line['name']:<28}{line['amount'] + line['tax']:>10,}")


async def _listed(settings: Settings) -> list[Payment]:
    gateway = open_gateway(settings)
    try:
        now = datetime.now(UTC)
        return await gateway.payments(now - timedelta(days=1), now + timedelta(days=1))
    finally:
        await gateway.aclose()


def _sum(totals: DayTotals) -> str:
    """Return where the money went, as the daily check says it."""
    parts = (
        (totals.vended_minor, "vended"),
        (totals.charges_minor, "charges"),
        (totals.passed_on_minor, "fees passed on"),
        (totals.refunded_minor, "refunded"),
        (totals.open_minor, "open"),
    )
    paid = plain_money(totals.paid_minor, _NAIRA_NUMBER)
    went = " + ".join(f"{plain_money(minor, _NAIRA_NUMBER)} {name}" for minor, name in parts)
    return f"{paid} in = {went}"
