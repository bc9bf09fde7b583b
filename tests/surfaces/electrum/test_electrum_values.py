"""Whole numbers, texts and times: what is tolerated, and what is not."""

from __future__ import annotations

import json

import pytest
from pydantic import ValidationError

from tests.surfaces.electrum.full_message import FULL, parse, refused_at, with_value
from tests.surfaces.electrum.sent import purchase
from vending_api.surfaces.electrum.wire.messages import PurchaseRequest


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        (10_000, 10_000),
        ("10000", 10_000),
        ("0010000", 10_000),
        ("-1", -1),
        ("-0", 0),
        (0, 0),
        (10**15 - 1, 10**15 - 1),
        ("9" * 15, 10**15 - 1),
        (-(10**15) + 1, -(10**15) + 1),
        ("-" + "9" * 15, -(10**15) + 1),
    ],
    ids=repr,
)
def test_a_whole_number_may_be_quoted(given: object, kept: int) -> None:
    message = with_value(FULL, "purchaseAmount.amount", given)
    assert parse(message).purchase_amount.amount == kept


@pytest.mark.parametrize(
    "given",
    [
        *(True, False, 1.0, 1.5, 1e3, 10**15, -(10**15), [], {}),
        *("", " ", "1 ", " 1", "1\n", "+1", "--1", "-", "1_000", "1,000", "1.0", "1e3", "0x10"),
        *("1" * 16, "-" + "1" * 16, "٣", "ten", "\u00b2"),
    ],
    ids=repr,
)
@pytest.mark.parametrize(
    "path", ["purchaseAmount.amount", "slipData.slipWidth", "paymentMethods.0.pin.keyIndex"]
)
def test_a_whole_number_is_nothing_else(path: str, given: object) -> None:
    assert refused_at(with_value(FULL, path, given)) == {path}


@pytest.mark.parametrize(
    ("path", "number", "text"),
    [
        ("purchaseAmount.currency", 710, "710"),
        ("id", 17, "17"),
        ("basketRef", 1.5, "1.5"),
        ("basketRef", -1, "-1"),
        ("stan", 10**30, "1" + "0" * 30),
        ("originator.terminalId", 12345678, "12345678"),
        ("client.id", 1, "1"),
        ("tenders.0.reference", 1, "1"),
        ("meter.meterId", 1234, "1234"),
    ],
    ids=repr,
)
def test_a_text_may_be_given_as_a_number(path: str, number: float, text: str) -> None:
    assert parse(with_value(FULL, path, number)) == parse(with_value(FULL, path, text))


@pytest.mark.parametrize("given", [True, False, [], {}, [1], float("inf"), float("nan")], ids=str)
@pytest.mark.parametrize("path", ["basketRef", "id", "purchaseAmount.currency", "meter.meterId"])
def test_a_text_is_nothing_but_text_or_a_number(path: str, given: object) -> None:
    assert refused_at(with_value(FULL, path, given)) == {path}


def test_what_needs_no_tolerance_is_read_strictly() -> None:
    strict = PurchaseRequest.model_validate_json(json.dumps(FULL), strict=True, by_name=False)
    assert strict == parse(FULL)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("stan", 42),
        ("purchaseAmount.amount", "1000"),
        ("tenders.0.accountType", None),
    ],
)
def test_what_needs_tolerance_is_not_read_strictly(path: str, value: object) -> None:
    message = with_value(FULL, path, value)
    parse(message)
    with pytest.raises(ValidationError):
        PurchaseRequest.model_validate_json(json.dumps(message), strict=True, by_name=False)


def test_a_number_too_large_for_any_number_is_no_text() -> None:
    content = json.dumps(purchase(basketRef=0)).replace('"basketRef": 0', '"basketRef": 1e999')
    with pytest.raises(ValidationError):
        PurchaseRequest.model_validate_json(content)


@pytest.mark.parametrize(
    "time",
    [
        "2017-07-28T12:06:18.303Z",
        "2017-07-28T12:06:18Z",
        "2017-07-28t12:06:18z",
        "2017-07-28T12:06:18.123456789012+02:00",
        "2016-12-31T23:59:60Z",
        "2024-02-29T00:00:00-23:59",
        "0001-01-01T00:00:00Z",
        "9999-12-31T23:59:59Z",
    ],
    ids=repr,
)
def test_a_time_is_kept_as_it_is_written(time: str) -> None:
    assert parse(purchase(time=time)).time == time


@pytest.mark.parametrize(
    "time",
    [
        *("", "now", "2017-07-28", "2017-07-28T12:06:18", "2017-07-28T12:06Z"),
        *("2017-07-28 12:06:18Z", "20170728T120618Z", "2017-7-28T12:06:18Z"),
        *("2017-13-01T12:06:18Z", "2017-00-01T12:06:18Z", "2017-07-00T12:06:18Z"),
        *("2017-07-32T12:06:18Z", "2017-02-29T12:06:18Z", "2017-02-30T12:06:18Z"),
        *("2017-07-28T24:00:00Z", "2017-07-28T12:60:18Z", "2017-07-28T12:06:61Z"),
        *("2017-07-28T12:06:18.Z", "2017-07-28T12:06:18,5Z", "2017-07-28T12:06:18+2:00"),
        *("2017-07-28T12:06:18+24:00", "2017-07-28T12:06:18+02:60", "2017-07-28T12:06:18+0200"),
        *("2017-07-28T12:06:18.303Z\n", " 2017-07-28T12:06:18.303Z", "0000-01-01T00:00:00Z"),
        *("٢٠١٧-07-28T12:06:18Z", 1501243578),
    ],
    ids=repr,
)
def test_a_time_is_rfc_3339(time: object) -> None:
    assert refused_at(purchase(time=time)) == {"time"}


def test_a_scale_factor_is_a_number() -> None:
    path = "slipData.messageLines.0.fontWidthScaleFactor"
    assert refused_at(with_value(FULL, path, "wide")) == {path}
