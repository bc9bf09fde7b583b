"""A whole service with all its doors, behind a real socket, for the tests of this folder."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urljoin

import pytest
from pydantic import SecretStr

from tests.support.http import serving

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder: Path = tmp_path_factory.mktemp("web")
    with serving(
        f"sqlite:///{folder / 'web.db'}",
        public_url="http://127.0.0.1",
        paystack_secret_key=SecretStr("sk_test_of_the_doors"),
        background=False,
    ) as interface:
        yield urljoin(interface, "/")
