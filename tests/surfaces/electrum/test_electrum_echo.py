"""What an answer repeats of its request, and what nobody ever hears again."""

from __future__ import annotations

import logging
from typing import Any, Final

import pytest

from tests.surfaces.electrum.full_message import FULL, FULL_CONFIRMATION
from tests.surfaces.electrum.goods import TRACK_2
from tests.surfaces.electrum.sent import EVERY_OPERATION, Sent
from tests.surfaces.electrum.shop import Shop, point_of_sale
from vending_api.surfaces.electrum.operations import KEY_CHANGE, TOKEN_PURCHASE

PARTIES: Final = [
    {"institutionId": "300123", "transactionIdentifier": "2026-000815"},
    {"institutionId": "33333", "transactionIdentifier": ""},
    {"institutionId": "33333"},
    {"institutionId": "300123", "transactionIdentifier": "2026-000815"},
]
ECHOED: Final[dict[str, Any]] = {
    name: FULL[name]
    for name in (
        *("originator", "client", "settlementEntity", "receiver", "transactionLabels"),
        *("basketRef", "tranType", "srcAccType", "destAccType", "stan", "rrn"),
    )
} | {"time": "2017-07-28T14:06:18.303456789+02:00", "thirdPartyIdentifiers": PARTIES}
ECHOED_OF_ADVICE: Final[dict[str, Any]] = {
    name: FULL_CONFIRMATION[name] for name in ("stan", "rrn")
} | {
    "time": ECHOED["time"],
    "thirdPartyIdentifiers": PARTIES,
    "amounts": {"approvedAmount": {"amount": 0, "currency": "710"}},
}
ADVICES: Final = [sent for sent in EVERY_OPERATION if "requestId" in sent.message]
REQUESTS: Final = [sent for sent in EVERY_OPERATION[:-1] if sent not in ADVICES]
SECRETS: Final = ("4111111111111111", "SECRETPIN", "0123456789abCDEF", TRACK_2, "0825550000")


@pytest.mark.parametrize("sent", REQUESTS, ids=lambda sent: sent.operation.operation_id)
def test_what_identifies_a_transaction_comes_back_as_it_was(sent: Sent) -> None:
    client = _ready_for(sent)
    answer = client.post(sent.path, json=sent.message | ECHOED)
    assert answer.status_code == sent.operation.success
    body = answer.json()
    assert {name: body.get(name) for name in ECHOED} == ECHOED
    assert body["id"] == sent.message["id"]


@pytest.mark.parametrize("sent", ADVICES, ids=lambda sent: sent.operation.operation_id)
def test_the_answer_to_an_advice_is_what_identifies_it_and_nothing_else(sent: Sent) -> None:
    client = _ready_for(sent)
    answer = client.post(sent.path, json=sent.message | ECHOED_OF_ADVICE)
    assert answer.status_code == 202
    assert answer.json() == ECHOED_OF_ADVICE | {
        name: sent.message[name] for name in ("id", "requestId")
    }


@pytest.mark.parametrize("sent", REQUESTS, ids=lambda sent: sent.operation.operation_id)
def test_a_slip_of_the_request_is_not_echoed(sent: Sent) -> None:
    client = _ready_for(sent)
    answer = client.post(sent.path, json=sent.message | {"slipData": FULL["slipData"]})
    assert answer.status_code == sent.operation.success
    assert answer.json().get("slipData", {}).get("issuerReference") != "A1"


def test_an_event_is_answered_with_nothing() -> None:
    sent = EVERY_OPERATION[-1]
    client = _ready_for(sent)
    answer = client.post(sent.path, json=sent.message | ECHOED)
    assert (answer.status_code, answer.content) == (202, b"")


@pytest.mark.parametrize("wrong", [{}, {"id": ""}, {"id": "another"}], ids=str)
@pytest.mark.parametrize("failure", [None, RuntimeError("down")], ids=str)
@pytest.mark.parametrize("sent", EVERY_OPERATION, ids=lambda sent: sent.operation.operation_id)
def test_no_card_pin_or_phone_is_in_an_answer_or_in_the_log(
    sent: Sent,
    failure: Exception | None,
    wrong: dict[str, str],
    caplog: pytest.LogCaptureFixture,
    capsys: pytest.CaptureFixture[str],
) -> None:
    caplog.set_level(logging.DEBUG)
    shop = Shop()
    client = point_of_sale(shop)
    shop.failure = failure
    answer = client.post(sent.path, json=sent.message | _secrets_for(sent) | wrong)
    written = "".join(capsys.readouterr())
    asked = repr(shop.commands)
    for secret in SECRETS:
        assert secret not in answer.text
        assert secret not in caplog.text
        assert secret not in written
        assert secret not in asked


@pytest.mark.parametrize("field", ["contactNumber", "meter", "customer", "tenders", "tokens"])
def test_what_is_wrong_with_a_secret_is_told_without_it(field: str) -> None:
    wrong: dict[str, Any] = {
        "contactNumber": "4111111111111111" * 2,
        "meter": {"meterId": "1", "track2Data": TRACK_2[1:]},
        "customer": {"msisdn": "0825550000"},
        "tenders": [{"cardNumber": "4111-1111-1111-1111", "tenderType": "CASH"}],
        "tokens": [{"token": True}],
    }
    shown = [
        violation["value"]
        for sent in EVERY_OPERATION
        for violation in _violations(sent, {field: wrong[field]})
        if "value" in violation
    ]
    assert "***" in shown
    assert set(shown) <= {"***", "null"}


def _ready_for(asked: Sent) -> Any:
    """Return a point of sale that has bought what a message refers to, under the usual ids."""
    client = point_of_sale(Shop())
    for sent in EVERY_OPERATION:
        if sent.operation in {TOKEN_PURCHASE, KEY_CHANGE} - {asked.operation}:
            assert client.post(sent.path, json=sent.message).status_code == 201
    return client


def _violations(sent: Sent, changes: dict[str, Any]) -> list[dict[str, str]]:
    """Return what the surface says is wrong with a message; nothing if it has no such field."""
    body = point_of_sale(Shop()).post(sent.path, json=sent.message | changes).json()
    detail = body.get("detailMessage")
    return detail["formatErrors"] if isinstance(detail, dict) else []


def _secrets_for(sent: Sent) -> dict[str, Any]:
    """Return what a request of this kind may hold and must keep to itself."""
    tender = {
        "tenderType": "CREDIT_CARD",
        "amount": {"amount": 1, "currency": "710"},
        "cardNumber": "4111111111111111",
    }
    secrets: dict[str, Any] = {
        "tenders": [tender],
        "contactNumber": "0825550000",
        "msisdn": "0825550000",
        "paymentMethods": [
            {
                "type": "CARD",
                "pan": "4111111111111111",
                "pin": {
                    "type": "ENCRYPTED_PIN",
                    "pinBlock": "0123456789abCDEF",
                    "accountNumber": "1" * 12,
                },
            },
            {"type": "ACCOUNT", "pin": {"type": "CLEAR_PIN", "pin": "SECRETPIN"}},
        ],
    }
    if "meter" in sent.message:
        secrets["meter"] = sent.message["meter"] | {"track2Data": TRACK_2}
    return secrets
