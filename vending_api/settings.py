"""Configuration from the environment, checked before anything starts.

Every name begins with VENDING_; what is missing or wrong stops the start with one
line that names the variable.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

PREFIX = "VENDING_"
DEFAULT_PORT = 8080
_DATABASES = ("sqlite:///", "postgresql+psycopg://")


class SettingsInvalid(Exception):
    """The environment does not configure the service; the text names the variable."""


class Settings(BaseSettings):
    """How this installation runs."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, frozen=True, extra="ignore")

    database_url: SecretStr = SecretStr("sqlite:///vending.db")
    """SQLAlchemy address: sqlite:///FILE, or postgresql+psycopg://USER:PASSWORD@HOST/NAME."""
    keys_file: Path | None = None
    """TOML file of vending keys, in the form of keys.example."""
    sta_tables: Path | None = None
    """TOML or JSON file of the licensed STA tables; without it the IEC sample tables."""
    host: Annotated[str, Field(min_length=1)] = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=65_535)] = DEFAULT_PORT
    workers: Annotated[int, Field(ge=1, le=64)] = 1
    demo_timeout_seconds: Annotated[float, Field(ge=0, le=600)] = 10
    """How long the demo lets the first purchase of TST011 wait, until it is answered 504."""
    demo: bool = False
    """Set by `vending serve --demo`: demo data, example keys, loopback only."""

    @property
    def uses_sqlite(self) -> bool:
        """Whether the database is a file of this machine."""
        return self.database_url.get_secret_value().startswith("sqlite")


def read_settings() -> Settings:
    """Return what the environment says, each value right by itself.

    Raises SettingsInvalid with one line: the variable, what is wrong, what to do.
    """
    try:
        settings = Settings()
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        name = PREFIX + "_".join(str(part) for part in first["loc"]).upper()
        raise SettingsInvalid(f"{name}: {first['msg']}; set it right and start again") from None
    if not settings.database_url.get_secret_value().startswith(_DATABASES):
        raise SettingsInvalid(
            "VENDING_DATABASE_URL: write sqlite:///FILE or "
            "postgresql+psycopg://USER:PASSWORD@HOST/NAME"
        )
    return settings


def load_settings() -> Settings:
    """Return the settings of a service that may start.

    Raises SettingsInvalid as `read_settings`, and when the values do not go together.
    """
    settings = read_settings()
    if settings.uses_sqlite and settings.workers > 1:
        raise SettingsInvalid(
            "VENDING_WORKERS: SQLite has one writer, so one worker; use PostgreSQL for more"
        )
    if settings.keys_file is None and not settings.demo:
        raise SettingsInvalid(
            "VENDING_KEYS_FILE: it is not set; name a key file in the form of keys.example, "
            "or try `vending serve --demo`"
        )
    return settings
