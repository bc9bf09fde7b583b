"""`vending data-key`: keys are made, applied to what was sold, and old tokens forgotten."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select

from tests.support.selling import sell
from tests.support.service import purchase
from vending_api.domain.issuing.tables import TOKEN

if TYPE_CHECKING:
    from pathlib import Path

    from sqlalchemy import Engine

    from tests.support.vending_command import VendingCommand


@pytest.fixture
def keys(tmp_path: Path) -> Path:
    return tmp_path / "data.keys"


def _stored(engine: Engine) -> list[str]:
    with engine.connect() as connection:
        return list(connection.scalars(select(TOKEN.c.digits).order_by(TOKEN.c.key)))


def test_a_key_is_made_applied_and_replaced(
    vending: VendingCommand, engine: Engine, keys: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    command = purchase()
    (token,) = sell(engine, command).tokens
    assert json.loads(vending("data-key", "new", str(keys), "--json").out)["key"] == "0001"
    monkeypatch.setenv("VENDING_DATA_KEYS_FILE", str(keys))
    assert vending("data-key", "apply").code == 0
    assert _stored(engine)[0].startswith("0001.")
    assert "0002" in vending("data-key", "new", str(keys)).out
    assert vending("data-key", "apply").code == 0
    assert _stored(engine)[0].startswith("0002.")
    shown = vending("sale", "show", command.purchase_id, "--json")
    assert token.digits in shown.out


@pytest.mark.parametrize("command", [("apply",), ("forget",)])
def test_what_is_not_configured_is_named(vending: VendingCommand, command: tuple[str, ...]) -> None:
    done = vending("data-key", *command)
    assert done.code == 2
    assert "it is not set" in done.err


def test_a_key_that_is_missing_is_named(
    vending: VendingCommand,
    engine: Engine,
    keys: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    sell(engine, purchase())
    other = tmp_path / "other.keys"
    for file in (keys, other, other):
        vending("data-key", "new", str(file))
    monkeypatch.setenv("VENDING_DATA_KEYS_FILE", str(other))
    assert vending("data-key", "apply").code == 0
    monkeypatch.setenv("VENDING_DATA_KEYS_FILE", str(keys))
    done = vending("data-key", "apply")
    assert done.code == 1
    assert "it has no key 0002" in done.err


def test_old_tokens_are_forgotten_and_younger_ones_kept(
    vending: VendingCommand, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = datetime.now(UTC)
    sold = [
        sell(engine, purchase(received_at=now - timedelta(days=days))).tokens[0].digits
        for days in (50, 40, 1)
    ]
    assert vending("data-key", "forget", "--days", "45").code == 0
    assert [len(one) for one in _stored(engine)] == [64, 20, 20]
    monkeypatch.setenv("VENDING_TOKENS_KEPT_DAYS", "31")
    done = vending("data-key", "forget")
    assert done.code == 0
    assert [len(one) for one in _stored(engine)] == [64, 64, 20]
    assert _stored(engine)[2] == sold[2]
    assert not any(digits in done.out + done.err for digits in sold)


@pytest.mark.parametrize(("days", "code"), [("31", 0), ("30", 2)])
def test_tokens_are_kept_for_a_month_at_least(
    vending: VendingCommand, days: str, code: int
) -> None:
    assert vending("data-key", "forget", "--days", days).code == code


def test_a_file_of_something_else_is_not_written_over(
    vending: VendingCommand, tmp_path: Path
) -> None:
    file = tmp_path / "letter"
    file.write_text("Dear reader\n")
    file.chmod(0o600)
    done = vending("data-key", "new", str(file))
    assert done.code == 1
    assert "line 1" in done.err
    assert file.read_text() == "Dear reader\n"
