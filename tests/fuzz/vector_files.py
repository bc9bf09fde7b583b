"""Vector files, as `sts conformance` reads them: lines of JSON, plain or compressed."""

from __future__ import annotations

import io
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from sts.conformance import Conformance, read_lines

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

BEFORE_JSON: Final = 0
"""Octets of an input that come before its JSON."""
WORDS: Final = (
    *("id", "source", "tables", "expect", "reject", "token", "block_hex", "pan", "iin", "iain"),
    *("vending_key_hex", "decoder_key_hex", "dkga", "ea", "sgc", "krn", "ken", "key_type"),
    *("base_date", "tid_base_date", "issue_time", "tid", "tariff_index", "kind", "value", "new"),
    *("subclass", "class", "rnd", "amount", "mpl", "doe", "key_expired", "control_hex"),
)
_CONFORMANCE: Final = Conformance()
_LARGEST: Final = 1 << 16
"""Octets of an input: some of them, compressed, are a thousand times as many when read."""


@contextmanager
def opened() -> Iterator[Callable[[bytes], None]]:
    """Give what reads one input as a file."""
    yield _read


def _read(data: bytes) -> None:
    try:
        for number, line in read_lines(io.BytesIO(data[:_LARGEST])):
            outcome = _CONFORMANCE.check(line, f"line {number}")
            # A stumble is a failure of the vector for whoever reads the report; here it is ours.
            assert all(one.field != "engine" for one in outcome.failures), outcome.failures
    except OSError:  # the compressed data is damaged
        return
