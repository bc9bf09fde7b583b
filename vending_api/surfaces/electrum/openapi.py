"""The OpenAPI document: what FastAPI cannot see, as the routes read messages themselves."""

from __future__ import annotations

import re
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

from fastapi import FastAPI
from fastapi.routing import APIRoute
from pydantic.json_schema import models_json_schema
from starlette.applications import Starlette
from starlette.responses import Response

from vending_api.kit.idempotency import MAX_MESSAGE_ID_LENGTH
from vending_api.surfaces.electrum import examples, operations
from vending_api.surfaces.electrum.errors import (
    ANSWERS,
    MALFORMED,
    TOO_LONG,
    UNEXPECTED,
    UNKNOWN_METHOD,
)
from vending_api.surfaces.electrum.wire import advices, messages
from vending_api.surfaces.electrum.wire.faults import ErrorDetail

if TYPE_CHECKING:
    from collections.abc import Set as AbstractSet

    from pydantic import BaseModel
    from pydantic.json_schema import JsonSchemaMode
    from starlette.routing import BaseRoute
    from starlette.types import ASGIApp

    from vending_api.surfaces.electrum.errors import Answer
    from vending_api.surfaces.electrum.operations import Operation
    from vending_api.surfaces.electrum.wire.base import WireModel

_SCHEMAS: Final = "#/components/schemas/"


@dataclass(frozen=True, slots=True)
class _Messages:
    """What an operation takes and gives."""

    summary: str
    request: type[WireModel]
    request_example: dict[str, Any]
    response: type[WireModel] | None = None
    """None for an answer without a body."""
    response_example: dict[str, Any] | None = None


_MESSAGES: Final = {
    operations.METER_LOOKUP: _Messages(
        "Ask what is registered for a meter and how much may be bought",
        messages.MeterLookupRequest,
        examples.LOOKUP_REQUEST,
        messages.MeterLookupResponse,
        examples.LOOKUP_RESPONSE,
    ),
    operations.TOKEN_PURCHASE: _Messages(
        "Buy tokens for a meter",
        messages.PurchaseRequest,
        examples.PURCHASE_REQUEST,
        messages.PurchaseResponse,
        examples.PURCHASE_RESPONSE,
    ),
    operations.PURCHASE_CONFIRMATION: _Messages(
        "Say that the tokens were handed over and paid",
        advices.ConfirmationAdvice,
        examples.CONFIRMATION,
        advices.BasicAdviceResponse,
        examples.ADVICE_RESPONSE,
    ),
    operations.PURCHASE_RETRY: _Messages(
        "Ask again for a purchase whose outcome is not known; tokens are sold once",
        messages.PurchaseRequest,
        examples.PURCHASE_REQUEST,
        messages.PurchaseResponse,
        examples.PURCHASE_RESPONSE,
    ),
    operations.PURCHASE_REVERSAL: _Messages(
        "Say that a purchase was not completed",
        advices.ReversalAdvice,
        examples.REVERSAL,
        advices.BasicAdviceResponse,
        examples.ADVICE_RESPONSE,
    ),
    operations.PURCHASE_TRIAL: _Messages(
        "Ask what a purchase would bring; nothing is sold",
        messages.PurchaseRequest,
        examples.PURCHASE_REQUEST,
        messages.PurchaseResponse,
        examples.TRIAL_RESPONSE,
    ),
    operations.TOKEN_REPRINT: _Messages(
        "Ask for tokens that were sold before",
        messages.TokenReprintRequest,
        examples.REPRINT_REQUEST,
        messages.PurchaseResponse,
        examples.REPRINT_RESPONSE,
    ),
    operations.KEY_CHANGE: _Messages(
        "Ask for the key change tokens of a meter whose key is to change",
        messages.KeyChangeTokenRequest,
        examples.KEY_CHANGE_REQUEST,
        messages.KeyChangeTokenResponse,
        examples.KEY_CHANGE_RESPONSE,
    ),
    operations.KEY_CHANGE_CONFIRMATION: _Messages(
        "Say that the key change tokens were handed over",
        advices.KeyChangeConfirmation,
        examples.KEY_CHANGE_CONFIRMATION,
        advices.BasicAdviceResponse,
        examples.ADVICE_RESPONSE,
    ),
    operations.FAULT_REPORT: _Messages(
        "Report a fault of a meter",
        messages.FaultReportRequest,
        examples.FAULT_REQUEST,
        messages.FaultReportResponse,
        examples.FAULT_RESPONSE,
    ),
    operations.PURCHASE_EVENT: _Messages(
        "Tell that a purchase was made; it changes nothing",
        messages.PurchaseResponse,
        examples.PURCHASE_RESPONSE,
    ),
}

_REFERRING: Final = frozenset(
    {operation for operation in _MESSAGES if operation.is_insisted_on} | {operations.PURCHASE_EVENT}
)
"""What refers to an earlier request, and may so be answered that it is not known."""

