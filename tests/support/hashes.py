"""Hashes of passwords that take no time, for tests that are not about what they cost."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

import pytest
from argon2 import PasswordHasher

from vending_api.kit import credentials, second_factor

if TYPE_CHECKING:
    from collections.abc import Iterator

IN_EARNEST: Final = credentials._hasher
"""What hashes where no test runs."""

_TIME_COST: Final = 1
_MEMORY_KIBIBYTES: Final = 8


@contextmanager
def quick() -> Iterator[None]:
    """Hash at the least cost that there is, until the end of the block."""
    hasher = PasswordHasher(time_cost=_TIME_COST, memory_cost=_MEMORY_KIBIBYTES, parallelism=1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(credentials, "_hasher", hasher)
        patch.setattr(second_factor, "TIME_COST", _TIME_COST)
        patch.setattr(second_factor, "MEMORY_KIBIBYTES", _MEMORY_KIBIBYTES)
        yield
