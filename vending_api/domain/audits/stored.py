"""The digits of the tokens that the database keeps, opened: whoever needs them asks here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from sts.batch.digests import token_digests
from vending_api.domain.issuing.digits import DIGEST_LENGTH, digits_of
from vending_api.kit.vault import DataKeyMissing, NotOpened

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from sqlalchemy import Row

    from vending_api.kit.vault import Vault

_IN_CLEAR: Final = 20
_SHORT_DIGEST: Final = 16
"""Hex digits that tell tokens apart."""


class StoredDigits(NamedTuple):
    """A column of tokens, row by row."""

    digits: Any
    """Texts of 20 digits; empty where they are forgotten, or do not open."""
    digests: NDArray[Any]
    """The first 8 octets of the SHA-256 of each, also of those that are forgotten."""
    is_forgotten: NDArray[Any]


def opened(vault: Vault, rows: Any) -> StoredDigits:
    """Return the digits of a table of tokens; raises DataKeyMissing."""
    stored = rows["digits"].combine_chunks()
    lengths = pc.utf8_length(stored).to_numpy(zero_copy_only=False)
    is_forgotten = lengths == DIGEST_LENGTH
    if not (lengths == _IN_CLEAR).all():
        sales = rows["sale_key"].to_pylist()
        stored = pa.array(
            [_opened(vault, *one) for one in zip(stored.to_pylist(), sales, strict=True)],
            pa.string(),
        )
    digests = token_digests(stored)
    if is_forgotten.any():
        texts = rows["digits"].filter(pa.array(is_forgotten)).to_pylist()
        digests[is_forgotten] = np.array([int(one[:_SHORT_DIGEST], 16) for one in texts], np.uint64)
    return StoredDigits(stored, digests, is_forgotten)


def digits_of_row(vault: Vault, row: Row[Any]) -> str:
    """Return the digits of a row of a token, or nothing; raises DataKeyMissing."""
    return _opened(vault, row.digits, row.sale_key)


def _opened(vault: Vault, stored: str, sale_key: int) -> str:
    try:
        return digits_of(vault, stored, sale_key)
    except DataKeyMissing:
        raise
    except NotOpened:  # somebody has changed it, which the audit is to tell
        return ""
