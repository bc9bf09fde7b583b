"""The OpenAPI document says what the surface does."""

from __future__ import annotations

import json
from dataclasses import fields
from typing import TYPE_CHECKING, Any, Final

import pytest

from tests.surfaces.crestflow.desk import Desk, browser
from vending_api.domain.readings.items import ITEMS
from vending_api.surfaces.crestflow import wire
from vending_api.surfaces.crestflow.operations import OPERATIONS, Key, Operation

if TYPE_CHECKING:
    from collections.abc import Iterator

REFERENCE: Final = "#/components/schemas/"
MESSAGES: Final = {
    "register": (201, "RegistrationRequest", "Said"),
    "options": (200, "", "Options"),
    "login": (200, "LoginRequest", "ApiKey"),
    "validate": (200, "", "Said"),
    "user": (200, "", "data User"),
    "modifyUser": (200, "ModifyUserRequest", "Said"),
    "changePassword": (200, "ChangePasswordRequest", "Said"),
    "tokenReceipts": (200, "", "page TokenReceiptWithTransaction"),
    "meterTransactions": (200, "", "page TransactionWithMeter"),
    "remoteReading": (200, "", "data RemoteReadingData or null"),
    "dataItems": (200, "", "list DataItem"),
    "readMeter": (200, "ReadMeterRequest", "ReadingTask"),
    "remoteReadingTasks": (200, "", "page ReadingTask"),
    "orderPurchase": (201, "PurchaseRequest", "OrderedPurchase"),
    "findPurchase": (200, "", "data Purchase"),
    "findPurchases": (200, "", "page Purchase"),
}


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    answer = browser(Desk(), key=None).get("/api/openapi.json")
    assert answer.status_code == 200
    read: dict[str, Any] = answer.json()
    return read


def _of(document: dict[str, Any], operation: Operation) -> dict[str, Any]:
    found: dict[str, Any] = document["paths"][operation.path][operation.method.lower()]
    return found


def _named(schema: dict[str, Any]) -> str:
    """Return what a schema is called here: `data X`, `list X`, `page X` or `X`."""
    if "$ref" in schema:
        name: str = schema["$ref"].removeprefix(REFERENCE)
        return name
    if "anyOf" in schema:
        return f"{_named(schema['anyOf'][0])} or null"
    if schema["type"] == "array":
        return f"list {_named(schema['items'])}"
    if "meta" in schema["properties"]:
        return f"page {_named(schema['properties']['data']['items'])}"
    return f"data {_named(schema['properties']['data'])}"


def test_the_thirteen_operations_and_ours_are_documented(document: dict[str, Any]) -> None:
    documented = {
        (path, method.upper(), operation["operationId"])
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    }
    assert documented == {(one.path, one.method, one.operation_id) for one in OPERATIONS}
    assert len(documented) == 13 + 3


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda one: one.operation_id)
def test_every_operation_has_its_messages(document: dict[str, Any], operation: Operation) -> None:
    documented = _of(document, operation)
    body = documented.get("requestBody")
    request = "" if body is None else _named(body["content"]["application/json"]["schema"])
    content = documented["responses"][str(operation.success)]["content"]["application/json"]
    named = (operation.success, request, _named(content["schema"]))
    assert named == MESSAGES[operation.operation_id]


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda one: one.operation_id)
def test_every_operation_tells_who_may_ask_and_how_it_refuses(
    document: dict[str, Any], operation: Operation
) -> None:
    documented = _of(document, operation)
    keys: list[dict[str, list[str]]] = [{"header": []}, {"query": []}]
    expected = {Key.NONE: [], Key.IF_SENT: [{}, *keys]}.get(operation.key, keys)
    assert documented["security"] == expected
    refused = documented["responses"].keys() - {str(operation.success)}
    has_body = operation.method == "POST"
    assert {"500", "503"} <= refused
    rejects = operation.key is not Key.NONE or operation.operation_id == "login"
    assert ("401" in refused) == rejects
    assert ("413" in refused) == has_body
    assert ("422" in refused) == (has_body or operation.operation_id == "findPurchases")
    assert ("404" in refused) == (operation.operation_id == "findPurchase")
    limited = {"register", "login", "changePassword", "orderPurchase"}
    assert ("429" in refused) == (operation.operation_id in limited)
    names = [one["name"] for one in documented["parameters"]]
    assert ("page" in names) == operation.is_paged
    assert ("reference" in names) == ("{reference}" in operation.path)


