"""The `sts` command itself: help, errors of one line, exit codes; and its small commands."""

from __future__ import annotations

import importlib
import itertools
import json
import re
import runpy
import shlex
import sys
from typing import TYPE_CHECKING

import pytest

from sts.cli import app
from sts.cli.program import report
from sts.conformance import Conformance
from tests.sts.cli_support import (
    FILES,
    SHORT_KEY,
    VECTORS,
    done,
    done_json,
    failed,
    key_file_text,
    key_options,
    run,
)

if TYPE_CHECKING:
    from pathlib import Path

    import typer


@pytest.fixture
def keys(tmp_path: Path) -> list[str]:
    return key_options(tmp_path)


def test_a_key_file_is_listed_by_check_values(keys: list[str]) -> None:
    result = run("keys", keys[1])
    assert result.exit_code == 0
    assert "published test keys are among them" in result.stderr
    assert "C33F45" in result.stdout
    listed = json.loads(run("keys", keys[1], "--json").stdout)
    assert listed["holds_well_known_keys"] is True
    assert listed["keys"][0].items() >= {"supply_group_code": "201457", "base_date": 2014}.items()


def test_a_key_file_of_secret_keys_brings_no_note(tmp_path: Path) -> None:
    path = tmp_path / "own.toml"
    path.write_text(key_file_text([("201457", 1, 2, 2014, 255, "02", "0f1e2d3c4b5a6978")]))
    assert "201457" in done("keys", str(path))
    assert done("keys", env={"VENDING_KEYS_FILE": str(path)}) == done("keys", str(path))


@pytest.mark.parametrize(
    ("arguments", "pan"),
    [
        (["600727 121234567876"], "600727121234567876"),
        (["12123456787"], "600727121234567876"),
        (["12123456787", "--iin", "571088"], "571088121234567872"),
        (["1234123456786"], "000012341234567869"),
    ],
)
def test_a_meter_number_is_completed_and_taken_apart(arguments: list[str], pan: str) -> None:
    parts = done_json("meter-number", *arguments)
    assert parts["pan"] == pan
    assert parts["serial_number"] == "12345678"
    assert pan in done("meter-number", *arguments)


@pytest.mark.parametrize(
    ("number", "words"),
    [
        ("12123456788", "expected check digit 7"),
        ("600727121234567875", "expected check digit 6"),
        ("60072712123456787", "it has 17 characters; expected 18 digits"),
        ("121234567x7", "11 or 13 decimal digits"),
    ],
)
def test_a_wrong_meter_number_is_refused_with_1(number: str, words: str) -> None:
    assert words in failed("meter-number", number, code=1)


def every_command(group: typer.Typer = app, *before: str) -> dict[tuple[str, ...], str]:
    """Return the help of each command by the words that call it."""
    found = {before: ""}
    for command in group.registered_commands:
        assert command.callback is not None
        name = command.name or command.callback.__name__.replace("_", "-")
        found[(*before, name)] = command.callback.__doc__ or ""
    for inner in group.registered_groups:
        assert inner.typer_instance is not None
        found |= every_command(inner.typer_instance, *before, str(inner.name))
    return found


@pytest.mark.parametrize("command", every_command(), ids=lambda value: " ".join(value) or "sts")
def test_every_command_has_help_that_explains(command: tuple[str, ...]) -> None:
    output = done(*command, "--help")
    assert f"Usage: sts {' '.join(command)}".rstrip() in output
    paragraphs = output.split("Usage:")[1].split("╭")[0]
    assert len(paragraphs.split()) > 8


def test_the_examples_of_the_help_work_as_they_stand(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(VECTORS.parents[1])
    pages = "".join(every_command().values())
    examples = map(shlex.split, re.findall("Example: `(.*?)`", pages, re.DOTALL))
    for _, *arguments in examples:
        shell = [FILES if word.endswith("*.jsonl") else [word] for word in arguments]
        done(*itertools.chain.from_iterable(shell))


@pytest.mark.parametrize("command", [[], ["issue"]], ids=["sts", "issue"])
def test_a_group_alone_shows_its_help(command: list[str]) -> None:
    result = run(*command)
    assert (result.exit_code, result.stderr) == (2, "")
    assert "Commands" in result.stdout


def test_an_unknown_command_suggests_one() -> None:
    assert "Did you mean 'decode'?" in failed("decod", code=2)


def test_an_error_inside_is_one_line_without_its_words(monkeypatch: pytest.MonkeyPatch) -> None:
    def stumble(*_: object) -> None:
        raise RuntimeError(SHORT_KEY)

    monkeypatch.setattr(Conformance, "check", stumble)
    line = failed("conformance", FILES[0], code=1)
    assert line == "sts: RuntimeError inside sts, which is a fault in it; STS_DEBUG=1 shows where"
    debugged = run("conformance", FILES[0], env={"STS_DEBUG": "1"})
    assert isinstance(debugged.exception, RuntimeError)


def test_a_full_disk_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("sts.cli.prove.print_json", full)
    assert "No space left on device" in failed("conformance", FILES[0], "--json", code=2)


def test_an_interrupt_ends_quietly_with_130(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Conformance, "check", interrupt)
    result = run("conformance", FILES[0])
    assert (result.exit_code, result.output) == (130, "")


def test_another_program_may_take_the_code_instead_of_the_exit() -> None:
    assert app(["issue", "test", "1"], prog_name="sts", standalone_mode=False) is None
    assert app(["meter-number", "1"], prog_name="sts", standalone_mode=False) == 1


def test_a_reader_that_has_gone_away_is_no_error(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with (tmp_path / "gone").open("w") as gone:
        monkeypatch.setattr(sys, "stdout", gone)
        assert report(BrokenPipeError()) == 1
        gone.write("nobody reads this")
    assert (tmp_path / "gone").read_text() == ""


def test_the_module_is_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    importlib.import_module("sts.cli.__main__")  # importing alone runs nothing
    monkeypatch.delitem(sys.modules, "sts.cli.__main__")
    monkeypatch.setattr(sys, "argv", ["sts", "meter-number", "12123456787", "--json"])
    with pytest.raises(SystemExit) as ended:
        runpy.run_module("sts.cli", run_name="__main__")
    assert ended.value.code == 0
