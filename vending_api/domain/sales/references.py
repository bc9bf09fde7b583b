"""What a slip calls a sale: capital letters and digits alone, which every printer has."""

from __future__ import annotations

import re
from hashlib import sha256
from typing import Final
from uuid import UUID

_OF_RECEIPT: Final = re.compile("R([0-9]+)N([0-9]+)")
_OF_UUID: Final = re.compile("[0-9A-F]{32}")
_READABLE: Final = 24
"""How much of an id that is no UUID stays readable in a reference."""
_DIGEST: Final = 16


def printed_reference(purchase_id: str, receipt: str | None) -> str:
    """Return letters and digits that only this sale has: "R17N000042" for receipt 17-000042.

    Of a sale without receipt it is made of the id.
    """
    if receipt is not None:
        return f"R{receipt.replace('-', 'N')}"
    kept = letters_and_digits(purchase_id)
    if _OF_UUID.fullmatch(kept):
        return kept
    # Other ids may differ only in what cannot be printed here; the digest keeps them apart.
    return kept[:_READABLE] + sha256(purchase_id.encode()).hexdigest()[:_DIGEST].upper()


def asked_for(reference: str) -> str:
    """Return the receipt number or id that the reference on a slip stands for.

    What is no such reference is returned as it is.
    """
    if match := _OF_RECEIPT.fullmatch(reference):
        return f"{match[1]}-{match[2]}"
    if _OF_UUID.fullmatch(reference):
        return str(UUID(reference))
    return reference


def letters_and_digits(text: str) -> str:
    """Return the ASCII letters, as capitals, and the digits of a text."""
    return "".join(one for one in text.upper() if one.isascii() and one.isalnum())
