"""Who gives a command: asked when it opens the database, and noted in the audit trail.

Without operators everybody who may run the command may do all of it. The first operator ends
that: then each command needs a login whose roles fit (`needs.py`), and one that is in no table
none.
"""

from __future__ import annotations

import getpass
import json
import stat
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from vending_api.cli.command import RUNNING
from vending_api.cli.needs import NEEDS, NOTED
from vending_api.cli.pass_file import session_file
from vending_api.domain.audit_trail.service import note
from vending_api.domain.audit_trail.types import NewAction
from vending_api.domain.operators.errors import PassRejected
from vending_api.domain.operators.service import is_peopled, require, who_acts
from vending_api.kit.errors import DomainError
from vending_api.settings import SettingsInvalid, read_settings

if TYPE_CHECKING:
    from pathlib import Path

    from sqlalchemy import Connection

    from vending_api.domain.operators.types import Acting, Right

_LONGEST_NAME: Final = 40
_OTHERS: Final = stat.S_IRWXG | stat.S_IRWXO
_ACTING: Final[ContextVar[Acting | None]] = ContextVar("_ACTING", default=None)
_REMARK: Final[ContextVar[str]] = ContextVar("_REMARK", default="")


def admit(connection: Connection, *, changes: bool) -> None:
    """Let the running command go on, or raise PassRejected or NotAllowed."""
    _ACTING.set(None)
    _REMARK.set("")
    if _asks_nobody() or not is_peopled(connection):
        return
    acting = who_acts(connection, _secret(), datetime.now(UTC))
    _ACTING.set(acting)
    right = _needed(changes=changes)
    if right is None:
        raise PassRejected
    require(acting, right)


def acting() -> Acting | None:
    """Return who gives the running command; None where there are no operators."""
    return _ACTING.get()


def somebody() -> Acting:
    """Return who gives the running command; raises PassRejected where that is nobody known."""
    known = _ACTING.get()
    if known is None:
        raise PassRejected
    return known


def operator() -> str:
    """Return who gives the orders: an operator, or the name of this machine's user, cut."""
    known = _ACTING.get()
    return getpass.getuser()[:_LONGEST_NAME] if known is None else known.operator.name


def remark(outcome: str) -> None:
    """Let the audit trail say more of the running command than that it was done."""
    _REMARK.set(outcome)


def is_noted() -> bool:
    """Tell whether the running command, which has only read, is noted in the audit trail."""
    return _ACTING.get() is not None and _needed(changes=False) in NOTED


def note_outcome(connection: Connection, error: Exception | None = None) -> None:
    """Note in the audit trail that the running command was done, or refused.

    Unless it asks nobody: those note what they do themselves.
    """
    if _asks_nobody():
        return
    outcome = _REMARK.get() or "done"
    if error is not None:
        code = error.code if isinstance(error, DomainError) else type(error).__name__
        outcome = f"refused: {code}"
    note_action(connection, outcome)


def note_action(connection: Connection, outcome: str, *, who: str | None = None) -> None:
    """Note what the running command did, in the name of who gives it or of somebody named."""
    known, command = _ACTING.get(), RUNNING.get()
    action = NewAction(
        at=datetime.now(UTC),
        who=operator() if who is None else who,
        known_by="no login" if known is None else f"{known.kind} {known.number}",
        command="" if command is None else command.path,
        subject="" if command is None else _words(command.arguments),
        outcome=outcome,
    )
    note(connection, action)


def _asks_nobody() -> bool:
    command = RUNNING.get()
    return command is not None and command.path in NEEDS and NEEDS[command.path] is None


def _needed(*, changes: bool) -> Right | None:
    """Return the right that is needed; None for what nobody may."""
    command = RUNNING.get()
    need = None if command is None else NEEDS.get(command.path)
    if need is None:
        return None
    return need.change if changes else need.read


def _secret() -> str:
    """Return the secret of the API key or session; raises PassRejected, SettingsInvalid."""
    file = read_settings().operator_key_file or session_file()
    try:
        text = file.read_text(encoding="ascii")
    except FileNotFoundError:
        raise PassRejected from None
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsInvalid(f"{file}: it cannot be read ({type(error).__name__})") from None
    _require_private(file)
    return text.strip()


def _require_private(file: Path) -> None:
    if file.stat().st_mode & _OTHERS:
        raise SettingsInvalid(f"{file}: others may read it, and act as you; chmod 600 it")


def _words(arguments: dict[str, object]) -> str:
    # Passwords and codes are asked for, never given: no argument is a secret.
    given = {name: one for name, one in arguments.items() if one not in (None, "", False)}
    return json.dumps(given, default=str, ensure_ascii=False)
