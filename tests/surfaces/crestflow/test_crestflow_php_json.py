"""Messages are written as PHP writes them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vending_api.surfaces.crestflow import php_json


@dataclass(frozen=True, slots=True)
class Part:
    beta: Any
    alpha: Any = None
    from_: int = 0


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (None, b"null"),
        (True, b"true"),
        (False, b"false"),
        (0, b"0"),
        (-7, b"-7"),
        (10**20, b"100000000000000000000"),
        (Decimal(200), b"200"),
        (Decimal("200.00"), b"200"),
        (Decimal("1234.50"), b"1234.5"),
        (Decimal("0.05"), b"0.05"),
        (Decimal("-0.10"), b"-0.1"),
        (Decimal("1E+3"), b"1000"),
        (Decimal("0.000000123"), b"0.000000123"),
        (Decimal("123456789012345678.90"), b"123456789012345678.9"),
        ("", b'""'),
        ("a/b", b'"a\\/b"'),
        ("m³", b'"m\\u00b3"'),
        ("😀", b'"\\ud83d\\ude00"'),
        ('"\\\n\x07', b'"\\"\\\\\\n\\u0007"'),
        ([], b"[]"),
        ((1, "x"), b'[1,"x"]'),
        ({}, b"{}"),
        ({"z/": 1, "a": None}, b'{"z\\/":1,"a":null}'),
        (Part(1), b'{"beta":1,"alpha":null,"from":0}'),
    ],
    ids=repr,
)
def test_each_kind_of_value_has_its_form(value: Any, written: bytes) -> None:
    assert php_json.dumps(value) == written


@pytest.mark.parametrize(
    "value",
    [1.5, b"octets", {1, 2}, object, Part, Decimal("NaN"), Decimal("Infinity")],
    ids=repr,
)
def test_what_has_no_form_is_refused(value: Any) -> None:
    with pytest.raises(TypeError, match="has no form in JSON"):
        php_json.dumps([value])


def test_the_same_part_in_several_places_is_the_same_text() -> None:
    shared = Part(["deep"])
    alike = Part(["deep"])
    written = php_json.dumps([shared, {"again": shared}, alike])
    assert written.count(b'{"beta":["deep"],"alpha":null,"from":0}') == 3


_LEAVES = st.none() | st.booleans() | st.integers() | st.text()


@given(
    st.recursive(
        _LEAVES, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=20
    )
)
def test_any_document_reads_back(document: Any) -> None:
    written = php_json.dumps(document)
    assert json.loads(written) == document
    assert written.isascii()


@given(st.decimals(allow_nan=False, allow_infinity=False, places=2))
def test_any_sum_reads_back_exactly(amount: Decimal) -> None:
    written = php_json.dumps(amount).decode()
    assert json.loads(written, parse_float=Decimal, parse_int=Decimal) == amount
    assert "E" not in written
