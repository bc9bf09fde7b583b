"""The operations, each in the order of the contract: who asks, what for, do it, answer."""

from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass
from datetime import datetime
from functools import cache, partial
from typing import Any

from fastapi import FastAPI
from fastapi.routing import APIRoute
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from vending_api.domain.advices.types import Advise, NoteSale
from vending_api.domain.clients.types import Client
from vending_api.domain.faults.types import FaultReport, ReportFault
from vending_api.domain.reprints.types import Reprint, ReprintTokens
from vending_api.domain.sales.types import (
    ChangeKey,
    FoundMeter,
    LookUpMeter,
    Sale,
    SellCredit,
    Trial,
    TryCredit,
)
from vending_api.surfaces.electrum import operations
from vending_api.surfaces.electrum.auth import caller
from vending_api.surfaces.electrum.errors import answer_errors, too_long
from vending_api.surfaces.electrum.mapping import answers, commands
from vending_api.surfaces.electrum.openapi import DocumentedApp, documentation
from vending_api.surfaces.electrum.operations import Operation
from vending_api.surfaces.electrum.reading import (
    MAX_BODY_OCTETS,
    M,
    read,
    require_same_id,
    require_sound_id,
)
from vending_api.surfaces.electrum.wire.advices import (
    BasicAdvice,
    ConfirmationAdvice,
    KeyChangeConfirmation,
    ReversalAdvice,
)
from vending_api.surfaces.electrum.wire.messages import (
    FaultReportRequest,
    KeyChangeTokenRequest,
    MeterLookupRequest,
    PurchaseRequest,
    PurchaseResponse,
    TokenReprintRequest,
    Transaction,
)
from vending_api.web.bodies import LimitedBodies
from vending_api.web.docs_page import add_docs_page

Handler = Callable[[Request], Coroutine[Any, Any, Response]]


@dataclass(frozen=True, slots=True, kw_only=True)
class ElectrumServices:
    """What the surface needs done; each commits before it returns and raises DomainError.

    What comes of it is told where it was done, which may be another process: with each command
    goes a function of a module, or such a one with arguments, that makes octets of it.
    """

    authenticate: Callable[[str, str, str], Awaitable[Client]]
    """User name and password to client; raises CredentialsRejected."""
    look_up: Callable[[LookUpMeter, Callable[[FoundMeter], bytes]], Awaitable[bytes]]
    sell: Callable[[SellCredit, Callable[[Sale], bytes]], Awaitable[bytes]]
    retry: Callable[[SellCredit, Callable[[Sale], bytes]], Awaitable[bytes]]
    try_out: Callable[[TryCredit, Callable[[Trial], bytes]], Awaitable[bytes]]
    reprint: Callable[[ReprintTokens, Callable[[Reprint], bytes]], Awaitable[bytes]]
    change_key: Callable[[ChangeKey, Callable[[Sale], bytes]], Awaitable[bytes]]
    advise: Callable[[Advise], Awaitable[None]]
    note_sale: Callable[[NoteSale], Awaitable[None]]
    report_fault: Callable[[ReportFault, Callable[[FaultReport], bytes]], Awaitable[bytes]]


class _DirectRoute(APIRoute):
    """A route that FastAPI documents and that its function serves, with nothing between.

    The functions read and write messages themselves, once; what FastAPI would do before
    and after costs as much time again.
    """

    def __init__(self, path: str, endpoint: Handler, **documentation: Any) -> None:
        super().__init__(path, endpoint, **documentation)
        self.app = _served(endpoint)


def build_app(*, services: ElectrumServices, now: Callable[[], datetime]) -> FastAPI:
    """Return the surface as an application of its own, to be mounted at its base path."""
    app = DocumentedApp(
        title="Prepaid utility, version 3",
        summary="Prepaid electricity, water and gas for points of sale.",
        version="3.15.0",
        redirect_slashes=False,
        docs_url=None,
        redoc_url=None,
        telemetry={"tracing": False, "metrics": False, "logs": False},
    )
    app.router.route_class = _DirectRoute
    app.add_middleware(LimitedBodies, most_octets=MAX_BODY_OCTETS, too_long=too_long)
    answer_errors(app)
    add_docs_page(app)
    for operation, handler in _Counter(services, now).handlers().items():
        app.add_api_route(operation.path, handler, methods=["POST"], **documentation(operation))
    return app


