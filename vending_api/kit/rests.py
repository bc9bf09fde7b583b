"""Rests between the statements of a connection, in which a server has time for others."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import event

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import Connection

_WORTH_SECONDS: Final = 0.01
"""Shorter rests are saved up: to wake up again costs something, too."""


def rest_between_statements(
    connection: Connection,
    times: int,
    *,
    clock: Callable[[], float],
    rest: Callable[[float], None],
) -> None:
    """Rest after statements of a connection, so many times as long as they took, in seconds.

    Whoever rests three times as long has the server for a quarter of the time. What `rest` raises
    ends whatever reads; with no rests it is asked after each statement all the same, for 0 seconds.
    """
    state = {"began": 0.0, "owed": 0.0}

    def begins(*_: Any) -> None:
        state["began"] = clock()

    def ends(*_: Any) -> None:
        state["owed"] += times * (clock() - state["began"])
        if times and state["owed"] < _WORTH_SECONDS:
            return
        owed, state["owed"] = state["owed"], 0.0
        rest(owed)

    event.listen(connection, "before_cursor_execute", begins)
    event.listen(connection, "after_cursor_execute", ends)
