"""How faults are answered, those included that nobody expected."""

from __future__ import annotations

from typing import Final

import pytest
from structlog.testing import capture_logs

from tests.surfaces.crestflow.desk import KEY, PASSWORD, Desk, browser
from vending_api.domain.consumers.errors import RegistrationRefused, TooManyAttempts
from vending_api.domain.estates.errors import EstateUnknown
from vending_api.domain.payments.errors import AmountNotAboveCharge, PaymentGatewayUnavailable
from vending_api.domain.pricing.errors import AmountOutsideLimits, NoPrice
from vending_api.kit.errors import (
    DomainError,
    Fault,
    OutcomeUnknown,
    Overloaded,
    StorageUnavailable,
)
from vending_api.surfaces.crestflow.operations import OPERATIONS, Operation

UNAVAILABLE: Final = {"message": "Something seems to be wrong"}
BODIES: Final = {
    "register": {
        "name": "Jane",
        "email": "jane@example.org",
        "password": PASSWORD,
        "estate": 1,
        "meter_type": 1,
        "meter_phase_type": 1,
        "meter_number": "01234567890",
    },
    "login": {"email": "jane@example.org", "password": PASSWORD},
    "modifyUser": {"name": "Jane"},
    "changePassword": {"currentpassword": PASSWORD, "newpassword": PASSWORD},
    "readMeter": {"data_item": "Power"},
    "orderPurchase": {"amount": 5200},
}
WITHOUT_RECORDS: Final = {"validate", "user", "dataItems"}
"""What needs to know who asks, and nothing else."""
NEEDING: Final = [one for one in OPERATIONS if one.operation_id not in WITHOUT_RECORDS]


class Surprise(Exception):
    """What no surface knows."""


class Unlisted(DomainError):
    """What somebody forgot to list."""

    fault = Fault.REFUSED
    code = "unlisted"


def _failing(failure: Exception, operation: Operation) -> tuple[int, object, dict[str, str]]:
    desk = Desk()
    desk.failure = failure
    answer = browser(desk).request(
        operation.method,
        "/api" + operation.path.replace("{reference}", "T123456789012345"),
        json=BODIES.get(operation.operation_id),
    )
    assert answer.headers["cache-control"] == "no-store, private"
    return answer.status_code, answer.json(), dict(answer.headers)


