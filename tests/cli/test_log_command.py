"""`vending log` makes keys and checkpoints, proves and exports the log, and fails on a break."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import text

from tests.support.selling import sell
from tests.support.service import purchase, writing

if TYPE_CHECKING:
    from pathlib import Path

    from sqlalchemy import Engine

    from tests.support.vending_command import VendingCommand


@pytest.fixture
def public(vending: VendingCommand, monkeypatch: pytest.MonkeyPatch) -> str:
    """Give the public key of a new pair, which signs from now on."""
    made = vending("log", "key", "log.key", "--new")
    assert made.code == 0
    monkeypatch.setenv("VENDING_LOG_KEY_FILE", "log.key")
    return made.out.strip()


def _sell(engine: Engine, sales: int = 1) -> None:
    for _ in range(sales):
        # By the clock: a row is late by the age that it has when the log is proven.
        sell(engine, purchase(received_at=datetime.now(UTC)))


def _run(engine: Engine, *statements: str) -> None:
    with writing(engine) as connection, connection.begin():
        for statement in statements:
            connection.execute(text(statement))


def test_a_key_is_made_once_and_only_its_public_half_is_shown(
    vending: VendingCommand, tmp_path: Path
) -> None:
    made = vending("log", "key", "new.key", "--new")
    assert (made.code, len(made.out.strip())) == (0, 64)
    secret = (tmp_path / "new.key").read_text().splitlines()[1]
    assert secret not in made.out + made.err
    again = vending("log", "key", "new.key", "--new")
    assert (again.code, again.out) == (1, "")
    assert "exists" in again.err
    shown = vending("log", "key", "new.key")
    assert shown.out == made.out
    as_json = json.loads(vending("log", "key", "new.key", "--json").out)
    assert as_json["public_key"] == made.out.strip()
    assert as_json["key_id"] in made.err
    (tmp_path / "new.key").chmod(0o644)
    assert "others may read it" in vending("log", "key", "new.key").err


def test_without_a_key_the_log_is_proven_and_said_to_lack_checkpoints(
    vending: VendingCommand, engine: Engine
) -> None:
    _sell(engine)
    done = vending("log", "verify")
    assert done.code == 0
    assert "The log holds." in done.err
    assert "No checkpoint: the end of a chain can be cut off unseen" in done.err
    refused = vending("log", "checkpoint")
    assert (refused.code, refused.out) == (2, "")
    assert "VENDING_LOG_KEY_FILE: it is not set" in refused.err


def test_a_key_file_that_is_none_is_told_by_its_variable(
    vending: VendingCommand, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VENDING_LOG_KEY_FILE", "missing.key")
    for command in ("checkpoint", "verify"):
        done = vending("log", command)
        assert done.code == 2
        assert done.err.startswith("vending: VENDING_LOG_KEY_FILE: missing.key: it cannot be read")


def test_checkpoints_are_made_on_demand_where_something_was_sold(
    vending: VendingCommand, engine: Engine, public: str
) -> None:
    assert vending("log", "checkpoint").err == "Nothing was logged since the last checkpoint.\n"
    _sell(engine)
    first = vending("log", "checkpoint")
    assert first.code == 0
    assert first.out.startswith("1:")
    assert vending("log", "checkpoint").out == ""
    _sell(engine)
    second = json.loads(vending("log", "checkpoint", "--json").out)
    assert (second["number"], second["chains"]) == (2, 1)
    expected = ("--expect", first.out.strip(), "--expect", f"2:{second['digest']}")
    for keys in ((), ("--key", public)):
        done = vending("log", "verify", *keys, *expected)
        assert (done.code, "The log holds." in done.err) == (0, True), done
    proven = json.loads(vending("log", "verify", "--json").out)
    assert proven["breaks"] == proven["differences"] == []
    assert proven["proven"]["checkpoints"] == 2
    assert proven["proven"]["newest_checkpoint_digest"] == second["digest"]


def test_a_truncated_log_fails_with_every_break_named(
    vending: VendingCommand, engine: Engine, public: str
) -> None:
    _sell(engine, 3)
    first = vending("log", "checkpoint").out.strip()
    _run(
        engine,
        "DELETE FROM token_log WHERE sequence = 3",
        "DELETE FROM token WHERE key = (SELECT max(key) FROM token)",
        "DELETE FROM sale WHERE key = (SELECT max(key) FROM sale)",
    )
    done = vending("log", "verify", "--key", public)
    assert done.code == 1
    assert "the row after it is gone; checkpoint 1 knows" in " ".join(done.out.split())
    (found,) = json.loads(vending("log", "verify", "--json").out)["breaks"]
    assert found["sequence"] == 2
    _run(engine, "DELETE FROM token_log_head", "DELETE FROM token_log_checkpoint")
    assert vending("log", "verify").code == 0  # nothing in the database knows any more
    gone = json.loads(vending("log", "verify", "--expect", first, "--json").out)["breaks"]
    assert [one["problem"] for one in gone] == ["was expected and is not there"]


def test_a_token_or_a_row_without_the_other_fails(
    vending: VendingCommand, engine: Engine, public: str
) -> None:
    _sell(engine, 2)
    vending("log", "checkpoint")
    assert len(public) == 64
    _run(engine, "DELETE FROM token WHERE key = (SELECT max(key) FROM token)")
    done = vending("log", "verify")
    assert done.code == 1
    assert "token and log" in done.out
    assert "The log holds." not in done.err
    told = json.loads(vending("log", "verify", "--json").out)
    assert told["breaks"] == []
    assert {one["check"] for one in told["differences"]} == {"sale and token", "token and log"}


def test_an_export_is_proven_on_a_machine_without_the_database(
    vending: VendingCommand,
    engine: Engine,
    public: str,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    _sell(engine, 3)
    known = vending("log", "checkpoint").out.strip()
    with engine.connect() as connection:
        digits = connection.execute(text("SELECT digits FROM token")).scalars().all()
    assert vending("log", "export", "log.jsonl").code == 0
    again = vending("log", "export", "log.jsonl")
    assert again.code == 1
    assert "is there already" in again.err
    content = (tmp_path / "log.jsonl").read_text()
    assert digits
    assert not [one for one in digits if one in content]
    monkeypatch.setenv("VENDING_DATABASE_URL", "sqlite:///nowhere/vending.db")
    monkeypatch.delenv("VENDING_LOG_KEY_FILE")
    prove = ("log", "verify", "--file", "log.jsonl", "--key", public)
    assert vending(*prove, "--expect", known).code == 0
    (tmp_path / "log.jsonl").write_text(content.replace("paid 10000", "paid 90000", 1))
    done = vending(*prove)
    assert done.code == 1
    assert "was changed" in done.out
    unkeyed = vending("log", "verify", "--file", "log.jsonl")
    assert unkeyed.code == 2
    assert "give the public key that you trust" in unkeyed.err


def test_what_is_no_export_no_key_or_no_checkpoint_is_refused(
    vending: VendingCommand, tmp_path: Path
) -> None:
    (tmp_path / "other").write_bytes(b"\xff\xfe{}")
    refused = vending("log", "verify", "--file", "other", "--key", "00" * 32)
    assert refused.code == 1
    assert "other is no exported log: line 1" in refused.err
    assert vending("log", "verify", "--file", "missing", "--key", "00" * 32).code == 1
    assert vending("log", "verify", "--key", "00").code == 2
    assert vending("log", "verify", "--expect", "1").code == 2


def test_the_grants_are_printed_or_done(vending: VendingCommand, engine: Engine) -> None:
    printed = vending("database", "grants", "clerk")
    assert printed.code == 0
    assert "GRANT SELECT, INSERT ON alert, audit_trail, client, credit_entry" in printed.out
    assert all(line.endswith(";") for line in printed.out.splitlines())
    done = vending("database", "grants", "postgres", "--apply")
    assert done.code == 1
    why = "SQLite has no roles" if engine.dialect.name == "sqlite" else "postgres owns account"
    assert why in done.err
