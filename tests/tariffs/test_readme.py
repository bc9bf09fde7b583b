"""What the README of the package shows can be sold under."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

import pytest

import tariffs
from tariffs.document import parse_tariff
from tests.tariffs.test_document import HEAD, refusal_of

README: Final = (Path(tariffs.__file__).parent / "README.md").read_text(encoding="utf-8")
EXAMPLES: Final = re.findall(r"^```toml\n(.*?)^```$", README, flags=re.MULTILINE | re.DOTALL)


def _document(example: str) -> str:
    """Return an example as a whole document; most stand in a version."""
    if example.startswith("name = "):
        return example
    energy = "" if "[version.energy" in example else '[version.energy]\nrate = "100"\n'
    return f"{HEAD}[[version]]\nvalid_from = 2024-07-01\n{example}{energy}"


@pytest.mark.parametrize("example", EXAMPLES)
def test_an_example_of_the_readme_is_read(example: str) -> None:
    assert parse_tariff(_document(example), document="README.md").versions


def test_the_readme_has_an_example_of_every_rule() -> None:
    rules = set(re.findall(r"^\[+version\.(\w+)", "\n".join(EXAMPLES), flags=re.MULTILINE))
    known = refusal_of(_document("no_rule = 1\n")).problem.partition("known here are ")[2]
    rules |= {"valid_from", "tax_inclusive", "order"}
    assert set(known.split(", ")) == rules