@pytest.mark.parametrize("operation", NEEDING, ids=lambda one: one.operation_id)
@pytest.mark.parametrize(
    ("failure", "status", "body"),
    [
        (Overloaded(), 503, UNAVAILABLE),
        (StorageUnavailable(), 503, UNAVAILABLE),
        (OutcomeUnknown(), 503, UNAVAILABLE),
        (PaymentGatewayUnavailable("initialize", "TimeoutException"), 503, UNAVAILABLE),
        (NoPrice("no version"), 503, UNAVAILABLE),
        (TooManyAttempts(17), 429, {"message": "Too Many Attempts."}),
        (Surprise("the password is SECRET"), 500, {"message": "Server Error"}),
        (Unlisted("SECRET"), 500, {"message": "Server Error"}),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else "",
)
def test_every_operation_tells_faults_alike(
    operation: Operation, failure: Exception, status: int, body: object
) -> None:
    answered, told, headers = _failing(failure, operation)
    assert (answered, told) == (status, body)
    retry_after = {Overloaded: "1", TooManyAttempts: "17"}.get(type(failure))
    assert headers.get("retry-after") == retry_after


def test_an_unexpected_error_reaches_whoever_writes_the_log() -> None:
    desk = Desk()
    desk.failure = Surprise("here")
    client = browser(desk)
    client._transport.raise_server_exceptions = True  # type: ignore[attr-defined]  # starlette's own
    with pytest.raises(Surprise):
        client.get("/api/options")


def test_operators_learn_why_something_seems_to_be_wrong() -> None:
    desk = Desk()
    desk.failure = NoPrice("no version is in force")
    with capture_logs() as lines:
        browser(desk).post("/api/purchases", json={"amount": 5200})
    assert lines == [
        {
            "event": "consumer_request_failed",
            "log_level": "warning",
            "code": "no_price",
            "reason": "there is no price: no version is in force",
        }
    ]


@pytest.mark.parametrize("failure", [TooManyAttempts(1), AmountNotAboveCharge(1, 2)], ids=repr)
def test_what_is_no_fault_of_ours_is_not_logged(failure: DomainError) -> None:
    desk = Desk()
    desk.failure = failure
    with capture_logs() as lines:
        browser(desk).post("/api/purchases", json={"amount": 5200})
    assert lines == []


@pytest.mark.parametrize(
    ("failure", "field", "text"),
    [
        (AmountNotAboveCharge(20_000, 20_000), "amount", "The amount must be greater than 200."),
        (AmountNotAboveCharge(1, 20_050), "amount", "The amount must be greater than 200.5."),
        (
            AmountOutsideLimits(69_999, 70_000, 5_020_000),
            "amount",
            "The amount must be at least 700.",
        ),
        (
            AmountOutsideLimits(5_020_001, 70_000, 5_020_000),
            "amount",
            "The amount may not be greater than 50200.",
        ),
        (
            AmountOutsideLimits(69_999, 70_000, None),
            "amount",
            "The amount must be at least 700.",
        ),
        (EstateUnknown(1), "estate", "The selected estate is invalid."),
        (
            RegistrationRefused({"meter_number": "taken"}),
            "meter_number",
            "The meter number has already been taken.",
        ),
        (
            RegistrationRefused({"estate": "unknown"}),
            "estate",
            "The selected estate is invalid.",
        ),
    ],
    ids=repr,
)
def test_some_refusals_are_about_a_field(failure: DomainError, field: str, text: str) -> None:
    desk = Desk()
    desk.failure = failure
    answer = browser(desk).post("/api/purchases", json={"amount": 5200})
    assert answer.status_code == 422
    assert answer.json() == {
        "message": "The given data was invalid.",
        "errors": {field: [text]},
    }


@pytest.mark.parametrize(
    ("method", "path", "offered"),
    [
        ("GET", "login", "POST"),
        ("PUT", "login", "POST"),
        ("OPTIONS", "login", "POST"),
        ("POST", "user", "GET"),
        ("DELETE", "purchases", "GET, POST"),
        ("POST", "purchases/T123456789012345", "GET"),
    ],
)
def test_another_method_is_named_as_such(method: str, path: str, offered: str) -> None:
    answer = browser(Desk()).request(method, f"/api/{path}")
    assert answer.status_code == 405
    assert answer.headers["allow"] == offered
    assert answer.json() == {
        "message": f"The {method} method is not supported for this route. "
        f"Supported methods: {offered}."
    }


def test_asking_for_headers_alone_shows_no_tokens() -> None:
    desk = Desk()
    answer = browser(desk).head("/api/tokenreceipts")
    assert answer.status_code == 405
    assert desk.asked == []


@pytest.mark.parametrize(
    "path", ["", "users", "user/", "User", "purchases/", "purchases/a%2Fb", "redoc", "m%C2%B3"]
)
def test_an_address_that_is_not_offered_is_named(path: str) -> None:
    answer = browser(Desk()).get(f"/api/{path}")
    assert answer.status_code == 404
    named = path.replace("%2F", "/").replace("%C2%B3", "³").strip("/")
    route = f"api/{named}".strip("/")
    assert answer.json() == {"message": f"The route {route} could not be found."}


def test_nothing_secret_is_repeated() -> None:
    desk = Desk()
    client = browser(desk)
    answers = [
        client.post("/api/login", json={"email": "a@b.c", "password": "SECRET-1"}),
        client.post("/api/change-password", json={"currentpassword": "SECRET-1"}),
        client.post("/api/register", json={"password": "SECRET", "email": "SECRET-1"}),
        client.get("/api/user", params={"api_key": "SECRET-1"}),
        client.get("/api/nothing", params={"api_key": KEY}),
    ]
    for answer in answers:
        assert "SECRET" not in answer.text
        assert KEY not in answer.text
