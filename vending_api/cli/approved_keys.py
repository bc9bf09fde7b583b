"""Whether the key file of the settings is one that two key custodians have agreed on."""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING

from vending_api import migrations
from vending_api.domain.actions.service import approved_key_files
from vending_api.domain.operators.service import is_peopled
from vending_api.kit.db import open_database
from vending_api.settings import SettingsInvalid

if TYPE_CHECKING:
    from pathlib import Path

    from sqlalchemy import Connection

    from vending_api.settings import Settings


def is_approved(connection: Connection, file: Path) -> bool:
    """Return whether a key file may be used: without operators, any; raises OSError."""
    if not is_peopled(connection):
        return True
    return sha256(file.read_bytes()).hexdigest() in approved_key_files(connection)


def require_approved_keys(settings: Settings) -> None:
    """Raise SettingsInvalid for a key file that nobody approved, once there are operators.

    Where the keys are with a security module that runs by itself, it is that one's file, and only
    `vending doctor` in its environment sees it: the module has no database.
    """
    file = settings.keys_file
    if settings.demo or file is None or settings.security_module is not None:
        return
    engine = open_database(settings.database_url.get_secret_value(), connections=1)
    try:
        # Another schema is somebody else's to refuse, who says what to do about it.
        if not migrations.is_current(engine):
            return
        with engine.connect() as connection:
            if not is_approved(connection, file):
                raise SettingsInvalid(
                    f"VENDING_KEYS_FILE: {file} was not approved; type `vending keys propose-load` "
                    "as a key custodian, and let another one approve it"
                )
    finally:
        engine.dispose()
