"""The operations, each in the same order: who asks, what for, do it, answer."""

import re
from collections.abc import Callable, Coroutine, Mapping
from typing import Any, Final

from fastapi import FastAPI
from fastapi.routing import APIRoute
from starlette.requests import Request
from starlette.responses import Response

from vending_api.domain.consumers.types import Consumer
from vending_api.domain.payments.errors import OrderUnknown
from vending_api.domain.receipts.types import Page
from vending_api.surfaces.crestflow import auth, operations, paging, wire
from vending_api.surfaces.crestflow.errors import answer_errors, too_large
from vending_api.surfaces.crestflow.mapping import people, purchases, readings, receipts, requests
from vending_api.surfaces.crestflow.openapi import DocumentedApp, documentation
from vending_api.surfaces.crestflow.operations import Operation
from vending_api.surfaces.crestflow.reading import MAX_BODY_OCTETS, fields_of
from vending_api.surfaces.crestflow.responses import answer
from vending_api.surfaces.crestflow.services import CrestflowServices
from vending_api.surfaces.crestflow.validation import Form
from vending_api.web.bodies import LimitedBodies
from vending_api.web.docs_page import add_docs_page

Handler = Callable[[Request], Coroutine[Any, Any, Response]]

_REFERENCE: Final = re.compile(r"T[0-9]{15}")
_FILTERS: Final = ("meter_number", "from", "to")


class _DirectRoute(APIRoute):
    """A route that FastAPI documents and that its function serves, with nothing between."""

    def get_route_handler(self) -> Handler:
        return self.endpoint


def build_app(*, services: CrestflowServices, public_url: str | None = None) -> FastAPI:
    """Return the surface as an application of its own, to be mounted at its base path.

    `public_url` is how its callers reach the service, for links to pages; without it they are
    made of the request.
    """
    app = DocumentedApp(
        title="Crestflow energy vend API",
        summary="Residents buy prepaid energy, and see their tokens, payments and readings.",
        version="2020.07",
        redirect_slashes=False,
        docs_url=None,
        redoc_url=None,
    )
    app.router.route_class = _DirectRoute
    app.add_middleware(LimitedBodies, most_octets=MAX_BODY_OCTETS, too_long=lambda _: too_large())
    answer_errors(app)
    add_docs_page(app)
    for operation, handler in _Desk(services, public_url).handlers().items():
        app.add_api_route(
            operation.path, handler, methods=[operation.method], **documentation(operation)
        )
    return app


