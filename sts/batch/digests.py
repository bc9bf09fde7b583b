"""Digests of many tokens at once: what records keep of a token instead of its digits."""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from sts.batch.columns import text_column
from sts.batch.compiled import u64
from sts.batch.kernels.sha256 import digest_column
from sts.batch.tokens import TOKEN_DIGITS

if TYPE_CHECKING:
    from sts.batch.compiled import Words

_OCTETS: Final = 8


def token_digests(array: Any) -> Words:
    """Return the first 8 octets, as one number, of the SHA-256 of each text of a column.

    Tokens take the quick way; a text of another length is right too, and null is as an empty one.
    Raises ColumnsInvalid for a column that holds no text.
    """
    text = text_column("token", array)
    starts, lengths = text.offsets[:-1], np.diff(text.offsets)
    is_token = (lengths == TOKEN_DIGITS) & text.good
    digests = np.zeros(len(array), u64)
    places = starts[is_token][:, np.newaxis] + np.arange(TOKEN_DIGITS, dtype=np.int64)
    found = np.empty(len(places), u64)
    digest_column(text.octets[places].reshape(-1), found)
    digests[is_token] = found
    for row in np.flatnonzero(~is_token).tolist():
        octets = text.octets[starts[row] : text.offsets[row + 1]].tobytes()
        digests[row] = int.from_bytes(sha256(octets if text.good[row] else b"").digest()[:_OCTETS])
    return digests
