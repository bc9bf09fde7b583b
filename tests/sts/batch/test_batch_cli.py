"""`sts batch`: what it prints, how it ends, and that its help can be followed."""

from __future__ import annotations

import importlib
import io
import json
import re
import shlex
import sys
from typing import TYPE_CHECKING

import pytest
from rich.console import Console

from sts.batch import files
from sts.batch.files import Summary
from sts.cli import batch
from sts.errors import BatchExtraMissing
from sts.keys.key_file import load_key_file
from tests.house_rules.tree import ROOT
from tests.sts.cli_support import (
    SAMPLE_NOTE,
    SHORT_KEY,
    done,
    failed,
    key_options,
    run,
    table_options,
)
from tests.support.sealed_keys import KEY, sealed

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

HEADER = (
    "pan,supply_group_code,key_revision_number,tariff_index,encryption_algorithm,"
    "token_identifier_minutes,random,amount_tenths"
)
SALE = "600727000000000009,123456,1,01,07,5871715,5,256"


@pytest.fixture
def keys(tmp_path: Path) -> list[str]:
    return key_options(tmp_path)


@pytest.fixture
def sales(tmp_path: Path) -> str:
    path = tmp_path / "sales.csv"
    path.write_text(f"{HEADER}\n{SALE}\n")
    return str(path)


def test_the_summary_tells_rows_time_and_place(keys: list[str], sales: str, tmp_path: Path) -> None:
    told = done("batch", "issue", sales, str(tmp_path / "out.csv"), *keys, "--jobs", "1")
    assert re.search(r"rows +1\n", told)
    assert "rows/s" in told
    assert "out.csv" in told
    assert "error" not in told


@pytest.mark.costly
def test_a_sealed_key_file_is_opened_once_for_all_processes(sales: str, tmp_path: Path) -> None:
    plain, sealed_file, opens = (tmp_path / name for name in ("plain", "sealed", "opens"))
    plain.write_text((ROOT / "keys.example").read_text())
    sealed_file.write_text(sealed(load_key_file(plain)))
    opens.touch(mode=0o600)
    opens.write_text(KEY)
    outputs: list[str] = []
    by_file = ["--keys", str(sealed_file), "--passphrase-file", str(opens)]
    for keys in (["--keys", str(plain)], by_file):
        target = tmp_path / f"out{len(outputs)}.csv"
        done("batch", "issue", sales, str(target), *keys, "--jobs", "2")
        outputs.append(target.read_text())
    assert outputs[0] == outputs[1]
    wrong = run("batch", "issue", sales, str(tmp_path / "o.csv"), "--keys", str(sealed_file))
    assert wrong.exit_code == 1
    assert not (tmp_path / "o.csv").exists()


def test_rows_with_errors_are_counted_by_code_and_end_with_1(
    keys: list[str], sales: str, tmp_path: Path
) -> None:
    with (tmp_path / "sales.csv").open("a") as file:
        file.write(SALE.replace("123456", "654321") + "\n")
    result = run("batch", "issue", sales, str(tmp_path / "out.csv"), *keys, "--jobs", "1")
    assert result.exit_code == 1
    assert re.search(r"error vending_key_not_found +1\n", result.stdout)
    as_json = run(
        "batch", "issue", sales, str(tmp_path / "out.csv"), *keys, "--jobs", "1", "--json"
    )
    told = json.loads(as_json.stdout)
    assert told["errors"] == {"vending_key_not_found": 1}
    assert (told["rows"], told["rows_with_error"], told["resumed_rows"]) == (2, 1, 0)


def test_what_an_earlier_run_had_done_is_told(
    keys: list[str], sales: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def resume(_: object, tell: Callable[[str, int, int], None]) -> Summary:
        for made in (7, 10):
            tell("made", made, 10)
        return Summary(10, 7)

    monkeypatch.setattr(files, "run_job", resume)
    told = done(
        "batch", "verify", sales, str(tmp_path / "out.csv"), *keys, *table_options(tmp_path)
    )
    assert re.search(r"from before +7\n", told)


def test_licensed_tables_bring_no_note(keys: list[str], sales: str, tmp_path: Path) -> None:
    arguments = ["batch", "issue", sales, str(tmp_path / "out.csv"), *keys, "--jobs", "1"]
    assert run(*arguments, *table_options(tmp_path)).stderr == ""
    assert run(*arguments).stderr == SAMPLE_NOTE


def test_the_help_can_be_followed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, keys: list[str]
) -> None:
    del keys
    example = (ROOT / "keys.example").read_text()
    monkeypatch.chdir(tmp_path)
    (tmp_path / "keys.example").write_text(example)
    for command in (batch.issue, batch.key_change, batch.verify):
        text = " ".join((command.__doc__ or "").split())
        (line,) = re.findall(r"`sts (batch [a-z-]+ \S+ \S+ [^`]*)`", text)
        rows = re.findall(r"^        (.*)$", command.__doc__ or "", re.MULTILINE)
        if rows:
            (tmp_path / shlex.split(line)[2]).write_text("\n".join(rows) + "\n")
        done(*shlex.split(line), "--jobs", "1")
    assert "TransferCredit" in (tmp_path / "read.csv").read_text()
    assert (tmp_path / "changes.parquet").exists()


def test_in_and_out_must_differ(keys: list[str], sales: str) -> None:
    assert "IN and OUT are the same file" in failed("batch", "issue", sales, sales, *keys, code=2)


def test_keys_must_be_named(sales: str, tmp_path: Path) -> None:
    assert "no vending keys" in failed("batch", "issue", sales, str(tmp_path / "o.csv"), code=2)


def test_a_broken_file_is_one_line(keys: list[str], tmp_path: Path) -> None:
    path = tmp_path / "in.parquet"
    path.write_text("nothing")
    out = str(tmp_path / "out.parquet")
    assert "in.parquet: it cannot be read" in failed(
        "batch", "verify", str(path), out, *keys, code=1
    )


def test_without_the_extra_the_command_says_what_to_install(
    keys: list[str], sales: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = importlib.import_module

    def without_numba(name: str, *rest: str) -> object:
        if name == "numba":
            raise ImportError(name)
        return real(name, *rest)

    monkeypatch.setattr(importlib, "import_module", without_numba)
    for name in [name for name in sys.modules if name.startswith("sts.batch")]:
        monkeypatch.delitem(sys.modules, name)
    line = failed("batch", "issue", sales, str(tmp_path / "out.csv"), *keys, code=1)
    assert line == f"sts: {BatchExtraMissing('numba')}"


def test_progress_shows_rows_and_rate(monkeypatch: pytest.MonkeyPatch) -> None:
    shown = io.StringIO()
    monkeypatch.setattr(batch, "Console", lambda **_: Console(file=shown, force_terminal=True))
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    with batch._progress() as progress:
        task = progress.add_task("working", total=4)
        progress.refresh()
        progress.update(task, completed=2)
        progress.update(task, completed=4)
    assert "4/4" in shown.getvalue()
    assert "rows/s" in shown.getvalue()


def test_no_key_is_in_a_file_that_is_written(keys: list[str], sales: str, tmp_path: Path) -> None:
    done("batch", "issue", sales, str(tmp_path / "out.csv"), *keys, "--jobs", "1")
    assert SHORT_KEY not in (tmp_path / "out.csv").read_text().lower()
