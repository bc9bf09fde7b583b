"""The vending keys of an installation, and what opens them; for the security module alone."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from sts.errors import KeyFileInvalid
from sts.keys.asking import opened_by_asking
from sts.keys.files import read_secret_line, read_text
from sts.keys.key_file import KeyStore
from sts.keys.sealed_file import SealedKeyFile, parse_any_key_file
from sts.keys.sealing import OpenedBy, OpeningSecret
from vending_api.sandbox.example_keys import example_keys
from vending_api.settings import SettingsInvalid

if TYPE_CHECKING:
    from vending_api.settings import Settings

Ask = Callable[[str], str]
"""Puts a question and returns what was typed, without an echo."""
Say = Callable[[str], None]
"""Shows a line to who types."""


def key_store(settings: Settings, *, ask: Ask | None, say: Say) -> KeyStore:
    """Return the vending keys of an installation.

    What the settings do not tell is asked for, if there is somebody to ask. Raises
    SettingsInvalid for plain or published keys outside a demo, and when nobody can be asked;
    SealNotOpened, KeyFileAltered, and KeyFileInvalid.
    """
    keys = _opened(settings, ask, say)
    if keys.holds_well_known_keys and not settings.demo:
        raise SettingsInvalid(
            "VENDING_KEYS_FILE: it holds published test keys, with which anybody can make tokens; "
            "use your own, or `vending serve --demo`"
        )
    return keys


def _opened(settings: Settings, ask: Ask | None, say: Say) -> KeyStore:
    if settings.keys_file is None:
        _require_demo(settings)
        return example_keys()
    text = read_text(settings.keys_file, KeyFileInvalid)
    file = parse_any_key_file(text, path=str(settings.keys_file))
    if isinstance(file, KeyStore):
        _require_demo(settings)
        return file
    if (secret := _configured(settings, file)) is not None:
        return file.open(file.key_for(secret))
    if ask is None:
        raise SettingsInvalid(_nobody_to_ask(file))
    return file.open(opened_by_asking(file, ask=ask, say=say).key)


def _require_demo(settings: Settings) -> None:
    if not settings.demo:
        raise SettingsInvalid(
            "VENDING_KEYS_FILE: its keys are not sealed, so whoever reads it has them; seal it "
            "with `sts keys seal PLAIN SEALED`, name the sealed file, and destroy the plain one"
        )


def _configured(settings: Settings, file: SealedKeyFile) -> OpeningSecret | None:
    """Return what the settings say opens a file, or None; raises FileInvalid, SealNotOpened."""
    kind = file.header.opened_by
    if settings.keys_passphrase_file is not None:
        text = read_secret_line(settings.keys_passphrase_file)
    elif settings.keys_passphrase is not None:
        text = settings.keys_passphrase.get_secret_value()
    else:
        return None
    if kind is OpenedBy.CUSTODIANS:
        raise SettingsInvalid(
            f"VENDING_KEYS_PASSPHRASE: {file.path} is opened by custodians; leave passphrases out"
        )
    return OpeningSecret.of(text, kind)


def _nobody_to_ask(file: SealedKeyFile) -> str:
    if file.header.opened_by is OpenedBy.CUSTODIANS:
        return (
            f"VENDING_KEYS_FILE: {file.path} is opened by its custodians; "
            "start it in a terminal, where they enter their shares"
        )
    return (
        f"VENDING_KEYS_PASSPHRASE_FILE: it is not set; name the file with what opens {file.path}, "
        "set VENDING_KEYS_PASSPHRASE, or start it in a terminal"
    )
