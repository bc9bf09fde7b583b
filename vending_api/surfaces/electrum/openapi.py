"""The OpenAPI document: what FastAPI cannot see, as the routes read messages themselves."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from fastapi import FastAPI
from pydantic.json_schema import models_json_schema

from vending_api.kit.idempotency import MAX_MESSAGE_ID_LENGTH
from vending_api.surfaces.electrum import examples, operations
from vending_api.surfaces.electrum.wire.faults import ErrorDetail
from vending_api.surfaces.electrum.wire.messages import (
    MeterLookupRequest,
    MeterLookupResponse,
    PurchaseRequest,
    PurchaseResponse,
)

if TYPE_CHECKING:
    from vending_api.surfaces.electrum.operations import Operation
    from vending_api.surfaces.electrum.wire.base import WireModel

_SCHEMAS: Final = "#/components/schemas/"
_SECURITY: Final[dict[str, Any]] = {"security": [{"basic": []}]}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Messages:
    """What an operation that is offered takes and gives."""

    summary: str
    request: type[WireModel]
    request_example: dict[str, Any]
    response: type[WireModel]
    response_example: dict[str, Any]


_OFFERED: Final = {
    operations.METER_LOOKUP: _Messages(
        summary="Ask what is registered for a meter and how much may be bought",
        request=MeterLookupRequest,
        request_example=examples.LOOKUP_REQUEST,
        response=MeterLookupResponse,
        response_example=examples.LOOKUP_RESPONSE,
    ),
    operations.TOKEN_PURCHASE: _Messages(
        summary="Buy tokens for a meter",
        request=PurchaseRequest,
        request_example=examples.PURCHASE_REQUEST,
        response=PurchaseResponse,
        response_example=examples.PURCHASE_RESPONSE,
    ),
    operations.PURCHASE_RETRY: _Messages(
        summary="Ask again for a purchase whose outcome is not known; tokens are sold once",
        request=PurchaseRequest,
        request_example=examples.PURCHASE_REQUEST,
        response=PurchaseResponse,
        response_example=examples.PURCHASE_RESPONSE,
    ),
}

_REFUSALS: Final[dict[int | str, str]] = {
    400: "Refused; nothing was done",
    401: "The credentials are missing or wrong",
    404: "No such operation",
    405: "Only POST is offered",
    500: "The outcome is not known: retry",
    501: "Not offered here",
    503: "Nothing was done; a later request may succeed",
    504: "The outcome is not known: retry",
}


def documentation(operation: Operation) -> dict[str, Any]:
    """Return how FastAPI is to document an operation, as arguments of `add_api_route`."""
    responses: dict[int | str, dict[str, Any]] = {
        status: {"model": ErrorDetail, "description": words} for status, words in _REFUSALS.items()
    }
    responses[400] |= _json_content(examples.ERROR_DETAIL)
    extra: dict[str, Any] = {"parameters": _parameters(operation), **_SECURITY}
    documented: dict[str, Any] = {"operation_id": operation.operation_id, "openapi_extra": extra}
    messages = _OFFERED.get(operation)
    if messages is None:
        return documented | {"status_code": 501, "responses": responses, "summary": _REFUSALS[501]}
    responses[201] = {"model": messages.response, **_json_content(messages.response_example)}
    schema = {"$ref": _SCHEMAS + messages.request.__name__}
    extra["requestBody"] = {
        "required": True,
        "content": {"application/json": {"schema": schema, "example": messages.request_example}},
    }
    return documented | {"status_code": 201, "responses": responses, "summary": messages.summary}


class DocumentedApp(FastAPI):
    """A FastAPI application whose document also holds what `documentation` refers to."""

    def openapi(self) -> dict[str, Any]:
        """Return the document, made when it is first asked for."""
        if self.openapi_schema is None:
            requests = {messages.request for messages in _OFFERED.values()}
            _, schemas = models_json_schema(
                [(request, "validation") for request in requests],
                ref_template=_SCHEMAS + "{model}",
            )
            components = super().openapi()["components"]
            components["schemas"] |= schemas["$defs"]
            components["securitySchemes"] = {"basic": {"type": "http", "scheme": "basic"}}
        return super().openapi()


def _parameters(operation: Operation) -> list[dict[str, Any]]:
    in_path = re.findall(r"{(\w+)}", operation.path)
    where = dict.fromkeys(in_path, "path") or {operation.message_id: "query"}
    return [
        {
            "name": name,
            "in": place,
            "required": True,
            "description": "The id of a message: a UUID by convention.",
            "schema": {"type": "string", "minLength": 1, "maxLength": MAX_MESSAGE_ID_LENGTH},
            "example": examples.LOOKUP_REQUEST["id"],
        }
        for name, place in where.items()
    ]


def _json_content(example: dict[str, Any]) -> dict[str, Any]:
    return {"content": {"application/json": {"example": example}}}
