"""How faults are answered, those included that nobody expected."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.surfaces.electrum.sent import EVERY_OPERATION, Sent, lookup, purchase
from tests.surfaces.electrum.shop import Shop, point_of_sale
from vending_api.domain.advices.errors import SaleUnknown
from vending_api.domain.clients.errors import CredentialsRejected
from vending_api.domain.issuing.errors import TokenNotProven
from vending_api.domain.meters.errors import UnknownMeter
from vending_api.kit.errors import (
    DomainError,
    Fault,
    OutcomeUnknown,
    Overloaded,
    StorageUnavailable,
)
from vending_api.surfaces.electrum.errors import (
    ANSWERS,
    MALFORMED,
    UNEXPECTED,
    UNKNOWN_METHOD,
    UNKNOWN_PATH,
    Answer,
)

_SURFACE_ANSWERS = [MALFORMED, UNEXPECTED, UNKNOWN_METHOD, UNKNOWN_PATH]


class Surprise(Exception):
    """What no surface knows."""


class Unlisted(DomainError):
    """What somebody forgot to list."""

    fault = Fault.REFUSED
    code = "unlisted"


@pytest.mark.parametrize("answer", [*ANSWERS.values(), *_SURFACE_ANSWERS], ids=str)
def test_the_words_of_an_answer_fit_a_till(answer: Answer) -> None:
    assert 1 <= len(answer.message) <= 20


_INSISTED_ON = {
    "retryPurchaseRequest",
    "confirmTokenPurchase",
    "reverseTokenPurchase",
    "confirmKeyChange",
}


@pytest.mark.parametrize(
    ("failure", "to_request", "to_retry_or_advice"),
    [
        (Overloaded(), 503, 504),
        (StorageUnavailable(), 503, 504),
        (OutcomeUnknown(), 500, 500),
        (TokenNotProven("1"), 503, 503),
        (UnknownMeter("1"), 400, 400),
        (SaleUnknown("1"), 404, 404),
        (CredentialsRejected(), 401, 401),
        (Surprise("the password is SECRET"), 500, 500),
        (Unlisted("unlisted"), 500, 500),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else str(value),
)
@pytest.mark.parametrize("sent", EVERY_OPERATION, ids=lambda sent: sent.operation.operation_id)
def test_a_final_failure_is_told_only_when_nothing_is_left_to_ask_again(
    sent: Sent, failure: Exception, to_request: int, to_retry_or_advice: int
) -> None:
    shop = Shop()
    shop.failure = failure
    answer = point_of_sale(shop).post(sent.path, json=sent.message)
    is_insisted_on = sent.operation.operation_id in _INSISTED_ON
    assert answer.status_code == (to_retry_or_advice if is_insisted_on else to_request)
    assert "SECRET" not in answer.text


@pytest.mark.parametrize("sent", EVERY_OPERATION, ids=lambda sent: sent.operation.operation_id)
def test_an_error_names_the_message_and_what_it_is_about(sent: Sent) -> None:
    shop = Shop()
    shop.failure = Overloaded()
    body = point_of_sale(shop).post(sent.path, json=sent.message).json()
    assert body["id"] == sent.message["id"]
    assert body["requestType"] == sent.operation.request_type
    assert body.get("originalId") == sent.message.get("requestId")


@pytest.mark.parametrize("sent", EVERY_OPERATION, ids=lambda sent: sent.operation.operation_id)
def test_the_ids_of_the_address_are_named_when_the_message_has_none(sent: Sent) -> None:
    body = point_of_sale(Shop()).post(sent.path, json={}).json()
    ids = {body["id"], body.get("originalId", body["id"])}
    assert body["errorType"] == "FORMAT_ERROR"
    assert all(one in sent.path for one in ids)
    assert ("originalId" in body) == ("requestId" in sent.message)


def test_an_unexpected_error_is_told_without_its_words() -> None:
    shop = Shop()
    shop.failure = Surprise("the password is SECRET")
    answer = point_of_sale(shop).post("/meterLookups/lookup-1", json=lookup())
    assert answer.status_code == 500
    assert answer.json() == {
        "errorType": "GENERAL_ERROR",
        "errorMessage": "Internal error",
        "requestType": "METER_LOOKUP_REQUEST",
        "id": "lookup-1",
    }


def test_an_unexpected_error_reaches_whoever_writes_the_log() -> None:
    shop = Shop()
    shop.failure = Surprise("here")
    client = point_of_sale(shop)
    client._transport.raise_server_exceptions = True  # type: ignore[attr-defined]  # starlette's own
    with pytest.raises(Surprise):
        client.post("/meterLookups/lookup-1", json=lookup())


@pytest.mark.parametrize("method", ["GET", "PUT", "PATCH", "DELETE", "OPTIONS"])
@pytest.mark.parametrize("path", ["/meterLookups/1", "/tokenPurchases/1/retry", "/faultReports/1"])
def test_another_method_is_named_as_such(method: str, path: str) -> None:
    answer = point_of_sale(Shop()).request(method, path)
    assert answer.status_code == 405
    assert answer.headers["allow"] == "POST"
    assert answer.json()["errorType"] == "FUNCTION_NOT_SUPPORTED"
    assert answer.json()["id"] == "1"


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/meterLookups",
        "/meterLookups/",
        "//meterLookups/1",
        "/meterLookups//1",
        "/meterLookups/1/",
        "/meterLookups/a%2Fb",
        "/tokenPurchases//retry",
        "/tokenPurchases/1/retry/",
        "/TokenPurchases/1",
        "/redoc",
    ],
)
def test_an_address_that_is_not_offered_is_answered_in_kind(path: str) -> None:
    answer = point_of_sale(Shop()).post(path, json=purchase("1"))
    assert answer.status_code == 404
    assert answer.json()["errorType"] == "FUNCTION_NOT_SUPPORTED"


@pytest.mark.parametrize("message_id", ["\ud800", "\0", "a\udfff"], ids=ascii)
def test_an_id_that_is_no_text_does_not_break_the_answer(message_id: str) -> None:
    status, body = asyncio.run(_status_and_body(f"/tokenPurchases/{message_id}/retry"))
    assert status == 401
    assert body


def test_what_is_no_advice_has_no_original() -> None:
    answer = point_of_sale(Shop()).post("/meterLookups/lookup-1?=x&requestId=y", json={})
    assert "originalId" not in answer.json()


def test_an_event_is_known_by_its_query() -> None:
    client = point_of_sale(Shop())
    assert client.post("/events/tokenPurchases?purchaseId=7").json()["id"] == "7"
    assert client.post("/events/tokenPurchases").json()["id"] == ""


async def _status_and_body(path: str) -> tuple[int, bytes]:
    """Send a request past any client, which would mend its path."""
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {
        "type": "http",
        "method": "POST",
        "path": path,
        "root_path": "",
        "query_string": b"",
        "headers": [],
    }
    await point_of_sale(Shop()).app(scope, receive, send)
    return sent[0]["status"], sent[1]["body"]


@pytest.mark.parametrize("sent", EVERY_OPERATION, ids=lambda sent: sent.operation.operation_id)
def test_whoever_meets_a_full_queue_is_told_when_to_come_again(sent: Sent) -> None:
    shop = Shop()
    shop.failure = Overloaded()
    assert point_of_sale(shop).post(sent.path, json=sent.message).headers["Retry-After"] == "1"
    shop.failure = StorageUnavailable()
    assert "Retry-After" not in point_of_sale(shop).post(sent.path, json=sent.message).headers
