"""A security module that stands in another process, asked over a Unix socket."""

from __future__ import annotations

import socket
import threading
import time
from functools import partial
from itertools import count
from typing import TYPE_CHECKING, Any, Final

import structlog

from sts.keys.key_facts import ListedKeys
from sts.security_module import IssuedToken, VendingKeyFacts
from vending_api.custody.wire import (
    Malformed,
    error_of,
    facts_of,
    meter_row,
    receive,
    send,
    token_of,
    token_row,
)
from vending_api.kit.errors import SecurityModuleUnavailable

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from sts.errors import StsError
    from sts.security_module import (
        IssueRequest,
        KeyChangeRequest,
        VerifyRequest,
    )
    from sts.tokens.kinds import Token
    from sts.tokens.reserved import ReservedToken

_PATIENCE_SECONDS: Final = 10.0
"""How long an answer is waited for; a column takes some milliseconds."""

_POLL_SECONDS: Final = 0.02

_log = structlog.get_logger(__name__)


class SecurityModuleElsewhere(ListedKeys[VendingKeyFacts]):
    """Asks a security module by its socket; each thread has a connection of its own.

    Every method raises SecurityModuleUnavailable where there is no answer: then nothing was sold,
    for no digits have come. What it holds of the keys is what may be known of them.
    """

    def __init__(self, path: Path, *, wait_seconds: float = 0) -> None:
        """Take the path of its socket, and learn which keys it has.

        One that has not begun yet is waited for.
        """
        super().__init__(())
        self._path = path
        self._of_thread = threading.local()
        self._opened: list[socket.socket] = []
        self._numbers = count(1)
        limit = time.monotonic() + wait_seconds
        while not self._has_begun() and time.monotonic() < limit:
            time.sleep(_POLL_SECONDS)
        self._connection()

    def close(self) -> None:
        """Close the connections of all threads; ask no more."""
        for connection in self._opened:
            connection.close()

    def issue(self, requests: Sequence[IssueRequest]) -> list[IssuedToken | StsError]:
        """Return a token, or why there is none, for each request; see `sts.SecurityModule`."""
        return self.begin_issue(requests)()

    def begin_issue(
        self, requests: Sequence[IssueRequest]
    ) -> Callable[[], list[IssuedToken | StsError]]:
        """Have tokens made, and return what waits for them; see `sts.SecurityModule`.

        The same thread must wait, and in the order in which it began.
        """
        rows = [[*meter_row(one.meter), *token_row(one.token)] for one in requests]
        wait = self._begin("issue", rows)
        return partial(_issued, requests, wait)

    def change_key(self, requests: Sequence[KeyChangeRequest]) -> list[tuple[str, ...] | StsError]:
        """Return digits of key change tokens, or why there are none; see `sts.SecurityModule`."""
        rows = [
            [
                *meter_row(one.meter),
                one.new_supply_group_code.digits,
                one.new_key_revision_number.value,
                one.new_tariff_index.digits,
            ]
            for one in requests
        ]
        return [
            error_of(row) if isinstance(row, dict) else tuple(row)
            for row in self._begin("change_key", rows)()
        ]

    def verify(self, requests: Sequence[VerifyRequest]) -> list[Token | ReservedToken | StsError]:
        """Return what each token says to its meter; see `sts.SecurityModule`."""
        rows = [[*meter_row(one.meter), one.digits] for one in requests]
        return [
            error_of(row) if isinstance(row, dict) else token_of(row)
            for row in self._begin("verify", rows)()
        ]

    def _has_begun(self) -> bool:
        with socket.socket(socket.AF_UNIX) as connection:
            return connection.connect_ex(str(self._path)) == 0

    def _begin(self, what: str, rows: list[list[Any]]) -> Callable[[], list[Any]]:
        """Ask, and return what waits for the answer.

        A connection that breaks while it is asked may be an old one, so another is tried once.
        """
        number = next(self._numbers)
        message = {"number": number, "do": what, "rows": rows}
        try:
            connection = self._connection()
            send(connection, message)
        except OSError:
            self._forget()
            connection = self._connection()
            try:
                send(connection, message)
            except OSError as error:
                raise self._lost(error) from None
        return partial(self._answer, connection, number)

    def _answer(self, connection: socket.socket, number: int) -> list[Any]:
        """Return the answer of a number; those before it were given up by who had asked."""
        while True:
            try:
                answer = receive(connection)
            except (OSError, Malformed) as error:
                raise self._lost(error) from None
            if answer is None:
                raise self._lost("it has closed the connection")
            if answer["number"] == number:
                rows: list[Any] = answer["rows"]
                return rows

    def _connection(self) -> socket.socket:
        connection: socket.socket | None = getattr(self._of_thread, "connection", None)
        if connection is not None:
            return connection
        connection = socket.socket(socket.AF_UNIX)
        connection.settimeout(_PATIENCE_SECONDS)
        try:
            connection.connect(str(self._path))
            send(connection, {"number": 0, "do": "facts", "rows": []})
        except OSError as error:
            connection.close()
            raise self._lost(error) from None
        super().__init__(map(facts_of, self._answer(connection, 0)))
        self._of_thread.connection = connection
        self._opened.append(connection)
        return connection

    def _forget(self) -> None:
        connection: socket.socket | None = getattr(self._of_thread, "connection", None)
        if connection is not None:
            connection.close()
            self._opened.remove(connection)
            self._of_thread.connection = None

    def _lost(self, reason: object) -> SecurityModuleUnavailable:
        self._forget()
        _log.error("security_module_unavailable", reason=str(reason))
        return SecurityModuleUnavailable()


def _issued(
    requests: Sequence[IssueRequest], wait: Callable[[], list[Any]]
) -> list[IssuedToken | StsError]:
    return [
        IssuedToken(row, one.token) if isinstance(row, str) else error_of(row)
        for one, row in zip(requests, wait(), strict=True)
    ]