def _served(handler: Handler) -> ASGIApp:
    """Return a handler as an application, whose errors are answered by the one around it."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        answer = await handler(Request(scope, receive, send))
        await answer(scope, receive, send)

    return app


class _Counter:
    """Where points of sale are served: one function for each operation."""

    def __init__(self, services: ElectrumServices, now: Callable[[], datetime]) -> None:
        self._services = services
        self._now = now

    def handlers(self) -> dict[Operation, Handler]:
        return {
            operations.METER_LOOKUP: self._look_up,
            operations.TOKEN_PURCHASE: self._sell,
            operations.PURCHASE_CONFIRMATION: self._confirm,
            operations.PURCHASE_RETRY: self._retry,
            operations.PURCHASE_REVERSAL: self._reverse,
            operations.PURCHASE_TRIAL: self._try_out,
            operations.TOKEN_REPRINT: self._reprint,
            operations.KEY_CHANGE: self._change_key,
            operations.KEY_CHANGE_CONFIRMATION: self._confirm_key_change,
            operations.FAULT_REPORT: self._report_fault,
            operations.PURCHASE_EVENT: self._note_sale,
        }

    async def _look_up(self, request: Request) -> Response:
        client, message = await self._heard(request, MeterLookupRequest)
        require_same_id(request.path_params["lookupId"], message.id)
        command = commands.to_look_up(message, client=client, received_at=self._now())
        told = await self._services.look_up(command, answers.tell_lookup)
        return _answered(operations.METER_LOOKUP, message, told)

    async def _sell(self, request: Request) -> Response:
        client, message = await self._heard(request, PurchaseRequest)
        require_same_id(request.path_params["purchaseId"], message.id)
        command = commands.to_sell(
            message, purchase_id=message.id, client=client, received_at=self._now()
        )
        told = await self._services.sell(command, _with_slip(answers.tell_sale, client))
        return _answered(operations.TOKEN_PURCHASE, message, told)

    async def _retry(self, request: Request) -> Response:
        client, message = await self._heard(request, PurchaseRequest)
        purchase_id = require_sound_id(request.path_params["purchaseId"], name="purchaseId")
        command = commands.to_sell(
            message, purchase_id=purchase_id, client=client, received_at=self._now()
        )
        told = await self._services.retry(command, _with_slip(answers.tell_sale, client))
        return _answered(operations.PURCHASE_RETRY, message, told)

    async def _try_out(self, request: Request) -> Response:
        client, message = await self._heard(request, PurchaseRequest)
        require_same_id(request.path_params["trialId"], message.id)
        command = commands.to_try(message, client=client, received_at=self._now())
        told = await self._services.try_out(command, _with_slip(answers.tell_trial, client))
        return _answered(operations.PURCHASE_TRIAL, message, told)

    async def _reprint(self, request: Request) -> Response:
        client, message = await self._heard(request, TokenReprintRequest)
        require_same_id(request.path_params["reprintId"], message.id)
        command = commands.to_reprint(message, client=client, received_at=self._now())
        told = await self._services.reprint(command, _with_slip(answers.tell_reprint, client))
        return _answered(operations.TOKEN_REPRINT, message, told)

    async def _change_key(self, request: Request) -> Response:
        client, message = await self._heard(request, KeyChangeTokenRequest)
        require_same_id(request.path_params["requestId"], message.id)
        command = commands.to_change_key(message, client=client, received_at=self._now())
        tell = _with_slip(answers.tell_key_change, client)
        told = await self._services.change_key(command, tell)
        return _answered(operations.KEY_CHANGE, message, told)

    async def _report_fault(self, request: Request) -> Response:
        client, message = await self._heard(request, FaultReportRequest)
        require_same_id(request.path_params["requestId"], message.id)
        command = commands.to_report_fault(message, client=client, received_at=self._now())
        told = await self._services.report_fault(command, answers.tell_fault)
        return _answered(operations.FAULT_REPORT, message, told)

    async def _confirm(self, request: Request) -> Response:
        return await self._advised(request, operations.PURCHASE_CONFIRMATION, ConfirmationAdvice)

    async def _reverse(self, request: Request) -> Response:
        return await self._advised(request, operations.PURCHASE_REVERSAL, ReversalAdvice)

    async def _confirm_key_change(self, request: Request) -> Response:
        return await self._advised(
            request, operations.KEY_CHANGE_CONFIRMATION, KeyChangeConfirmation
        )

    async def _note_sale(self, request: Request) -> Response:
        client, message = await self._heard(request, PurchaseResponse)
        purchase_id = require_sound_id(request.query_params.get("purchaseId"), name="purchaseId")
        command = commands.to_note_sale(
            message, purchase_id=purchase_id, client=client, received_at=self._now()
        )
        await self._services.note_sale(command)
        return Response(status_code=operations.PURCHASE_EVENT.success)

    async def _advised(
        self, request: Request, operation: Operation, model: type[BasicAdvice]
    ) -> Response:
        client, message = await self._heard(request, model)
        in_path = request.path_params
        require_same_id(in_path[operation.message_id], message.id)
        require_same_id(in_path[operation.original_id], message.request_id, field="requestId")
        command = commands.to_advise(message, client=client, received_at=self._now())
        await self._services.advise(command)
        return _response(operation, answers.advice_answer(message))

    async def _heard(self, request: Request, model: type[M]) -> tuple[Client, M]:
        """Return who asks and what; credentials first, so that the unknown learn no forms."""
        client = await caller(request, self._services.authenticate)
        return client, await read(request, model)


def _with_slip(tell: Callable[..., bytes], client: Client) -> Callable[[Any], bytes]:
    """Return what tells with a slip of the width that a client prints."""
    return _in_columns(tell, client.terms.slip_columns)


@cache  # what is the same object is sent once for many commands
def _in_columns(tell: Callable[..., bytes], columns: int) -> Callable[[Any], bytes]:
    return partial(tell, columns=columns)


def _answered(operation: Operation, message: Transaction, told: bytes) -> Response:
    return _response(operation, answers.answer(message, told))


def _response(operation: Operation, answer: bytes) -> Response:
    return Response(answer, operation.success, media_type="application/json")
