"""The OpenAPI document: what FastAPI cannot see, as the routes read messages themselves."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from fastapi import FastAPI
from pydantic import TypeAdapter
from starlette.responses import Response

from vending_api.domain.readings.items import ITEMS
from vending_api.surfaces.crestflow import auth, examples, operations, paging, wire
from vending_api.surfaces.crestflow.errors import (
    ANSWERS,
    GIVEN_DATA_INVALID,
    SERVER_ERROR,
    TOO_LARGE,
)
from vending_api.surfaces.crestflow.operations import Key, Operation

if TYPE_CHECKING:
    from collections.abc import Mapping

_INVALID: Final = 422
_SCHEMAS: Final = "#/components/schemas/"
_READINGS: Final = "RemoteReadingData"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Messages:
    """What an operation takes and gives."""

    summary: str
    request: type | None = None
    request_example: Mapping[str, Any] | None = None
    response: type | str = wire.Said
    """A class of `wire`, or the name of a schema that is made here."""
    example: Any = None
    is_in_data: bool = False
    """Whether the answer stands under `data`."""
    is_list: bool = False
    refusals: tuple[str, ...] = ()
    """Codes of the errors that readers should know of."""


_MESSAGES: Final[Mapping[Operation, _Messages]] = {
    operations.REGISTER: _Messages(
        summary="Register with one meter; log in next",
        request=wire.RegistrationRequest,
        request_example=examples.REGISTRATION,
        example={"message": "Registration Successful"},
        refusals=("meter_not_of_estate", "too_many_attempts"),
    ),
    operations.OPTIONS: _Messages(
        summary="List what to choose from when registering",
        response=wire.Options,
        example=examples.OPTIONS,
    ),
    operations.LOGIN: _Messages(
        summary="Log in and get an API key",
        request=wire.LoginRequest,
        request_example=examples.LOGIN,
        response=wire.ApiKey,
        example=examples.LOGGED_IN,
        refusals=("login_rejected", "too_many_attempts"),
    ),
    operations.VALIDATE: _Messages(
        summary="Ask whether an API key is good",
        example={"message": "API key supplied is valid"},
    ),
    operations.USER: _Messages(
        summary="Show who is logged in",
        response=wire.User,
        example=examples.USER,
        is_in_data=True,
    ),
    operations.MODIFY_USER: _Messages(
        summary="Change the name",
        request=wire.ModifyUserRequest,
        request_example=examples.MODIFY_USER,
        example={"message": "Updated successfully"},
    ),
    operations.CHANGE_PASSWORD: _Messages(
        summary="Change the password; every API key ends, this one, too",
        request=wire.ChangePasswordRequest,
        request_example=examples.CHANGE_PASSWORD,
        example={"message": "Password has been reset successfully"},
        refusals=("password_incorrect", "too_many_attempts"),
    ),
    operations.TOKEN_RECEIPTS: _Messages(
        summary="List the tokens of the meter, the newest first",
        response=wire.TokenReceiptWithTransaction,
        example=examples.TOKEN_RECEIPTS,
    ),
    operations.METER_TRANSACTIONS: _Messages(
        summary="List the payments, the newest first",
        response=wire.TransactionWithMeter,
        example=examples.METER_TRANSACTIONS,
    ),
    operations.REMOTE_READING: _Messages(
        summary="Show what was read of the meter last",
        response=_READINGS,
        example=examples.REMOTE_READING,
        is_in_data=True,
    ),
    operations.DATA_ITEMS: _Messages(
        summary="List what can be read of a meter",
        response=wire.DataItem,
        example=examples.DATA_ITEMS,
        is_list=True,
    ),
    operations.READ_METER: _Messages(
        summary="Ask for a reading of the meter",
        request=wire.ReadMeterRequest,
        request_example=examples.READ_METER,
        response=wire.ReadingTask,
        example=examples.READING_TASK,
        refusals=("data_item_unknown", "reading_pending"),
    ),
    operations.REMOTE_READING_TASKS: _Messages(
        summary="List the readings that were asked for, the newest first",
        response=wire.ReadingTask,
        example=examples.READING_TASKS,
    ),
    operations.ORDER_PURCHASE: _Messages(
        summary="Order credit, and get the address to pay at",
        request=wire.PurchaseRequest,
        request_example=examples.PURCHASE,
        response=wire.OrderedPurchase,
        example=examples.ORDERED,
        refusals=("meter_blocked", "limit_exceeded", "too_many_attempts"),
    ),
    operations.FIND_PURCHASES: _Messages(
        summary="List purchases, the newest first: the own ones; of every meter for staff",
        response=wire.Purchase,
        example=examples.PURCHASES,
    ),
    operations.FIND_PURCHASE: _Messages(
        summary="Show where a purchase stands, with its tokens once there are some",
        response=wire.Purchase,
        example=examples.FOUND,
        is_in_data=True,
        refusals=("order_unknown",),
    ),
}
_TEXTS: Final[Mapping[int, str]] = {
    401: "The API key, or what was logged in with, is wrong; nothing was looked at",
    404: "There is none of this reference, or it is somebody else's",
    413: "The body is longer than 64 KiB",
    422: "Fields are not as they must be, or what they ask for is refused",
    429: "Too many attempts within a minute",
    500: "Something unforeseen",
    503: "It cannot be done now; the same request may do later",
}


def documentation(operation: Operation) -> dict[str, Any]:
    """Return how FastAPI is to document an operation, as arguments of `add_api_route`."""
    known = _MESSAGES[operation]
    extra: dict[str, Any] = {"parameters": _parameters(operation)}
    extra["security"] = {
        Key.NONE: [],
        Key.IF_SENT: [{}, {"header": []}, {"query": []}],
    }.get(operation.key, [{"header": []}, {"query": []}])
    if known.request is not None:
        content = _json({"schema": _ref(known.request), "example": known.request_example})
        extra["requestBody"] = {"required": True, **content}
    return {
        "operation_id": operation.operation_id,
        "summary": known.summary,
        "status_code": operation.success,
        "response_class": Response,  # so that FastAPI describes no body of its own
        "responses": {
            operation.success: {
                "description": "Done",
                **_json({"schema": _answer(operation, known)}),
            },
            **_refusals(operation, known),
        },
        "openapi_extra": extra,
    }


class DocumentedApp(FastAPI):
    """A FastAPI application whose document also holds what `documentation` refers to."""

    def openapi(self) -> dict[str, Any]:
        """Return the document, made when it is first asked for."""
        if self.openapi_schema is None:
            document = super().openapi()
            for operation, known in _MESSAGES.items():
                # Put in here, as FastAPI takes what is null out of its own arguments.
                described = document["paths"][operation.path][operation.method.lower()]
                answer = described["responses"][str(operation.success)]["content"]
                answer["application/json"]["example"] = known.example
            components = document.setdefault("components", {})
            components["schemas"] = _schemas()
            components["securitySchemes"] = {
                "header": {"type": "apiKey", "in": "header", "name": auth.HEADER},
                "query": {"type": "apiKey", "in": "query", "name": auth.PARAMETER},
            }
        return super().openapi()


def _schemas() -> dict[str, Any]:
    """Return the schema of everything that is referred to, by its name."""
    known = _MESSAGES.values()
    named = {one for message in known for one in (message.request, message.response)}
    classes = [one for one in named if isinstance(one, type)]
    classes += [wire.FieldsRefused, wire.Said, wire.PageLinks, wire.PageMeta]
    _, made = TypeAdapter.json_schemas(
        [(one, "serialization", TypeAdapter(one)) for one in classes],
        ref_template=_SCHEMAS + "{model}",
    )
    schemas: dict[str, Any] = dict(sorted(made["$defs"].items()))
    schemas[_READINGS] = _readings()
    in_meter = schemas[wire.MeterWithAll.__name__]["properties"]
    in_meter["remote_reading_data"] = _or_null(_ref(_READINGS))
    return schemas


def _readings() -> dict[str, Any]:
    reading = {"type": ["string", "null"]}
    return {
        "type": "object",
        "description": "The newest value of everything that was read, with its unit.",
        "properties": {
            "id": {"type": "integer"},
            "meter_id": {"type": "integer"},
            **{item.key: reading for item in ITEMS},
            "created_at": {"type": "string"},
            "updated_at": {"type": "string"},
        },
    }


def _answer(operation: Operation, known: _Messages) -> dict[str, Any]:
    schema = _ref(known.response)
    if operation.is_paged:
        links, meta = _ref(wire.PageLinks), _ref(wire.PageMeta)
        return _object(data={"type": "array", "items": schema}, links=links, meta=meta)
    if known.is_list:
        return {"type": "array", "items": schema}
    if known.is_in_data:
        return _object(data=_or_null(schema) if known.response == _READINGS else schema)
    return schema


def _refusals(operation: Operation, known: _Messages) -> dict[int, dict[str, Any]]:
    codes = [*known.refusals, "storage_unavailable"]
    if operation.key is not Key.NONE:
        codes.append("api_key_rejected")
    shown: dict[int, dict[str, Any]] = {
        500: {"unexpected": {"value": {"message": SERVER_ERROR}}},
    }
    for code in codes:
        refusal = ANSWERS[code]
        of_status = shown.setdefault(refusal.status, {})
        of_status[code] = {"value": {"message": refusal.message}}
    if known.request is not None:
        shown[413] = {"too_large": {"value": {"message": TOO_LARGE}}}
    if known.request is not None or operation is operations.FIND_PURCHASES:
        shown.setdefault(422, {})["validation"] = {"value": _validation(known)}
    return {
        status: {
            "description": _TEXTS[status],
            **_json({"schema": _refused(status), "examples": of_status}),
        }
        for status, of_status in sorted(shown.items())
    }


def _refused(status: int) -> dict[str, Any]:
    said = _ref(wire.Said)
    return {"anyOf": [_ref(wire.FieldsRefused), said]} if status == _INVALID else said


def _validation(known: _Messages) -> dict[str, Any]:
    field = next(iter(known.request_example or {"from": ""}))
    text = (
        f"The {field} is not a valid date."
        if known.request is None
        else f"The {field.replace('_', ' ')} field is required."
    )
    return {"message": GIVEN_DATA_INVALID, "errors": {field: [text]}}


def _parameters(operation: Operation) -> list[dict[str, Any]]:
    found = [
        _parameter(name, "path", "As the order was answered.", examples.REFERENCE)
        for name in re.findall(r"{(\w+)}", operation.path)
    ]
    if operation is operations.FIND_PURCHASES:
        day = "A day (`2026-01-02`) or a moment (`2026-01-02 14:51:53`), in UTC"
        found += [
            _parameter("meter_number", "query", "Of this meter only.", "47000000000"),
            _parameter("from", "query", f"{day}; ordered then or later.", "2026-01-01"),
            _parameter("to", "query", f"{day}; ordered then or before.", "2026-01-31"),
        ]
    if operation.is_paged:
        page = _parameter(paging.PARAMETER, "query", "Which page, from 1; 15 on each.", 1)
        found.append({**page, "schema": {"type": "integer", "minimum": 1, "default": 1}})
    return found


def _parameter(name: str, place: str, description: str, example: Any) -> dict[str, Any]:
    return {
        "name": name,
        "in": place,
        "required": place == "path",
        "description": description,
        "schema": {"type": "string"},
        "example": example,
    }


def _ref(model: type | str) -> dict[str, Any]:
    return {"$ref": _SCHEMAS + (model if isinstance(model, str) else model.__name__)}


def _or_null(schema: dict[str, Any]) -> dict[str, Any]:
    return {"anyOf": [schema, {"type": "null"}]}


def _object(**properties: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": list(properties)}


def _json(content: dict[str, Any]) -> dict[str, Any]:
    return {"content": {"application/json": content}}
