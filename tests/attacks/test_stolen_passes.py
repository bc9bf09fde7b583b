"""Defence: passes end, are revoked in the database, and their files are of their owner alone."""

from __future__ import annotations

import json
import stat
from typing import TYPE_CHECKING

from vending_api.cli.pass_file import keep_secret, session_file

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

    from tests.support.staff import Staff
    from tests.support.vending_command import VendingCommand

LIST = ("client", "list")


def test_a_session_that_was_ended_is_of_no_use_to_who_copied_it(
    staff: Staff, vending: VendingCommand
) -> None:
    copy = "secret of pieter"
    assert staff("pieter", *LIST).code == 0
    assert staff("pieter", "logout").code == 0
    assert not session_file().exists()
    keep_secret(session_file(), copy)
    assert "not logged in" in vending(*LIST).err


def test_who_was_dismissed_can_do_nothing_more(staff: Staff) -> None:
    assert staff("thandi", "operator", "disable", "pieter").code == 0
    assert "not logged in" in staff("pieter", *LIST).err


def test_a_revoked_key_is_of_no_use(
    staff: Staff, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    assert staff("pieter", "operator", "key", "new", "robot.key", "--label", "nightly").code == 0
    file = tmp_path / "robot.key"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    monkeypatch.setenv("VENDING_OPERATOR_KEY_FILE", str(file))
    session_file().unlink()
    assert staff("nobody", *LIST).code == 0
    more = staff("nobody", "operator", "key", "new", "more.key", "--label", "x")
    assert "an API key makes no other" in more.err
    assert "act by an API key" in staff("nobody", "logout").err
    assert staff("nobody", *LIST).code == 0
    monkeypatch.delenv("VENDING_OPERATOR_KEY_FILE")
    listed = json.loads(staff("thandi", "sessions", "list", "--json").out)
    (number,) = (one["number"] for one in listed if one["label"] == "nightly")
    assert staff("aisha", "operator", "key", "revoke", number).code == 1
    assert staff("thandi", "operator", "key", "revoke", number).code == 0
    monkeypatch.setenv("VENDING_OPERATOR_KEY_FILE", str(file))
    assert "not logged in" in staff("nobody", *LIST).err


def test_a_session_file_that_others_may_read_is_not_used(
    staff: Staff, vending: VendingCommand
) -> None:
    assert staff("pieter", *LIST).code == 0
    assert stat.S_IMODE(session_file().stat().st_mode) == 0o600
    session_file().chmod(0o644)
    done = vending(*LIST)
    assert done.code == 2
    assert "others may read it" in done.err


def test_a_session_file_that_holds_something_else_opens_nothing(
    staff: Staff, vending: VendingCommand
) -> None:
    assert staff("pieter", *LIST).code == 0
    for octets in (b"", b"secret of nobody\n", b"secret of pieter and more"):
        session_file().write_bytes(octets)
        assert "not logged in" in vending(*LIST).err
    session_file().write_bytes(b"\xff")
    assert "cannot be read" in vending(*LIST).err


def test_a_key_is_not_written_over_a_file_that_is_there(staff: Staff, tmp_path: Path) -> None:
    (tmp_path / "robot.key").write_text("mine")
    done = staff("pieter", "operator", "key", "new", "robot.key", "--label", "nightly")
    assert done.code == 1
    assert (tmp_path / "robot.key").read_text() == "mine"
    assert "nightly" not in staff("pieter", "sessions", "list").out
