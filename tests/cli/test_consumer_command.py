"""`vending consumer`: help for residents who have registered."""

from __future__ import annotations

import io
import json
import re
import sys
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from tests.cli.site_support import NUMBERS, rows, station
from tests.support.residents import registration
from tests.support.service import NOON, writing
from vending_api.domain.consumers import service as consumers
from vending_api.domain.estates.service import set_estate
from vending_api.kit.credentials import password_fits
from vending_api.kit.db import open_database

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.vending_command import Done, VendingCommand

EMAIL = "Thandi@example.org"
HASH = "$argon2id$not-checked-here"


@pytest.fixture
def vending(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> VendingCommand:
    """Give the command over a database with a resident who is logged in on two devices.

    A third key has expired.
    """
    command = station(monkeypatch, capsys, tmp_path, has_site=True, has_meters=True)
    engine = open_database(f"sqlite:///{tmp_path / 'vending.db'}", connections=1)
    now = datetime.now(UTC)
    with writing(engine) as connection, connection.begin():
        terms = {"account_code": "", "transaction_charge_minor": 0}
        estate = set_estate(connection, "Riverside", at=NOON, **terms)  # type: ignore[arg-type]  # as named
        resident = registration(
            estate.key, name="Thandi Nkosi", email=EMAIL, meter_number=NUMBERS[0]
        )
        key = consumers.register(connection, resident)
        for letter, at in (("a", now), ("b", now), ("c", now - timedelta(days=2))):
            consumers.add_api_key(
                connection, key, letter, checked_hash=resident.password_hash, at=at, days=1
            )
    engine.dispose()
    return command


def test_a_consumer_is_shown_with_meter_and_devices(vending: VendingCommand) -> None:
    facts = json.loads(vending("consumer", "show", EMAIL.lower(), "--json").out)
    assert facts == {
        "user": 1,
        "name": "Thandi Nkosi",
        "email": EMAIL,
        "estate": "Riverside",
        "flat_number": "55A",
        "meter_number": NUMBERS[0],
        "meter_type": "single source",
        "meter_phase_type": "single phase",
        "devices": 2,
        "registered_at": "2026-11-21T12:00:00+00:00",
        "updated_at": "2026-11-21T12:00:00+00:00",
    }
    shown = vending("consumer", "show", EMAIL).out
    assert re.search(rf"Meter +{NUMBERS[0]}, single source, single phase", shown), shown
    assert re.search(r"Logged in on +2 devices", shown)
    assert re.search(r"Registered +2026-11-21 12:00:00 UTC", shown)


@pytest.mark.parametrize("command", ["show", "password", "log-out"])
def test_an_unknown_consumer_is_one_line(vending: VendingCommand, command: str) -> None:
    done = vending("consumer", command, "who@example.org")
    assert (done.code, done.out) == (1, "")
    assert done.err == (
        "vending: nobody has registered with who@example.org; write the address in full\n"
    )


def _new_password(vending: VendingCommand, monkeypatch: pytest.MonkeyPatch, piped: str) -> Done:
    monkeypatch.setattr(sys, "stdin", io.StringIO(piped))
    done = vending("consumer", "password", EMAIL)
    assert piped.strip() not in done.out + done.err
    return done


def test_a_new_password_logs_out_everywhere(
    vending: VendingCommand, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    done = _new_password(vending, monkeypatch, "another one\n")
    assert done.code == 0, done.err
    assert done.err == f"{EMAIL} has another password now, and is logged out everywhere.\n"
    ((kept,),) = rows(tmp_path, "consumer", "password_hash")
    assert password_fits(kept, "another one")
    assert rows(tmp_path, "api_key") == []


@pytest.mark.parametrize("piped", ["short 7", "two lines of\npasswords\n"])
def test_a_password_that_is_not_sound_changes_nothing(
    vending: VendingCommand, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, piped: str
) -> None:
    assert _new_password(vending, monkeypatch, piped).code == 1
    assert rows(tmp_path, "consumer", "password_hash") == [(HASH,)]
    assert len(rows(tmp_path, "api_key")) == 3


def test_to_log_out_revokes_the_keys_and_keeps_the_password(
    vending: VendingCommand, tmp_path: Path
) -> None:
    done = vending("consumer", "log-out", EMAIL)
    assert done.err == f"{EMAIL} is logged out everywhere; API keys revoked: 3.\n"
    assert rows(tmp_path, "api_key") == []
    assert rows(tmp_path, "consumer", "password_hash") == [(HASH,)]
    assert "API keys revoked: 0" in vending("consumer", "log-out", EMAIL).err
    assert re.search("Logged in on +0 devices", vending("consumer", "show", EMAIL).out)
