"""`sts keys` as its users run it: seal, check, rotate, add, split, and never a key in sight."""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Final

import pytest
from typer.testing import CliRunner

from sts.cli import app, keys, opening, private_file
from sts.cli.program import WrongUsage
from sts.keys.key_file import parse_key_file
from sts.keys.sealed_file import SealedKeyFile
from tests.support.sealed_keys import (
    KEY,
    OWN_KEY,
    OWN_KEYS,
    PASSPHRASE,
    by_key,
    by_passphrase,
    sealed,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from typer.testing import Result

QUICK: Final = ("--scrypt-n", "16384")
SECOND: Final = OWN_KEYS.replace("_number = 1", "_number = 2").replace(OWN_KEY, "1badc0de5eed1234")
EXAMPLE: Final = Path(__file__).parents[2] / "keys.example"
CHECK_VALUE: Final = next(iter(parse_key_file(OWN_KEYS, path="x"))).key_check_value


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give a folder with a plain file, and files with a passphrase and a key."""
    monkeypatch.chdir(tmp_path)
    for name, text in (("keys.toml", OWN_KEYS), ("passphrase", PASSPHRASE), ("key", KEY + "\n")):
        (tmp_path / name).touch(mode=0o600)
        (tmp_path / name).write_text(text)
    return tmp_path


def run(*arguments: str, given: str | None = None, **variables: str) -> Result:
    result = CliRunner(env={"VENDING_KEYS_FILE": None, "STS_DEBUG": None, **variables}).invoke(
        app, ["keys", *arguments], prog_name="sts", input=given
    )
    for secret in (OWN_KEY, "1badc0de5eed1234", KEY, PASSPHRASE):
        assert secret not in result.output.lower()
    return result


def done(*arguments: str, given: str | None = None, **variables: str) -> str:
    result = run(*arguments, given=given, **variables)
    assert result.exit_code == 0, result.output
    return result.stdout


def failed(code: int, *arguments: str, given: str | None = None, **variables: str) -> str:
    result = run(*arguments, given=given, **variables)
    assert (result.exit_code, result.stdout) == (code, "")
    return result.stderr


def rows(*arguments: str, given: str | None = None) -> list[tuple[str, int, str]]:
    listed = json.loads(done("unseal-check", *arguments, "--json", given=given))
    assert list(listed) == ["keys"]
    return [
        (row["supply_group_code"], row["key_revision_number"], row["key_check_value"])
        for row in listed["keys"]
    ]


def shares(needed: int, custodians: int) -> list[str]:
    text = done("split", "--needed", str(needed), "--custodians", str(custodians))
    return text.splitlines()[1::2]


@pytest.mark.usefixtures("folder")
def test_what_is_sealed_by_a_passphrase_is_checked_with_it() -> None:
    wrote = run("seal", "keys.toml", "keys.sealed", "--passphrase-file", "passphrase", *QUICK)
    assert wrote.stdout == ""
    assert wrote.stderr == (
        "sts: keys.sealed holds 1 key; destroy the plain file, it opens every meter\n"
    )
    for file in (("--passphrase-file", "passphrase"), ()):
        given = None if file else PASSPHRASE + "\r\n"
        assert rows("keys.sealed", *file, given=given) == [("000001", 1, CHECK_VALUE)]


@pytest.mark.usefixtures("folder")
def test_a_key_of_a_secret_manager_comes_from_a_file_or_a_variable() -> None:
    done("seal", "keys.toml", "keys.sealed", "--by", "key", "--passphrase-file", "key")
    table = done("unseal-check", "keys.sealed", "--passphrase-variable", "KEK", KEK=KEY)
    assert "check value" in table
    assert f"000001   1     2          2014        255   02     {CHECK_VALUE}" in table
    done("seal", "keys.toml", "2.sealed", "--by", "key", "--passphrase-variable", "KEK", KEK=KEY)
    assert rows("2.sealed", given=KEY) == [("000001", 1, CHECK_VALUE)]


@pytest.mark.usefixtures("folder")
def test_custodians_seal_and_open_with_as_many_shares_as_are_needed() -> None:
    first, second, third = shares(2, 3)
    done("seal", "keys.toml", "keys.sealed", "--by", "custodians", given=f"{first}\n{third}\n")
    assert rows("keys.sealed", given=f"{third}\n{second.lower()}\n")
    one = failed(1, "unseal-check", "keys.sealed", given=f"{first}\n{first}\n")
    assert "share 1 is there already" in one
    assert "nothing more is on standard input" in one
    other = shares(2, 3)
    assert "is of set" in failed(1, "unseal-check", "keys.sealed", given="\n".join(other))


def test_shares_name_their_set_and_number() -> None:
    lines = done("split", "--needed", "2", "--custodians", "3").splitlines()
    assert [line.split(",")[0] for line in lines[::2]] == [f"Share {n} of 3" for n in (1, 2, 3)]
    assert len({line.split("set ")[1] for line in lines[::2]}) == 1
    assert shares(2, 2) != shares(2, 2)
    assert "shares needed: 1 is not that" in failed(
        1, "split", "--needed", "1", "--custodians", "3"
    )
    assert "custodians: 2 is not that" in failed(1, "split", "--needed", "3", "--custodians", "2")


def test_on_a_terminal_each_custodian_sees_one_share(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    shown: list[str] = []
    for stream in ("stdin", "stdout"):
        monkeypatch.setattr(f"sys.{stream}.isatty", lambda: True)
    monkeypatch.setattr("builtins.input", lambda _: shown.append(capsys.readouterr().out))
    keys.split(needed=2, custodians=3)
    assert [text.count("-") for text in shown] == [7, 7, 7]
    assert capsys.readouterr().out == keys._WIPE


@pytest.mark.usefixtures("folder")
def test_rotation_keeps_the_keys_and_forgets_the_passphrase(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "keys.sealed").write_text(sealed(OWN_KEYS, by_passphrase()))
    before = (folder / "keys.sealed").read_text()
    written: list[str] = []

    def watched(path: Path, text: str, *, replace: bool) -> None:
        written.append(text)
        private_file.write_private(path, text, replace=replace)

    monkeypatch.setattr(keys, "write_private", watched)
    old = ("--passphrase-file", "passphrase")
    done("rotate", "keys.sealed", *old, "--by", "key", "--new-passphrase-file", "key")
    assert rows("keys.sealed", "--passphrase-file", "key") == [("000001", 1, CHECK_VALUE)]
    refused = failed(1, "unseal-check", "keys.sealed", *old)
    assert "it is opened by a key of 64 hex digits" in refused
    (now,) = written
    assert now == (folder / "keys.sealed").read_text()
    assert OWN_KEY not in now
    salts = [[line for line in text.splitlines() if "salt" in line] for text in (before, now)]
    assert salts[0] != salts[1]


@pytest.mark.usefixtures("folder")
def test_rotation_to_custodians_and_back() -> None:
    Path("keys.sealed").write_text(sealed(OWN_KEYS))
    first, second, _ = shares(2, 3)
    old = ("--passphrase-file", "key")
    done("rotate", "keys.sealed", *old, "--by", "custodians", given=f"{first}\n{second}\n")
    new = ("--new-passphrase-file", "passphrase", *QUICK)
    done("rotate", "keys.sealed", *new, given=f"{second}\n{first}\n")
    assert rows("keys.sealed", "--passphrase-file", "passphrase")


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize("is_by_key", [True, False])
def test_added_keys_are_opened_by_what_opened_the_others(is_by_key: bool) -> None:  # noqa: FBT001 (a case)
    Path("keys.sealed").write_text(sealed(OWN_KEYS, by_key() if is_by_key else by_passphrase()))
    Path("second.toml").write_text(SECOND)
    opens = ("--passphrase-file", "key" if is_by_key else "passphrase")
    done("add", "keys.sealed", "second.toml", *opens)
    assert [row[:2] for row in rows("keys.sealed", *opens)] == [("000001", 1), ("000001", 2)]
    again = failed(1, "add", "keys.sealed", "second.toml", *opens)
    assert "supply group 000001 revision 2 is in it twice" in again


@pytest.mark.usefixtures("folder")
def test_any_key_file_is_listed(folder: Path) -> None:
    (folder / "keys.sealed").write_text(sealed(EXAMPLE.read_text()))
    opens = ("--passphrase-file", "key")
    plain, closed = (run(*one) for one in ((str(EXAMPLE),), ("keys.sealed", *opens)))
    assert plain.stdout == closed.stdout
    assert "published test keys are among them" in closed.stderr
    again = run("seal", str(EXAMPLE), "again.sealed", "--by", "key", *opens)
    assert "published test keys are among them" in again.stderr
    listed = done("list", "keys.sealed", *opens, "--json")
    assert json.loads(listed)["holds_well_known_keys"] is True
    assert done("--json", VENDING_KEYS_FILE="keys.toml") == done("keys.toml", "--json")


@pytest.mark.usefixtures("folder")
def test_commands_that_take_keys_take_sealed_ones(folder: Path) -> None:
    (folder / "keys.sealed").write_text(sealed(OWN_KEYS))
    meter = ["--meter", "600727000000000009", "--sgc", "000001", "--krn", "1", "--ti", "01"]
    command = ["issue", "credit", "1", "--ea", "07", *meter, "--at", "2026-03-01T13:00"]
    made = [
        CliRunner().invoke(app, [*command, "--rnd", "5", *options], prog_name="sts").stdout
        for options in (
            ["--keys", "keys.toml"],
            ["--keys", "keys.sealed", "--passphrase-file", "key"],
        )
    ]
    assert made[0] == made[1] != ""


@pytest.mark.usefixtures("folder")
def test_keys_may_come_from_a_pipe_and_never_touch_the_disk() -> None:
    opens = ("--by", "key", "--passphrase-file", "key")
    done("seal", "-", "keys.sealed", *opens, given=OWN_KEYS)
    assert rows("keys.sealed", "--passphrase-file", "key")
    assert "leave no room for a question" in failed(2, "seal", "-", "2.sealed", given=OWN_KEYS)


@pytest.mark.usefixtures("folder")
def test_a_sealed_file_is_its_owners_and_not_written_over_by_mistake(folder: Path) -> None:
    seal = ("seal", "keys.toml", "keys.sealed", "--by", "key", "--passphrase-file", "key")
    old = os.umask(0)
    try:
        done(*seal)
    finally:
        os.umask(old)
    path = folder / "keys.sealed"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    before = path.read_text()
    assert "keys.sealed exists; give --replace" in failed(2, *seal)
    assert path.read_text() == before
    done(*seal, "--replace")
    assert path.read_text() != before
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert sorted(one.name for one in folder.iterdir()) == [
        "key",
        "keys.sealed",
        "keys.toml",
        "passphrase",
    ]


def test_of_two_writers_at_once_the_second_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "keys.sealed"
    path.write_text("the first")
    monkeypatch.setattr(private_file, "require_free", lambda *_, **__: None)  # it came in between
    with pytest.raises(WrongUsage, match="exists; give --replace"):
        private_file.write_private(path, "the second", replace=False)
    assert path.read_text() == "the first"
    assert list(tmp_path.iterdir()) == [path]


def test_a_file_that_cannot_be_written_whole_leaves_the_old_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "keys.sealed"
    path.write_text("before")

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        private_file.write_private(path, "after", replace=True)
    assert path.read_text() == "before"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize(
    ("code", "arguments", "problem"),
    [
        (1, ("unseal-check", "keys.toml"), "a plain key file; `sts keys seal` makes a sealed"),
        (1, ("rotate", "keys.toml"), "a plain key file"),
        (1, ("seal", "1.sealed", "2.sealed"), "it is sealed, and a plain key file is wanted"),
        (1, ("unseal-check", "1.sealed", "--passphrase-file", "none"), "none: it cannot be read"),
        (1, ("unseal-check", "1.sealed", "--passphrase-file", "keys.toml"), "keys.toml: "),
        (1, ("unseal-check", "1.sealed", "--passphrase-file", "passphrase"), "64 hex digits"),
        (1, ("unseal-check", "1.sealed"), "nothing more is on standard input"),
        (2, ("unseal-check", "1.sealed", "--passphrase-variable", "NONE"), "NONE is not set"),
        (2, ("unseal-check", "none.sealed"), "none.sealed"),
        (2, ("seal", "keys.toml", "none/x"), "none"),
        (1, ("seal", "keys.toml", "x", "--scrypt-n", "1"), "scrypt_n"),
    ],
)
def test_what_is_wrong_is_one_line(
    folder: Path, code: int, arguments: tuple[str, ...], problem: str
) -> None:
    (folder / "1.sealed").write_text(sealed(OWN_KEYS))
    before = sorted(folder.iterdir())
    given = PASSPHRASE if arguments[0] == "seal" else None
    (line,) = failed(code, *arguments, given=given).splitlines()
    assert line.startswith("sts: ")
    assert problem in line
    assert sorted(folder.iterdir()) == before


@pytest.mark.usefixtures("folder")
def test_a_passphrase_comes_from_one_place_and_custodians_from_none() -> None:
    both = ("--passphrase-file", "key", "--passphrase-variable", "KEK")
    assert "in a file or in a variable, not in both" in failed(
        2, "seal", "keys.toml", "x", *both, KEK=KEY
    )
    by = ("--by", "custodians", "--passphrase-file", "key")
    assert "custodians enter their shares" in failed(2, "seal", "keys.toml", "x", *by)
    assert "12 characters or more" in failed(1, "seal", "keys.toml", "x", given="short\n")


@pytest.fixture
def typed(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., None]]:
    """Give a way to type at a terminal that does not show it."""
    answers: list[str] = []

    def getpass(question: str) -> str:
        assert question.endswith(": ")
        return answers.pop(0)

    terminal = SimpleNamespace(stdin=SimpleNamespace(isatty=lambda: True))
    monkeypatch.setattr(opening, "sys", terminal)
    monkeypatch.setattr(opening, "getpass", SimpleNamespace(getpass=getpass))
    yield lambda *texts: answers.extend(texts)
    assert answers == []


@pytest.mark.usefixtures("folder")
def test_a_new_passphrase_is_typed_twice(typed: Callable[..., None]) -> None:
    typed(PASSPHRASE, PASSPHRASE)
    done("seal", "keys.toml", "keys.sealed", *QUICK)
    typed("wrong", PASSPHRASE)
    assert CHECK_VALUE in done("unseal-check", "keys.sealed")
    typed(PASSPHRASE, PASSPHRASE + "!")
    assert "the two were not the same" in failed(2, "seal", "keys.toml", "2.sealed")


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize(
    ("how", "code", "words"),
    [(EOFError, 1, "sts: interrupted; nothing was done"), (KeyboardInterrupt, 130, "")],
    ids=["Ctrl-D", "Ctrl-C"],
)
def test_whoever_goes_away_from_a_question_has_done_nothing(
    folder: Path, monkeypatch: pytest.MonkeyPatch, how: type[BaseException], code: int, words: str
) -> None:
    def leave(_: str) -> str:
        raise how

    monkeypatch.setattr(opening, "ask", leave)
    assert failed(code, "seal", "keys.toml", "keys.sealed").strip() == words
    assert not (folder / "keys.sealed").exists()


@pytest.mark.usefixtures("folder")
def test_what_does_not_open_again_is_not_written(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = parse_key_file(SECOND, path="x")
    monkeypatch.setattr(SealedKeyFile, "open", lambda *_: other)
    seal = ("seal", "keys.toml", "keys.sealed", "--by", "key", "--passphrase-file", "key")
    assert "it does not hold what was sealed; nothing is kept" in failed(1, *seal)
    assert not (folder / "keys.sealed").exists()


def test_the_help_names_every_command() -> None:
    page = CliRunner().invoke(app, ["keys", "--help"], prog_name="sts").stdout
    for command in ("list", "seal", "unseal-check", "rotate", "add", "split"):
        assert f" {command} " in page
