"""Defence: who approves is not who proposed, by the operator's key; and commands only propose."""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING, Final

import pytest

from tests.cli.site_support import NUMBERS, write_site
from tests.support.sealed_keys import OWN_KEYS, sealed

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.staff import Staff

METER: Final = NUMBERS[0]
COMMANDS: Final = {
    "free-units": ("token", "queue", METER, "refund", "--units", "5", "--reason", "x"),
    "engineering-token": ("token", "queue", METER, "clear-tamper", "--reason", "x"),
    "key-change": ("meter", "key-change", METER, "--tariff-index", "08"),
    "client-deposit": ("client", "deposit", "corner-shop", "5000", "--reference", "E"),
    "site": ("import", "site.toml"),
    "meters": ("import-meters", "meters.csv"),
    "estate": ("estate", "set", "Riverside", "--charge", "100"),
    "key-load": ("keys", "propose-load", "keys.sealed", "--reason", "x"),
}
"""All but refunds, which need an order: see `tests/cli/test_payments_command.py`."""
OF_OPERATORS: Final = frozenset({"proposal", "audit_trail", "operator_pass", "operator"})


def _records(folder: Path) -> dict[str, list[object]]:
    """Return every row of every table but those that say what operators did."""
    connection = sqlite3.connect(folder / "vending.db")
    tables = [
        name
        for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
        if name not in OF_OPERATORS
    ]
    found = {name: connection.execute(f"SELECT * FROM {name}").fetchall() for name in tables}  # noqa: S608 (our own)
    connection.close()
    return found


def _prepare(folder: Path) -> None:
    write_site(folder, ("maximum_minor = 200000", "maximum_minor = 900000"))
    file = folder / "meters.csv"
    file.write_text(file.read_text().replace("no,no,YES,,,", "no,yes,YES,,,"))
    (folder / "keys.sealed").write_text(sealed(OWN_KEYS))


@pytest.mark.parametrize("kind", COMMANDS)
def test_one_person_alone_changes_nothing(staff: Staff, tmp_path: Path, kind: str) -> None:
    _prepare(tmp_path)
    before = _records(tmp_path)
    name = "naledi" if kind == "key-load" else "thandi"
    proposed = staff(name, *COMMANDS[kind])
    assert proposed.code == 0, proposed.err
    files = {"site": ("--file", "site.toml"), "meters": ("--file", "meters.csv")}
    for _ in range(2):
        done = staff(name, "approvals", "approve", "1", *files.get(kind, ()))
        assert done.code == 1
        assert "proposal 1 is your own" in done.err
    assert _records(tmp_path) == before


def test_neither_a_second_session_nor_a_key_is_a_second_person(
    staff: Staff, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    assert staff("thandi", "operator", "key", "new", "robot.key", "--label", "x").code == 0
    monkeypatch.setenv("VENDING_OPERATOR_KEY_FILE", str(tmp_path / "robot.key"))
    assert staff("thandi", *COMMANDS["client-deposit"]).code == 0  # by the key
    monkeypatch.delenv("VENDING_OPERATOR_KEY_FILE")
    assert "is your own" in staff("thandi", "approvals", "approve", "1").err
    assert staff("lindiwe", *COMMANDS["free-units"]).code == 0
    monkeypatch.setenv("VENDING_OPERATOR_KEY_FILE", str(tmp_path / "robot.key"))
    assert "an API key may not" in staff("thandi", "approvals", "approve", "2").err


def test_a_clerk_who_becomes_supervisor_still_needs_another(staff: Staff) -> None:
    assert staff("pieter", *COMMANDS["client-deposit"]).code == 0
    assert staff("thandi", "operator", "roles", "pieter", "--role", "supervisor").code == 0
    assert "is your own" in staff("pieter", "approvals", "approve", "1").err
