"""Alembic, configured here and not in a file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from alembic import command
from alembic.config import Config

if TYPE_CHECKING:
    from sqlalchemy import Engine


def upgrade(engine: Engine) -> None:
    """Make every step that a database lacks."""
    config = alembic_config()
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


def alembic_config() -> Config:
    """Return where the steps are."""
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent))
    return config
