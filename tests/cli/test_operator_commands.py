"""`vending operator`, `login`, `sessions` and `audit-trail`: from nobody to several."""

from __future__ import annotations

import json
import re
import sqlite3
import stat
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.cli.site_support import rows, station
from tests.support.operators import code_at
from tests.support.staff import ROLES, Staff, typing
from vending_api.cli import login as login_command
from vending_api.cli.pass_file import session_file

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.vending_command import Done, VendingCommand

OWN: Final = "a password of my own"


class _Clock(datetime):
    """The command's clock, which stands 30 seconds later at each login."""

    ahead = timedelta()

    @classmethod
    def now(cls, tz: object = None) -> datetime:  # type: ignore[override]  # noqa: ARG003 (UTC)
        return datetime.now(UTC) + cls.ahead


@pytest.fixture
def vending(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> VendingCommand:
    command = station(monkeypatch, capsys, tmp_path, has_site=True)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("COLUMNS", "250")
    monkeypatch.setattr(_Clock, "ahead", timedelta())
    monkeypatch.setattr(login_command, "datetime", _Clock)
    return command


@pytest.fixture
def staff(vending: VendingCommand, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Staff:
    return Staff(vending, monkeypatch, tmp_path)


def _added(done: Done) -> tuple[str, str]:
    """Return the password and the secret of the app that a command printed."""
    assert done.code == 0, done.err
    facts = json.loads(done.out)
    return facts["password"], parse_qs(urlsplit(facts["app"]).query)["secret"][0]


def _code(secret: str) -> str:
    _Clock.ahead += timedelta(seconds=30)
    return code_at(secret, _Clock.now())


def test_from_the_first_operator_to_the_second(
    vending: VendingCommand, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    refused = vending("operator", "add", "thandi", "--role", "clerk")
    assert "must be a supervisor" in refused.err
    first = vending("operator", "add", "thandi", "--role", "supervisor", "--json")
    password, secret = _added(first)
    assert "`vending login thandi`" in first.err
    assert "not logged in" in vending("client", "list").err
    typing(monkeypatch, password, _code(secret), OWN)
    done = vending("login", "thandi")
    assert (done.code, done.out) == (0, ""), done.err
    assert stat.S_IMODE(session_file().stat().st_mode) == 0o600
    assert vending("client", "list").code == 0
    assert vending("operator", "add", "lindiwe", "--role", "supervisor").code == 0
    assert vending("logout").code == 0
    assert vending("client", "list").code == 1
    typing(monkeypatch, OWN, _code(secret))
    assert vending("login", "thandi").code == 0
    trail = rows(tmp_path, "audit_trail", "who, command, outcome")
    assert ("thandi", "login", "session 1") in trail
    assert ("thandi", "operator add", "done") in trail
    for hidden in (password, secret, OWN, session_file().read_text().strip()):
        assert hidden not in repr(trail)
        assert hidden not in repr(rows(tmp_path, "audit_trail") + rows(tmp_path, "operator"))


def test_wrong_logins_are_noted_and_end_in_a_wait(
    vending: VendingCommand, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    _added(vending("operator", "add", "thandi", "--role", "supervisor", "--json"))
    for _ in range(6):
        typing(monkeypatch, "guess", "123456")
        done = vending("login", "thandi")
        assert done.code == 1
    assert "try again in" in done.err
    outcomes = rows(tmp_path, "audit_trail", "outcome")
    assert outcomes.count(("refused: operator_login_rejected",)) == 5
    assert outcomes.count(("refused: operator_locked",)) == 1
    assert not session_file().exists()


@pytest.mark.parametrize(
    ("wanted", "words"),
    [("short", "use 12 to 128"), ("x" * 11, "use 12 to 128"), ("", "use 12"), (None, "the old")],
)
def test_the_first_password_is_not_kept_nor_a_weak_one_taken(
    vending: VendingCommand,
    monkeypatch: pytest.MonkeyPatch,
    wanted: str | None,
    words: str,
) -> None:
    added = vending("operator", "add", "thandi", "--role", "supervisor", "--json")
    password, secret = _added(added)
    typing(monkeypatch, password, _code(secret), password if wanted is None else wanted)
    done = vending("login", "thandi")
    assert done.code == 1
    assert words in done.err
    assert not session_file().exists()
    typing(monkeypatch, password, _code(secret), "x" * 12)
    assert vending("login", "thandi").code == 0


def test_a_password_is_changed_at_a_login(
    vending: VendingCommand, monkeypatch: pytest.MonkeyPatch
) -> None:
    added = vending("operator", "add", "thandi", "--role", "supervisor", "--json")
    password, secret = _added(added)
    typing(monkeypatch, password, _code(secret), OWN)
    assert vending("login", "thandi").code == 0
    typing(monkeypatch, OWN, _code(secret), "another password")
    assert vending("login", "thandi", "--new-password").code == 0
    typing(monkeypatch, OWN, _code(secret))
    assert vending("login", "thandi").code == 1
    typing(monkeypatch, "another password", _code(secret))
    assert vending("login", "thandi").code == 0


def test_a_login_beside_an_api_key_is_warned_of(
    vending: VendingCommand, monkeypatch: pytest.MonkeyPatch
) -> None:
    added = vending("operator", "add", "thandi", "--role", "supervisor", "--json")
    password, secret = _added(added)
    typing(monkeypatch, password, _code(secret), OWN)
    monkeypatch.setenv("VENDING_OPERATOR_KEY_FILE", "robot.key")
    done = vending("login", "thandi")
    assert done.code == 0
    assert "act by that key all the same" in done.err


def test_who_lost_the_app_gets_another(staff: Staff, monkeypatch: pytest.MonkeyPatch) -> None:
    password, secret = _added(staff("thandi", "operator", "reset", "pieter", "--json"))
    assert "not logged in" in staff("pieter", "client", "list").err
    typing(monkeypatch, password, _code(secret), OWN)
    assert staff("pieter", "login", "pieter").code == 0
    shown = staff("thandi", "operator", "reset", "pieter")
    assert "otpauth://totp/vending:pieter" in shown.out


def test_operators_are_listed_and_given_other_roles(staff: Staff) -> None:
    assert staff("thandi", "operator", "roles", "pieter", "--role", "support").code == 0
    listed = json.loads(staff("aisha", "operator", "list", "--json").out)
    assert {one["name"] for one in listed} == set(ROLES)
    assert [one["roles"] for one in listed if one["name"] == "pieter"] == [["support"]]
    assert re.search(r"pieter +support", staff("aisha", "operator", "list").out)


def test_sessions_are_listed_to_whose_they_are_and_revoked(staff: Staff) -> None:
    own = json.loads(staff("pieter", "sessions", "list", "--json").out)
    assert [one["operator"] for one in own] == ["pieter"]
    assert len(json.loads(staff("thandi", "sessions", "list", "--json").out)) == len(ROLES)
    assert "pieter" in staff("thandi", "sessions", "list").out
    assert staff("aisha", "sessions", "revoke", own[0]["number"]).code == 1
    assert staff("thandi", "sessions", "revoke", own[0]["number"]).code == 0
    assert "not logged in" in staff("pieter", "client", "list").err


def test_the_trail_is_read_and_proved(staff: Staff, tmp_path: Path) -> None:
    staff("thandi", "client", "switch-off", "corner-shop")
    staff("pieter", "client", "switch-on", "corner-shop")
    staff("aisha", "receipt", "no-such-sale")
    done = staff("aisha", "audit-trail", "--json")
    told = json.loads(done.out)
    assert done.code == 0
    assert told["breaks"] == []
    assert [(one["who"], one["command"], one["outcome"]) for one in told["actions"]] == [
        ("thandi", "client switch-off", "done"),
        ("pieter", "client switch-on", "refused: operator_not_allowed"),
    ]
    assert told["actions"][0]["subject"] == '{"user": "corner-shop"}'
    assert "client switch-off" in staff("aisha", "audit-trail", "--since", "2020-01-01").out
    assert "client switch-off" not in staff("aisha", "audit-trail", "--since", "2999-01-01").out
    connection = sqlite3.connect(tmp_path / "vending.db")
    connection.execute("UPDATE audit_trail SET who = 'lindiwe' WHERE sequence = 1")
    connection.commit()
    connection.close()
    broken = staff("aisha", "audit-trail")
    assert broken.code == 1
    assert "row 1: it was changed" in broken.err
