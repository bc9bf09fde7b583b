"""Proves a log row by row, from a database or a file: nothing here asks where it comes from.

Checkpoints come first, by number, then the rows, by chain and sequence. What is kept meanwhile
is what the checkpoints say of the ends of chains, and never a row.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from vending_api.domain.token_log.canonical import (
    NO_DIGEST,
    canonical_moment,
    digest_of_checkpoint,
    digest_of_row,
    signed_words,
)
from vending_api.domain.token_log.types import CHECKPOINTS, Break, Extent

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import datetime

    from vending_api.domain.token_log.types import Checkpoint, Verifier

LATE: Final = timedelta(hours=3)
"""How old a row may become without a checkpoint, where there are any: three were missed by then."""
_HEX: Final = frozenset("0123456789abcdef")


class _Known(NamedTuple):
    """What a checkpoint says of a chain."""

    sequence: int
    digest: str
    number: int


class Prover:
    """Finds every place where a log does not hold."""

    def __init__(
        self, trusted: Mapping[str, Verifier], expected: Mapping[int, str] | None = None
    ) -> None:
        """`trusted` has public keys by id; `expected` has digests of checkpoints by number."""
        self.extent: Final = Extent()
        self._trusted = trusted
        self._expected = dict(expected or {})
        self._previous = NO_DIGEST
        self._known: dict[str, list[_Known]] = {}
        self._ended: set[str] = set()
        self._writer: str | None = None
        self._sequence, self._digest = 0, NO_DIGEST
        self._ahead: list[_Known] = []
        """What checkpoints say of the present chain, the nearest at the end."""
        self._sealed = 0
        self._last_without: int | None = 0
        """Up to which row of the present chain warrants may lack; None is no end."""

    def checkpoint(self, one: Checkpoint) -> Iterator[Break]:
        """Take the next checkpoint, and yield what is wrong with it."""
        extent, digest = self.extent, digest_of_checkpoint(one)
        missing = one.number - extent.newest_checkpoint - 1
        if missing < 0:
            yield _of_checkpoint(one.number, "is there twice, or out of order")
        elif missing:
            yield _of_checkpoint(one.number, f"{missing} before it missing")
        elif one.previous_digest != self._previous:
            yield _of_checkpoint(one.number, "does not follow the checkpoint before it")
        if (problem := self._objection(one)) is not None:
            yield _of_checkpoint(one.number, problem)
        if self._expected.pop(one.number, digest) != digest:
            yield _of_checkpoint(one.number, "is not the one that was expected")
        for writer, sequence, of_row in one.heads:
            known = self._known.setdefault(writer, [])
            if known and sequence <= known[-1].sequence:
                yield _of_checkpoint(one.number, f"goes back in the chain {writer}")
            else:
                known.append(_Known(sequence, of_row, one.number))
        extent.checkpoints += 1
        extent.newest_checkpoint = one.number
        extent.newest_checkpoint_digest = self._previous = digest

    def row(self, row: Mapping[str, Any]) -> Iterator[Break]:
        """Take the next row, and yield what is wrong with it and before it."""
        writer, sequence = row["writer"], row["sequence"]
        if writer != self._writer:
            yield from self._end_chain()
            yield from self._begin_chain(writer)
        missing = sequence - self._sequence - 1
        if missing:
            yield Break(writer, sequence, _words_of_gap(missing))
        elif row["previous_digest"] != self._digest:
            yield Break(writer, sequence, "does not follow the row before it")
        if digest_of_row(row) != row["digest"]:
            yield Break(writer, sequence, "was changed")
        yield from self._against_checkpoints(writer, sequence, row["digest"])
        yield from self._warrant(row)
        self._sequence, self._digest = sequence, row["digest"]
        self._count(row)

    def end(self, now: datetime) -> Iterator[Break]:
        """Take it that nothing follows, and yield what is missing, at a moment by the clock."""
        yield from self._end_chain()
        for writer in sorted(self._known.keys() - self._ended):
            last = self._known[writer][-1]
            problem = f"the whole chain is gone; checkpoint {last.number} knows it"
            yield Break(writer, last.sequence, problem)
        for number in sorted(self._expected):
            yield _of_checkpoint(number, "was expected and is not there")
        extent = self.extent
        oldest = extent.oldest_after_checkpoints
        if (extent.checkpoints or self._trusted) and oldest is not None and now - oldest > LATE:
            yield _of_checkpoint(
                extent.newest_checkpoint + 1,
                f"is missing: {extent.rows_after_checkpoints} rows have none, "
                f"the oldest of {canonical_moment(oldest)}",
            )

    def _objection(self, one: Checkpoint) -> str | None:
        key = self._trusted.get(one.key_id)
        if key is None:
            if not self._trusted:
                return "its signature is not proven: no public key is given"
            return f"is signed by key {one.key_id}, which is not trusted"
        signature = one.signature
        is_hex = len(signature) % 2 == 0 and _HEX.issuperset(signature)
        if not is_hex or not key.has_signed(signed_words(one), bytes.fromhex(signature)):
            return "was changed: its signature does not fit"
        return None

    def _begin_chain(self, writer: str) -> Iterator[Break]:
        self.extent.chains += 1
        if writer in self._ended:
            yield Break(writer, 0, "its rows are not together")
        self._writer = writer
        self._sequence, self._digest = 0, NO_DIGEST
        known = self._known.get(writer, [])
        self._ahead = known[::-1]
        self._sealed = known[-1].sequence if known else 0
        # What the first checkpoint found may come from before there were warrants.
        is_of_first = bool(known) and known[0].number == 1
        self._last_without = 0 if self.extent.checkpoints else None
        if is_of_first:
            self._last_without = known[0].sequence

    def _end_chain(self) -> Iterator[Break]:
        writer = self._writer
        if writer is None:
            return
        self._ended.add(writer)
        if self._ahead:
            last = self._ahead[0]
            gone = last.sequence - self._sequence
            words = "the row after it is" if gone == 1 else f"{gone} rows after it are"
            problem = f"{words} gone; checkpoint {last.number} knows the end"
            yield Break(writer, self._sequence, problem)
        self._ahead = []

    def _against_checkpoints(self, writer: str, sequence: int, digest: str) -> Iterator[Break]:
        ahead = self._ahead
        while ahead and ahead[-1].sequence <= sequence:
            known = ahead.pop()
            if known.sequence == sequence and known.digest != digest:
                problem = f"is not the row that checkpoint {known.number} knows"
                yield Break(writer, sequence, problem)

    def _warrant(self, row: Mapping[str, Any]) -> Iterator[Break]:
        last = self._last_without
        if row["warrant"] is not None:
            self._last_without = 0  # its writer knows warrants
        elif last is not None and row["sequence"] > last:
            yield Break(row["writer"], row["sequence"], "nobody ordered it: it has no warrant")

    def _count(self, row: Mapping[str, Any]) -> None:
        extent = self.extent
        extent.rows += 1
        if row["sequence"] > self._sealed:
            extent.rows_after_checkpoints += 1
            oldest = extent.oldest_after_checkpoints
            if oldest is None or row["made_at"] < oldest:
                extent.oldest_after_checkpoints = row["made_at"]


def _of_checkpoint(number: int, problem: str) -> Break:
    return Break(CHECKPOINTS, number, problem)


def _words_of_gap(missing: int) -> str:
    return (
        "the row before it is missing" if missing == 1 else f"{missing} rows before it are missing"
    )
