"""Operators at the `vending` command: who types it, and what they may."""

from __future__ import annotations

import io
import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from tests.support.operators import joined
from tests.support.service import writing
from vending_api.cli.pass_file import keep_secret, session_file
from vending_api.domain.operators.types import Role
from vending_api.kit.db import open_database
from vending_api.settings import read_settings

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

    from tests.support.vending_command import Done, VendingCommand

ROLES: Final = {
    "thandi": Role.SUPERVISOR,
    "lindiwe": Role.SUPERVISOR,
    "pieter": Role.CLERK,
    "naledi": Role.KEY_CUSTODIAN,
    "sipho": Role.KEY_CUSTODIAN,
    "aisha": Role.AUDITOR,
    "themba": Role.SUPPORT,
}


def typing(monkeypatch: pytest.MonkeyPatch, *lines: str) -> None:
    """Let the next command read these lines."""
    text = "".join(f"{line}\n" for line in lines)
    monkeypatch.setattr(sys, "stdin", io.StringIO(text))


class Staff:
    """The command, in the hands of one operator or another."""

    def __init__(
        self, vending: VendingCommand, monkeypatch: pytest.MonkeyPatch, folder: Path
    ) -> None:
        """Let everybody of ROLES be logged in, each by a session of their own."""
        self._vending = vending
        monkeypatch.setenv("XDG_STATE_HOME", str(folder / "state"))
        engine = open_database(read_settings().database_url.get_secret_value(), connections=1)
        with writing(engine) as connection, connection.begin():
            for name, role in ROLES.items():
                joined(connection, name, role, at=datetime.now(UTC))
        engine.dispose()

    def __call__(self, name: str, *arguments: object) -> Done:
        """Let an operator type a command."""
        keep_secret(session_file(), f"secret of {name}")
        return self._vending(*arguments)
