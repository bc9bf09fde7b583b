"""Floats are found; what only looks like one is not."""

from __future__ import annotations

import pytest

from tests.house_rules.number_rules import no_float
from tests.house_rules.samples import lines_found

FAILING = {
    "a literal": "amount = 0.1",
    "a literal in a call": "Decimal(0.1)",
    "an exponent": "limit = 1e6",
    "an imaginary number": "z = 1j",
    "a conversion": "amount = float(text)",
    "a parameter": "def f(amount: float) -> int: ...",
    "a result": "def f() -> float | None: ...",
    "a column": "from sqlalchemy import Float\namount = Column(Float)",
    "a division of unknowns": "rate = amount / units",
    "a division by a whole number": "rand = amount_minor / 100",
    "a division in place": "amount /= 2",
    "a division of a whole number with a type": "def f(a: int, b: int) -> int:\n    return a / b",
    "a division behind a round": "half = round(amount / 2)",
}
PASSING = {
    "floor division": "half = amount // 2",
    "divmod": "rand, cents = divmod(amount, 100)",
    "a refusal of floats": "if isinstance(amount, float): raise TypeError",
    "a refusal among others": "if isinstance(amount, (float, bool)): raise TypeError",
    "a word in a text": 'text = "no float 0.1"',
    "a name that contains it": "floating = 1",
    "a path with a text": 'place = folder / "keys.toml"',
    "a path with a formatted text": 'place = folder / f"{name}.toml"',
    "a path by annotation": "def f(home: Path, name: str) -> Path:\n    return home / name",
    "a path by assignment": "here = Path(__file__).parent\nplace = here / name",
    "a path by a function's result": "def home() -> Path: ...\nplace = home() / name",
    "a path by a method's result": "def home(self) -> Path: ...\nplace = self.home() / name",
    "a path's parent": "def f(path: Path, name: str) -> Path:\n    return path.parent / name",
    "a path from the class": "place = Path.home() / name",
    "three parts of a path": 'place = folder / "a" / name',
    "a Fraction": "share = Fraction(1) / units",
    "a Decimal by annotation": "def f(rate: Decimal) -> Decimal:\n    return rate / units",
    "a Decimal field": "class T:\n    rate: Decimal\n    def f(self): return self.rate / 2",
    "a Decimal in place": "total: Decimal\ntotal /= 2",
    "a sum of Decimals": "def f(a: Decimal, b: Decimal) -> Decimal:\n    return (a + b) / 2",
    "a division by a Decimal": "def f(rate: Decimal) -> Decimal:\n    return 1 / rate",
}


@pytest.mark.parametrize("source", FAILING.values(), ids=FAILING)
def test_a_float_is_found(source: str) -> None:
    assert lines_found(no_float, source) == [len(source.splitlines())]


@pytest.mark.parametrize("source", PASSING.values(), ids=PASSING)
def test_exact_numbers_and_paths_pass(source: str) -> None:
    assert no_float(source) == []


def test_the_message_says_what_to_do() -> None:
    assert no_float("x = a / b")[0].problem == "`/` makes a float; use `//`, divmod or Fraction"
