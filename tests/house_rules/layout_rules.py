"""Where things stand: a fixed top level, and a README in every room."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

TOP_LEVEL: Final = frozenset(
    {
        *("README.md", "pyproject.toml", "uv.lock", "keys.example"),
        *("sts", "tariffs", "vending_api", "tests", "benchmarks"),
    }
)
"""Everything else at the top is hidden, and so out of a newcomer's way."""

ROOMS: Final = (
    "benchmarks",
    "sts",
    "sts/batch",
    "sts/hazmat",
    "sts/keys",
    "sts/tokens",
    "tariffs",
    "tests",
    "tests/house_rules",
    "vending_api",
    "vending_api/cli",
    "vending_api/domain",
    "vending_api/gateways",
    "vending_api/kit",
    "vending_api/migrations",
    "vending_api/monitoring",
    "vending_api/sandbox",
    "vending_api/surfaces",
    "vending_api/surfaces/electrum",
    "vending_api/web",
)
"""Folders that explain themselves; a new surface joins them by existing."""

_SURFACES: Final = "vending_api/surfaces/"


def strangers_at_the_top(paths: Iterable[str]) -> list[str]:
    """Return what stands at the top level and does not belong there."""
    top = {path.partition("/")[0] for path in paths}
    return sorted(name for name in top - TOP_LEVEL if not name.startswith("."))


def rooms_without_readme(paths: Iterable[str], rooms: Iterable[str] = ROOMS) -> list[str]:
    """Return the rooms, all surfaces among them, that have no README.md."""
    present = set(paths)
    surfaces = {
        path.removesuffix("/__init__.py")
        for path in present
        if path.startswith(_SURFACES)
        and path.count("/") == _SURFACES.count("/") + 1
        and path.endswith("/__init__.py")
    }
    return sorted(room for room in {*rooms, *surfaces} if f"{room}/README.md" not in present)
