"""`vending import`: passwords of new clients come from elsewhere, and are never printed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pytest

from tests.cli.site_support import (
    PASSWORD,
    refused,
    rows,
    station,
    write_site,
)
from vending_api.kit.credentials import password_fits

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.vending_command import VendingCommand


@pytest.fixture
def vending(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> VendingCommand:
    return station(monkeypatch, capsys, tmp_path)


def test_the_password_is_hashed_and_never_printed(vending: VendingCommand, tmp_path: Path) -> None:
    done = vending("import", "site.toml")
    assert PASSWORD not in done.out + done.err
    ((kept,),) = rows(tmp_path, "client", "password_hash")
    assert password_fits(kept, PASSWORD)
    assert PASSWORD not in kept


def test_a_password_in_the_file_is_refused_and_not_shown(
    vending: VendingCommand, tmp_path: Path
) -> None:
    in_file = ('password_file = "corner-shop.password"', 'password = "hunter2 hunter2"')
    (problem,) = refused(vending, tmp_path, in_file)
    assert problem.startswith("client[1].password: a password has no place in this file")
    assert "password_file" in problem
    assert "hunter2" not in problem


def test_a_password_comes_from_a_variable(
    vending: VendingCommand, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    variable = ('password_file = "corner-shop.password"', 'password_variable = "SHOP_PASSWORD"')
    (problem,) = refused(vending, tmp_path, variable)
    assert "client[1].password_variable: corner-shop is new, and the variable it names" in problem
    monkeypatch.setenv("SHOP_PASSWORD", "short 7")
    (problem,) = refused(vending, tmp_path, variable)
    assert "it has 7 characters" not in problem
    assert "the password has 7 characters; use 8 to 128" in problem
    monkeypatch.setenv("SHOP_PASSWORD", PASSWORD)
    done = vending("import", "site.toml")
    assert done.code == 0, done.err
    assert PASSWORD not in done.out + done.err


_PASSWORD_FILES: Final = {
    "too short": ("short 7\n", "the password has 7 characters"),
    "too long": (129 * "x", "the password has 129 characters"),
    "two lines": (f"{PASSWORD}\nmore\n", "more than one line"),
    "a control character": ("open\x07sesame", "control characters"),
}


@pytest.mark.parametrize(("text", "words"), _PASSWORD_FILES.values(), ids=_PASSWORD_FILES)
def test_a_file_with_no_sound_password_is_refused(
    vending: VendingCommand, tmp_path: Path, text: str, words: str
) -> None:
    (tmp_path / "corner-shop.password").write_text(text)
    done = vending("import", "site.toml")
    assert done.code == 1
    assert "client[1].password_file: corner-shop is new, and " in done.err
    assert words in done.err
    assert text.strip() not in done.err


@pytest.mark.parametrize("text", ["8 letter", 128 * "x", "open sesame\r\n"])
def test_a_password_of_8_to_128_characters_is_taken(
    vending: VendingCommand, tmp_path: Path, text: str
) -> None:
    (tmp_path / "corner-shop.password").write_text(text)
    assert vending("import", "site.toml").code == 0
    ((kept,),) = rows(tmp_path, "client", "password_hash")
    assert password_fits(kept, text.strip())


def test_a_password_file_that_cannot_be_read_is_not_named(
    vending: VendingCommand, tmp_path: Path
) -> None:
    # It may be the password itself.
    (problem,) = refused(vending, tmp_path, ('"corner-shop.password"', '"hunter2"'))
    assert "the file it names cannot be read" in problem
    assert "hunter2" not in problem
    (tmp_path / "hunter2").write_bytes(b"\xff")
    (problem,) = refused(vending, tmp_path, ('"corner-shop.password"', '"hunter2"'))
    assert "not UTF-8" in problem


def test_without_a_place_the_password_is_asked_for_at_a_terminal_only(
    vending: VendingCommand, tmp_path: Path
) -> None:
    nowhere = ('password_file = "corner-shop.password"\n', "")
    (problem,) = refused(vending, tmp_path, nowhere)
    assert "client[1]: corner-shop is new, and its password is named nowhere" in problem
    assert vending("import", "site.toml", "--dry-run").code == 0


def test_a_registered_client_needs_no_password_file(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    vending = station(monkeypatch, capsys, tmp_path, has_meters=True)
    before = rows(tmp_path, "client", "password_hash")
    write_site(tmp_path, ('password_file = "corner-shop.password"', 'password_file = "gone"'))
    done = vending("import", "site.toml")
    assert done.code == 0, done.err
    assert rows(tmp_path, "client", "password_hash") == before


def test_a_password_that_others_can_read_is_warned_of(
    vending: VendingCommand, tmp_path: Path
) -> None:
    (tmp_path / "corner-shop.password").chmod(0o640)
    done = vending("import", "site.toml")
    assert "warning: client[1].password_file: others on this machine can read" in done.err
