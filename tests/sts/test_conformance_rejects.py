"""Vectors that must be refused: the engine refuses them, and accepting one is a failure."""

from __future__ import annotations

import pytest

from tests.sts.conformance_support import CREDIT, EXPIRED, Fields, check, failed_fields, name_of


def refusing(kind: str, value: object) -> Fields:
    reject = {"kind": kind, "value": value}
    return {"id": "a", "source": "this test", "expect": "reject", "reject": reject}


REFUSALS = {
    "pan": (CREDIT["pan"], ["", "abc", "600727000000000008", "60072700000000000", "1" * 22]),
    "krn": (1, ["0", "10", "-1", "", "abc", "1.5", "01", "+1", "9" * 50]),
    "kt": ("3", ["4", "-1", "", "abc", "00"]),
    "ken": ("255", ["256", "-1", "", "abc", "99999999999999999999"]),
    "rnd": ("15", ["16", "-1", "", "abc"]),
    "ti": ("00", ["0", "100", "a1", "-1", ""]),
    "sgc": ("000000", ["00000", "0000000", "-12345", "abcdef", ""]),
    "mfr": ("0000", ["1", "123", "12345", "ab", ""]),
    "dsn": ("12345678", ["1234", "abcd", "123456789", "-1234567", ""]),
    "iin": ("0000", ["1234", "60072", "6007277", "abcdef", ""]),
    "iain": ("12123456787", ["12123456788", "123456789012", "abcdefghijk", ""]),
    "drncheck": ("9", ["12", "", "a", "-1", "٣"]),
    "pancheck": ("0", ["12", "", "a", "-1", "٣"]),
    "amount": (
        "1820162.4",
        [
            "1820162.41",
            "18201624",
            "-0.1",
            "-0.01",
            "",
            "abc",
            "NaN",
            "1e3",
            "99999999999999999999",
        ],
    ),
    "mpl": ("18201624", ["18201625", "-1", "", "abc", "0.5"]),
    "doe": ("9912", ["9913", "9900", "991", "99120", "abcd", ""]),
}


@pytest.mark.parametrize(
    ("kind", "value"), [(kind, bad) for kind, (_, all_bad) in REFUSALS.items() for bad in all_bad]
)
def test_what_must_be_refused_is_refused(kind: str, value: str) -> None:
    assert failed_fields(refusing(kind, value)) == []


@pytest.mark.parametrize(("kind", "value"), [(kind, good) for kind, (good, _) in REFUSALS.items()])
def test_a_value_that_the_engine_accepts_fails_a_reject_vector(kind: str, value: object) -> None:
    [failure] = check(refusing(kind, value)).failures
    assert (failure.field, failure.got) == ("reject.value", "accepted")


def test_a_number_to_refuse_may_be_written_without_quotes() -> None:
    assert failed_fields(refusing("krn", 10)) == []
    assert failed_fields(refusing("amount", -0.1)) == []
    assert failed_fields(refusing("amount", 2.5)) == ["reject.value"]


@pytest.mark.parametrize(
    ("reject", "field"),
    [
        (None, "reject"),
        ("krn", "reject"),
        ({}, "reject"),
        ({"kind": 1}, "reject"),
        ({"kind": "colour", "value": "red"}, "reject.kind"),
        ({"kind": "krn"}, "reject.value"),
        ({"kind": "krn", "value": True}, "reject.value"),
        ({"kind": "krn", "value": ["10"]}, "reject.value"),
        ({"kind": "key_expired"}, "reject"),
        ({"kind": "key_expired", "tid": 1}, "reject"),
        ({"kind": "key_expired", "ken": 1}, "reject"),
    ],
    ids=name_of,
)
def test_a_reject_vector_that_tests_nothing_fails(reject: object, field: str) -> None:
    assert field in failed_fields({**refusing("", ""), "reject": reject})


@pytest.mark.parametrize(
    ("identifier", "expiry", "refused"),
    [
        (5_636_095, 85, False),
        (5_636_096, 85, True),
        (5_916_090, 85, True),
        ((1 << 24) - 1, 255, False),
        (65_535, 0, False),
        (65_536, 0, True),
    ],
)
def test_key_expiry_is_held_against_the_high_byte(
    identifier: int, expiry: int, *, refused: bool
) -> None:
    facts = {"tid": identifier, "ken": expiry}
    kind = {"kind": "key_expired"}
    beside = {**refusing("", ""), "reject": kind, **facts}
    inside = {**refusing("", ""), "reject": {**kind, **facts}}
    assert failed_fields(beside) == failed_fields(inside) == ([] if refused else ["ken"])


def test_an_expired_vector_is_checked_in_its_other_fields_too() -> None:
    assert failed_fields({**EXPIRED, "decoder_key_hex": "00" * 16}) == ["decoder_key_hex"]
    assert failed_fields({**EXPIRED, "tid": EXPIRED["tid"] + 1}) == ["tid"]
    assert failed_fields({**EXPIRED, "pan": CREDIT["pan"]}) == ["pan"]
    assert failed_fields({**EXPIRED, "ken": 255}) == ["ken"]
