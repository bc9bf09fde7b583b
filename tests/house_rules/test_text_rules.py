"""Texts are about the product, on every machine."""

from __future__ import annotations

import pytest

from tests.house_rules.samples import lines_found
from tests.house_rules.text_rules import (
    digest,
    names_its_source,
    no_machine_path,
    no_registry_address,
    no_workshop_talk,
)

SLASH = "/"  # so that this file does not hold what it tests for
DOT = "."


@pytest.mark.parametrize(
    "path", ["root/x.py", "work/x", "home/ann/x", "Users/ann", "opt/x", "tmp/venv/bin", "root"]
)
@pytest.mark.parametrize(
    "frame", ["{}", "see {} there", '"{}"', "`{}`", "PATH={}:x", "(sqlite://{})"]
)
def test_a_path_of_one_machine_is_found(path: str, frame: str) -> None:
    assert lines_found(no_machine_path, "first\n" + frame.format(SLASH + path)) == [2]


@pytest.mark.parametrize(
    "text",
    [
        "/srv/tmp",
        "a/root/b",
        "sts/work/x",
        "/workers",
        "/optional",
        "/root-cause",
        "mysql://root@db",
    ],
)
def test_other_paths_pass(text: str) -> None:
    assert no_machine_path(text) == []


@pytest.mark.parametrize(
    "address",
    [
        f"https://pypi{DOT}org/project/x",
        f"files.pythonhosted{DOT}org",
        f"https://mirror{DOT}example/python{SLASH}simple",
        f"--index{'-'}url http://localhost",
        f"--extra-index{'-'}url x",
    ],
)
def test_an_address_of_a_registry_is_found(address: str) -> None:
    assert lines_found(no_registry_address, address)[:1] == [1]


@pytest.mark.parametrize("text", ["https://example.org/simpler", "--no-emit-index-url", "pypi"])
def test_other_addresses_pass(text: str) -> None:
    assert no_registry_address(text) == []


def test_words_and_pairs_of_words_are_found_by_their_digests() -> None:
    digests = frozenset({digest("sawdust"), digest("glue pot")})
    text = "A token.\nMade of SAWDUST, sawdusty.\nglue, pot\nglue the pot"
    assert [f.line for f in no_workshop_talk(text, digests)] == [2, 3]
    assert no_workshop_talk(text, frozenset()) == []


def test_the_list_of_words_is_read() -> None:
    word = "l" * 2 + "m"
    assert lines_found(no_workshop_talk, f"one\ntwo {word}") == [2]


@pytest.mark.parametrize(
    "text",
    [
        "# Source: STS 531-1-0-02, annex B\n1,2",
        '{"source": "IEC 62055-41 clause 6"}',
        "# source = FIPS 81\nx",
        "\n" * 9 + "# Source: x",
    ],
)
def test_a_vector_file_with_a_source_passes(text: str) -> None:
    assert names_its_source(text) == []


@pytest.mark.parametrize(
    "text", ["", "1,2,3", "# Source:", "# resource: x", "\n" * 10 + "# Source: x"]
)
def test_a_vector_file_without_a_source_is_found(text: str) -> None:
    assert lines_found(names_its_source, text) == [0]


def test_an_empty_source_is_none() -> None:
    assert lines_found(names_its_source, '{"source": ""}') == [1]


def test_each_line_of_json_names_its_own_source() -> None:
    with_source, without = '{"source": "IEC 62055-41"}', '{"token": "1"}'
    assert lines_found(names_its_source, f"{with_source}\n{without}\n{with_source}") == [2]