def test_requests_are_documented_with_the_fields_that_are_read() -> None:
    client = browser(Desk())
    for path, model in (
        ("register", wire.RegistrationRequest),
        ("login", wire.LoginRequest),
        ("modify-user", wire.ModifyUserRequest),
        ("change-password", wire.ChangePasswordRequest),
        ("readmeter", wire.ReadMeterRequest),
        ("purchases", wire.PurchaseRequest),
    ):
        # Of a list every rule says that it is wrong, so all fields that are read are told.
        nonsense = {field.name: ["no"] for field in fields(model)}
        answer = client.post(f"/api/{path}", json=nonsense)
        assert list(answer.json()["errors"]) == [field.name for field in fields(model)]


def _references(part: Any) -> set[str]:
    if isinstance(part, dict):
        own = {part["$ref"]} if isinstance(part.get("$ref"), str) else set()
        return own.union(*map(_references, part.values()))
    return set().union(*map(_references, part)) if isinstance(part, list) else set()


def test_what_is_referred_to_is_described_and_nothing_else(document: dict[str, Any]) -> None:
    described = {REFERENCE + name for name in document["components"]["schemas"]}
    assert _references(document) == described


def test_sums_are_numbers_and_readings_are_all_there(document: dict[str, Any]) -> None:
    schemas = document["components"]["schemas"]
    assert schemas["Purchase"]["properties"]["amount"]["type"] == "number"
    readings = list(schemas["RemoteReadingData"]["properties"])
    assert readings[2:-2] == [item.key for item in ITEMS]


def test_the_examples_have_the_fields_of_their_schemas(document: dict[str, Any]) -> None:
    seen = 0
    for schema, example in _examples(document):
        _require_fits(document, schema, example)
        seen += 1
    assert seen > 16 + 6


def _examples(document: dict[str, Any]) -> Iterator[tuple[dict[str, Any], Any]]:
    for methods in document["paths"].values():
        for operation in methods.values():
            for part in (operation.get("requestBody"), *operation["responses"].values()):
                content = (part or {}).get("content", {}).get("application/json", {})
                if "example" in content:
                    yield content["schema"], content["example"]
                for shown in content.get("examples", {}).values():
                    name = "FieldsRefused" if "errors" in shown["value"] else "Said"
                    yield {"$ref": REFERENCE + name}, shown["value"]


def _require_fits(document: dict[str, Any], schema: dict[str, Any], example: Any) -> None:
    if "$ref" in schema:
        schema = document["components"]["schemas"][schema["$ref"].removeprefix(REFERENCE)]
    if "anyOf" in schema:
        if example is not None:
            _require_fits(document, schema["anyOf"][0], example)
    elif schema.get("type") == "array":
        for one in example:
            _require_fits(document, schema.get("items", {}), one)
    elif "properties" in schema:
        known = schema["properties"]
        if "required" in schema:  # a request may leave out what it need not say
            assert set(schema["required"]) <= set(example) <= set(known)
        order = list(known)
        assert list(example) == sorted(example, key=order.index)
        for name, value in example.items():
            _require_fits(document, known[name], value)


def test_the_document_is_made_once(document: dict[str, Any]) -> None:
    client = browser(Desk())
    first, second = (client.get("/api/openapi.json").content for _ in range(2))
    assert first == second
    assert json.loads(first) == document


def test_the_document_can_be_read_in_a_browser() -> None:
    assert browser(Desk()).get("/api/docs").status_code == 200
