"""The databases of benchmarks, whose tokens are stored encrypted as in production.

Nothing of it is secret: the data key follows from fixed words, so that a database can be used
again.
"""

from __future__ import annotations

import hashlib
from secrets import token_bytes
from typing import TYPE_CHECKING, Final

from vending_api.kit import db
from vending_api.kit.vault import Vault, write_new_data_key

if TYPE_CHECKING:
    from pathlib import Path

    from sqlalchemy import Engine

_KEY: Final = hashlib.sha256(b"data key of the benchmark").digest()


def write_data_keys(file: Path) -> None:
    """Write the file of the data key, unless it is there."""
    if not file.exists():
        write_new_data_key(file, chance=_KEY)


def open_database(url: str, *, connections: int = 1) -> Engine:
    """Return the engine of a database, with the data key."""
    return db.open_database(url, connections=connections, vault=Vault({"0001": _KEY}, token_bytes))
