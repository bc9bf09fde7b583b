"""The project keeps its house rules."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.house_rules.effect_rules import no_print
from tests.house_rules.layout_rules import ROOMS, rooms_without_readme, strangers_at_the_top
from tests.house_rules.scopes import EDGES, SCOPES, Scope, broken, idle_excuses
from tests.house_rules.tree import ROOT, files, text_files

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("scope", SCOPES, ids=lambda scope: scope.rule.__name__)
def test_the_project_keeps_the_rule(scope: Scope) -> None:
    findings = broken(scope)
    if findings:
        pytest.fail("\n".join(findings), pytrace=False)


@pytest.mark.parametrize("scope", SCOPES, ids=lambda scope: scope.rule.__name__)
def test_the_rule_meets_at_least_one_file(scope: Scope) -> None:
    assert any(scope.holds_for(path) for path in text_files())


@pytest.mark.parametrize("scope", SCOPES, ids=lambda scope: scope.rule.__name__)
def test_every_exception_is_needed(scope: Scope) -> None:
    assert idle_excuses(scope) == []


def test_an_exception_that_nobody_needs_is_found() -> None:
    scope = Scope(no_print, ("sts/*.py",), {"sts/bits.py": "it does not print"})
    assert idle_excuses(scope) == ["sts/bits.py"]


def test_an_edge_is_excused_and_its_neighbour_is_not() -> None:
    clock = next(scope for scope in SCOPES if scope.excused == EDGES)
    assert not clock.holds_for("vending_api/main.py")
    assert not clock.holds_for("vending_api/cli/serve.py")
    assert clock.holds_for("vending_api/domain/sales/service.py")
    assert clock.holds_for("sts/token_identifier.py")


def test_only_what_belongs_there_stands_at_the_top() -> None:
    assert not strangers_at_the_top(files())


def test_every_room_has_a_readme() -> None:
    assert not rooms_without_readme(files())


def test_a_stranger_at_the_top_is_found() -> None:
    paths = ["README.md", "sts/bits.py", ".github/SECURITY.md", "notes.txt", "docs/index.md"]
    assert strangers_at_the_top(paths) == ["docs", "notes.txt"]


def test_a_room_without_readme_is_found() -> None:
    paths = [f"{room}/README.md" for room in ROOMS]
    assert rooms_without_readme(paths) == []
    assert rooms_without_readme(paths[1:]) == [ROOMS[0]]
    new_surface = "vending_api/surfaces/new"
    assert rooms_without_readme([*paths, f"{new_surface}/__init__.py"]) == [new_surface]
    deeper = f"{new_surface}/part/__init__.py"
    assert rooms_without_readme([*paths, deeper]) == []


def test_ignored_files_are_not_part_of_the_project(tmp_path: Path) -> None:
    (tmp_path / ".gitignore").write_text("# comment\nbuild/\n*.db\n")
    for name in ("build/a.py", "sts/build.py", "sts/x.db", ".git/config", "sts/a.png"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    assert files(tmp_path) == [".gitignore", "sts/a.png", "sts/build.py"]
    assert text_files(tmp_path) == [".gitignore", "sts/build.py"]


def test_a_folder_without_gitignore_shows_all_its_files(tmp_path: Path) -> None:
    (tmp_path / "a.db").touch()
    assert files(tmp_path) == ["a.db"]


def test_the_root_is_the_folder_of_the_project_file() -> None:
    assert (ROOT / "pyproject.toml").exists()
