"""How the `sts` command ends: exit codes, and errors of one line.

0  done        1  the data or the request was refused        2  wrong usage, unreadable file
"""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any, Final

import typer
from typer.core import TyperGroup

from sts.conformance.report import one_line
from sts.errors import StsError

if TYPE_CHECKING:
    from collections.abc import Sequence

REFUSED: Final = 1
WRONG_USAGE: Final = 2
DEBUG_VARIABLE: Final = "STS_DEBUG"
_LONGEST_MESSAGE: Final = 500


class WrongUsage(typer.TyperException):
    """Options that do not make sense; the command ends with exit code 2."""

    exit_code = WRONG_USAGE


class OneLineErrors(TyperGroup):
    """A group of commands that reports every error as one line on stderr, never a traceback.

    With STS_DEBUG=1 an error inside the program shows where it happened.
    """

    def main(
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        complete_var: str | None = None,
        standalone_mode: bool = True,  # noqa: FBT001, FBT002 (typer's signature)
        windows_expand_args: bool = True,  # noqa: FBT001, FBT002 (typer's signature)
        **extra: Any,
    ) -> Any:
        """Run a command and leave the process with its exit code."""
        try:
            code = super().main(
                args=args,
                prog_name=prog_name,
                complete_var=complete_var,
                standalone_mode=False,
                windows_expand_args=windows_expand_args,
                **extra,
            )
            sys.stdout.flush()
        except Exception as error:  # noqa: BLE001 (the last resort: whatever it is, one line)
            code = report(error)
        if standalone_mode:
            sys.exit(code or 0)
        return code


def report(error: Exception) -> int:
    """Say what went wrong in one line on stderr; return the exit code."""
    if isinstance(error, BrokenPipeError):
        silence_stdout()
        return REFUSED
    if isinstance(error, typer.TyperException):
        context = getattr(error, "ctx", None)
        hint = f" (see `{context.command_path} --help`)" if context else ""
        if message := error.format_message():  # empty: the help was shown instead
            complain(message + hint)
        return error.exit_code
    if isinstance(error, typer.Abort):
        complain("interrupted; nothing was done")
        return REFUSED
    if isinstance(error, OSError):
        complain(str(error))
        return WRONG_USAGE
    if isinstance(error, StsError):
        complain(str(error))
        return REFUSED
    if os.environ.get(DEBUG_VARIABLE):
        raise error
    complain(
        f"{type(error).__name__} inside sts, which is a fault in it; {DEBUG_VARIABLE}=1 shows where"
    )
    return REFUSED


def complain(message: str) -> None:
    """Write one line to stderr, so that stdout stays clean for programs."""
    words = " ".join(message.split())
    typer.echo(f"sts: {one_line(words, longest=_LONGEST_MESSAGE)}", err=True)


def silence_stdout() -> None:
    """Send what is left in stdout nowhere: its reader has gone away."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
