"""Reading licensed STA tables: both formats, and errors that point without telling."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sts.errors import StaTablesInvalid
from sts.keys.sta_tables import SAMPLE_TABLES, StaTables, load_sta_tables, parse_sta_tables

SAMPLE: dict[str, list[int]] = {
    "substitution_1": list(SAMPLE_TABLES.substitution_1),
    "substitution_2": list(SAMPLE_TABLES.substitution_2),
    "permutation": list(SAMPLE_TABLES.permutation),
}


def toml(tables: dict[str, Any]) -> str:
    return "".join(f"{name} = {json.dumps(values)}\n" for name, values in tables.items())


def problem_in(text: str) -> str:
    with pytest.raises(StaTablesInvalid) as caught:
        parse_sta_tables(text, path="tables.toml")
    assert caught.value.path == "tables.toml"
    assert str(caught.value) == f"tables.toml: {caught.value.problem}"
    return caught.value.problem


@pytest.mark.parametrize("write", [toml, json.dumps])
def test_tables_are_read_from_toml_and_from_json(write: Any) -> None:
    assert parse_sta_tables(write(SAMPLE), path="tables") == SAMPLE_TABLES


def test_json_may_begin_with_white_space() -> None:
    assert parse_sta_tables("\n  " + json.dumps(SAMPLE), path="tables") == SAMPLE_TABLES


def test_the_tables_in_the_readme_are_the_sample() -> None:
    readme = (Path(__file__).parents[2] / "sts/keys/README.md").read_text(encoding="utf-8")
    text = readme.split("```toml")[1].split("```")[0]
    assert parse_sta_tables(text, path="README.md").is_sample


@given(
    st.permutations(range(16)).map(tuple),
    st.permutations(range(16)).map(tuple),
    st.permutations(range(64)).map(tuple),
)
def test_any_tables_come_back_from_a_file(
    first: tuple[int, ...], second: tuple[int, ...], permutation: tuple[int, ...]
) -> None:
    tables = {
        "substitution_1": list(first),
        "substitution_2": list(second),
        "permutation": list(permutation),
    }
    assert parse_sta_tables(toml(tables), path="t") == StaTables(first, second, permutation)


@pytest.mark.parametrize("name", SAMPLE)
def test_a_missing_table_is_named(name: str) -> None:
    without = {key: value for key, value in SAMPLE.items() if key != name}
    expected = f"field {name} is missing or not a list of whole numbers"
    assert problem_in(toml(without)) == expected
    assert problem_in(toml({**SAMPLE, name: "text"})) == expected


def test_what_else_the_file_says_is_passed_over() -> None:
    text = toml({**SAMPLE, "licence": [62055]})
    assert parse_sta_tables(text, path="t") == SAMPLE_TABLES


@pytest.mark.parametrize("value", ["7", 7.0, True, None])
def test_an_entry_that_is_not_a_whole_number_is_pointed_at(value: object) -> None:
    entries: list[object] = list(SAMPLE["substitution_2"])
    entries[4] = value
    text = json.dumps({**SAMPLE, "substitution_2": entries})
    assert problem_in(text) == "field substitution_2, entry 5: not a whole number"


@pytest.mark.parametrize(
    ("name", "position", "value", "problem"),
    [
        ("substitution_1", 2, 16, "substitution 1: entry 3 is out of range or repeats"),
        ("substitution_2", 15, -1, "substitution 2: entry 16 is out of range or repeats"),
        ("permutation", 63, 64, "permutation: entry 64 is out of range or repeats"),
        ("permutation", 1, 29, "permutation: entry 2 is out of range or repeats"),
    ],
)
def test_an_entry_that_breaks_the_permutation_is_pointed_at(
    name: str, position: int, value: int, problem: str
) -> None:
    entries = list(SAMPLE[name])
    entries[position] = value
    found = problem_in(toml({**SAMPLE, name: entries}))
    assert found.startswith(problem)


def test_errors_do_not_print_the_tables() -> None:
    entries = [101, *SAMPLE["permutation"][1:]]
    found = problem_in(toml({**SAMPLE, "permutation": entries}))
    assert "101" not in found
    assert "27, 34" not in found


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("substitution_1 = [12, 10", "it is not TOML at end of document"),
        ("\npermutation = oops", "it is not TOML at line 2, column 15"),
        ("{\n'x': 1}", "it is not JSON at line 2 column 1"),
        ("permutation = " + "1" * 5000, "it is not TOML"),
        ('{"permutation": ' + "1" * 5000 + "}", "it is not JSON"),
        ('{"permutation": ' + "[" * 100_000, "it is nested too deep"),
    ],
)
def test_a_text_in_neither_format_is_refused_with_the_place(text: str, problem: str) -> None:
    assert problem_in(text) == problem


def test_tables_are_loaded_from_a_file(tmp_path: Path) -> None:
    path = tmp_path / "tables.json"
    path.write_text(json.dumps(SAMPLE), encoding="utf-8")
    assert load_sta_tables(path) == SAMPLE_TABLES


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(StaTablesInvalid, match="it cannot be read: No such file or directory"):
        load_sta_tables(tmp_path / "none.toml")


def test_a_file_that_is_not_text_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "tables.toml"
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(StaTablesInvalid, match="it is not UTF-8 text"):
        load_sta_tables(path)
