"""`sts conformance`: the proof of an installation, as a utility runs it."""

from __future__ import annotations

import gzip
import json
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from sts.keys.sta_tables import SAMPLE_TABLES
from tests.sts.cli_support import FILES, VECTORS, done, done_json, failed, run, table_options

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def tables(tmp_path: Path) -> list[str]:
    return table_options(tmp_path)


def vector_file(folder: Path, *vectors: dict[str, Any]) -> str:
    path = folder / "some.jsonl"
    path.write_text("".join(f"{json.dumps(vector)}\n" for vector in vectors))
    return str(path)


def first_of(name: str) -> dict[str, Any]:
    parsed: dict[str, Any] = json.loads((VECTORS / name).read_text().splitlines()[0])
    return parsed


def test_all_vectors_of_the_repository_pass() -> None:
    assert done("conformance", *FILES) == "729 passed, 0 failed, 0 skipped\n"
    summary = {"passed": 729, "failed": 0, "skipped": 0, "failures": []}
    assert done_json("conformance", *FILES) == summary


def test_a_failure_is_one_line_before_the_totals_and_ends_with_1(tmp_path: Path) -> None:
    good = first_of("ea07_sample_tables.jsonl")
    file = vector_file(tmp_path, good, {**good, "id": "bad one", "tid": 7}, {"id": "b"})
    result = run("conformance", file)
    assert (result.exit_code, result.stderr) == (1, "")
    assert result.stdout.splitlines() == [
        f"bad one: tid: expected 7, got {good['tid']}",
        "b: source: expected the name of where the vector comes from, got absent",
        "1 passed, 2 failed, 0 skipped",
    ]
    as_json = run("conformance", file, "--json")
    assert as_json.exit_code == 1
    failures = json.loads(as_json.stdout)["failures"]
    assert failures[0] == {
        "id": "bad one",
        "field": "tid",
        "expected": "7",
        "got": str(good["tid"]),
    }


def test_licensed_vectors_are_skipped_until_the_tables_are_named(
    tmp_path: Path, tables: list[str]
) -> None:
    vector = {**first_of("ea07_sample_tables.jsonl"), "tables": "licensed"}
    file = vector_file(tmp_path, vector)
    assert done("conformance", file) == "0 passed, 0 failed, 1 skipped\n"
    with_wrong_tables = run("conformance", file, *tables)
    by_environment = run("conformance", file, env={"VENDING_STA_TABLES": tables[1]})
    assert with_wrong_tables.stdout == by_environment.stdout
    assert with_wrong_tables.stdout.endswith("0 passed, 1 failed, 0 skipped\n")
    assert with_wrong_tables.exit_code == 1


def test_tables_in_toml_are_as_good(tmp_path: Path) -> None:
    path = tmp_path / "tables.toml"
    path.write_text(
        f"substitution_1 = {list(SAMPLE_TABLES.substitution_1)}\n"
        f"substitution_2 = {list(SAMPLE_TABLES.substitution_2)}\n"
        f"permutation = {list(SAMPLE_TABLES.permutation)}\n"
    )
    vector = {**first_of("ea07_sample_tables.jsonl"), "tables": "licensed"}
    output = done("conformance", vector_file(tmp_path, vector), "--sta-tables", str(path))
    assert output == "1 passed, 0 failed, 0 skipped\n"


def test_tables_that_are_none_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "tables.toml"
    path.write_text("permutation = [1]")
    line = failed("conformance", FILES[0], "--sta-tables", str(path), code=1)
    assert str(path) in line


def test_compressed_files_are_read_whatever_their_name(tmp_path: Path) -> None:
    path = tmp_path / "vectors.gz"
    path.write_bytes(gzip.compress((VECTORS / "class1_random.jsonl").read_bytes()))
    assert done("conformance", str(path)) == "50 passed, 0 failed, 0 skipped\n"


def test_a_file_that_cannot_be_read_is_wrong_usage(tmp_path: Path) -> None:
    path = tmp_path / "vectors.gz"
    path.write_bytes(gzip.compress((VECTORS / "class1_random.jsonl").read_bytes())[:-9])
    result = run("conformance", str(path))
    assert (result.exit_code, len(result.stderr.splitlines())) == (2, 1)
    assert str(path) in result.stderr
    assert "passed" not in result.stdout
    for name in (str(tmp_path / "absent"), str(tmp_path)):
        assert name in failed("conformance", name, code=2)
    assert "Missing argument" in failed("conformance", code=2)


def test_a_file_without_vectors_is_mentioned(tmp_path: Path) -> None:
    result = run("conformance", vector_file(tmp_path))
    assert (result.exit_code, result.stdout) == (0, "0 passed, 0 failed, 0 skipped\n")
    assert result.stderr == f"sts: note: {tmp_path / 'some.jsonl'} holds no vectors\n"


def test_the_real_command_proves_the_installation() -> None:
    command = [sys.executable, "-m", "sts.cli", "conformance", *FILES]
    finished = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (finished.returncode, finished.stderr) == (0, "")
    assert finished.stdout == "729 passed, 0 failed, 0 skipped\n"


def test_the_real_command_survives_a_closed_pipe(tmp_path: Path) -> None:
    file = vector_file(tmp_path, *({"id": str(number)} for number in range(20_000)))
    command = [sys.executable, "-m", "sts.cli", "conformance", file]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as running:
        assert running.stdout is not None
        assert running.stderr is not None
        assert running.stdout.readline().startswith(b"0: source")
        running.stdout.close()
        assert running.stderr.read() == b""
    assert running.returncode == 1
