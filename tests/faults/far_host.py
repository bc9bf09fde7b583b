"""Another host on this machine, at the end of a cable that can be made to lose all it is given."""

from __future__ import annotations

import ctypes
import os
import shutil
import subprocess
import threading
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final, Self

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_NEW_NETWORK: Final = 0x40000000
"""CLONE_NEWNET of <sched.h>."""
_THERE: Final = "cable"
"""What the other host calls its end."""
_HARDWARE: Final = "02:00:00:00:00:02"
"""The address of that end, which this host is told for good: nothing asks who has it."""


class CannotMakeHosts(Exception):
    """This process may not make networks; the text says what failed."""


class FarHost:
    """A network of its own, with an address that only this machine reaches."""

    def __init__(self) -> None:
        # A name and four addresses for each process of tests.
        number = os.getpid()
        self._name: Final = f"far{number}"
        net, first = f"10.{203 + number % 2}.{number // 128 % 256}", number // 2 % 64 * 4
        self._here: Final = f"{net}.{first + 1}/30"
        self.address: Final = f"{net}.{first + 2}"

    def __enter__(self) -> Self:
        """Make it; raises CannotMakeHosts."""
        _ip("netns", "add", self._name)
        try:
            self._lay_cable()
        except CannotMakeHosts:
            self._remove()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._remove()

    def do_there(self, act: Callable[[], None]) -> None:
        """Have done on that host what is done here; processes that it starts stay there."""
        failures: list[BaseException] = []

        def go_and_act() -> None:
            try:
                _go(self._name)
                act()
            except BaseException as error:  # noqa: BLE001 (raised again where the test sees it)
                failures.append(error)

        # A thread can be on another host than its process.
        thread = threading.Thread(target=go_and_act)
        thread.start()
        thread.join()
        if failures:
            raise failures[0]

    @contextmanager
    def silent(self) -> Iterator[None]:
        """Lose during the block all that is sent to it, and say nothing: it has no address."""
        self._change_address("del")
        try:
            yield
        finally:
            self._change_address("add")

    def _change_address(self, how: str) -> None:
        _ip("-n", self._name, "address", how, f"{self.address}/30", "dev", _THERE)

    def _lay_cable(self) -> None:
        name = self._name
        end = ("peer", "name", _THERE, "address", _HARDWARE, "netns", name)
        _ip("link", "add", name, "type", "veth", *end)
        _ip("address", "add", self._here, "dev", name)
        _ip("link", "set", name, "up")
        _ip("-n", name, "link", "set", _THERE, "up")
        _ip("neighbour", "add", self.address, "lladdr", _HARDWARE, "dev", name, "nud", "permanent")
        self._change_address("add")

    def _remove(self) -> None:
        with suppress(CannotMakeHosts):  # what was not made
            _ip("link", "del", self._name)
        _ip("netns", "del", self._name)


def _ip(*arguments: str) -> None:
    command = shutil.which("ip")
    if command is None:
        raise CannotMakeHosts("the command `ip` is missing")
    done = subprocess.run([command, *arguments], check=False, capture_output=True, text=True)
    if done.returncode != 0:
        raise CannotMakeHosts(f"ip {' '.join(arguments)}: {done.stderr.strip()}")


def _go(name: str) -> None:
    """Take this thread to another network; raises OSError."""
    libc = ctypes.CDLL(None, use_errno=True)
    with Path("/run/netns", name).open("rb") as network:
        if libc.setns(network.fileno(), _NEW_NETWORK):
            number = ctypes.get_errno()
            raise OSError(number, os.strerror(number))
