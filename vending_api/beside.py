"""The processes beside the one that the operator starts: the security module, and a teller.

The module begins while that one is still loading what it needs, so nothing heavy is imported here.
"""

from __future__ import annotations

import os
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from vending_api.custody.start import ModuleNotStarted, ModuleProcess
from vending_api.kit.environment import taken_from_environment
from vending_api.kit.far_process import FarProcess
from vending_api.kit.garbage import LOADING
from vending_api.settings import PREFIX, SettingsInvalid

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from vending_api.settings import Settings

_SOCKET: Final = f"{PREFIX}SECURITY_MODULE"
_PASSPHRASE: Final = f"{PREFIX}KEYS_PASSPHRASE"
_MODULE: Final = f"{LOADING}from vending_api.security_module import main; main()"
_TELLER: Final = f"{LOADING}from vending_api.teller import main; main()"


@contextmanager
def security_module_at_hand(settings: Settings) -> Iterator[Callable[[], None]]:
    """Have a security module for the processes of a service until the end of the block.

    They find its socket in the environment, and a passphrase of the environment no more: that goes
    to the module alone. Where none is configured, the module asks at the terminal, if this process
    has one. Gives what waits until it has begun, and raises SettingsInvalid, ModuleNotStarted.
    """
    if settings.security_module is not None:
        yield lambda: None
        return
    module = ModuleProcess(_MODULE, taken_from_environment(_PASSPHRASE), may_ask=sys.stdin.isatty())

    def wait() -> None:
        try:
            module.wait_until_begun()
        except ModuleNotStarted as error:
            if error.kind == SettingsInvalid.__name__:
                raise SettingsInvalid(str(error)) from None
            raise

    os.environ[_SOCKET] = str(module.path)
    try:
        if sys.stdin.isatty():  # nothing else may happen at a terminal while it asks
            wait()
        yield wait
    finally:
        del os.environ[_SOCKET]
        module.stop()


def start_teller() -> FarProcess:
    """Start a teller from the beginning, as the environment configures it.

    Its greeting is what the keys are for, without the keys; waiting for it raises
    SettingsInvalid, StartFailed.
    """
    return FarProcess.of_program(_TELLER)
