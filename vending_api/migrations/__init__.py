"""The schema and how it came about: which revision a database has, and how it gets the newest."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Final

from sqlalchemy import column, inspect, select, table

if TYPE_CHECKING:
    from sqlalchemy import Engine

_VERSIONS: Final = Path(__file__).with_name("versions")
_VERSION: Final = table("alembic_version", column("version_num"))


def upgrade(engine: Engine) -> None:
    """Bring a database to the newest schema; harmless when it is there already."""
    if not is_current(engine):
        # A service that finds its database in order does not wait until alembic is loaded.
        import_module("vending_api.migrations.upgrading").upgrade(engine)


def is_current(engine: Engine) -> bool:
    """Return whether a database has the schema that this version needs."""
    with engine.connect() as connection:
        if not inspect(connection).has_table(_VERSION.name):
            return False
        return connection.scalar(select(_VERSION.c.version_num)) == newest()


def newest() -> str:
    """Return the revision of the schema that this version needs."""
    return max(file.name for file in _VERSIONS.glob("[0-9]*.py")).partition("_")[0]
