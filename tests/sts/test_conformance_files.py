"""What surrounds the vectors: lines, files, failures as text, and the count."""

from __future__ import annotations

import gzip
from io import BytesIO

import pytest

from sts.conformance import Conformance, Failure, Outcome, Tally, Verdict, read_lines
from sts.conformance.report import one_line
from tests.sts.conformance_support import name_of


@pytest.mark.parametrize(
    ("line", "got"),
    [
        (b"{", "Expecting property name enclosed in double quotes at column 2"),
        (b"\xff{}", "bytes that are not UTF-8"),
        (b"[1]", "a JSON list"),
        (b"[" * 100_000, "a number too long or brackets too deep"),
        (b"1" * 5_000, "a number too long or brackets too deep"),
    ],
    ids=name_of,
)
def test_a_line_that_is_no_object_is_a_failure(line: bytes, got: str) -> None:
    outcome = Conformance().check(line, "a.jsonl:7")
    assert outcome == Outcome(Verdict.FAILED, (Failure("a.jsonl:7", "line", "a JSON object", got),))


def test_a_failure_is_one_printable_line() -> None:
    failure = Failure("a\nb", "field", "x" * 500, "\x1b[31mred\u2028")
    line = str(failure)
    assert line.startswith(r"a\nb: field: expected xxx")
    assert line.endswith(r"..., got \x1b[31mred\u2028")
    assert len(line.splitlines()) == 1


def test_a_line_keeps_text_of_the_longest_length_whole() -> None:
    assert one_line("x" * 160) == "x" * 160
    assert one_line("x" * 161) == "x" * 160 + "..."


def test_the_tally_counts_each_verdict() -> None:
    tally = Tally()
    for verdict in (Verdict.PASSED, Verdict.PASSED, Verdict.FAILED, Verdict.SKIPPED):
        tally.add(verdict)
    assert str(tally) == "2 passed, 1 failed, 1 skipped"


TEXT = b'{"a": 1}\n\n  \n{"b": 2}'


@pytest.mark.parametrize("data", [TEXT, gzip.compress(TEXT)], ids=["plain", "gz"])
def test_files_are_read_plain_or_compressed(data: bytes) -> None:
    assert list(read_lines(BytesIO(data))) == [(1, b'{"a": 1}\n'), (4, b'{"b": 2}')]


def test_an_empty_file_has_no_lines() -> None:
    assert list(read_lines(BytesIO(b""))) == []


def test_a_damaged_compressed_file_is_an_error_and_not_a_short_file() -> None:
    whole = gzip.compress(TEXT * 100)
    for data in (whole[:-9], whole[:15] + b"\xff" * 20 + whole[35:], whole[:2] + b"\0" * 30):
        with pytest.raises(OSError, match=r"damaged|gzip|compression|CRC"):
            list(read_lines(BytesIO(data)))
