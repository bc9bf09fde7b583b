"""`vending login` and `vending logout`: who the next commands come from."""

# Annotations are read at run time here, so there is no `from __future__ import annotations`.

import getpass
import secrets
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Annotated, Final

import typer

from vending_api.cli.admission import note_action, somebody
from vending_api.cli.pass_file import keep_secret, session_file
from vending_api.cli.password import checked
from vending_api.cli.station import CommandRefused, writing
from vending_api.cli.tables import say
from vending_api.domain.operators import login as logins
from vending_api.domain.operators.errors import OperatorLocked, OperatorLoginRejected
from vending_api.domain.operators.service import revoke_pass
from vending_api.domain.operators.types import NewPassword, PassKind, Verified
from vending_api.kit.second_factor import CHANCE_OCTETS
from vending_api.settings import read_settings

SHORTEST_PASSWORD: Final = 12
SECRET_OCTETS: Final = 32
_LONGEST_ANSWER: Final = 128
_LONGEST_NAME: Final = 40

NameArgument = Annotated[str, typer.Argument(metavar="NAME", help="The operator's name.")]


def login(
    name: NameArgument,
    *,
    new_password: Annotated[
        bool, typer.Option("--new-password", show_default=False, help="Change the password, too.")
    ] = False,
) -> None:
    """Log in as an operator: with the password, and the code that the app shows now.

    Both are asked for, or read from a pipe, a line each; they never stand on the command line. A
    password that somebody else has made must be changed at once: the new one is asked for, too.

    The session lasts 8 hours, or until `vending logout`. It is kept in a file of yours alone:
    $XDG_STATE_HOME/vending/session, or ~/.local/state/vending/session.

    Example: `vending login thandi`
    """
    password, code = _ask(f"Password of {name}: "), _ask("Code: ")
    with _failure_noted(name):
        with writing() as connection:
            candidate = logins.begin(connection, name, datetime.now(UTC))
        verified = logins.verify(candidate, password, code, datetime.now(UTC))
    operator = verified.candidate.operator
    changed = None
    if new_password or operator.must_change_password:
        changed = _changed(verified, password)
    secret = secrets.token_urlsafe(SECRET_OCTETS)
    with _failure_noted(name), writing() as connection:
        now = datetime.now(UTC)
        number = logins.finish(connection, verified, secret, now, changed=changed)
        note_action(connection, f"session {number}", who=operator.name)
    keep_secret(session_file(), secret)
    say(f"You are {name} now: {', '.join(sorted(operator.roles))}.")
    if read_settings().operator_key_file is not None:
        say("warning: VENDING_OPERATOR_KEY_FILE is set, so commands act by that key all the same")


def logout() -> None:
    """End your session, at once."""
    with writing() as connection:
        acting = somebody()
        if acting.kind is not PassKind.SESSION:
            raise CommandRefused("VENDING_OPERATOR_KEY_FILE: commands act by an API key; unset it")
        revoke_pass(connection, acting, acting.number, datetime.now(UTC))
    session_file().unlink(missing_ok=True)
    say(f"{acting.operator.name} is logged out.")


def new_password_for(secret: str, name: str, password: str) -> NewPassword:
    """Return what is kept of a password and a second factor, with new salts."""
    return logins.new_password(secret, name, password, secrets.token_bytes(CHANCE_OCTETS))


def _changed(verified: Verified, password: str) -> NewPassword:
    wanted = checked(_ask("New password: "), shortest=SHORTEST_PASSWORD)
    if secrets.compare_digest(wanted.encode(), password.encode()):
        raise CommandRefused("the new password is the old one; choose another")
    if sys.stdin.isatty() and not secrets.compare_digest(
        _ask("The same again: ").encode(), wanted.encode()
    ):
        raise CommandRefused("the two were not the same; log in again with the next code")
    return new_password_for(verified.totp_secret, verified.candidate.operator.name, wanted)


def _ask(question: str) -> str:
    """Return what is typed, without an echo; or a line of a pipe."""
    if sys.stdin.isatty():
        return getpass.getpass(question)[:_LONGEST_ANSWER]
    return sys.stdin.readline(_LONGEST_ANSWER + 1).rstrip("\r\n")[:_LONGEST_ANSWER]


@contextmanager
def _failure_noted(name: str) -> Iterator[None]:
    """Note in the audit trail who could not log in."""
    try:
        yield
    except (OperatorLoginRejected, OperatorLocked) as error:
        with writing() as connection:
            note_action(connection, f"refused: {error.code}", who=name[:_LONGEST_NAME])
        raise
