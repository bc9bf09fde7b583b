"""How faults are answered, those included that nobody expected."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.surfaces.electrum.shop import Shop, lookup, point_of_sale, purchase
from vending_api.domain.issuing.errors import TokenNotProven
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
    NOT_OFFERED,
    UNEXPECTED,
    UNKNOWN_METHOD,
    UNKNOWN_PATH,
    Answer,
)

_SURFACE_ANSWERS = [MALFORMED, NOT_OFFERED, UNEXPECTED, UNKNOWN_METHOD, UNKNOWN_PATH]


class Surprise(Exception):
    """What no surface knows."""


class Unlisted(DomainError):
    """What somebody forgot to list."""

    fault = Fault.REFUSED
    code = "unlisted"


@pytest.mark.parametrize("answer", [*ANSWERS.values(), *_SURFACE_ANSWERS], ids=str)
def test_the_words_of_an_answer_fit_a_till(answer: Answer) -> None:
    assert 1 <= len(answer.message) <= 20


@pytest.mark.parametrize(
    ("failure", "to_purchase", "to_retry"),
    [
        (Overloaded(), 503, 504),
        (StorageUnavailable(), 503, 504),
        (OutcomeUnknown(), 500, 500),
        (TokenNotProven("1"), 503, 503),
        (Surprise("the password is SECRET"), 500, 500),
        (Unlisted("unlisted"), 500, 500),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else str(value),
)
def test_a_retry_is_told_a_failure_only_when_nothing_can_have_been_sold(
    failure: Exception, to_purchase: int, to_retry: int
) -> None:
    shop = Shop()
    shop.failure = failure
    client = point_of_sale(shop)
    assert client.post("/tokenPurchases/purchase-1", json=purchase()).status_code == to_purchase
    retry = client.post("/tokenPurchases/purchase-1/retry", json=purchase("other"))
    assert retry.status_code == to_retry
    assert retry.json()["id"] == "other"
    assert retry.json()["requestType"] == "TOKEN_PURCHASE_RETRY_REQUEST"
    assert "SECRET" not in retry.text


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
