"""Vectors with tokens: right ones pass, and every way to be wrong is a failure with a name."""

from __future__ import annotations

from copy import deepcopy
from typing import TYPE_CHECKING

import pytest

import sts.conformance
from sts.conformance import Conformance, Failure, Verdict, read_lines
from tests.sts.conformance_support import (
    CREDIT,
    CREDIT_04,
    CURRENCY,
    EXPIRED,
    FILES,
    KINDS,
    METER_TEST,
    PHASE,
    POWER_LIMIT,
    SECTION_1,
    SECTION_2,
    SECTION_3,
    Fields,
    check,
    failed_fields,
    find,
    name_of,
)

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_every_vector_of_the_repository_passes(path: Path) -> None:
    checker = Conformance()
    with path.open("rb", buffering=0) as stream:
        outcomes = [checker.check(line, path.name) for _, line in read_lines(stream)]
    assert outcomes
    assert [outcome for outcome in outcomes if outcome.verdict is not Verdict.PASSED] == []


@pytest.mark.parametrize("vector", KINDS, ids=name_of)
def test_a_changed_digit_of_the_token_fails(vector: Fields) -> None:
    last = (int(vector["token"][-1]) + 1) % 10
    assert "token" in failed_fields({**vector, "token": f"{vector['token'][:-1]}{last}"})


@pytest.mark.parametrize("vector", KINDS, ids=name_of)
def test_a_changed_block_fails(vector: Fields) -> None:
    block = int(vector["block_hex"], 16) ^ 1
    assert failed_fields({**vector, "block_hex": f"{block:016x}"}) == ["block_hex"]


@pytest.mark.parametrize("vector", KINDS, ids=name_of)
def test_another_subclass_or_class_than_the_token_holds_fails(vector: Fields) -> None:
    assert "subclass" in failed_fields({**vector, "subclass": vector["subclass"] + 10})
    assert "class" in failed_fields({**vector, "class": 3})


