"""The operations, each in the order of the contract: who asks, what for, do it, answer."""

from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from fastapi import FastAPI
from fastapi.routing import APIRoute
from starlette.requests import Request
from starlette.responses import Response

from vending_api.domain.clients.types import Client
from vending_api.domain.meters.types import Meter
from vending_api.domain.sales.types import LookUpMeter, Sale, SellCredit
from vending_api.surfaces.electrum import operations
from vending_api.surfaces.electrum.auth import caller
from vending_api.surfaces.electrum.errors import NOT_OFFERED, answer_errors, refusal
from vending_api.surfaces.electrum.mapping import (
    lookup_answer,
    purchase_answer,
    to_look_up,
    to_sell,
)
from vending_api.surfaces.electrum.openapi import DocumentedApp, documentation
from vending_api.surfaces.electrum.reading import read, require_same_id, require_sound_id
from vending_api.surfaces.electrum.wire.base import WireModel
from vending_api.surfaces.electrum.wire.messages import MeterLookupRequest, PurchaseRequest

Handler = Callable[[Request], Coroutine[Any, Any, Response]]


@dataclass(frozen=True, slots=True, kw_only=True)
class ElectrumServices:
    """What the surface needs done; each commits before it returns and raises DomainError."""

    authenticate: Callable[[str, str], Awaitable[Client]]
    """User name and password to client; raises CredentialsRejected."""
    look_up: Callable[[LookUpMeter], Awaitable[Meter]]
    sell: Callable[[SellCredit], Awaitable[Sale]]
    retry: Callable[[SellCredit], Awaitable[Sale]]


class _DirectRoute(APIRoute):
    """A route that FastAPI documents and that its function serves, with nothing between.

    The functions read and write messages themselves, once; what FastAPI would do before
    and after costs as much time again.
    """

    def get_route_handler(self) -> Handler:
        return self.endpoint


def build_app(*, services: ElectrumServices, now: Callable[[], datetime]) -> FastAPI:
    """Return the surface as an application of its own, to be mounted at its base path."""
    app = DocumentedApp(
        title="Prepaid utility, version 3",
        summary="Meter lookups and token purchases for points of sale.",
        version="3.15.0",
        redirect_slashes=False,
        redoc_url=None,
    )
    app.router.route_class = _DirectRoute
    answer_errors(app)

    async def create_meter_lookup(request: Request) -> Response:
        client = await caller(request, services.authenticate)
        message = await read(request, MeterLookupRequest)
        require_same_id(request.path_params["lookupId"], message.id)
        meter = await services.look_up(to_look_up(message, client=client, received_at=now()))
        return _created(lookup_answer(message, meter))

    async def create_token_purchase_request(request: Request) -> Response:
        client = await caller(request, services.authenticate)
        message = await read(request, PurchaseRequest)
        require_same_id(request.path_params["purchaseId"], message.id)
        command = to_sell(message, purchase_id=message.id, client=client, received_at=now())
        return _created(purchase_answer(message, await services.sell(command)))

    async def retry_purchase_request(request: Request) -> Response:
        client = await caller(request, services.authenticate)
        message = await read(request, PurchaseRequest)
        purchase_id = require_sound_id(request.path_params["purchaseId"])
        command = to_sell(message, purchase_id=purchase_id, client=client, received_at=now())
        return _created(purchase_answer(message, await services.retry(command)))

    async def not_yet_offered(request: Request) -> Response:
        await caller(request, services.authenticate)
        return refusal(request, NOT_OFFERED)

    handlers = {
        operations.METER_LOOKUP: create_meter_lookup,
        operations.TOKEN_PURCHASE: create_token_purchase_request,
        operations.PURCHASE_RETRY: retry_purchase_request,
        **dict.fromkeys(operations.NOT_YET_OFFERED, not_yet_offered),
    }
    for operation, handler in handlers.items():
        app.add_api_route(operation.path, handler, methods=["POST"], **documentation(operation))
    return app


def _created(answer: WireModel) -> Response:
    return Response(answer.model_dump_json(exclude_none=True), 201, media_type="application/json")
