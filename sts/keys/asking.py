"""Asking people for what opens a sealed key file, and saying what was wrong with it.

How a question reaches them is the caller's: `ask` returns what they type, without an echo.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from sts.errors import SealNotOpened, ShareInvalid
from sts.keys.custody import Custodians, Share, set_name
from sts.keys.sealing import Custody, KeyEncryptionKey, OpenedBy, OpeningSecret

if TYPE_CHECKING:
    from collections.abc import Callable

    from sts.keys.sealed_file import SealedKeyFile

    Ask = Callable[[str], str]
    Say = Callable[[str], None]

NAMES: Final = {OpenedBy.PASSPHRASE: "Passphrase", OpenedBy.KEY: "Key (64 hex digits)"}


class Opened(NamedTuple):
    """What people have given, and the key that it made: it fits the file."""

    secret: OpeningSecret
    key: KeyEncryptionKey


def opened_by_asking(file: SealedKeyFile, *, ask: Ask, say: Say, tries: int = 3) -> Opened:
    """Return what opens a file, asked for so often; raises SealNotOpened."""
    while True:
        tries -= 1
        try:
            secret = secret_by_asking(file, ask=ask, say=say)
            return Opened(secret, file.key_for(secret))
        except SealNotOpened as wrong:
            if tries <= 0:
                raise
            say(f"{wrong}; try again")


def secret_by_asking(file: SealedKeyFile, *, ask: Ask, say: Say) -> OpeningSecret:
    """Return what people give for a file, right or not; raises SealNotOpened for what is none."""
    kind = file.header.opened_by
    if kind is OpenedBy.CUSTODIANS:
        return shares_by_asking(file.header.custody, ask=ask, say=say)[0]
    return OpeningSecret.of(ask(f"{NAMES[kind]} of {file.path}: "), kind)


def shares_by_asking(
    custody: Custody | None, *, ask: Ask, say: Say
) -> tuple[OpeningSecret, Custody]:
    """Return what custodians' shares make, each asked for until it is right, and their set.

    Without a `custody` the first share says what the others must be.
    """
    first = None
    if custody is None:
        first = _share_by_asking("First share: ", ask=ask, say=say)
        custody = Custody(first.needed, first.share_set)
    custodians = Custodians(custody)
    if first is not None:
        custodians.add(first)
    while custodians.missing:
        which = custody.needed - custodians.missing + 1
        question = f"Share {which} of {custody.needed}, set {set_name(custody.share_set)}: "
        try:
            custodians.add(_share_by_asking(question, ask=ask, say=say))
        except ShareInvalid as wrong:
            say(str(wrong))
    return custodians.secret(), custody


def _share_by_asking(question: str, *, ask: Ask, say: Say) -> Share:
    while True:
        try:
            return Share.parse(ask(question))
        except ShareInvalid as wrong:
            say(str(wrong))
