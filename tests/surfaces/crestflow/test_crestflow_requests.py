"""What requests become: trimmed, checked field by field, told all at once."""

from __future__ import annotations

import asyncio
import json
from typing import Any, Final

import pytest
from starlette.requests import Request

from tests.surfaces.crestflow.desk import PASSWORD, Desk, app_of, browser
from tests.surfaces.crestflow.goods import at
from vending_api.domain.consumers.types import RegistrationFacts
from vending_api.domain.payments.types import OrderFilter
from vending_api.surfaces.crestflow import rules
from vending_api.surfaces.crestflow.errors import FieldsInvalid
from vending_api.surfaces.crestflow.reading import MAX_BODY_OCTETS, fields_of, parsed
from vending_api.surfaces.crestflow.services import NewRegistration
from vending_api.surfaces.crestflow.validation import Form

REGISTRATION: Final = {
    "name": "Jane Doe",
    "email": "jane@example.org",
    "password": PASSWORD,
    "estate": 1,
    "flat_number": "55A",
    "meter_type": 1,
    "meter_phase_type": 2,
    "meter_number": "01234567890",
}


def _registered(**changes: Any) -> tuple[Desk, int, Any]:
    desk = Desk()
    answer = browser(desk, key=None).post("/api/register", json=REGISTRATION | changes)
    return desk, answer.status_code, answer.json()


def test_a_registration_is_handed_on_as_it_was_meant() -> None:
    desk, status, _ = _registered(
        name="  Jane Doe\n", email=" jane@example.org ", password=" x y z w ", flat_number=None
    )
    assert status == 201
    assert desk.asked == [
        (
            "registration_problems",
            RegistrationFacts(email="jane@example.org", estate_key=1, meter_number="01234567890"),
            "testclient",
        ),
        (
            "register",
            NewRegistration(
                name="Jane Doe",
                email="jane@example.org",
                password=" x y z w ",
                estate_key=1,
                flat_number="",
                meter_type_id=1,
                meter_phase_type_id=2,
                meter_number="01234567890",
            ),
        ),
    ]


@pytest.mark.parametrize("field", [one for one in REGISTRATION if one != "flat_number"])
@pytest.mark.parametrize("value", [None, "", [], {}])
def test_a_required_field_that_is_empty_is_missing(field: str, value: object) -> None:
    desk, status, body = _registered(**{field: value})
    said = f"The {field.replace('_', ' ')} field is required."
    assert (status, body["errors"]) == (422, {field: [said]})
    assert "register" not in {name for name, *_ in desk.asked}


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("name", "x" * 256, "The name may not be greater than 255 characters."),
        ("name", "a\0b", "The name format is invalid."),
        ("email", "jane", "The email must be a valid email address."),
        ("password", "1234567", "The password must be at least 8 characters."),
        ("estate", "Estate1", "The estate must be an integer."),
        ("estate", 3, "The selected estate is invalid."),
        ("flat_number", 55, "The flat number must be a string."),
        ("meter_type", 0, "The selected meter type is invalid."),
        ("meter_type", "dual source", "The meter type must be an integer."),
        ("meter_phase_type", 3, "The selected meter phase type is invalid."),
        ("meter_number", "47-0", "The meter number must be a number."),
        ("meter_number", "47000000000", "The meter number has already been taken."),
        ("email", "janedoe@crestflowenergy.com", "The email has already been taken."),
    ],
)
def test_each_field_is_held_against_its_rule(field: str, value: object, said: str) -> None:
    _, status, body = _registered(**{field: value})
    assert status == 422
    assert body == {"message": "The given data was invalid.", "errors": {field: [said]}}


def test_a_lone_surrogate_is_no_text() -> None:
    octets = json.dumps(REGISTRATION).replace("Jane", "\\ud800").encode()
    answer = browser(Desk(), key=None).post("/api/register", content=octets)
    assert answer.json()["errors"] == {"name": ["The name format is invalid."]}


def test_only_what_is_sound_is_held_against_the_records() -> None:
    desk, _, body = _registered(email="jane", estate="x", meter_number="47000000000")
    assert desk.asked[0][1] == RegistrationFacts(
        email=None, estate_key=None, meter_number="47000000000"
    )
    assert list(body["errors"]) == ["email", "estate", "meter_number"]


def test_errors_stand_in_the_order_of_the_fields() -> None:
    _, _, body = _registered(
        name=None, email="janedoe@crestflowenergy.com", estate=9, meter_number="47000000000"
    )
    assert list(body["errors"]) == ["name", "email", "estate", "meter_number"]


def test_a_registration_shows_nobody_in_its_repr() -> None:
    desk, _, _ = _registered()
    shown = repr(desk.asked)
    for secret in ("Jane", "jane@example.org", PASSWORD, "55A"):
        assert secret not in shown


def test_a_field_may_be_wrong_in_two_ways() -> None:
    form = Form({"x": 5})
    form.read("x", rules.text)
    form.say("x", "The {field} is late.")
    with pytest.raises(FieldsInvalid) as refused:
        form.sound("anything")
    assert refused.value.errors == {"x": ["The x must be a string.", "The x is late."]}
    assert str(refused.value) == "x"


