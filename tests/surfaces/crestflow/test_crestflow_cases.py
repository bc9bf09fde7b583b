"""Every recorded exchange of `cases/` happens as recorded, octet by octet."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Final

import pytest

from tests.surfaces.crestflow.desk import Desk, browser, php
from vending_api.domain.consumers.errors import RegistrationRefused, TooManyAttempts
from vending_api.domain.credit.errors import LimitExceeded
from vending_api.domain.meters.errors import MeterBlocked
from vending_api.domain.payments.errors import PaymentsNotOffered
from vending_api.domain.pricing.errors import AmountTooLarge, AmountTooSmall
from vending_api.domain.readings.errors import MetersNotConnected
from vending_api.kit.errors import DomainError, Overloaded, StorageUnavailable
from vending_api.surfaces.crestflow.operations import OPERATIONS

CASES: Final = sorted((Path(__file__).parent / "cases").glob("*.json"))
FAILURES: Final[dict[str, DomainError]] = {
    error.code: error
    for error in (
        AmountTooLarge(520_000),
        AmountTooSmall(520_000),
        LimitExceeded("a day of the meter", 1),
        MeterBlocked("47000000000"),
        MetersNotConnected(),
        Overloaded(),
        PaymentsNotOffered("no key"),
        RegistrationRefused({"email": "taken"}),
        StorageUnavailable(),
        TooManyAttempts(42),
    )
}
"""What a case may begin with, as "given": the service fails so."""


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_the_recorded_exchanges_happen_again(path: Path) -> None:
    case = json.loads(path.read_text(encoding="utf-8"))
    desk = Desk()
    desk.failure = FAILURES[case["given"]] if "given" in case else None
    client = browser(desk, key=None)
    for exchange in case["exchanges"]:
        request, expected = exchange["request"], exchange["response"]
        answer = client.request(
            request["method"],
            request["path"],
            headers=request.get("headers", {}),
            json=request.get("body"),
        )
        assert answer.status_code == expected["status"]
        assert answer.content == php(expected["body"])
        assert answer.headers["content-type"] == "application/json"
        assert answer.headers["cache-control"] == "no-store, private"
        for name, value in expected.get("headers", {}).items():
            assert answer.headers[name] == value


def test_every_operation_has_a_case_that_went_well() -> None:
    recorded = set()
    for path in CASES:
        for exchange in json.loads(path.read_text(encoding="utf-8"))["exchanges"]:
            request, status = exchange["request"], exchange["response"]["status"]
            recorded.add((request["method"], request["path"].partition("?")[0], status))
    for operation in OPERATIONS:
        address = "/api" + operation.path.replace("{reference}", "T123456789012345")
        assert (operation.method, address, operation.success) in recorded


MESSAGES: Final = (
    "Registration Successful",
    "API key supplied is valid",
    "Updated successfully",
    "Password has been reset successfully",
    "Username and/or password is invalid",
    "API Key supplied is invalid or has expired",
    "API error - invalid account",
    "API error - invalid meterNo or dataItem",
    "Pending reading request already exists for this data item",
    "Incorrect current password",
    "The given data was invalid.",
    "Something seems to be wrong",
)
"""The texts of the contract, and no other is as good."""


def test_every_message_of_the_contract_has_a_case() -> None:
    said = {
        exchange["response"]["body"]["message"]
        for path in CASES
        for exchange in json.loads(path.read_text(encoding="utf-8"))["exchanges"]
        if "message" in exchange["response"]["body"]
    }
    assert set(MESSAGES) <= said
