"""What is typed, as the type that it is to be."""

# Annotations are read at run time here, so there is no `from __future__ import annotations`.

from collections.abc import Callable
from typing import Any, TypeVar

import typer

from sts.errors import InvalidField

_Made = TypeVar("_Made")


def checked(make: Callable[[Any], _Made], value: str | int | None, option: str) -> _Made | None:
    """Return a value as its type, None as it is; raises BadParameter."""
    if value is None:
        return None
    try:
        return make(value)
    except InvalidField as wrong:
        raise typer.BadParameter(
            f"{str(value)[:24]!r} is not it; write {wrong.expected}", param_hint=option
        ) from None
