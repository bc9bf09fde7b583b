"""The OpenAPI document says what the surface does."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, Final

import pytest

from tests.surfaces.electrum.shop import Shop, point_of_sale
from vending_api.surfaces.electrum.operations import OPERATIONS, Operation
from vending_api.surfaces.electrum.wire import advices, messages
from vending_api.surfaces.electrum.wire.faults import ErrorDetail

if TYPE_CHECKING:
    from collections.abc import Iterator

REFERRING: Final = {
    "confirmTokenPurchase",
    "retryPurchaseRequest",
    "reverseTokenPurchase",
    "confirmKeyChange",
    "notifyTokenPurchase",
}
MESSAGES: Final = {
    "createMeterLookup": (201, "MeterLookupRequest", "MeterLookupResponse"),
    "createTokenPurchaseRequest": (201, "PurchaseRequest", "PurchaseResponse"),
    "confirmTokenPurchase": (202, "ConfirmationAdvice", "BasicAdviceResponse"),
    "retryPurchaseRequest": (201, "PurchaseRequest", "PurchaseResponse"),
    "reverseTokenPurchase": (202, "ReversalAdvice", "BasicAdviceResponse"),
    "trialTokenPurchaseRequest": (200, "PurchaseRequest", "PurchaseResponse"),
    "requestTokenReprint": (200, "TokenReprintRequest", "PurchaseResponse"),
    "createKeyChangeTokenRequest": (201, "KeyChangeTokenRequest", "KeyChangeTokenResponse"),
    "confirmKeyChange": (202, "KeyChangeConfirmation", "BasicAdviceResponse"),
    "createFaultReport": (201, "FaultReportRequest", "FaultReportResponse"),
    "notifyTokenPurchase": (202, "PurchaseResponse", ""),
}


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    answer = point_of_sale(Shop()).get("/openapi.json")
    assert answer.status_code == 200
    read: dict[str, Any] = answer.json()
    return read


def _references(part: Any) -> set[str]:
    if isinstance(part, dict):
        own = {part["$ref"]} if isinstance(part.get("$ref"), str) else set()
        return own.union(*map(_references, part.values()))
    return set().union(*map(_references, part)) if isinstance(part, list) else set()


def test_the_eleven_operations_are_documented(document: dict[str, Any]) -> None:
    documented = {
        (path, method, operation["operationId"])
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    }
    assert documented == {(one.path, "post", one.operation_id) for one in OPERATIONS}
    assert len(documented) == 11


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda one: one.operation_id)
def test_every_operation_tells_who_may_ask_and_how_it_refuses(
    document: dict[str, Any], operation: Operation
) -> None:
    documented = document["paths"][operation.path]["post"]
    refers = {"404"} if operation.operation_id in REFERRING else set()
    refusals = {"400", "401", "405", "413", "500", "501", "503", "504"} | refers
    assert documented["responses"].keys() == {str(operation.success)} | refusals
    for status in refusals:
        content = documented["responses"][status]["content"]["application/json"]
        assert content["schema"] == {"$ref": "#/components/schemas/ErrorDetail"}
    assert documented["security"] == [{"basic": []}]
    in_path = [one["name"] for one in documented["parameters"] if one["in"] == "path"]
    assert in_path == re.findall(r"{(\w+)}", operation.path)
    assert operation.message_id in {one["name"] for one in documented["parameters"]}


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda one: one.operation_id)
def test_every_operation_has_the_messages_of_the_contract(
    document: dict[str, Any], operation: Operation
) -> None:
    documented = document["paths"][operation.path]["post"]
    request = documented["requestBody"]["content"]["application/json"]["schema"]["$ref"]
    answer = documented["responses"][str(operation.success)].get("content", {})
    schema = answer.get("application/json", {}).get("schema", {}).get("$ref", "")
    names = (request.rpartition("/")[2], schema.rpartition("/")[2])
    assert (operation.success, *names) == MESSAGES[operation.operation_id]


def test_the_examples_are_messages(document: dict[str, Any]) -> None:
    seen = [seen for methods in document["paths"].values() for seen in _examples(methods["post"])]
    assert len(seen) == 21 + 11 * 9 + 5  # requests and answers, refusals, those of 404
    for name, example in seen:
        model = {**vars(messages), **vars(advices), "ErrorDetail": ErrorDetail}[name]
        parsed = model.model_validate(example, by_alias=True, by_name=False)
        written = json.loads(parsed.model_dump_json(exclude_none=True, exclude_unset=True))
        assert written == example


def test_examples_show_the_ids_that_belong_together(document: dict[str, Any]) -> None:
    for operation in OPERATIONS:
        documented = document["paths"][operation.path]["post"]
        example = documented["requestBody"]["content"]["application/json"]["example"]
        ids = {one["name"]: one["example"] for one in documented["parameters"]}
        assert ids[operation.message_id] == example["id"]
        assert ids.get(operation.original_id) == example.get("requestId")


def _examples(documented: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    for part in (documented["requestBody"], *documented["responses"].values()):
        content = part.get("content", {}).get("application/json", {})
        name = content.get("schema", {}).get("$ref", "").rpartition("/")[2]
        if "example" in content:
            yield name, content["example"]
        for shown in content.get("examples", {}).values():
            yield name, shown["value"]


def test_what_is_referred_to_is_described_and_nothing_else(document: dict[str, Any]) -> None:
    described = {f"#/components/schemas/{name}" for name in document["components"]["schemas"]}
    assert _references(document) == described


def test_the_document_is_made_once(document: dict[str, Any]) -> None:
    client = point_of_sale(Shop())
    assert client.get("/openapi.json").json() == client.get("/openapi.json").json() == document


def test_the_document_can_be_read_in_a_browser() -> None:
    assert point_of_sale(Shop()).get("/docs").status_code == 200
