"""Lengths are counted to the line, and docstrings begin with one sentence."""

from __future__ import annotations

import pytest

from tests.house_rules.samples import lines_found
from tests.house_rules.shape_rules import (
    MAX_FILE_LINES,
    MAX_FUNCTION_LINES,
    documented,
    short_file,
    short_functions,
)


def _function(lines: int, *, docstring: str = "", head: str = "def f():") -> str:
    body = "    x = 1\n" * (lines - 1)
    return f"{head}\n{docstring}{body}"


@pytest.mark.parametrize("head", ["def f():", "async def f():"])
def test_a_function_of_one_line_too_many_is_found(head: str) -> None:
    assert short_functions(_function(MAX_FUNCTION_LINES, head=head)) == []
    assert lines_found(short_functions, _function(MAX_FUNCTION_LINES + 1, head=head)) == [1]


def test_a_docstring_does_not_count() -> None:
    docstring = '    """Say.\n\n    More.\n    """\n'
    assert short_functions(_function(MAX_FUNCTION_LINES, docstring=docstring)) == []
    assert lines_found(short_functions, _function(MAX_FUNCTION_LINES + 1, docstring=docstring)) == [
        1
    ]


def test_a_long_method_is_found() -> None:
    method = "".join(f"    {line}\n" for line in _function(MAX_FUNCTION_LINES + 1).splitlines())
    assert lines_found(short_functions, f"class C:\n{method}") == [2]


def test_a_file_of_one_line_too_many_is_found() -> None:
    assert short_file("x = 1\n" * MAX_FILE_LINES) == []
    assert lines_found(short_file, "x = 1\n" * (MAX_FILE_LINES + 1)) == [0]


WELL_DOCUMENTED = {
    "one sentence": 'def f():\n    """Return it."""',
    "a sentence and more below": 'def f():\n    """Return it.\n\n    Raises Nothing.\n    """',
    "a class and a method": 'class C:\n    """A thing."""\n    def f(self):\n        """Do."""',
    "a private function": "def _f(): ...",
    "a private class": "class _C:\n    def f(self): ...",
    "a magic method": 'class C:\n    """A thing."""\n    def __len__(self): ...',
    "a nested function": 'def f():\n    """Return it."""\n    def g(): ...',
    "a setter": 'class C:\n    """A thing."""\n    @x.setter\n    def x(self, v): ...',
    "an overload": "@overload\ndef f(): ...",
    "an overload by its full name": "@typing.overload\ndef f(): ...",
    "a figure with a point": 'def f():\n    """Return 0.1 kWh of STS 531 v1.0 B."""',
}
BADLY_DOCUMENTED = {
    "nothing": "def f(): ...",
    "nothing on a coroutine": "async def f(): ...",
    "nothing on a class": "class C: ...",
    "nothing on a method": 'class C:\n    """A thing."""\n    def f(self): ...',
    "no end": 'def f():\n    """Return it"""',
    "a sentence that runs on": 'def f():\n    """Return it and\n    more."""',
    "two sentences": 'def f():\n    """Return it. Also that."""',
    "a question first": 'def f():\n    """Is it? It is."""',
}


@pytest.mark.parametrize("source", WELL_DOCUMENTED.values(), ids=WELL_DOCUMENTED)
def test_one_sentence_passes(source: str) -> None:
    assert documented(source) == []


@pytest.mark.parametrize("source", BADLY_DOCUMENTED.values(), ids=BADLY_DOCUMENTED)
def test_anything_else_is_found(source: str) -> None:
    assert len(documented(source)) == 1


def test_a_method_is_named_with_its_class() -> None:
    source = 'class C:\n    """A thing."""\n    def f(self): ...'
    assert documented(source)[0].problem == "C.f has no docstring"
