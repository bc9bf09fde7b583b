"""The example keys that travel with the package."""

from __future__ import annotations

from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING

from sts.keys.key_file import parse_key_file

if TYPE_CHECKING:
    from sts.keys.key_file import KeyStore

FILE_NAME = "keys.example"


def example_keys() -> KeyStore:
    """Return the keys of keys.example: published test keys, for demo and tests only."""
    packaged = resources.files(__package__) / FILE_NAME
    if packaged.is_file():
        return parse_key_file(packaged.read_text(encoding="utf-8"), path=FILE_NAME)
    # An editable install runs from the checkout, where the file stands at the top.
    checkout = Path(__file__).parents[2] / FILE_NAME
    return parse_key_file(checkout.read_text(encoding="utf-8"), path=FILE_NAME)
