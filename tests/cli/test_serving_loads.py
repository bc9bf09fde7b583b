"""A service begins without loading what only some installations use."""

from __future__ import annotations

import subprocess
import sys
from typing import Final

import pytest

_PROGRAM: Final = """
import sys
import vending_api.cli.serving
from vending_api.surfaces.electrum.routes import ElectrumServices, build_app
build_app(services=ElectrumServices(**dict.fromkeys(ElectrumServices.__slots__)), now=None)
print(*sys.modules)
"""


@pytest.fixture(scope="module")
def loaded() -> set[str]:
    """Give the modules that are loaded before a service has read its settings."""
    done = subprocess.run(
        [sys.executable, "-c", _PROGRAM], check=True, capture_output=True, text=True
    )
    return set(done.stdout.split())


@pytest.mark.parametrize(
    ("module", "used_for"),
    [
        ("httpx2", "Paystack and SMS"),
        ("smtplib", "mail"),
        ("cryptography.x509", "TLS"),
        ("pydantic.v1", "answers that FastAPI itself would check"),
    ],
)
def test_what_nobody_has_asked_for_is_not_loaded(
    loaded: set[str], module: str, used_for: str
) -> None:
    assert module not in loaded, used_for


def test_what_serves_points_of_sale_is_loaded(loaded: set[str]) -> None:
    assert {"vending_api.main", "vending_api.surfaces.electrum.routes", "uvicorn"} <= loaded
