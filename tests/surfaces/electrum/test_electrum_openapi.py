"""The OpenAPI document says what the surface does."""

from __future__ import annotations

import re
from typing import Any

import pytest

from tests.surfaces.electrum.shop import Shop, point_of_sale
from vending_api.surfaces.electrum.operations import NOT_YET_OFFERED, OPERATIONS, Operation


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
    success = set() if operation in NOT_YET_OFFERED else {"201"}
    refusals = {"400", "401", "404", "405", "500", "501", "503", "504"}
    assert documented["responses"].keys() == success | refusals
    for status in refusals:
        content = documented["responses"][status]["content"]["application/json"]
        assert content["schema"] == {"$ref": "#/components/schemas/ErrorDetail"}
    assert documented["security"] == [{"basic": []}]
    assert ("requestBody" in documented) == bool(success)
    in_path = [one["name"] for one in documented["parameters"] if one["in"] == "path"]
    assert in_path == re.findall(r"{(\w+)}", operation.path)
    assert operation.message_id in {one["name"] for one in documented["parameters"]}


def test_what_is_referred_to_is_described_and_nothing_else(document: dict[str, Any]) -> None:
    described = {f"#/components/schemas/{name}" for name in document["components"]["schemas"]}
    assert _references(document) == described


def test_the_document_is_made_once(document: dict[str, Any]) -> None:
    client = point_of_sale(Shop())
    assert client.get("/openapi.json").json() == client.get("/openapi.json").json() == document


def test_the_document_can_be_read_in_a_browser() -> None:
    assert point_of_sale(Shop()).get("/docs").status_code == 200
