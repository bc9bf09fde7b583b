"""`vending audit tokens` tells sold tokens from all others, and shows no secret meanwhile."""

from __future__ import annotations

import csv
import importlib
import json
import stat
import sys
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.exc import ProgrammingError

from sts.errors import BatchExtraMissing
from tests.cli.audit_support import (
    AUDIT,
    execute,
    found_in,
    ghost,
    own_ghost,
)
from tests.support.sealed_keys import KEY, OWN_KEY, installed
from tests.support.selling import sell
from tests.support.service import purchase
from vending_api.sandbox.example_keys import example_keys

if TYPE_CHECKING:
    from pathlib import Path

    from sqlalchemy import Engine

    from tests.support.postgres import PostgresServer
    from tests.support.vending_command import VendingCommand


@pytest.fixture
def vending(vending: VendingCommand, monkeypatch: pytest.MonkeyPatch) -> VendingCommand:
    """Give the command with the keys of the demo."""
    monkeypatch.setenv("VENDING_DEMO", "true")
    return vending


def test_a_clean_database_is_success(vending: VendingCommand, engine: Engine) -> None:
    sell(engine, purchase())
    done = vending(*AUDIT)
    assert done.code == 0
    assert "Nothing was found." in done.err
    assert done.out.splitlines()[0].split() == ["tokens", "1"]


def test_a_changed_amount_is_found_with_its_sale_and_masked(
    vending: VendingCommand, engine: Engine
) -> None:
    sale = sell(engine, purchase())
    (token,) = sale.tokens
    execute(engine, "UPDATE token SET units_tenths = 1")
    done = vending(*AUDIT, "--json")
    assert done.code == 1
    told = json.loads(done.out)
    assert told["by_finding"] == {"other_amount": 1}
    (one,) = told["list"]
    assert one["meter"] == "TST001"
    assert one["token"] == "*" * 16 + token.digits[-4:]
    assert (one["says_value"], one["sold_value"]) == (token.units_tenths, 1)
    assert one["reference"] == sale.purchase_id
    printed = vending(*AUDIT)
    assert token.digits not in done.out + done.err + printed.out + printed.err
    assert token.digits in vending(*AUDIT, "--digits", "--json").out


def test_findings_are_a_file_of_their_owner_alone(
    vending: VendingCommand, engine: Engine, tmp_path: Path
) -> None:
    sell(engine, purchase())
    execute(engine, "DELETE FROM token_log")
    out = tmp_path / "out.csv"
    done = vending(*AUDIT, "--findings", out)
    assert done.code == 1
    assert "Each finding is in" in done.err
    assert stat.S_IMODE(out.stat().st_mode) == 0o600
    with out.open(encoding="utf-8", newline="") as file:
        (row,) = csv.DictReader(file)
    assert row["finding"] == "not_in_log"
    again = vending(*AUDIT, "--findings", out)
    assert again.code == 1
    assert "is there already" in again.err


def test_sealed_keys_are_opened_by_what_the_settings_name(
    vending: VendingCommand, engine: Engine, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (token,) = sell(engine, purchase()).tokens
    monkeypatch.delenv("VENDING_DEMO")
    for name, value in installed(tmp_path).items():
        monkeypatch.setenv(name, value)
    # The file's key is another than the one that the token was made with.
    done = vending(*AUDIT, "--json")
    assert json.loads(done.out)["by_finding"] == {"unreadable": 1}
    (one,) = found_in(vending, f"TST001,{ghost()}", f"TST001,{own_ghost()}")[1:]
    assert one["finding"] == "never_sold"
    assert token.digits not in done.out + done.err
    assert not {OWN_KEY, KEY} & {*(done.out + done.err).lower().split()}
    assert OWN_KEY not in (done.out + done.err).lower()


def test_sealed_keys_that_nobody_can_open_end_it_before_anything_is_read(
    vending: VendingCommand, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("VENDING_DEMO")
    for name, value in installed(tmp_path).items():
        monkeypatch.setenv(name, value)
    (tmp_path / "keys.key").write_text("0" * 64 + "\n")
    done = vending(*AUDIT)
    assert done.code == 1
    assert KEY not in done.err
    monkeypatch.delenv("VENDING_KEYS_PASSPHRASE_FILE")
    assert vending(*AUDIT).code == 2


def test_a_role_that_may_only_select_is_enough(
    vending: VendingCommand,
    engine: Engine,
    monkeypatch: pytest.MonkeyPatch,
    request: pytest.FixtureRequest,
) -> None:
    if engine.dialect.name != "postgresql":
        pytest.skip("SQLite knows no roles")
    (token,) = sell(engine, purchase()).tokens
    server: PostgresServer = request.getfixturevalue("postgres_server")
    role = f"auditor_{uuid4().hex[:8]}"
    with server.connect() as connection:
        connection.execute(f"CREATE ROLE {role} LOGIN".encode())
    execute(engine, f"GRANT SELECT ON ALL TABLES IN SCHEMA public TO {role}")
    try:
        url = engine.url.set(username=role)
        monkeypatch.setenv("VENDING_DATABASE_URL", url.render_as_string(hide_password=False))
        assert vending(*AUDIT).code == 0
        (one,) = found_in(vending, f"TST001,{token.digits}", f"TST001,{ghost()}")
        assert one["finding"] == "never_sold"
        auditor = create_engine(url)
        for attack in ("DELETE FROM token", "UPDATE token SET units_tenths = 1"):
            refused = pytest.raises(ProgrammingError, match="permission denied")
            with auditor.connect() as connection, refused:
                connection.execute(text(attack))
        auditor.dispose()
        execute(engine, f"REVOKE SELECT ON token_log FROM {role}")  # noqa: S608 (our own name)
        done = vending(*AUDIT)
        assert (done.code, "permission denied for table token_log" in done.err) == (1, True)
    finally:
        execute(engine, f"DROP OWNED BY {role}")
        execute(engine, f"DROP ROLE {role}")


def test_without_keys_it_says_what_is_missing(
    vending: VendingCommand, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("VENDING_DEMO")
    done = vending(*AUDIT)
    assert (done.code, "VENDING_KEYS_FILE" in done.err) == (2, True)


def test_without_the_extra_it_says_what_to_install(
    vending: VendingCommand, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = importlib.import_module

    def without_numba(name: str, *rest: str) -> object:
        if name == "numba":
            raise ImportError(name)
        return real(name, *rest)

    monkeypatch.setattr(importlib, "import_module", without_numba)
    for name in [*sys.modules]:
        if name.startswith(("sts.batch", "vending_api.domain.audits")):
            monkeypatch.delitem(sys.modules, name)
    done = vending(*AUDIT)
    assert (done.code, done.err.strip()) == (1, f"vending: {BatchExtraMissing('numba')}")


def test_no_key_is_ever_shown(vending: VendingCommand, engine: Engine) -> None:
    sell(engine, purchase())
    execute(engine, "UPDATE token SET tariff_index = '02'")
    done = vending(*AUDIT)
    assert done.code == 1
    for key in example_keys():
        assert key.octets.hex() not in (done.out + done.err).lower()
