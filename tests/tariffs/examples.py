"""The shipped tariffs, and shorthand for asking them."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

import tariffs
from tariffs.document import load_tariff

if TYPE_CHECKING:
    from tariffs.tariff import Tariff

FOLDER: Final = Path(tariffs.__file__).parent / "examples"
NAMES: Final = (
    "citypower-2024",
    "eskom-homelight-2025",
    "kenya-2018",
    "kenya-2024",
    "nigeria-band-a-2024",
    "tshwane-2022",
    "zetdc-2024-03",
)


def text_of(name: str) -> str:
    """Return the document of a shipped tariff."""
    return (FOLDER / f"{name}.toml").read_text(encoding="utf-8")


def shipped(name: str) -> Tariff:
    """Return a shipped tariff."""
    return load_tariff(FOLDER / f"{name}.toml")


def noon(day: str) -> datetime:
    """Return noon UTC of an ISO date, which is the same day in every shipped time zone."""
    return datetime.fromisoformat(f"{day}T12:00:00").replace(tzinfo=UTC)
