"""What is a message and what is not; nothing a sender writes is answered with 422 or 500."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.requests import Request

from tests.surfaces.electrum.sent import lookup, purchase
from tests.surfaces.electrum.shop import Shop, point_of_sale
from vending_api.surfaces.electrum.errors import FormatRefused
from vending_api.surfaces.electrum.reading import (
    MAX_BODY_OCTETS,
    MAX_VIOLATIONS,
    read,
    require_same_id,
    require_sound_id,
)
from vending_api.surfaces.electrum.wire.messages import PurchaseRequest

_JSON = {"Content-Type": "application/json"}


def _post(content: bytes, *, headers: dict[str, str] | None = None) -> Any:
    client = point_of_sale(Shop())
    return client.post("/meterLookups/lookup-1", content=content, headers=headers or _JSON)


def _violations(answer: Any) -> list[dict[str, str]]:
    assert answer.status_code == 400
    body = answer.json()
    assert body["errorType"] == "FORMAT_ERROR"
    violations: list[dict[str, str]] = body["detailMessage"]["formatErrors"]
    return violations


def _with(extra: str) -> bytes:
    """Return a sound lookup with more text before its closing brace."""
    return f"{json.dumps(lookup())[:-1]}, {extra}}}".encode("utf-8", "surrogatepass")


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b" ",
        b"{",
        b"[]",
        b"null",
        b"true",
        b"17",
        b'"a text"',
        b"{'id': 'x'}",
        b"id=lookup-1",
        b"\xef\xbb\xbf{}",
        b"\xff\xfe{\x00}\x00",
        b"[" * 30_000,
        b"[0," + b"[" * 30_000 + b"]" * 30_001,
        b'{"a":' * 10_000,
        json.dumps(lookup()).encode() + b" x",
    ],
    ids=lambda content: repr(content[:12]),
)
def test_what_is_no_json_object_is_refused_as_a_whole(content: bytes) -> None:
    (violation,) = _violations(_post(content))
    assert violation["field"] == ""
    assert violation["msg"]
    assert "value" not in violation


def test_an_empty_object_lacks_every_required_field() -> None:
    fields = [violation["field"] for violation in _violations(_post(b"{}"))]
    assert fields == ["id", "time", "originator", "client", "thirdPartyIdentifiers", "meter"]


@pytest.mark.parametrize(
    ("content_type", "status"),
    [
        ("application/json", 201),
        ("Application/JSON; charset=utf-8", 201),
        ("application/json ;charset=utf-8", 201),
        ("text/plain", 400),
        ("application/xml", 400),
        ("application/jsonp", 400),
        ("application/x-www-form-urlencoded", 400),
        ("", 400),
    ],
)
def test_only_json_is_read(content_type: str, status: int) -> None:
    answer = _post(json.dumps(lookup()).encode(), headers={"Content-Type": content_type})
    assert answer.status_code == status
    if status == 400:
        assert _violations(answer)[0]["msg"] == "Content-Type must be application/json"


def test_a_message_that_does_not_say_what_it_is_is_read_as_json() -> None:
    client = point_of_sale(Shop())
    assert client.post("/meterLookups/lookup-1", content=json.dumps(lookup())).status_code == 201


@pytest.mark.parametrize(("surplus", "status"), [(0, 201), (1, 413)])
def test_a_message_has_a_largest_size(surplus: int, status: int) -> None:
    message = json.dumps(lookup()).encode()
    answer = _post(message + b" " * (MAX_BODY_OCTETS - len(message) + surplus))
    assert answer.status_code == status
    if status == 413:
        assert answer.json() == {
            "errorType": "FORMAT_ERROR",
            "errorMessage": "Message is too long",
            "requestType": "METER_LOOKUP_REQUEST",
            "id": "lookup-1",
        }


@pytest.mark.parametrize(
    "extra",
    [
        '"unknown": "\\u0000"',
        '"unknown\\u0000": 1',
        '"unknown": [{"deep": ["x", "a\\u0000b"]}]',
        '"unknown": {"deep": {"\\u0000": null}}',
        '"basketRef": "\\u0000"',
        '"unknown": "\x00"',
        '"unknown": "\\ud800"',
        '"unknown": "\\udfff"',
        '"\\ud800": 1',
        '"unknown": "\\ud800\\u0041"',
        '"unknown": "\ud800"',
        '"unknown": NaN',
        '"unknown": -Infinity',
        '"unknown": [Infinity]',
        f'"unknown": {"9" * 6_000}',
    ],
    ids=lambda extra: ascii(extra[:40]),
)
def test_what_no_database_or_parser_can_keep_is_refused_wherever_it_stands(extra: str) -> None:
    (violation,) = _violations(_post(_with(extra)))
    assert violation["field"] == ""
    assert "value" not in violation


@pytest.mark.parametrize(
    "extra",
    [
        '"unknown": "\\\\u0000"',  # a backslash and a word, no NUL
        '"unknown": ["NaN", "Infinity", {"NaN": null}]',
        '"unknown": "\\ud83d\\ude00"',  # a pair of surrogates is one character
        '"unknown": "😀"',
        '"unknown": 1e999',
        '"unknown": [true, null, -1.5e-3]',
        f'"unknown": {"[" * 150}{"]" * 150}',
        '"unknown": "\\u0001"',
    ],
    ids=lambda extra: ascii(extra[:40]),
)
def test_what_only_looks_like_trouble_is_accepted(extra: str) -> None:
    assert _post(_with(extra)).status_code == 201


def test_a_sender_that_hangs_up_is_no_fault_of_ours() -> None:
    async def receive() -> dict[str, Any]:
        return {"type": "http.disconnect"}

    with pytest.raises(FormatRefused, match="ended too early"):
        asyncio.run(read(Request({"type": "http", "headers": []}, receive), PurchaseRequest))


def test_the_many_faults_of_one_message_are_not_all_told() -> None:
    answer = _post(json.dumps(lookup(thirdPartyIdentifiers=[1] * 1_000)).encode())
    assert len(_violations(answer)) == MAX_VIOLATIONS


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (None, "null"),
        (True, "true"),
        (1, "1"),
        ("x" * 64, "x" * 64),
        ("x" * 65, "x" * 64),
        ({"what": "ever"}, None),
        (["what"], None),
    ],
    ids=repr,
)
def test_a_wrong_value_is_shown_if_it_is_short_and_plain(value: object, shown: str | None) -> None:
    (violation,) = _violations(_post(json.dumps(lookup(time=value)).encode()))
    assert violation["field"] == "time"
    assert violation.get("value") == shown


def test_the_place_of_a_fault_counts_through_arrays() -> None:
    wrong = {"tenderType": "CASH", "amount": {"amount": True, "currency": "710"}}
    client = point_of_sale(Shop())
    answer = client.post("/tokenPurchases/purchase-1", json=purchase(tenders=[wrong]))
    (violation,) = _violations(answer)
    assert violation["field"] == "tenders[0].amount.amount"
    assert violation["value"] == "true"


@pytest.mark.parametrize(
    "changes",
    [
        {"paymentMethods": [{"type": "CARD", "pan": "SECRET"}]},
        {"paymentMethods": [{"type": "SECRET"}]},
        {"paymentMethods": [{"pan": "SECRET"}]},
        {"paymentMethods": ["SECRET"]},
        {"paymentMethods": "SECRET"},
        {"paymentMethods": {"pan": "SECRET"}},
        {"paymentMethods": [{"type": "ACCOUNT", "pin": {"type": "SECRET"}}]},
        {"paymentMethods": [{"type": "ACCOUNT", "pin": {"type": "CLEAR_PIN", "pin": ["SECRET"]}}]},
        {"paymentMethods": [{"type": "ACCOUNT", "pin": "SECRET"}]},
        {
            "paymentMethods": [
                {"type": "QR", "pin": {"type": "ENCRYPTED_PIN", "pinBlock": "SECRET"}},
            ],
        },
        {"tenders": [{"tenderType": "CASH", "cardNumber": "SECRET"}]},
        {"meter": {"meterId": "1", "track2Data": "SECRET"}},
    ],
    ids=str,
)
def test_no_secret_is_told_in_the_words_about_a_fault(changes: dict[str, Any]) -> None:
    client = point_of_sale(Shop())
    answer = client.post("/tokenPurchases/purchase-1", json=purchase(**changes))
    assert "***" in {violation.get("value") for violation in _violations(answer)}
    assert "SECRET" not in answer.text


def test_the_refusal_holds_no_cause_that_would_log_the_message() -> None:
    async def receive() -> dict[str, Any]:
        body = json.dumps(purchase(paymentMethods=["SECRET"])).encode()
        return {"type": "http.request", "body": body}

    with pytest.raises(FormatRefused) as caught:
        asyncio.run(read(Request({"type": "http", "headers": []}, receive), PurchaseRequest))
    assert caught.value.__cause__ is None
    assert "SECRET" not in str(caught.value)


def test_equal_ids_pass_and_others_do_not() -> None:
    require_same_id("a", "a")
    with pytest.raises(FormatRefused):
        require_same_id("a", "A")


@pytest.mark.parametrize(
    "text", ["x", "x" * 255, "é😀", "9f4e6d57-1b7c-4b0a-9c53-0b7b6f0d3c11"], ids=ascii
)
def test_any_text_that_can_be_kept_is_an_id(text: str) -> None:
    assert require_sound_id(text, name="purchaseId") == text


@pytest.mark.parametrize(
    "text", ["", "x" * 256, "\0", "a\0", chr(0xD800), chr(0xDFFF), "\ufffd", "x\n\0"], ids=ascii
)
def test_what_cannot_be_kept_is_no_id(text: str) -> None:
    with pytest.raises(FormatRefused):
        require_sound_id(text, name="purchaseId")


@pytest.mark.parametrize("path_id", ["a%0Ab", "%0A", "%7F", "%E2%80%A8"], ids=ascii)
def test_an_id_of_any_characters_is_compared_with_the_one_in_the_body(path_id: str) -> None:
    answer = point_of_sale(Shop()).post(f"/tokenReprints/{path_id}", json=lookup())
    (violation,) = _violations(answer)
    assert violation["field"] == "id"


@pytest.mark.parametrize("path_id", ["%00", "x%00", "%ED%A0%80", "%FF", "x" * 256], ids=ascii)
def test_a_retry_of_an_impossible_id_is_a_format_error(path_id: str) -> None:
    shop = Shop()
    answer = point_of_sale(shop).post(f"/tokenPurchases/{path_id}/retry", json=purchase())
    _violations(answer)
    assert shop.commands == []


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
        lambda parts: st.lists(parts) | st.dictionaries(st.text(), parts),
        max_leaves=8,
    ),
    st.sampled_from([*purchase(), "tenders", "paymentMethods", "slipData", "msisdn", "x"]),
)
def test_any_json_in_any_field_is_served_or_refused(value: object, field: str) -> None:
    client = point_of_sale(Shop())
    content = json.dumps(purchase() | {field: value})
    answer = client.post("/tokenPurchases/purchase-1", content=content, headers=_JSON)
    assert answer.status_code in {201, 400}


@given(st.binary(max_size=200))
def test_any_octets_are_refused(content: bytes) -> None:
    _violations(_post(content))
