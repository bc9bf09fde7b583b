"""Rows that the kernels leave to the scalar engine, one of each, beside rows that they do."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

import pytest

from sts.batch.dask_bag import _answers
from sts.batch.source import ModuleSource
from sts.checksums import luhn_check_digit
from sts.keys.decoder_key import derive_decoder_key
from tests.house_rules.tree import ROOT
from tests.sts.batch.batch_support import (
    BATCH,
    KEYS,
    Row,
    attempt,
    changed,
    check_value,
    configuration,
    issued,
    table_of,
    verified,
)
from tests.sts.batch.test_plain_kernels import LONG, SHORT, row
from tests.support.sts_tokens import digits_of

if TYPE_CHECKING:
    from sts.batch.engine import Rows

RARE = {
    "meter test, short code": row(kind=(1, 0), control=1, manufacturer_code="07"),
    "meter test, long code": row(kind=(1, 1), control=1, manufacturer_code="0100"),
    "meter test, code of the other": row(kind=(1, 0), control=1, manufacturer_code="0100"),
    "meter test without code": row(kind=(1, 0), control=1),
    "credit by DES": row(ea="09"),
    "currency by DES": row(ea="09", kind=(0, 7)),
    "power limit by DES": row(ea="09", kind=(2, 0)),
    "register by DES": row(ea="09", kind=(2, 1)),
    "pad that is left out, by DES": row(ea="09", kind=(2, 5)),
    "pad that is left out": row(kind=(2, 5)),
    "a section of a key change": row(kind=(2, 4)),
    "a reserved class": row(kind=(3, 0)),
    "currency of 128 bits": row(kind=(0, 4), currency_hundred_thousandths=10**30),
    "currency of nearly 64 bits": row(kind=(0, 4), currency_hundred_thousandths=2 * 10**18),
    "a debit of nearly 64 bits": row(kind=(0, 4), currency_hundred_thousandths=-2 * 10**18),
    "DKGA02 for EA11": row(ea="11"),
    "DKGA04 for EA09": row("123457", ea="09"),
}


@pytest.mark.parametrize("name", RARE)
def test_a_rare_row_is_issued_and_read_by_the_scalar_engine(name: str) -> None:
    table = table_of([row(), RARE[name]])
    usual, rare = BATCH.issue(table).to_pylist()
    expected = attempt(issued, RARE[name])
    assert {key: rare[key] for key in expected} == expected
    assert len(usual["token"]) == 20
    if rare["error"] is None:
        again = RARE[name] | {"token": rare["token"]}
        read = BATCH.verify(table_of([again])).to_pylist()[0]
        said = attempt(verified, again)
        assert {key: read[key] for key in said} == said


@pytest.mark.parametrize("size", [180_214, 180_215, 180_223, 180_224, 1_818_525, 1_818_624])
def test_a_debit_between_two_exponents_goes_towards_zero(size: int) -> None:
    debit = row(kind=(0, 4), currency_hundred_thousandths=-size)
    made = BATCH.issue(table_of([debit])).to_pylist()[0]
    assert made["token"] == issued(debit)["token"]


def test_a_key_change_by_des_is_made_and_read_by_the_scalar_engine() -> None:
    change = row(ea="09", new_key_revision_number=2)
    made = BATCH.change_key(table_of([change])).to_pylist()[0]
    expected = attempt(changed, change)
    assert {key: made[key] for key in expected} == expected
    for name in ("token_1", "token_2"):
        section = change | {"token": made[name]}
        said = attempt(verified, section)
        read = BATCH.verify(table_of([section])).to_pylist()[0]
        assert {key: read[key] for key in said} == said


def test_reserved_and_unknown_tokens_are_reported_raw() -> None:
    shown: list[Any] = []
    for digits in ("00000000000453986304", "20000000000453986304", "00000000000402653184"):
        asked: Row = row() | {"token": digits}
        expected = attempt(verified, asked)
        read = BATCH.verify(table_of([asked])).to_pylist()[0]
        assert {key: read[key] for key in expected} == expected
        shown.append(read["read_kind"])
    assert "ReservedToken" in shown


def test_a_partition_is_answered_in_a_list_that_can_be_sent() -> None:
    (batch,) = table_of([row(new_key_revision_number=2)]).to_batches()
    source = ModuleSource(ROOT / "keys.example")
    answers = _answers([batch, batch], source=source, operation="issue")
    assert [answer["error"].null_count for answer in answers] == [1, 1]


def test_a_broken_section_of_a_key_change_does_not_show_its_key_word() -> None:
    asked = row("123457", ea="11")
    meter = configuration(asked)
    key = derive_decoder_key(
        KEYS.find(meter.supply_group_code, meter.key_revision_number),
        pan=meter.pan,
        tariff_index=meter.tariff_index,
        encryption_algorithm=meter.encryption_algorithm,
    )
    for subclass, payload in ((3, 0xABCD1234), (3, 0xA0ABCD1234), (4, 0x64ABCD1234)):
        asked["token"] = digits_of(2, subclass, payload, key)
        read = BATCH.verify(table_of([asked])).to_pylist()[0]
        expected = attempt(verified, asked)
        assert {name: read[name] for name in expected} == expected
        assert (read["read_kind"], read["read_payload"]) == ("ReservedToken", None)


def test_a_check_value_for_des_is_worked_out_by_the_scalar_engine() -> None:
    (value,) = BATCH.derive(table_of([row(ea="09")]))["key_check_value"].to_pylist()
    assert value == check_value(configuration(row(ea="09")))


def test_each_wrong_digit_of_a_meter_number_is_noticed() -> None:
    """Also where the PAN's own check digit fits the wrong digit, so that only the DRN's tells."""
    numbers = set()
    for pan, place, digit in itertools.product((SHORT, LONG), range(18), "0123456789x/:"):
        wrong = pan[:place] + digit + pan[place + 1 :]
        numbers.add(wrong)
        if digit.isdigit():
            numbers.add(wrong[:17] + luhn_check_digit(wrong[:17]))
    rows = [row(pan=number) for number in sorted(numbers)]

    def derived(asked: Row) -> Row:
        return {"key_check_value": check_value(configuration(asked))}

    answer = BATCH.derive(table_of(rows)).to_pylist()
    for asked, said in zip(rows, answer, strict=True):
        expected = attempt(derived, asked)
        assert {name: said[name] for name in expected} == expected, asked["pan"]


@pytest.mark.parametrize("name", ["derive", "issue", "change_key", "verify"])
def test_usual_rows_do_not_reach_the_scalar_engine(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    amounts = [0, 1, 16_383, 16_385, 180_215, 1_818_525, 18_201_624]
    usual = [
        row(group, ea=ea, kind=kind, amount_tenths=amount, currency_hundred_thousandths=amount)
        for group, ea in (("123456", "07"), ("123457", "07"), ("123457", "11"))
        for kind in ((0, 0), (0, 5), (2, 0), (2, 1))
        for amount in amounts
    ]
    table = BATCH.issue(table_of(usual))

    def refuse(rows: Rows, *_: object) -> None:
        assert len(rows.left()) == 0

    for module in ("derivation", "issue", "key_change", "verify"):
        monkeypatch.setattr(f"sts.batch.{module}.one_by_one", refuse)
    assert getattr(BATCH, name)(table)["error"].null_count == len(usual)
