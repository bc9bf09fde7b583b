"""Passwords of points of sale: typed, piped, from a file or a variable; never from argv."""

from __future__ import annotations

import getpass
import sys
from typing import Final

from vending_api.cli.station import CommandRefused

SHORTEST: Final = 8
LONGEST: Final = 128


class PasswordRefused(CommandRefused):
    """A password that is not taken; the text says why, and not what it was."""


def checked(password: str, *, shortest: int = SHORTEST) -> str:
    """Return a password that may be used; raises PasswordRefused."""
    if not shortest <= len(password) <= LONGEST:
        raise PasswordRefused(
            f"the password has {len(password)} characters; use {shortest} to {LONGEST}"
        )
    if not password.isprintable():
        raise PasswordRefused("the password has control characters; use those of a keyboard")
    return password


def first_line(text: str) -> str:
    """Return the password of a file or a pipe that holds nothing else; raises PasswordRefused."""
    password, _, rest = text.partition("\n")
    if rest:
        raise PasswordRefused("there is more than one line; leave the password alone on the first")
    return checked(password.removesuffix("\r"))


def ask(user_name: str) -> str:
    """Return the password that someone types twice, or pipes in; raises PasswordRefused."""
    if not sys.stdin.isatty():
        return first_line(sys.stdin.read())
    password = getpass.getpass(f"Password of {user_name}: ")
    if getpass.getpass("The same again: ") != password:
        raise PasswordRefused("the two were not the same; try it again")
    return checked(password)
