"""The security module in its process: with kernels for long columns once the first has come.

Their libraries take a second of a processor and 170 megabytes, which a module that only
sells never needs. Until they are there, long columns are made as short ones are.
"""

from __future__ import annotations

import threading
from functools import partial
from importlib import import_module
from typing import TYPE_CHECKING, Final

import structlog

from sts.errors import BatchExtraMissing
from sts.security_module import InProcessSecurityModule
from sts.tokens.codec import TokenCodec

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sts.batch import BatchSecurityModule
    from sts.errors import StsError
    from sts.keys.key_file import KeyStore
    from sts.keys.sta_tables import StaTables
    from sts.security_module import KeyChangeRequest

LONG: Final = 64
"""Rows of a column that is worth the kernels; a group of sales asks for fewer."""

_log = structlog.get_logger(__name__)


class SecurityModuleWithKernels(InProcessSecurityModule):
    """An `InProcessSecurityModule` that changes keys by the hundred in a tenth of the time."""

    __slots__ = ("_has_begun", "_kernels", "_load")

    def __init__(self, keys: KeyStore, sta_tables: StaTables) -> None:
        super().__init__(keys, TokenCodec(sta_tables))
        self._load = partial(_loaded, keys, sta_tables)
        self._kernels: BatchSecurityModule | None = None
        self._has_begun = threading.Lock()
        """Taken by whoever loads them, and never given back."""

    def change_key(self, requests: Sequence[KeyChangeRequest]) -> list[tuple[str, ...] | StsError]:
        """Return digits of key change tokens, or why there are none; see `SecurityModule`."""
        if len(requests) < LONG:
            return super().change_key(requests)
        if self._kernels is not None:
            return self._kernels.change_key_of(requests)
        if self._has_begun.acquire(blocking=False):
            threading.Thread(target=self._try_to_load, daemon=True).start()
        return super().change_key(requests)

    def _try_to_load(self) -> None:
        try:
            self._kernels = self._load()
        except BatchExtraMissing as error:
            _log.warning(
                "kernels_missing",
                effect="key changes of a campaign take several times as long",
                mend=str(error),
            )


def _loaded(keys: KeyStore, sta_tables: StaTables) -> BatchSecurityModule:
    """Return what makes long columns, ready; raises BatchExtraMissing."""
    module: BatchSecurityModule = import_module("sts.batch").BatchSecurityModule(keys, sta_tables)
    module.get_ready()
    return module
