"""Vectors that need licensed tables: skipped without them, checked with them.

The tables here are random stand-ins. Unlike the sample set, the second substitution is not
the inverse of the first, as in the licensed set. The vectors are the ones with sample tables,
encrypted again by this engine: good for the skipping, no proof of the cipher.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from sts.conformance import Conformance, Verdict
from sts.key_data import EncryptionAlgorithm
from sts.keys.decoder_key import DecoderKey
from sts.keys.sta_tables import SAMPLE_TABLES, StaTables
from sts.tokens.codec import TokenCodec

SAMPLES = Path(__file__).parents[1] / "vectors" / "ea07_sample_tables.jsonl"


def permutation(seed: int, length: int) -> tuple[int, ...]:
    def place(number: int) -> bytes:
        return hashlib.sha256(bytes([seed, number])).digest()

    return tuple(sorted(range(length), key=place))


TABLES = StaTables(permutation(1, 16), permutation(2, 16), permutation(3, 64))


def licensed_vectors() -> list[dict[str, Any]]:
    sample, licensed = TokenCodec(), TokenCodec(TABLES)
    vectors = [json.loads(line) for line in SAMPLES.read_text().splitlines()]
    for vector in vectors:
        key = DecoderKey(bytes.fromhex(vector["decoder_key_hex"]), EncryptionAlgorithm.EA07)
        token = sample.decode(vector["token"], key)
        vector |= {"tables": "licensed", "token": licensed.encode(token, key)}
    return vectors


VECTORS = licensed_vectors()


def verdicts(tables: StaTables | None) -> set[Verdict]:
    checker = Conformance(tables)
    return {checker.check(json.dumps(vector).encode(), "a").verdict for vector in VECTORS}


def test_the_stand_in_tables_are_not_inverse_to_each_other() -> None:
    first, second = TABLES.substitution_1, TABLES.substitution_2
    assert [second[first[value]] for value in range(16)] != list(range(16))


def test_without_tables_they_are_skipped() -> None:
    assert verdicts(None) == {Verdict.SKIPPED}


def test_with_the_tables_they_pass() -> None:
    assert verdicts(TABLES) == {Verdict.PASSED}


def test_with_other_tables_they_fail() -> None:
    assert verdicts(SAMPLE_TABLES) == {Verdict.FAILED}


def test_sample_vectors_use_the_sample_tables_whatever_tables_are_given() -> None:
    checker = Conformance(TABLES)
    lines = SAMPLES.read_bytes().splitlines()
    assert {checker.check(line, "a").verdict for line in lines} == {Verdict.PASSED}


@pytest.mark.parametrize("tables", ["n/a", None])
def test_vectors_that_name_no_tables_use_the_sample_tables(tables: str | None) -> None:
    vector = {**json.loads(SAMPLES.read_text().splitlines()[0]), "tables": tables}
    outcome = Conformance(TABLES).check(json.dumps(vector).encode(), "a")
    assert outcome.verdict is Verdict.PASSED


def test_a_licensed_vector_without_a_source_fails_and_is_not_skipped() -> None:
    vector = {**VECTORS[0], "source": ""}
    outcome = Conformance().check(json.dumps(vector).encode(), "a")
    assert outcome.verdict is Verdict.FAILED