@pytest.mark.parametrize(
    ("vector", "field", "wrong", "fails"),
    [
        (find(iin="600727", ea="07"), "iin", "600728", "pan"),
        (CREDIT, "iin", "600727", "iain"),  # 6 digits with 13 make no PAN
        (CREDIT, "iain", CREDIT_04["iain"], "pan"),
        (CREDIT, "pan", CREDIT_04["pan"], "pan"),
        (CREDIT, "iain", CREDIT["iain"][:-1] + "x", "iain"),
        (CREDIT, "iin", "000", "iin"),
        (CREDIT, "iain", "12123456787", "iain"),  # 4 digits with 11 make no PAN
        (CREDIT, "decoder_key_hex", "0123456789abcdef", "decoder_key_hex"),
        (CREDIT, "decoder_key_hex", "xyz", "decoder_key_hex"),
        (CREDIT, "vending_key_hex", "0123456789abcdef", "decoder_key_hex"),
        (CREDIT, "vending_key_hex", "0123456789abcdef0", "vending_key_hex"),
        (CREDIT, "vending_key_hex", "0123456789abcd", "vending_key_hex"),
        (CREDIT, "sgc", "123457", "decoder_key_hex"),
        (CREDIT, "sgc", "12345", "sgc"),
        (CREDIT, "tariff_index", "75", "decoder_key_hex"),
        (CREDIT, "krn", 7, "decoder_key_hex"),
        (CREDIT, "krn", 10, "krn"),
        (CREDIT, "krn", "6", "krn"),
        (CREDIT, "krn", True, "krn"),
        (CREDIT, "key_type", 4, "key_type"),
        (CREDIT, "dkga", "03", "dkga"),
        (CREDIT, "dkga", "04", "vending_key_hex"),
        (CREDIT, "ea", "11", "decoder_key_hex"),
        (CREDIT, "ea", "12", "ea"),
        (CREDIT, "base_date", 2000, "base_date"),
        (
            CREDIT_04,
            "base_date",
            {1993: 2014, 2014: 2035, 2035: 1993}[CREDIT_04["base_date"]],
            "decoder_key_hex",
        ),
        (CREDIT, "issue_time", "2050-12-13T10:09:00", "tid"),
        (CREDIT, "issue_time", "1999-12-13T10:09:00", "issue_time"),
        (CREDIT, "issue_time", "yesterday", "issue_time"),
        (CREDIT, "issue_time", "0001-01-01T00:59:59+01:00", "issue_time"),  # before the year 1
        (CREDIT, "issue_time", "0001-01-01T01:00:00+01:00", "issue_time"),
        (CREDIT, "issue_time", "9999-12-31T23:00:00-01:00", "issue_time"),  # after the year 9999
        (CREDIT, "issue_time", "9999-12-31T22:59:59-01:00", "issue_time"),
        (CREDIT, "tid_base_date", 2014, "issue_time"),
        (CREDIT, "tid_base_date", 1, "tid_base_date"),
        (CREDIT, "tid", CREDIT["tid"] + 1, "tid"),
        (CREDIT, "rnd", (CREDIT["rnd"] + 1) % 16, "rnd"),
        (CREDIT, "rnd", 16, "token"),
        (CREDIT, "amount_tenths", 1, "amount_bits"),
        (CREDIT, "amount_tenths", 18201625, "amount_tenths"),
        (CREDIT, "amount_tenths", 1.5, "amount_tenths"),
        (CREDIT, "amount_bits", 1, "amount_bits"),
        (CREDIT, "amount_bits", True, "amount_bits"),
        (CREDIT, "amount_transferred_tenths", 180223, "amount_transferred_tenths"),
        (CREDIT, "ken", 256, "ken"),
        (CREDIT, "token", "1", "token"),
        (CREDIT, "token", 1, "token"),
        (CREDIT, "tables", "mine", "tables"),
        (CREDIT, "tables", 1, "tables"),
        (CREDIT, "expect", "tokens", "expect"),
        (CURRENCY, "currency_amount", "2", "currency_mantissa"),
        (CURRENCY, "currency_amount", "two", "currency_amount"),
        (CURRENCY, "currency_sign", 1, "currency_sign"),
        (CURRENCY, "currency_exponent", 2, "currency_exponent"),
        (METER_TEST, "control", METER_TEST["control"] + 1, "control_hex"),
        (METER_TEST, "control", 1 << 36, "token"),
        (METER_TEST, "control_hex", "401", "control_hex"),
        (METER_TEST, "control_bits", 28, "control_bits"),
        (METER_TEST, "manufacturer_code", "98", "manufacturer_code"),
        (METER_TEST, "manufacturer_code", "0099", "subclass"),
        (METER_TEST, "manufacturer_code", "9", "manufacturer_code"),
        (POWER_LIMIT, "mpl", POWER_LIMIT["mpl"] + 1, "mpl_bits"),
        (POWER_LIMIT, "mpl_bits", 0, "mpl_bits"),
        (PHASE, "mppul_bits", 0, "mppul_bits"),
        (find(subclass=1, **{"class": 2}, ea="07"), "register", 9, "register"),
        (find(subclass=2, **{"class": 2}, ea="07"), "rate", 9, "rate"),
        (find(subclass=5, ea="07"), "pad", 9, "pad"),
        (find(subclass=7, ea="07"), "wmf", 9, "wmf"),
        (SECTION_1, "new_decoder_key_hex", "00" * 16, "new_decoder_key_hex"),
        (SECTION_1, "new_ken", SECTION_1["new_ken"] ^ 16, "new_ken (high half)"),
        (SECTION_1, "new_ken", 256, "new_ken"),
        (SECTION_1, "new_krn", SECTION_1["new_krn"] % 9 + 1, "new_krn"),
        (SECTION_1, "new_key_type", SECTION_1["new_key_type"] ^ 1, "new_key_type"),
        (SECTION_1, "new_sgc", "000000", "new_sgc"),
        (SECTION_1, "ro", 0, "ro"),
        (SECTION_1, "ro", 2, "ro"),
        (SECTION_1, "three_kct", 1, "three_kct"),
        (SECTION_1, "new", [], "new"),
        (SECTION_2, "new_ken", SECTION_2["new_ken"] ^ 1, "new_ken (low half)"),
        (SECTION_2, "new_tariff_index", "98", "new_tariff_index"),
        (SECTION_3, "new_sgc", "999999", "new_sgc (low half)"),
        (find(subclass=9), "new_sgc", "999999", "new_sgc (high half)"),
    ],
    ids=name_of,
)
def test_a_wrong_field_is_named(vector: Fields, field: str, wrong: object, fails: str) -> None:
    assert fails in failed_fields({**vector, field: wrong})