_REFUSALS: Final[dict[int, str]] = {
    400: "Refused for good: nothing was done, or what was done stands",
    401: "The credentials are missing or wrong; nothing was looked at",
    404: "The earlier request is not known",
    405: "Only POST is offered",
    413: "The message is longer than 64 KiB; nothing was looked at",
    500: "The outcome is not known: retry a purchase, repeat an advice",
    501: "Declared by the contract, never answered here: all operations are offered",
    503: "Nothing was done; a new request may succeed",
    504: "The outcome is not known: retry a purchase, repeat an advice",
}
_EXAMPLES: Final[dict[int, tuple[Answer, ...]]] = {
    400: (MALFORMED, ANSWERS["message_id_used"]),
    401: (ANSWERS["credentials_rejected"],),
    404: (ANSWERS["sale_unknown"],),
    405: (UNKNOWN_METHOD,),
    413: (TOO_LONG,),
    500: (ANSWERS["outcome_unknown"], UNEXPECTED),
    503: (ANSWERS["overloaded"],),
    504: (ANSWERS["overloaded"],),
}


def documentation(operation: Operation) -> dict[str, Any]:
    """Return how FastAPI is to document an operation, as arguments of `add_api_route`."""
    known = _MESSAGES[operation]
    refused = _REFUSALS.keys() - (set() if operation in _REFERRING else {HTTPStatus.NOT_FOUND})
    responses: dict[int | str, dict[str, Any]] = {
        status: _refused(operation, status) for status in sorted(refused)
    }
    if known.response is not None:
        shown = {"schema": _schema_of(known.response), "example": known.response_example}
        responses[operation.success] = _json_content(shown)
    return {
        "operation_id": operation.operation_id,
        "summary": known.summary,
        "status_code": operation.success,
        "response_class": Response,  # so that FastAPI adds no body where there is none
        "responses": responses,
        "openapi_extra": {
            "security": [{"basic": []}],
            "parameters": _parameters(operation),
            "requestBody": {
                "required": True,
                **_json_content(
                    {"schema": _schema_of(known.request), "example": known.request_example}
                ),
            },
        },
    }


class DocumentedApp(FastAPI):
    """A FastAPI application whose document also holds what `documentation` refers to."""

    def build_middleware_stack(self) -> ASGIApp:
        """Return the routes, purchases first, inside Starlette's middleware: errors are answered.

        What FastAPI adds serves features that the routes do not use, and takes a quarter of
        the event loop's time.
        """
        serving = Starlette(
            routes=sorted(self.routes, key=_is_for_purchases, reverse=True),
            middleware=self.user_middleware,
            exception_handlers=self.exception_handlers,
        )
        serving.router.redirect_slashes = self.router.redirect_slashes
        return serving.build_middleware_stack()

    def openapi(self) -> dict[str, Any]:
        """Return the document, made when it is first asked for."""
        if self.openapi_schema is None:
            super().openapi()["components"] = {
                "schemas": _schemas(),
                "securitySchemes": {"basic": {"type": "http", "scheme": "basic"}},
            }
        return super().openapi()


def _is_for_purchases(route: BaseRoute) -> bool:
    return isinstance(route, APIRoute) and route.path == operations.TOKEN_PURCHASE.path


def _schemas() -> dict[str, Any]:
    """Return what messages look like, by their names; a request as it is read, where it is both.

    Were FastAPI told of the models, it would prepare at each start to check every answer.
    """
    answers = {one.response for one in _MESSAGES.values() if one.response is not None}
    requests = {one.request for one in _MESSAGES.values()}
    written = _definitions({*answers, ErrorDetail}, "serialization")
    return written | _definitions(requests, "validation")


def _definitions(models: AbstractSet[type[BaseModel]], mode: JsonSchemaMode) -> dict[str, Any]:
    listed = [(model, mode) for model in models]
    _, schemas = models_json_schema(listed, ref_template=_SCHEMAS + "{model}")
    definitions: dict[str, Any] = schemas["$defs"]
    return definitions


def _schema_of(model: type[BaseModel]) -> dict[str, str]:
    return {"$ref": _SCHEMAS + model.__name__}


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
            "example": _id_of_message(operation)
            if name == operation.message_id
            else examples.REQUEST_ID,
        }
        for name, place in where.items()
    ]


def _refused(operation: Operation, status: int) -> dict[str, Any]:
    shown = {
        answer.error_type.value: {"value": _error_detail(operation, answer)}
        for answer in _EXAMPLES.get(status, ())
    }
    content = {"schema": _schema_of(ErrorDetail)} | ({"examples": shown} if shown else {})
    return {"description": _REFUSALS[status], **_json_content(content)}


def _error_detail(operation: Operation, answer: Answer) -> dict[str, Any]:
    detail: dict[str, Any] = {
        "errorType": answer.error_type.value,
        "errorMessage": answer.message,
        "requestType": operation.request_type.value,
        "id": _id_of_message(operation),
    }
    if operation.original_id:
        detail["originalId"] = examples.REQUEST_ID
    if answer is MALFORMED:
        detail["detailMessage"] = examples.FORMAT_ERRORS
    return detail


def _id_of_message(operation: Operation) -> str:
    return examples.ADVICE_ID if operation.original_id else examples.REQUEST_ID


def _json_content(content: dict[str, Any]) -> dict[str, Any]:
    return {"content": {"application/json": content}}
