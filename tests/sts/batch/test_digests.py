"""Digests of columns are those of hashlib, compiled or not."""

from __future__ import annotations

import hashlib
import importlib

import numba
import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sts.batch.digests import token_digests
from sts.errors import ColumnsInvalid


def first_octets(text: str | None) -> int:
    return int.from_bytes(hashlib.sha256((text or "").encode()).digest()[:8], "big")


@given(st.lists(st.one_of(st.none(), st.text("0123456789", max_size=70)), max_size=20))
def test_every_text_has_the_digest_of_hashlib(texts: list[str | None]) -> None:
    assert token_digests(pa.array(texts, pa.string())).tolist() == [*map(first_octets, texts)]


@pytest.mark.parametrize("rows", [0, 1, 255, 256, 257, 1_000])
def test_tokens_have_it_however_many_there_are(rows: int) -> None:
    tokens = [f"{7**22 * row % 10**20:020}" for row in range(rows)]
    column = pa.array(["x", *tokens])[1:]
    assert token_digests(column).tolist() == [*map(first_octets, tokens)]


def test_a_text_of_another_length_has_it_too_and_none_is_as_an_empty_one() -> None:
    texts = ["7" * 19, None, "7" * 20, "7" * 21, ""]
    assert token_digests(pa.array(texts)).tolist() == [*map(first_octets, texts)]


def test_numbers_are_no_tokens() -> None:
    with pytest.raises(ColumnsInvalid, match="expected text"):
        token_digests(pa.array([1]))


def test_the_kernel_as_plain_python_says_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(numba.config, "DISABLE_JIT", True)
    module = importlib.util.find_spec("sts.batch.kernels.sha256")
    assert module is not None
    assert module.loader is not None
    plain = importlib.util.module_from_spec(module)
    module.loader.exec_module(plain)
    tokens = [f"{number:020}" for number in (0, 1, 10**20 - 1)]
    found = np.zeros(len(tokens), np.uint64)
    with np.errstate(over="ignore"):
        plain.digest_column(np.frombuffer("".join(tokens).encode(), np.uint8), found)
    assert found.tolist() == [*map(first_octets, tokens)]
