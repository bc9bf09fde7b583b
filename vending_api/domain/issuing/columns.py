"""What a group of commands asks of the security module, a column of requests at a time.

A module works on columns, and it may stand elsewhere and work while the next sales are
decided. So the requests of a transaction are collected, sent when there are some, and waited for
when the first of their tokens is needed; what needs none of them is written meanwhile.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Final, NamedTuple

from vending_api.kit.group import begin_in_time, recall_lasting, remember_lasting

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from sqlalchemy import Connection

    from sts.errors import StsError
    from sts.security_module import IssuedToken, IssueRequest, SecurityModule

_AT_ONCE: Final = 8
"""How many tokens are begun together: few enough to be made while as many sales are decided."""


class Column:
    """Requests, and the outcomes of those that were waited for."""

    def __init__(self, security_module: SecurityModule) -> None:
        self._security_module = security_module
        self._collected: list[IssueRequest] = []
        self._begun: deque[Callable[[], list[IssuedToken | StsError]]] = deque()
        self._outcomes: list[IssuedToken | StsError] = []
        self._count = 0

    def add(self, requests: Sequence[IssueRequest]) -> Places:
        """Ask for tokens, and return where their outcomes will be."""
        first = self._count
        self._count += len(requests)
        self._collected += requests
        if len(self._collected) >= _AT_ONCE:
            self.begin()
        return Places(self, first, self._count)

    def outcomes(self, first: int, end: int) -> list[IssuedToken | StsError]:
        """Return the outcomes of some places, which are waited for."""
        if end > len(self._outcomes):
            self.begin()
        while end > len(self._outcomes):
            wait = self._begun.popleft()
            self._outcomes += wait()
        return self._outcomes[first:end]

    def begin(self) -> None:
        """Send what was collected, if anything was."""
        collected, self._collected = self._collected, []
        if collected:
            self._begun.append(self._security_module.begin_issue(collected))


class Places(NamedTuple):
    """Where in a column some requests stand."""

    column: Column
    first: int
    end: int

    def outcomes(self) -> list[IssuedToken | StsError]:
        """Return an issued token or an error for each request, in their order; waits for them."""
        return self.column.outcomes(self.first, self.end)


def column_of(connection: Connection, security_module: SecurityModule) -> Column:
    """Return the column of the group of a connection, or one for these requests alone."""
    column: Column | None = recall_lasting(connection, Column)
    if column is None:
        column = Column(security_module)
        remember_lasting(connection, Column, column)
        begin_in_time(connection, column.begin)
    return column
