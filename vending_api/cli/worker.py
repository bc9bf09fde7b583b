"""`vending worker`: the work that waits, in a process of its own."""

from __future__ import annotations

import asyncio
import signal
from typing import TYPE_CHECKING

from rich.console import Console

from vending_api.beside import security_module_at_hand
from vending_api.kit.private_memory import keep_memory_private
from vending_api.main import copied_teller, working
from vending_api.settings import Settings, load_settings

if TYPE_CHECKING:
    from vending_api.kit.far_process import FarProcess


def worker() -> None:
    """Do the work that waits, until Ctrl-C or SIGTERM.

    It verifies payments, vends for them, gives money back, sends messages, reads meters and
    looks for what is out of the ordinary: all that `vending serve` does in the background
    unless VENDING_BACKGROUND is false. Any number may run at once, beside services that do the
    same: each step is taken once.

    Ends when the steps that it has begun are done.
    """
    keep_memory_private()
    settings = load_settings()
    with security_module_at_hand(settings) as wait:
        teller = copied_teller()
        try:
            wait()
            asyncio.run(_work(settings, teller))
        finally:
            teller.stop()


async def _work(settings: Settings, teller: FarProcess) -> None:
    loop = asyncio.get_running_loop()
    async with working(settings, teller) as work:
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, work.stop)
        Console(stderr=True).print("Working. Ctrl-C ends it.")
        await work.run()
