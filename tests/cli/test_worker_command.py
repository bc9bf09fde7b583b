"""`vending worker` does what waits, in a process of its own, until it is told to end."""

from __future__ import annotations

import asyncio
import signal
import time
from typing import TYPE_CHECKING, Final

from tests.online.proof import require_all_money_explained
from tests.online.shop import SECRET_KEY, MovedClock, furnish, open_shop
from tests.support.warm import WarmVending, begin_vending, run_vending
from vending_api.domain.payments.types import OrderState
from vending_api.main import utc_now

if TYPE_CHECKING:
    from pathlib import Path

    from sqlalchemy import Engine

_SECONDS: Final = 30


def _worker(engine: Engine, folder: Path, paystack_url: str) -> WarmVending:
    return begin_vending(
        folder,
        "worker",
        errors=folder / "log",
        VENDING_DATABASE_URL=engine.url.render_as_string(hide_password=False),
        VENDING_DEMO="true",
        VENDING_PUBLIC_URL="http://127.0.0.1",
        VENDING_PAYSTACK_SECRET_KEY=SECRET_KEY,
        VENDING_PAYSTACK_URL=paystack_url,
    )


def test_a_worker_vends_for_what_was_paid_and_ends_when_it_is_told(
    engine: Engine, tmp_path: Path
) -> None:
    furnish(engine)

    async def scenario() -> None:
        async with (
            open_shop(engine, clock=MovedClock(utc_now())) as shop,
            shop.sandbox.serving() as address,
        ):
            reference = await shop.order()
            shop.sandbox.pay(reference)
            await shop.sandbox.deliver(reference)
            process = await asyncio.to_thread(_worker, engine, tmp_path, address)
            deadline = time.monotonic() + _SECONDS
            while shop.find(reference).state is not OrderState.VENDED:
                assert time.monotonic() < deadline, "it did not come to that in time"
                assert process.poll() is None
                await asyncio.sleep(0.05)
            process.send_signal(signal.SIGTERM)
            code = await asyncio.to_thread(process.wait, _SECONDS)
            written = (tmp_path / "log").read_text()
            assert code == 0, written
            assert SECRET_KEY not in written
            await require_all_money_explained(shop)

    asyncio.run(scenario())


def test_a_worker_that_is_not_configured_says_what_is_missing(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'none.db'}"
    done = run_vending(tmp_path, "worker", VENDING_DATABASE_URL=url)
    assert done.returncode == 2
    assert done.stderr.startswith("vending: VENDING_KEYS_FILE")
