"""Where what opens sealed keys comes from: a terminal, a pipe, a file, a variable; never argv.

Annotations are read at run time.
"""

import getpass
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Final

import typer

from sts.cli.program import WrongUsage, complain
from sts.errors import SealNotOpened
from sts.keys.asking import NAMES, Opened, opened_by_asking, shares_by_asking
from sts.keys.files import read_secret_line
from sts.keys.sealed_file import SealedKeyFile
from sts.keys.sealing import Custody, OpenedBy, OpeningSecret

OPENING_PANEL: Final = "What opens sealed keys (asked for, if left out)"
NEW_PANEL: Final = "What is to open them from now on (asked for, if left out)"
_FILE_HELP: Final = (
    "A file with the passphrase, or with the 64 hex digits of a key, and nothing else; refused "
    "if others may read it."
)
_VARIABLE_HELP: Final = "The environment variable that holds the same."

ByOption = Annotated[
    OpenedBy,
    typer.Option(
        "--by",
        rich_help_panel=NEW_PANEL,
        help="What is to open the file: a passphrase; a key of 64 hex digits, such as a secret "
        "manager keeps; or custodians, with the shares that `sts keys split` has made.",
    ),
]
NewFileOption = Annotated[
    Path | None,
    typer.Option(metavar="FILE", dir_okay=False, rich_help_panel=NEW_PANEL, help=_FILE_HELP),
]
NewVariableOption = Annotated[
    str | None, typer.Option(metavar="NAME", rich_help_panel=NEW_PANEL, help=_VARIABLE_HELP)
]


@dataclass(frozen=True, kw_only=True)
class OpeningOptions:
    """Where to look before anybody is asked."""

    passphrase_file: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", dir_okay=False, rich_help_panel=OPENING_PANEL, help=_FILE_HELP
        ),
    ] = None
    passphrase_variable: Annotated[
        str | None,
        typer.Option(metavar="NAME", rich_help_panel=OPENING_PANEL, help=_VARIABLE_HELP),
    ] = None

    def opened(self, file: SealedKeyFile) -> Opened:
        """Return what opens a sealed file; raises SealNotOpened, FileInvalid and WrongUsage."""
        text = written(self.passphrase_file, self.passphrase_variable)
        if text is None:
            return opened_by_asking(
                file, ask=ask, say=complain, tries=3 if sys.stdin.isatty() else 1
            )
        secret = OpeningSecret.of(text, file.header.opened_by)
        return Opened(secret, file.key_for(secret))


def new_secret(
    by: OpenedBy, file: Path | None, variable: str | None
) -> tuple[OpeningSecret, Custody | None]:
    """Return what is to open a file, with the set of its shares if it is custodians who do.

    Raises InvalidField for a short passphrase, else as `OpeningOptions.opened`.
    """
    text = written(file, variable)
    if by is OpenedBy.CUSTODIANS:
        if text is not None:
            raise WrongUsage("custodians enter their shares; they are in no file and no variable")
        return shares_by_asking(None, ask=ask, say=complain)
    if text is None:
        text = _typed_twice(f"New {NAMES[by][0].lower()}{NAMES[by][1:]}: ")
    return OpeningSecret.new(text, by), None


def written(file: Path | None, variable: str | None) -> str | None:
    """Return what stands in a file or a variable; None if neither is named.

    Raises FileInvalid and WrongUsage.
    """
    if file is not None and variable is not None:
        raise WrongUsage("the passphrase is in a file or in a variable, not in both")
    if file is not None:
        return read_secret_line(file)
    if variable is None:
        return None
    if not (text := os.environ.get(variable)):
        raise WrongUsage(f"the environment variable {variable} is not set")
    return text


def ask(question: str) -> str:
    """Return what is typed without an echo, or the next line of a pipe; raises SealNotOpened."""
    if sys.stdin.isatty():
        return getpass.getpass(question)
    line = sys.stdin.readline()
    if not line:
        raise SealNotOpened("nothing more is on standard input")
    return line.rstrip("\r\n")


def _typed_twice(question: str) -> str:
    text = ask(question)
    if sys.stdin.isatty() and ask("The same again: ") != text:
        raise WrongUsage("the two were not the same; try it again")
    return text
