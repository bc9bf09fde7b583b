"""Which columns are taken, in which Arrow types, and what is said of the others."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest

from sts.batch import BatchSecurityModule
from sts.batch.columns import number_column, text_column
from sts.errors import ColumnsInvalid
from sts.keys.key_file import KeyStore
from tests.sts.batch.batch_support import BATCH, table_of
from tests.sts.batch.test_plain_kernels import SHORT, row

TABLE = table_of([row(), row(pan="x"), row(amount_tenths=16_385)])
TOKENS = BATCH.issue(TABLE)["token"].to_pylist()


def with_type(name: str, kind: Any) -> Any:
    column = TABLE[name]
    if pa.types.is_dictionary(kind):
        column = column.cast(kind.value_type).dictionary_encode()
    column = column if pa.types.is_dictionary(kind) else column.cast(kind)
    return TABLE.set_column(TABLE.schema.get_field_index(name), name, column)


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("pan", pa.large_string()),
        ("pan", pa.string_view()),
        ("supply_group_code", pa.dictionary(pa.int8(), pa.string())),
        ("supply_group_code", pa.dictionary(pa.int32(), pa.large_string())),
        ("key_revision_number", pa.uint8()),
        ("key_revision_number", pa.string()),
        ("key_revision_number", pa.dictionary(pa.int8(), pa.int16())),
        ("amount_tenths", pa.uint64()),
        ("amount_tenths", pa.large_string()),
        ("amount_tenths", pa.decimal128(20, 0)),
    ],
    ids=str,
)
def test_a_column_may_be_kept_in_any_type_that_fits(name: str, kind: Any) -> None:
    assert BATCH.issue(with_type(name, kind))["token"].to_pylist() == TOKENS


@pytest.mark.parametrize(
    ("name", "kind", "problem"),
    [
        ("key_revision_number", pa.float64(), "it holds double; expected whole numbers"),
        ("amount_tenths", pa.decimal128(20, 1), "expected whole numbers"),
        ("pan", pa.binary(), "it holds binary; expected text"),
    ],
    ids=str,
)
def test_a_column_of_another_type_is_refused(name: str, kind: Any, problem: str) -> None:
    with pytest.raises(ColumnsInvalid, match=problem) as refused:
        BATCH.issue(with_type(name, kind))
    assert refused.value.column == name


def test_numbers_without_leading_zeros_are_no_digits() -> None:
    table = TABLE.set_column(3, "tariff_index", pa.array([1, 1, 1]))
    with pytest.raises(ColumnsInvalid, match="column tariff_index: it holds int64; expected text"):
        BATCH.issue(table)


def test_a_missing_column_is_named() -> None:
    with pytest.raises(ColumnsInvalid, match="column tariff_index: missing; needed are pan, "):
        BATCH.verify(TABLE.drop_columns(["tariff_index"]))


def test_a_column_that_is_there_twice_is_named() -> None:
    with pytest.raises(ColumnsInvalid, match="column pan: it is there twice"):
        BATCH.derive(TABLE.append_column("pan", TABLE["pan"]))


def test_columns_that_no_row_needs_may_be_left_out() -> None:
    kept = TABLE.select(
        [
            *("pan", "supply_group_code", "key_revision_number", "tariff_index"),
            *("encryption_algorithm", "token_identifier_minutes", "random", "amount_tenths"),
        ]
    )
    assert BATCH.issue(kept)["token"].to_pylist() == TOKENS
    missing = BATCH.issue(kept.drop_columns(["random"]))
    assert missing["error"].to_pylist() == ["invalid_field", "invalid_field", "invalid_field"]
    assert "random: it is missing" in missing["message"].to_pylist()[0]
    no_changes = BATCH.change_key(kept)
    assert no_changes["token_2"].null_count == 1


def test_a_column_of_nulls_is_a_column_that_is_left_out() -> None:
    nulls = pa.nulls(3)
    table = TABLE.drop_columns(["new_tariff_index", "class", "rate"])
    table = table.append_column("new_tariff_index", nulls).append_column("class", nulls)
    assert BATCH.issue(table)["token"].to_pylist() == TOKENS
    assert BATCH.change_key(table)["token_1"].null_count == 1


def test_numbers_beyond_64_bits_are_not_good() -> None:
    huge = pa.array([1 << 63, 5], pa.uint64())
    assert number_column("n", huge).good.tolist() == [False, True]
    decimals = pa.array([Decimal(10**30), Decimal(-(10**30)), Decimal(7)], pa.decimal128(38, 0))
    assert number_column("n", decimals).good.tolist() == [False, False, True]
    texts = pa.array(["12", "-3", "0x1F", " 1", "1.0", "9" * 19, None, ""])
    column = number_column("n", texts)
    assert column.good.tolist() == [True, True] + [False] * 6
    assert column.values[:2].tolist() == [12, -3]


def test_a_slice_of_a_column_begins_where_it_begins() -> None:
    column = text_column("t", pa.array(["a", "bc", None, "def"]).slice(1))
    assert column.good.tolist() == [True, False, True]
    assert bytes(column.octets[column.offsets[2] : column.offsets[3]]) == b"def"


def test_columns_without_rows_or_octets_are_columns() -> None:
    assert len(text_column("t", pa.array([], pa.string())).good) == 0
    assert text_column("t", pa.nulls(2, pa.string())).good.tolist() == [False, False]


@pytest.mark.parametrize("name", ["derive", "issue", "change_key", "verify"])
def test_a_table_without_rows_gains_its_columns(name: str) -> None:
    work = getattr(BATCH, name)
    answer = work(TABLE.slice(0, 0))
    assert len(answer) == 0
    assert answer.schema == work(TABLE).schema


def test_a_record_batch_comes_back_as_one() -> None:
    (batch,) = TABLE.to_batches()
    answer = BATCH.issue(batch)
    assert isinstance(answer, pa.RecordBatch)
    assert answer["token"].to_pylist() == TOKENS
    nothing = BATCH.issue(batch.slice(0, 0))
    assert isinstance(nothing, pa.RecordBatch)
    assert nothing.schema == answer.schema


def test_results_take_the_place_of_their_namesakes() -> None:
    once = BATCH.issue(TABLE)
    assert BATCH.issue(once).equals(once)


def test_other_columns_pass_through() -> None:
    table = TABLE.append_column("note", pa.array([["a"], None, ["b", "c"]]))
    assert BATCH.issue(table)["note"].to_pylist() == [["a"], None, ["b", "c"]]


def test_text_numbers_are_read_as_the_kernels_read_them() -> None:
    """The row of a number that the kernels leave takes it as text too, from the scalar engine."""
    texts = with_type("amount_tenths", pa.string())
    by_scalar = texts.set_column(4, "encryption_algorithm", pa.array(["09", "09", "09"]))
    assert BATCH.issue(by_scalar)["error"].to_pylist() == [None, "invalid_field", None]
    wrong = TABLE.set_column(
        TABLE.schema.get_field_index("amount_tenths"), "amount_tenths", pa.array(["1e3", "1", "x"])
    )
    assert BATCH.issue(wrong)["error"].to_pylist() == ["invalid_field"] * 3


def test_without_keys_no_row_has_one() -> None:
    answer = BatchSecurityModule(KeyStore([])).issue(TABLE)
    assert answer["error"].to_pylist() == [
        "vending_key_not_found",
        "invalid_field",
        "vending_key_not_found",
    ]
    assert SHORT not in answer["message"].to_pylist()[0]
