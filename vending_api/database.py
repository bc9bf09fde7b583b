"""The database of an installation, with the keys of what it holds encrypted."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

from vending_api.kit.db import open_database
from vending_api.kit.vault import OPEN, DataKeysInvalid, Vault, read_data_keys
from vending_api.settings import SettingsInvalid

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from vending_api.settings import Settings


def database_of(settings: Settings, *, connections: int, is_quick: bool = False) -> Engine:
    """Return the engine of the database; raises SettingsInvalid for data keys of no use.

    `is_quick` is as in `open_database`.
    """
    url = settings.database_url.get_secret_value()
    vault = _vault_of(settings)
    return open_database(url, connections=connections, vault=vault, is_quick=is_quick)


def require_data_keys(settings: Settings) -> None:
    """Make sure that what sells stores tokens encrypted, or is told not to.

    Raises SettingsInvalid.
    """
    if settings.data_keys_file is None and not (settings.demo or settings.tokens_in_clear):
        raise SettingsInvalid(
            "VENDING_DATA_KEYS_FILE: it is not set; `vending data-key new FILE` makes keys to "
            "store tokens encrypted, or set VENDING_TOKENS_IN_CLEAR=yes to store them as they are"
        )


def _vault_of(settings: Settings) -> Vault:
    if settings.data_keys_file is None:
        return OPEN
    try:
        return read_data_keys(settings.data_keys_file, secrets.token_bytes)
    except DataKeysInvalid as error:
        raise SettingsInvalid(f"VENDING_DATA_KEYS_FILE: {error}") from None