@pytest.mark.parametrize(
    ("body", "amount_minor", "phone"),
    [
        ({"amount": 5200}, 520_000, ""),
        ({"amount": " 5200.10 ", "phone": " +2348031234567 "}, 520_010, "+2348031234567"),
        ({"amount": 5200.5, "phone": ""}, 520_050, ""),
    ],
)
def test_a_purchase_is_handed_on_in_kobo(
    body: dict[str, Any], amount_minor: int, phone: str
) -> None:
    desk = Desk()
    desk.failure = OSError("far enough")
    browser(desk).post("/api/purchases", json=body)
    assert desk.asked[-1] == ("order", 1, amount_minor, phone)


@pytest.mark.parametrize(
    ("query", "wanted"),
    [
        ("", OrderFilter()),
        ("?meter_number=&from=&to=", OrderFilter()),
        (
            "?meter_number=047&from=2026-01-02&to=2026-01-02",
            OrderFilter(
                meter_number="047",
                since=at("2026-01-02 00:00:00"),
                until=at("2026-01-03 00:00:00"),
            ),
        ),
    ],
)
def test_purchases_are_looked_for_as_asked(query: str, wanted: OrderFilter) -> None:
    desk = Desk()
    browser(desk).get(f"/api/purchases{query}")
    assert desk.asked[-1] == ("find_orders", desk.consumer, wanted, 1)


@pytest.mark.parametrize("meter_number", ["%00", "4%ED%A0%80", "x"])
def test_a_meter_is_looked_for_by_digits_alone(meter_number: str) -> None:
    answer = browser(Desk()).get(f"/api/purchases?meter_number={meter_number}")
    assert answer.status_code == 422
    assert answer.json()["errors"] == {"meter_number": ["The meter number must be a number."]}


@pytest.mark.parametrize(
    "reference", ["T12345678901234", "T1234567890123456", "t123456789012345", "T%00", "T%F0%9F"]
)
def test_what_is_no_reference_is_not_even_looked_up(reference: str) -> None:
    desk = Desk()
    answer = browser(desk).get(f"/api/purchases/{reference}")
    assert (answer.status_code, answer.json()) == (404, {"message": "Purchase not found"})
    assert "find_order" not in {name for name, *_ in desk.asked}


@pytest.mark.parametrize(
    "octets",
    [
        b"",
        b"not json",
        b'{"a": 1',
        b"{'a': 1}",
        b"[1]",
        b'"a"',
        b"null",
        b"\xff\xfe",
        b'\xef\xbb\xbf{"a": 1}',
        '{"a": 1}'.encode("utf-16"),
        b'{"a": NaN}',
        b'{"a": -Infinity}',
        b'{"a": ' + b"9" * 5000 + b"}",
        b'{"a": 1e99999999999999999999}',
        b"[" * 60_000,
        b'{"a":' * 10_000,
    ],
    ids=range(16),
)
def test_a_body_that_is_no_object_has_no_fields(octets: bytes) -> None:
    assert parsed(octets) == {}
    answer = browser(Desk(), key=None).post("/api/login", content=octets)
    assert answer.status_code == 422
    assert list(answer.json()["errors"]) == ["email", "password"]


@pytest.mark.parametrize("content_type", ["application/json", "text/plain", "x/y; charset=z"])
def test_the_body_is_json_whatever_it_is_called(content_type: str) -> None:
    answer = browser(Desk()).post(
        "/api/modify-user", content=b'{"name": "Jane"}', headers={"Content-Type": content_type}
    )
    assert answer.status_code == 200


def test_a_form_is_not_read() -> None:
    answer = browser(Desk()).post("/api/modify-user", data={"name": "Jane"})
    assert answer.json()["errors"] == {"name": ["The name field is required."]}


def test_a_body_has_an_end() -> None:
    client = browser(Desk())
    body = b'{"name": "Jane"}'
    longest = body + b" " * (MAX_BODY_OCTETS - len(body))
    assert client.post("/api/modify-user", content=longest).status_code == 200
    answer = client.post("/api/modify-user", content=longest + b" ")
    assert (answer.status_code, answer.content) == (413, b'{"message":"Payload Too Large"}')


def test_who_hangs_up_has_sent_nothing() -> None:
    async def receive() -> dict[str, Any]:
        return {"type": "http.disconnect"}

    request = Request({"type": "http", "method": "POST", "headers": []}, receive)
    assert asyncio.run(fields_of(request)) == {}


def test_a_caller_without_an_address_is_counted_as_one() -> None:
    desk = Desk()

    async def call() -> None:
        body = json.dumps({"email": "a@b.c", "password": "x"}).encode()
        scope: dict[str, Any] = {
            "type": "http",
            "method": "POST",
            "path": "/api/login",
            "query_string": b"",
            "headers": [],
            "client": None,
        }

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": body}

        async def send(_: Any) -> None:
            pass

        await app_of(desk)(scope, receive, send)

    asyncio.run(call())
    assert desk.asked == [("log_in", "a@b.c", "x", "")]
