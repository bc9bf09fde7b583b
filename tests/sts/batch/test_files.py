"""Files of rows: the same output by any number of processes, and after any interruption."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from threading import Event
from typing import TYPE_CHECKING, Any
from unittest.mock import Mock

import psutil  # type: ignore[import-untyped]  # it has no types
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyarrow import csv

from sts.batch.files import Job, Summary, job, run_job
from sts.batch.files.formats import count_rows, read_parts, schema_of
from sts.batch.files.parts import Parts, plan_of, write_part
from sts.batch.source import ModuleSource, run
from sts.errors import (
    ColumnsInvalid,
    FileInvalid,
    InvalidField,
    KeyFileInvalid,
    StaTablesInvalid,
    WorkerLost,
)
from tests.house_rules.tree import ROOT
from tests.sts.batch.batch_support import BATCH, table_of
from tests.sts.batch.test_plain_kernels import row

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

SOURCE = ModuleSource(ROOT / "keys.example")
ROWS = 100
ROWS_A_PART = 30


def silent(*_: object) -> None:
    """Take progress and show none."""


@pytest.fixture
def sales(tmp_path: Path) -> Path:
    """Give a Parquet file of 100 sales, of which two are wrong."""
    rows = [row(token_identifier_minutes=minute) for minute in range(ROWS)]
    rows[3]["random"] = 16
    rows[70]["key_revision_number"] = 9
    pq.write_table(table_of(rows), tmp_path / "sales.parquet", row_group_size=17)
    return tmp_path / "sales.parquet"


def issue(sales: Path, name: str, **changed: Any) -> Job:
    facts: dict[str, Any] = {"source": SOURCE, "rows_a_part": ROWS_A_PART, **changed}
    return Job("issue", input=sales, output=sales.with_name(name), **facts)


def test_a_file_becomes_what_its_table_becomes(sales: Path) -> None:
    told: list[tuple[str, int, int]] = []
    summary = run_job(issue(sales, "out.parquet"), lambda *facts: told.append(facts))
    assert summary == Summary(ROWS, 0, {"invalid_field": 1, "vending_key_not_found": 1})
    expected = SOURCE.module().issue(pq.read_table(sales))
    assert pq.read_table(sales.with_name("out.parquet")).equals(expected)
    assert told[:4] == [("made", done, ROWS) for done in (30, 60, 90, 100)]
    assert told[4:] == [("written", done, ROWS) for done in (30, 60, 90, 100)]
    assert sorted(path.name for path in sales.parent.iterdir()) == ["out.parquet", "sales.parquet"]


def test_two_processes_write_the_file_that_one_writes(sales: Path) -> None:
    alone, both = issue(sales, "1.parquet"), issue(sales, "2.parquet", jobs=2)
    assert run_job(alone, silent) == run_job(both, silent)
    assert alone.output.read_bytes() == both.output.read_bytes()


def test_an_interrupted_run_goes_on_and_gives_the_same_file(sales: Path) -> None:
    whole = issue(sales, "whole.parquet")
    run_job(whole, silent)
    halved = issue(sales, "halved.parquet")

    def interrupt(_: str, made: int, __: int) -> None:
        if made >= 2 * ROWS_A_PART:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_job(halved, interrupt)
    assert not halved.output.exists()
    summary = run_job(halved, silent)
    assert summary.rows == ROWS
    assert summary.resumed_rows == 2 * ROWS_A_PART
    assert halved.output.read_bytes() == whole.output.read_bytes()
    assert not Parts(halved.output).folder.exists()


def test_a_part_that_was_cut_short_is_made_again(sales: Path) -> None:
    todo = issue(sales, "out.parquet")
    with pytest.raises(KeyboardInterrupt):
        run_job(todo, interrupt_after(2 * ROWS_A_PART))
    part = Parts(todo.output).path(1)
    part.write_bytes(part.read_bytes()[:100])
    assert run_job(todo, silent).resumed_rows == ROWS_A_PART


def interrupt_after(rows: int) -> Callable[[str, int, int], None]:
    def interrupt(_: str, made: int, __: int) -> None:
        if made >= rows:
            raise KeyboardInterrupt

    return interrupt


@pytest.mark.parametrize("what", ["input", "keys", "tables"])
def test_parts_of_other_input_or_keys_are_thrown_away(sales: Path, what: str) -> None:
    keys, tables = sales.with_name("keys.toml"), sales.with_name("tables.toml")
    keys.write_bytes((ROOT / "keys.example").read_bytes())
    text = "substitution_1 = {0}\nsubstitution_2 = {0}\npermutation = {1}\n"
    tables.write_text(text.format(list(range(16)), list(range(64))))
    todo = issue(sales, "out.parquet", source=ModuleSource(keys, tables))
    with pytest.raises(KeyboardInterrupt):
        run_job(todo, interrupt_after(ROWS_A_PART))
    if what == "input":
        os.utime(sales, ns=(1, 1))
    elif what == "keys":
        keys.write_text(keys.read_text().replace('"abababababababab"', '"aaababababababab"'))
    else:
        tables.write_text(text.format(list(range(15, -1, -1)), list(range(64))))
    os.utime(keys, ns=(2, 2))
    os.utime(tables, ns=(2, 2))
    assert run_job(todo, silent).resumed_rows == 0


def test_csv_keeps_its_text_and_gains_columns(tmp_path: Path) -> None:
    (tmp_path / "in.csv").write_text(
        "note,pan,supply_group_code,key_revision_number,tariff_index,encryption_algorithm,"
        "token_identifier_minutes,random,amount_tenths\n"
        '"a, b",600727000000000009,123456,1,01,07,5871715,5,256\n'
        ",600727000000000009,123456,one,01,07,5871715,5,256\n"
    )
    todo = Job("issue", SOURCE, tmp_path / "in.csv", tmp_path / "out.csv")
    summary = run_job(todo, silent)
    assert summary == Summary(2, 0, {"invalid_field": 1})
    good, bad = csv.read_csv(
        tmp_path / "out.csv",
        convert_options=csv.ConvertOptions(
            column_types={"token": pa.string()}, strings_can_be_null=True
        ),
    ).to_pylist()
    assert (good["note"], good["error"]) == ("a, b", None)
    assert len(good["token"]) == 20
    assert bad["error"] == "invalid_field"
    assert '"600727000000000009","123456","one"' in (tmp_path / "out.csv").read_text()


def test_a_file_without_rows_becomes_one_without_rows(tmp_path: Path) -> None:
    pq.write_table(table_of([]), tmp_path / "in.parquet")
    todo = Job("verify", SOURCE, tmp_path / "in.parquet", tmp_path / "out.csv")
    assert run_job(todo, silent) == Summary(0, 0)
    assert '"read_amount_tenths"' in todo.output.read_text()


def test_wrong_columns_are_told_before_anything_is_written(sales: Path) -> None:
    todo = Job("verify", SOURCE, sales, sales.with_name("out.parquet"))
    pq.write_table(pq.read_table(sales).drop_columns(["token"]), sales)
    with pytest.raises(ColumnsInvalid, match="column token: missing"):
        run_job(todo, silent)
    assert [path.name for path in sales.parent.iterdir()] == ["sales.parquet"]


@pytest.mark.parametrize(
    ("content", "problem"),
    [(b"PAR1 and nothing else PAR1", "it cannot be read"), (b"", "it cannot be read")],
    ids=["damaged", "empty"],
)
@pytest.mark.parametrize("suffix", ["parquet"])
def test_a_file_that_is_none_is_refused(
    tmp_path: Path, content: bytes, problem: str, suffix: str
) -> None:
    path = tmp_path / f"in.{suffix}"
    path.write_bytes(content)
    with pytest.raises(FileInvalid, match=problem):
        schema_of(path)


def test_a_csv_row_with_too_few_fields_ends_the_run_with_its_place(tmp_path: Path) -> None:
    path = tmp_path / "in.csv"
    path.write_text("a,b\n1,2\n3\n")
    with pytest.raises(FileInvalid, match="Expected 2 columns, got 1"):
        list(read_parts(path, schema_of(path), 10))


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ("a,b\n1,2\n{},3,4\n", "Expected 2 columns, got 3"),
        ('a,b\n"{}\n', "Expected 2 columns, got 1"),
        ("a,b\n{}\udcff,2\n", "invalid UTF8 data"),
        ("", "Empty CSV file"),
    ],
    ids=["a field too many", "a quote without end", "no text", "nothing"],
)
def test_what_is_said_of_a_csv_file_quotes_no_token_of_it(
    tmp_path: Path, content: str, problem: str
) -> None:
    path, token = tmp_path / "in.csv", "12345678901234567890"
    path.write_text(content.format(token), encoding="utf-8", errors="surrogateescape")
    schema = pa.schema([("a", pa.string()), ("b", pa.string())])
    with pytest.raises(FileInvalid) as refused:
        list(read_parts(path, schema, 10))
    assert str(refused.value).endswith(f"it cannot be read: {problem}")
    assert token not in str(refused.value)


def test_what_is_said_of_a_wrong_first_row_quotes_no_token_of_it(tmp_path: Path) -> None:
    path, token = tmp_path / "in.csv", "12345678901234567890"
    path.write_text(f"a,b\n{token},3,4\n")
    with pytest.raises(FileInvalid, match=r"Expected 2 columns, got 3$") as refused:
        schema_of(path)
    assert token not in str(refused.value)


def test_a_name_without_format_is_refused(sales: Path) -> None:
    with pytest.raises(FileInvalid, match=r"out.xlsx: its name says no format"):
        run_job(issue(sales, "out.xlsx"), silent)


def test_parts_have_the_size_that_was_asked_for(sales: Path) -> None:
    schema = schema_of(sales)
    assert [len(part) for part in read_parts(sales, schema, 40)] == [40, 40, 20]
    assert [len(part) for part in read_parts(sales, schema, 50)] == [50, 50]
    csv.write_csv(pq.read_table(sales).select(["pan"]), sales.with_suffix(".csv"))
    lines = sales.with_suffix(".csv")
    assert count_rows(lines) == count_rows(sales) == ROWS
    assert [len(part) for part in read_parts(lines, schema_of(lines), 70)] == [70, 30]


@pytest.mark.parametrize("changed", [{"jobs": 0}, {"rows_a_part": 0}], ids=str)
def test_less_than_one_is_refused(sales: Path, changed: dict[str, int]) -> None:
    with pytest.raises(InvalidField, match="0 is none; expected 1 or more"):
        issue(sales, "out.parquet", **changed)


def test_an_unknown_operation_is_refused() -> None:
    with pytest.raises(InvalidField, match="'sell' is not one"):
        run(BATCH, "sell", table_of([]))


def test_keys_and_tables_that_cannot_be_read_are_told(tmp_path: Path) -> None:
    broken = tmp_path / "broken.toml"
    broken.write_text("not = [toml")
    with pytest.raises(KeyFileInvalid):
        ModuleSource(broken).module()
    with pytest.raises(StaTablesInvalid):
        ModuleSource(ROOT / "keys.example", broken).module()


def test_a_lost_worker_is_told_and_the_run_goes_on_later(
    sales: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    todo = issue(sales, "out.parquet", jobs=2)
    with monkeypatch.context() as patch:
        patch.setattr(job, "_work_on_octets", end_process)
        with pytest.raises(WorkerLost, match="run the same command again"):
            run_job(todo, silent)
    assert run_job(issue(sales, "out.parquet"), silent).rows == ROWS


def end_process(*_: object) -> None:
    """Die as a process does that the system kills."""
    os.kill(os.getpid(), signal.SIGKILL)


def test_what_a_worker_does_is_done_by_octets_too(sales: Path, tmp_path: Path) -> None:
    """In a process of its own no coverage is measured, so it is called here."""
    table = pq.read_table(sales)
    job._work_on_octets(SOURCE, "issue", job._octets_of(table.slice(5, 2)), tmp_path / "part")
    with pa.memory_map(str(tmp_path / "part")) as file:
        assert pa.ipc.open_file(file).read_all().equals(SOURCE.module().issue(table.slice(5, 2)))


def test_the_plan_of_parts_names_what_they_depend_on(sales: Path) -> None:
    parts = Parts(sales)
    plan = plan_of(sales, keys="x")
    assert parts.begin(plan) is False
    write_part(parts.path(0), table_of([row()]))
    assert parts.begin(plan) is True
    assert parts.is_finished(0)
    assert not parts.is_finished(1)
    assert parts.begin(plan_of(sales, keys="y")) is False
    assert not parts.is_finished(0)


def test_a_worker_ends_with_its_parent(monkeypatch: pytest.MonkeyPatch) -> None:
    joined, ended = Mock(), Event()
    monkeypatch.setattr(job, "parent_process", lambda: joined)
    monkeypatch.setattr(os, "_exit", lambda code: ended.set() if code else None)
    before = signal.getsignal(signal.SIGINT)
    job._begin_worker()
    assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    signal.signal(signal.SIGINT, before)
    assert ended.wait(10)
    joined.join.assert_called_once_with()


def test_a_killed_run_leaves_no_process_and_goes_on(sales: Path) -> None:
    whole, killed = issue(sales, "whole.parquet", rows_a_part=1), sales.with_name("killed.parquet")
    run_job(whole, silent)
    script = (
        "import pathlib, sys; from sts.batch.files import Job, run_job; "
        "from sts.batch.source import ModuleSource; "
        "paths = [pathlib.Path(argument) for argument in sys.argv[1:]]; "
        "run_job(Job('issue', ModuleSource(paths[0]), *paths[1:], 2, 1), lambda *_: None)"
    )
    arguments = [sys.executable, "-c", script, str(ROOT / "keys.example"), str(sales), str(killed)]
    with subprocess.Popen(arguments, cwd=ROOT) as process:
        parts = Parts(killed)
        while not parts.is_finished(5):
            time.sleep(0.01)
        below = psutil.Process(process.pid).children(recursive=True)
        process.kill()
    _, alive = psutil.wait_procs(below, timeout=20)
    assert (len(below) >= 2, alive) == (True, [])
    summary = run_job(issue(sales, "killed.parquet", rows_a_part=1, jobs=2), silent)
    assert summary.resumed_rows > 5
    assert killed.read_bytes() == whole.output.read_bytes()
