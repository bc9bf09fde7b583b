"""`vending demo`: a point of sale buys electricity, and a meter takes the token once."""

from __future__ import annotations

import tempfile
import threading
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from pydantic import SecretStr
from rich.console import Console

from sts.virtual_meter import Accepted
from vending_api.cli.demo_paystack import paystack_demo
from vending_api.cli.in_thread import served
from vending_api.cli.point_of_sale import PointOfSale
from vending_api.cli.receipt import answered_slip, boxed
from vending_api.cli.serving import LOOPBACK, listen, prepare_demo_database
from vending_api.kit.currencies import letters_of, plain_money
from vending_api.main import CRESTFLOW_PATH, ELECTRUM_PATH, create_app
from vending_api.sandbox.demo_data import DEMO_PASSWORD, DEMO_USER
from vending_api.sandbox.virtual_meters import demo_virtual_meter
from vending_api.settings import DEFAULT_PORT, Settings

if TYPE_CHECKING:
    import socket
    from collections.abc import Iterator

METER = "TST001"
_SAMPLE_TABLES = "SAMPLE TABLES: no real meter takes this"


def demo(
    *,
    once: Annotated[bool, typer.Option("--once", help="End after the sale; do not serve.")] = False,
    paystack: Annotated[
        bool,
        typer.Option("--paystack", help="Show a purchase online, paid through a stand-in instead."),
    ] = False,
    port: Annotated[
        int | None, typer.Option(help="Port to listen on. [default: 8080, or one that is free]")
    ] = None,
) -> None:
    """Show a whole sale: look up a meter, buy over HTTP, key the token in, twice.

    With --paystack: order, pay, get the token, as a resident of an estate does.
    Runs the real service on a database of its own in a temporary folder, with the
    example keys, on loopback only; then goes on serving for you to try.
    """
    console = Console(highlight=False, soft_wrap=True)
    if paystack:
        _show_paystack(console, port, once=once)
        return
    with (
        tempfile.TemporaryDirectory(prefix="vending-demo-") as folder,
        _serving(_settings(Path(folder)), _listener(port)) as address,
    ):
        with PointOfSale(address) as pos:
            _show_sale(console, pos)
        console.print(f"\nDocumentation of the interface: {address}/docs")
        if not once:
            _keep_serving(console, address)


def _show_paystack(console: Console, port: int | None, *, once: bool) -> None:
    with (
        tempfile.TemporaryDirectory(prefix="vending-demo-") as folder,
        paystack_demo(Path(folder), _listener(port)) as shown,
    ):
        shown.show(console)
        if not once:
            _wait(console, f"{shown.address}{CRESTFLOW_PATH}")


def _settings(folder: Path) -> Settings:
    # What the environment says belongs to the real installation; the demo keeps out of it.
    return Settings(
        database_url=SecretStr(f"sqlite:///{folder / 'vending.db'}"),
        keys_file=None,
        prism_address=None,
        sta_tables=None,
        demo=True,
    )


def _listener(port: int | None) -> socket.socket:
    if port is not None:
        return listen(LOOPBACK, port)
    try:
        return listen(LOOPBACK, DEFAULT_PORT)
    except OSError:
        return listen(LOOPBACK, 0)


@contextmanager
def _serving(settings: Settings, listener: socket.socket) -> Iterator[str]:
    """Run the service in a thread and give its address, until the end of the block."""
    prepare_demo_database(settings)
    with served(create_app(settings), listener) as address:
        yield f"{address}{ELECTRUM_PATH}"


def _show_sale(console: Console, pos: PointOfSale) -> None:
    console.print(f"\n[bold]1. The point of sale looks up meter {METER}[/]")
    lookup = pos.look_up(METER)
    customer = lookup["customer"]
    console.print(f"   201: {customer['firstName']} {customer['lastName']}, {customer['address']}")
    most = lookup["maxAmount"]
    price = f"{letters_of(most['currency'])} {plain_money(most['amount'], most['currency'])}"
    console.print(f"\n[bold]2. It buys electricity for {price}[/]")
    purchase = pos.buy(METER, most["amount"])
    console.print("   201: this is printed for the customer\n")
    console.print(boxed(answered_slip(purchase["slipData"]), note=_SAMPLE_TABLES))
    console.print("\n[bold]3. The customer keys the token into the meter[/]")
    meter = demo_virtual_meter(serial=1)
    for attempt in ("first time", "second time"):
        answer = meter.enter(purchase["tokens"][0]["token"])
        verdict = "accepted" if isinstance(answer, Accepted) else "refused"
        console.print(f"   {attempt}: {verdict}; {answer.words}")


def _keep_serving(console: Console, address: str) -> None:
    _wait(console, f"{address}, user {DEMO_USER}, password {DEMO_PASSWORD}")


def _wait(console: Console, what: str) -> None:
    with suppress(KeyboardInterrupt):
        console.print(f"It goes on serving {what}.")
        console.print("Ctrl-C ends it.")
        threading.Event().wait()
    console.print("\nEnded.")
