"""Whatever the columns hold, the batch says what the scalar engine says of each row."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hypothesis import given, settings
from hypothesis import strategies as st

from sts.keys.decoder_key import derive_decoder_key
from sts.tokens.block import seal
from sts.tokens.ciphers import encrypt
from sts.tokens.digits import to_digits
from tests.sts.batch.batch_support import (
    BATCH,
    KEYS,
    MAKERS,
    OTHER_TABLES,
    Row,
    attempt,
    changed,
    check_value,
    configuration,
    issued,
    key_changes,
    meters,
    sales,
    table_of,
    verified,
)
from tests.sts.batch.test_plain_kernels import row as one_row
from tests.sts.security_module_support import TID

if TYPE_CHECKING:
    from collections.abc import Callable

COLUMNS = st.lists(sales(), min_size=8, max_size=16)
RESULTS = {
    "token_1",
    "token_2",
    "key_check_value",
    "new_key_check_value",
    "read_kind",
    "read_class",
}


def assert_equal(rows: list[Row], answer: Any, work: Callable[[Row], Row]) -> None:
    assert len(rows) == len(answer)
    for row, got in zip(rows, answer.to_pylist(), strict=True):
        expected = attempt(work, row)
        found = {name: value for name, value in got.items() if name in expected}
        assert found == expected, row
        assert (got["error"] is None) == (got["message"] is None)
        if got["error"] is not None:
            assert not any(got[name] for name in answer.schema.names if name in RESULTS)


@settings(max_examples=50)
@given(COLUMNS)
def test_issued_tokens_are_those_of_the_scalar_engine(rows: list[Row]) -> None:
    assert_equal(rows, BATCH.issue(table_of(rows)), issued)


@settings(max_examples=40)
@given(st.lists(key_changes(), min_size=1, max_size=24))
def test_key_changes_are_those_of_the_scalar_engine(rows: list[Row]) -> None:
    assert_equal(rows, BATCH.change_key(table_of(rows)), changed)


@settings(max_examples=30)
@given(st.lists(meters(), min_size=1, max_size=24))
def test_derived_keys_are_those_of_the_scalar_engine(rows: list[Row]) -> None:
    def derived(row: Row) -> Row:
        return {"key_check_value": check_value(configuration(row))}

    assert_equal(rows, BATCH.derive(table_of(rows)), derived)


@st.composite
def tokens(draw: st.DrawFn) -> Row:
    """A meter and digits: any body that seals under its key, or other digits altogether."""
    row: Row = draw(meters())
    token_class, subclass = draw(st.sampled_from([0, 0, 2, 2, 1, 3])), draw(st.integers(0, 15))
    payload = draw(st.integers(0, (1 << 44) - 1))
    block = seal(token_class, subclass, payload)
    if draw(st.booleans()):
        row["token"] = draw(
            st.sampled_from([None, "", "1" * 19, "1" * 21, "9" * 20, "1" * 19 + "x", "5" * 20])
        )
        return row
    if token_class == 1 or "key_check_value" not in attempt(_derivable, row):
        return row | {"token": to_digits(token_class, block)}
    meter = configuration(row)
    key = derive_decoder_key(
        KEYS.find(meter.supply_group_code, meter.key_revision_number),
        pan=meter.pan,
        tariff_index=meter.tariff_index,
        encryption_algorithm=meter.encryption_algorithm,
    )
    return row | {"token": to_digits(token_class, encrypt(OTHER_TABLES, key, block))}


def _derivable(row: Row) -> Row:
    return {"key_check_value": check_value(configuration(row))}


@settings(max_examples=60)
@given(st.lists(tokens(), min_size=1, max_size=24))
def test_tokens_say_what_they_say_to_the_scalar_engine(rows: list[Row]) -> None:
    assert_equal(rows, BATCH.verify(table_of(rows)), verified)


@settings(max_examples=20)
@given(COLUMNS)
def test_what_is_issued_can_be_verified(rows: list[Row]) -> None:
    issued_table = BATCH.issue(table_of(rows))
    read = BATCH.verify(issued_table).to_pylist()
    for row, said in zip(issued_table.to_pylist(), read, strict=True):
        if row["token"] is not None:
            assert said["error"] is None
            assert said["read_class"] == row["class"]
            assert said["key_check_value"] == row["key_check_value"]


EDGES = [0, 1, 16_383, 16_384, 16_385, 180_214, 180_215, 180_224, 1_818_524, 1_818_525, 1_818_625]
GROUPS = [("123456", "07"), ("123457", "07"), ("123457", "11")]


def test_every_kind_of_token_says_the_same_at_every_edge_under_every_algorithm() -> None:
    rows = [
        one_row(
            group,
            ea=ea,
            kind=place,
            amount_tenths=value,
            currency_hundred_thousandths=sign * value * factor,
            power_watts=value,
            register=value % 65_536,
            rate=value % 65_536,
            pad=value % 65_536,
            factor=value % 65_536,
        )
        for place in MAKERS
        for group, ea in GROUPS
        for value in EDGES
        for sign, factor in (((1, 1), (-1, 1), (1, 10**11)) if place[1] >= 4 else ((1, 1),))
    ]
    answer = BATCH.issue(table_of(rows))
    assert_equal(rows, answer, issued)
    assert answer["error"].null_count == len(rows)
    made = [
        {**row, "token": digits}
        for row, digits in zip(rows, answer["token"].to_pylist(), strict=True)
    ]
    assert_equal(made, BATCH.verify(table_of(made)), verified)


def test_no_token_of_any_kind_goes_beyond_the_expiry_of_its_key() -> None:
    last = ((TID >> 16) << 16) + 0xFFFF
    rows = [
        one_row(revision=5, kind=kind, token_identifier_minutes=minute)
        for kind in ((0, 0), (0, 4), (2, 1))
        for minute in (last, last + 1)
    ]
    answer = BATCH.issue(table_of(rows))
    assert answer["error"].to_pylist() == [None, "key_expired"] * 3
    assert_equal(rows, answer, issued)