@pytest.mark.parametrize("field", ["vending_key_hex", "sgc", "krn", "key_type", "tariff_index"])
def test_a_wrong_input_of_the_new_key_is_noticed(field: str) -> None:
    vector = deepcopy(SECTION_1)
    other = {"vending_key_hex": "00" * 20, "sgc": "999999", "krn": 9, "key_type": 1}
    vector["new"][field] = other.get(field, "99")
    assert "new_decoder_key_hex" in failed_fields(vector)


def test_a_wrong_type_inside_the_new_key_is_named_with_its_place() -> None:
    vector = deepcopy(SECTION_1)
    vector["new"]["krn"] = "9"
    assert "new.krn" in failed_fields(vector)


def test_a_token_under_another_key_says_what_is_wrong_with_its_part_of_the_new_key() -> None:
    vector = {**SECTION_3, "new_decoder_key_hex": "11" * 16}
    del vector["new"], vector["block_hex"]
    assert failed_fields(vector) == ["token", "new_decoder_key_hex"]


@pytest.mark.parametrize("vector", KINDS, ids=name_of)
def test_a_vector_without_one_of_its_inputs_is_checked_from_the_others(vector: Fields) -> None:
    for field in vector.keys() - {"source", "expect", "ea"}:
        without = {name: value for name, value in vector.items() if name != field}
        assert failed_fields(without) == [], field
        assert failed_fields({**vector, field: None}) == [], field


@pytest.mark.parametrize("vector", KINDS, ids=name_of)
def test_the_token_with_its_key_alone_is_enough(vector: Fields) -> None:
    kept = {"id", "source", "expect", "ea", "tables", "decoder_key_hex", "token"}
    assert failed_fields({name: vector[name] for name in kept & vector.keys()}) == []


@pytest.mark.parametrize("vector", KINDS, ids=name_of)
def test_the_inputs_with_the_block_alone_are_enough(vector: Fields) -> None:
    without = {name: value for name, value in vector.items() if name != "token"}
    assert failed_fields(without) == []
    wrong = {**without, "block_hex": "0" * 16}
    assert failed_fields(wrong) == ["block_hex"]


def test_a_missing_input_that_the_token_cannot_lend_leaves_the_token_to_blame() -> None:
    vector = {k: v for k, v in CREDIT.items() if k != "rnd"}
    assert failed_fields({**vector, "token": METER_TEST["token"]}) == ["class"]
    assert failed_fields({**vector, "token": "0" * 20}) == ["token"]


def test_a_vector_with_neither_token_nor_block_fails() -> None:
    without = {k: v for k, v in CREDIT.items() if k not in {"token", "block_hex"}}
    assert failed_fields(without) == ["token"]
    bare = {"id": "a", "source": "this test", "expect": "token"}
    assert failed_fields(bare) == ["token"]


def test_a_token_without_its_encryption_algorithm_or_its_key_cannot_be_checked() -> None:
    assert failed_fields({k: v for k, v in CREDIT.items() if k != "ea"}) == ["token"]
    keyless = {"decoder_key_hex", "vending_key_hex"}
    assert failed_fields({k: v for k, v in CREDIT.items() if k not in keyless}) == ["token"]


