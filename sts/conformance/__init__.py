"""Proving an installation: vector files are recomputed, read back and compared.

A vector file holds a JSON object a line: a token with all its inputs, or an input that
must be refused. Each names its source, and one that does not is not believed. Tokens
made with the licensed EA07 tables are skipped until `Conformance` is given those tables.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sts.conformance.reject import check_reject
from sts.conformance.report import Failure, Outcome, Tally, Verdict
from sts.conformance.token_check import check_token
from sts.conformance.vector import ABSENT, Vector
from sts.conformance.vector_file import NotAnObject, parse_object, read_lines
from sts.tokens.codec import TokenCodec

if TYPE_CHECKING:
    from sts.keys.sta_tables import StaTables

__all__ = ["Conformance", "Failure", "Outcome", "Tally", "Verdict", "read_lines"]


class Conformance:
    """Checks vectors one at a time, with the licensed tables if there are any."""

    def __init__(self, licensed_tables: StaTables | None = None) -> None:
        sample = TokenCodec()
        self._codecs: dict[str, TokenCodec | None] = {
            "licensed": None if licensed_tables is None else TokenCodec(licensed_tables),
            "sample": sample,
            "n/a": sample,  # no table is used, or it goes without saying
        }

    def check(self, line: bytes, place: str) -> Outcome:
        """Return the verdict on one line of a vector file.

        `place` names the line where the vector has no `id`. Raises nothing: what
        cannot be read, or makes the engine stumble, is a failure like any other.
        """
        try:
            fields = parse_object(line)
        except NotAnObject as error:
            failure = Failure(place, "line", "a JSON object", str(error))
            return Outcome(Verdict.FAILED, (failure,))
        stated = fields.get("id")
        vector = Vector(stated if isinstance(stated, str) and stated else place, fields)
        try:
            skipped = self._check(vector)
        except Exception as error:  # noqa: BLE001 (one stumble must not hide the other vectors)
            vector.fail("engine", "an answer", type(error).__name__)
            skipped = False
        if vector.failures:
            return Outcome(Verdict.FAILED, tuple(vector.failures))
        return Outcome(Verdict.SKIPPED if skipped else Verdict.PASSED)

    def _check(self, vector: Vector) -> bool:
        """Note what is wrong with a vector; return whether it was skipped."""
        if not (vector.text("source") or "").strip():
            vector.fail("source", "the name of where the vector comes from", ABSENT)
            return False
        tables = vector.text("tables") or "n/a"
        if tables not in self._codecs:
            vector.fail("tables", " or ".join(self._codecs), tables)
            return False
        codec = self._codecs[tables]
        if codec is None:
            return True
        expect = vector.text("expect")
        if expect == "token":
            check_token(vector, codec)
        elif expect == "reject":
            check_reject(vector)
        else:
            vector.fail("expect", "token or reject", expect or ABSENT)
        return False
