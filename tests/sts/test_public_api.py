"""The front door of `sts`: its names and its README."""

from __future__ import annotations

import doctest
from pathlib import Path

import pytest

import sts
from sts.tokens.kinds import READERS

PACKAGE = Path(sts.__file__).parent


def test_the_example_in_the_readme_runs() -> None:
    failed, tried = doctest.testfile(str(PACKAGE / "README.md"), module_relative=False)
    assert tried > 0
    assert not failed


@pytest.mark.parametrize("name", sts.__all__)
def test_every_public_name_exists_and_explains_itself(name: str) -> None:
    assert hasattr(sts, name)
    documented = getattr(sts, name).__doc__
    assert documented or name == "Token"


def test_public_names_are_sorted_and_unique() -> None:
    assert sorted(set(sts.__all__)) == sts.__all__


@pytest.mark.parametrize(
    "path",
    [p for p in sorted(PACKAGE.iterdir()) if not p.name.startswith("_") and p.name != "README.md"],
    ids=lambda path: path.name,
)
def test_the_readme_maps_every_file(path: Path) -> None:
    name = f"{path.name}/" if path.is_dir() else path.name
    if name != "py.typed":
        assert f"`{name}" in (PACKAGE / "README.md").read_text()


@pytest.mark.parametrize(
    "path", sorted((PACKAGE / "tokens").glob("[a-z]*.py")), ids=lambda p: p.name
)
def test_the_readme_of_tokens_maps_its_files(path: Path) -> None:
    text = (PACKAGE / "tokens" / "README.md").read_text()
    assert path.name in text or path.name == "fields.py"


def test_the_kinds_of_token_are_those_of_the_readers() -> None:
    classes = {token_class for token_class, _ in READERS}
    assert classes == {0, 1, 2}