def test_a_pan_without_its_parts_is_parsed() -> None:
    bare = {k: v for k, v in CREDIT.items() if k not in {"iin", "iain"}}
    assert failed_fields(bare) == []
    assert "pan" in failed_fields({**bare, "pan": bare["pan"][:-1] + "x"})


def test_an_issuer_that_begins_like_the_short_one_is_taken_from_its_own_field() -> None:
    pan = "000012121234567870"
    vector = {**CREDIT, "iin": "000012", "iain": "12123456787", "pan": pan}
    vector = {k: v for k, v in vector.items() if k not in {"decoder_key_hex", "token"}}
    assert failed_fields(vector) == ["pan"]
    right = check(vector).failures[0].got
    assert failed_fields({**vector, "pan": right}) == []


def test_a_token_may_be_written_in_groups() -> None:
    token = CREDIT["token"]
    assert failed_fields({**CREDIT, "token": f"{token[:4]} {token[4:8]} {token[8:]}"}) == []


def test_hex_digits_may_be_capitals() -> None:
    padded = {**METER_TEST, "control_hex": f"0000{METER_TEST['control_hex'].upper()}"}
    assert failed_fields(padded) == []
    upper = {k: v.upper() if k.endswith("_hex") else v for k, v in CREDIT.items()}
    assert failed_fields(upper) == []


def test_a_currency_token_is_checked_from_its_coded_amount_alone() -> None:
    coded = {k: v for k, v in CURRENCY.items() if k != "currency_amount"}
    assert failed_fields(coded) == []
    assert "currency_exponent" in failed_fields({**coded, "currency_exponent": 32})


def test_dkga02_needs_no_base_date_and_dkga04_falls_back_to_the_stated_key() -> None:
    for vector in (CREDIT, CREDIT_04):
        dateless = {k: v for k, v in vector.items() if k != "base_date"}
        assert failed_fields(dateless) == []
        stated = {**dateless, "decoder_key_hex": "00" * (len(vector["decoder_key_hex"]) // 2)}
        assert ("decoder_key_hex" in failed_fields(stated)) == (vector is CREDIT)


def test_a_vector_without_a_source_is_refused_with_its_id() -> None:
    for source in (None, "", "  "):
        [failure] = check({**CREDIT, "source": source}).failures
        assert (failure.identifier, failure.field) == (CREDIT["id"], "source")


def test_a_vector_without_an_id_is_named_by_its_place() -> None:
    for identifier in (None, "", 7):
        failure = check({**CREDIT, "id": identifier, "tid": 0}).failures[0]
        assert failure.identifier == "vectors.jsonl:1"


def test_an_unknown_expectation_is_a_failure() -> None:
    assert failed_fields({"id": "a", "source": "this test"}) == ["expect"]


@pytest.mark.parametrize("vector", [*KINDS, EXPIRED], ids=name_of)
def test_failures_never_show_keys(vector: Fields) -> None:
    secrets = ["vending_key_hex", "decoder_key_hex", "new_decoder_key_hex"]
    present = [name for name in secrets if name in vector]
    wrong = {**vector, **{name: f"{'5a' * 7}{vector[name][14:]}" for name in present}}
    if "new" in vector:
        wrong["new"] = {
            **vector["new"],
            "vending_key_hex": "a5" * (10 if vector["dkga"] == "04" else 8),
        }
        wrong["block_hex"] = "0123456789abcdef"
    lines = "".join(map(str, check(wrong).failures))
    shown = [name for name in present if vector[name][:14] in lines or "5a" * 7 in lines]
    assert shown == []
    assert bool(lines) == bool(present)
    assert "0123456789abcdef" not in lines


def test_an_error_inside_the_engine_is_a_failure_without_its_words(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def stumble(*_: object) -> None:
        raise RuntimeError("key abababab")

    monkeypatch.setattr(sts.conformance, "check_token", stumble)
    assert check(CREDIT).failures == (Failure(CREDIT["id"], "engine", "an answer", "RuntimeError"),)
