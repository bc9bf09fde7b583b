"""Finds the passwords of new clients where their site file says."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

from vending_api.cli.importing.problems import ImportRefused, Problem
from vending_api.cli.password import PasswordRefused, ask, checked, first_line

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from pathlib import Path

    from vending_api.cli.importing.site_file import PasswordSource, SiteFile

_OTHERS_MAY: int = 0o077
"""What the owner's group and everybody else may do with a file."""


def find_passwords(
    file: SiteFile, new: Collection[str], *, may_ask: bool
) -> tuple[dict[str, str], list[str]]:
    """Return the passwords of the new clients by user name, and what to warn of.

    With `may_ask`, those for which the file names no place are asked for at a terminal. Raises
    ImportRefused with every password that is not found or not taken.
    """
    found: dict[str, str] = {}
    problems: list[Problem] = []
    warnings: list[str] = []
    for user_name in sorted(new):
        source = file.passwords[user_name]
        try:
            password = _password(source, os.environ)
            if password is None and may_ask:
                _require_terminal()
                password = ask(user_name)
        except PasswordRefused as refused:
            problems.append(Problem(_place(source), f"{user_name} is new, and {refused}", ""))
            continue
        if password is not None:
            found[user_name] = password
        if source.file is not None and _is_open(source.file):
            warnings.append(
                f"{_place(source)}: others on this machine can read that file; chmod 600 it"
            )
    if problems:
        raise ImportRefused(file.path, problems)
    return found, warnings


def _password(source: PasswordSource, environment: Mapping[str, str]) -> str | None:
    # What cannot be found is not named: it may be the password itself, in the wrong place.
    if source.file is not None:
        try:
            return first_line(source.file.read_text(encoding="utf-8"))
        except OSError as error:
            raise PasswordRefused(
                f"the file it names cannot be read ({error.strerror}); "
                "write the password to a file beside this one and name that"
            ) from None
        except UnicodeDecodeError:
            raise PasswordRefused("the file it names is not UTF-8 text") from None
    if source.variable is not None:
        password = environment.get(source.variable)
        if password is None:
            raise PasswordRefused("the variable it names is not set; export it and import again")
        return checked(password)
    return None


def _require_terminal() -> None:
    if not sys.stdin.isatty():
        raise PasswordRefused(
            "its password is named nowhere; write password_file or password_variable, "
            "or import at a terminal, which asks for it"
        )


def _place(source: PasswordSource) -> str:
    if source.file is not None:
        return f"{source.place}.password_file"
    return f"{source.place}.password_variable" if source.variable is not None else source.place


def _is_open(file: Path) -> bool:
    return bool(file.stat().st_mode & _OTHERS_MAY)