class _Desk:
    """Where residents are served: one function for each operation."""

    def __init__(self, services: CrestflowServices, public_url: str | None) -> None:
        self._services = services
        self._public_url = public_url

    def handlers(self) -> Mapping[Operation, Handler]:
        return {
            operations.REGISTER: self._register,
            operations.OPTIONS: self._options,
            operations.LOGIN: self._log_in,
            operations.VALIDATE: self._validate,
            operations.USER: self._user,
            operations.MODIFY_USER: self._modify_user,
            operations.CHANGE_PASSWORD: self._change_password,
            operations.TOKEN_RECEIPTS: self._token_receipts,
            operations.METER_TRANSACTIONS: self._meter_transactions,
            operations.REMOTE_READING: self._remote_reading,
            operations.DATA_ITEMS: self._data_items,
            operations.READ_METER: self._read_meter,
            operations.REMOTE_READING_TASKS: self._remote_reading_tasks,
            operations.ORDER_PURCHASE: self._order,
            operations.FIND_PURCHASES: self._find_purchases,
            operations.FIND_PURCHASE: self._find_purchase,
        }

    async def _register(self, request: Request) -> Response:
        asked = requests.registration(Form(await fields_of(request)))
        problems = await self._services.registration_problems(asked.facts, auth.address_of(request))
        await self._services.register(asked.command(problems))
        return _said("Registration Successful", operations.REGISTER.success)

    async def _options(self, _: Request) -> Response:
        return answer(people.options(await self._services.options()))

    async def _log_in(self, request: Request) -> Response:
        email, password = requests.credentials(Form(await fields_of(request)))
        key = await self._services.log_in(email, password, auth.address_of(request))
        return answer(wire.ApiKey(api_key=key))

    async def _validate(self, request: Request) -> Response:
        await self._consumer(request)
        return _said("API key supplied is valid")

    async def _user(self, request: Request) -> Response:
        return answer(wire.Data(data=people.user(await self._consumer(request))))

    async def _modify_user(self, request: Request) -> Response:
        consumer = await self._consumer(request)
        name = requests.single_text(Form(await fields_of(request)), "name")
        await self._services.rename(consumer, name)
        return _said("Updated successfully")

    async def _change_password(self, request: Request) -> Response:
        consumer = await self._consumer(request)
        current, new = requests.passwords(Form(await fields_of(request)))
        await self._services.change_password(consumer, current, new, auth.address_of(request))
        return _said("Password has been reset successfully")

    async def _token_receipts(self, request: Request) -> Response:
        consumer = await self._consumer(request)
        page = await self._services.tokens(consumer, _number(request))
        records = [receipts.token_receipt(consumer, one) for one in page.items]
        return self._paged(request, page, records)

    async def _meter_transactions(self, request: Request) -> Response:
        consumer = await self._consumer(request)
        shown = await self._services.transactions(consumer, _number(request))
        return self._paged(request, shown.page, receipts.transactions(consumer, shown))

    async def _remote_reading(self, request: Request) -> Response:
        consumer = await self._consumer(request)
        read = await self._services.readings(consumer)
        return answer(wire.Data(data=readings.remote_reading_data(consumer, read)))

    async def _data_items(self, request: Request) -> Response:
        if auth.key_of(request):
            await auth.holder(request, self._services.who)
        return answer(readings.data_items())

    async def _read_meter(self, request: Request) -> Response:
        consumer = await self._consumer(request)
        label = requests.single_text(Form(await fields_of(request)), "data_item")
        task = await self._services.ask_reading(consumer, label)
        return answer(readings.reading_task(task))

    async def _remote_reading_tasks(self, request: Request) -> Response:
        consumer = await self._consumer(request)
        page = await self._services.reading_tasks(consumer, _number(request))
        return self._paged(request, page, [readings.reading_task(one) for one in page.items])

    async def _order(self, request: Request) -> Response:
        consumer = await self._consumer(request)
        amount_minor, phone = requests.purchase(
            Form(await fields_of(request)), currency=consumer.estate.currency
        )
        placed = await self._services.order(consumer, amount_minor, phone)
        return answer(purchases.ordered(*placed), operations.ORDER_PURCHASE.success)

    async def _find_purchase(self, request: Request) -> Response:
        holder = await auth.holder(request, self._services.who)
        reference = request.path_params["reference"]
        if not _REFERENCE.fullmatch(reference):
            raise OrderUnknown(reference)
        found = await self._services.find_order(holder, reference)
        return answer(wire.Data(data=purchases.purchase(*found)))

    async def _find_purchases(self, request: Request) -> Response:
        holder = await auth.holder(request, self._services.who)
        wanted = requests.order_filter(Form(dict(request.query_params)))
        page = await self._services.find_orders(holder, wanted, _number(request))
        records = [purchases.purchase(*one) for one in page.items]
        kept = [(name, text) for name in _FILTERS if (text := request.query_params.get(name))]
        return self._paged(request, page, records, kept=kept)

    async def _consumer(self, request: Request) -> Consumer:
        """Return who asks; keys first, so that the unknown learn no forms."""
        consumer = await auth.consumer(request, self._services.who)
        request.state.currency = consumer.estate.currency
        return consumer

    def _paged(
        self,
        request: Request,
        page: Page[Any],
        records: list[Any],
        *,
        kept: list[tuple[str, str]] | None = None,
    ) -> Response:
        path = paging.path_of(request, self._public_url)
        return answer(paging.to_page(page, records, path=path, kept=kept or ()))


def _number(request: Request) -> int:
    return paging.page_number(request.query_params.get(paging.PARAMETER))


def _said(message: str, status: int = 200) -> Response:
    return answer(wire.Said(message=message), status)
