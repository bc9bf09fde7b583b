"""How the kernels are compiled: once for a machine, kept on its disk, and free of Python's lock."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar, cast

import numpy as np
from numba import njit

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    Words = NDArray[np.uint64]
    HalfWords = NDArray[np.uint32]
    Octets = NDArray[np.uint8]
    Offsets = NDArray[np.int32]
    Numbers = NDArray[np.int64]
    Flags = NDArray[np.bool_]

_Kernel = TypeVar("_Kernel", bound="Callable[..., Any]")

u64 = np.uint64
"""Wraps every constant that meets a word: a plain int would make the result signed."""
u32 = np.uint32


def kernel(function: _Kernel) -> _Kernel:
    """Compile a function of arrays when it is first called, and keep it for later processes.

    A file's kernels call only kernels of the same file: what is kept is renewed when that file
    changes, and would not notice a change in another. It is kept in `__pycache__` or, where that
    cannot be written, in the user's cache folder (`NUMBA_CACHE_DIR` names another). Where nothing
    can be written it is compiled again in each process, which takes seconds but works.
    """
    try:
        return cast("_Kernel", njit(nogil=True, cache=True)(function))
    except RuntimeError:  # no folder for it
        return cast("_Kernel", njit(nogil=True)(function))
