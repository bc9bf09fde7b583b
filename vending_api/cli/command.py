"""Which command is running: set once as it begins, read where it opens the database."""

from __future__ import annotations

from contextvars import ContextVar
from dataclasses import dataclass
from functools import wraps
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import typer


@dataclass(frozen=True, slots=True)
class Command:
    """A command and what it was given."""

    path: str
    """As it is typed: `client deposit`."""
    arguments: dict[str, Any]


RUNNING: Final[ContextVar[Command | None]] = ContextVar("RUNNING", default=None)
_KNOWN: Final = "vending_command"


def name_commands(app: typer.Typer, above: str = "") -> Iterator[str]:
    """Let every command below a group say which it is when it runs, and yield their paths."""
    for one in app.registered_commands:
        callback = one.callback
        if callback is None:
            continue
        path = f"{above} {one.name or callback.__name__.replace('_', '-')}".strip()
        if not hasattr(callback, _KNOWN):
            one.callback = _named(callback, path)
        yield path
    for group in app.registered_groups:
        inner = group.typer_instance
        if inner is not None:
            yield from name_commands(inner, f"{above} {inner.info.name}".strip())


def _named(callback: Callable[..., Any], path: str) -> Callable[..., Any]:
    @wraps(callback)
    def run(**arguments: Any) -> Any:
        RUNNING.set(Command(path, arguments))
        return callback(**arguments)

    setattr(run, _KNOWN, path)
    return run
