"""Defence: where there are operators, `vending import` proposes and does not enter."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pytest

from tests.support.selling import refusal, sell
from tests.support.service import DEMO_CLIENT, purchase, writing
from tests.support.staff import Staff
from tests.support.vending_command import VendingCommand
from vending_api.domain.clients.service import change_client, find_client
from vending_api.domain.clients.types import ClientTerms

if TYPE_CHECKING:
    from pathlib import Path

    from sqlalchemy import Engine

    from vending_api.domain.sales.types import SellCredit

HIGHER: Final = """
[[client]]
user_name = "test"
name = "Demo point of sale"
prepaid = false
sale_maximum_minor = 900000
"""


@pytest.fixture
def staff(
    engine: Engine,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
) -> Staff:
    """Give the command over the demo's register, whose client may sell for R50 at once."""
    with writing(engine) as connection, connection.begin():
        terms = ClientTerms(sale_maximum_minor=5_000)
        change_client(connection, DEMO_CLIENT.key, name=DEMO_CLIENT.name, terms=terms)
    (tmp_path / "higher.toml").write_text(HIGHER)
    url = engine.url.render_as_string(hide_password=False)
    monkeypatch.setenv("VENDING_DATABASE_URL", url)
    return Staff(VendingCommand(monkeypatch, capsys, tmp_path), monkeypatch, tmp_path)


def _purchase(engine: Engine) -> SellCredit:
    """Return a purchase for R100, on the client's terms as they are now."""
    with engine.connect() as connection:
        return purchase(client=find_client(connection, "test"), amount_minor=10_000)


@pytest.mark.parametrize("name", ["pieter", "thandi"])
def test_who_raises_a_limit_cannot_use_it(staff: Staff, engine: Engine, name: str) -> None:
    assert refusal(engine, _purchase(engine)).code == "limit_exceeded"
    assert staff(name, "import", "higher.toml").code == 0
    assert staff(name, "approvals", "approve", "1", "--file", "higher.toml").code == 1
    assert refusal(engine, _purchase(engine)).code == "limit_exceeded"


def test_another_person_lets_it_be_used(staff: Staff, engine: Engine) -> None:
    assert staff("pieter", "import", "higher.toml").code == 0
    assert staff("thandi", "approvals", "approve", "1", "--file", "higher.toml").code == 0
    assert sell(engine, _purchase(engine)).tokens
