"""A stand-in for the service behind the surface: four meters, ids in dicts, tokens in a row."""

from __future__ import annotations

import base64
import pickle
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import TYPE_CHECKING, Any, Final, cast

from fastapi.testclient import TestClient

from tests.surfaces.electrum import goods
from tests.surfaces.electrum.contract import require_contract
from vending_api.domain.advices.errors import AdviceDeclined, AdvisedAmountWrong, SaleUnknown
from vending_api.domain.advices.types import AdviceKind
from vending_api.domain.clients.errors import CredentialsRejected
from vending_api.domain.clients.types import Client, ClientTerms
from vending_api.domain.faults.types import FaultReport
from vending_api.domain.issuing.types import TokenKind
from vending_api.domain.meters.errors import MeterBlocked
from vending_api.domain.offers.errors import NothingDue
from vending_api.domain.pricing.errors import AmountOutsideLimits
from vending_api.domain.reprints.errors import NothingToReprint
from vending_api.domain.reprints.types import Reprint
from vending_api.domain.sales.errors import NoKeyChangeDue, NotForTrials, SaleGivenUp
from vending_api.domain.sales.types import FoundMeter
from vending_api.kit.errors import MessageIdUsed
from vending_api.surfaces.electrum.routes import ElectrumServices, build_app

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from fastapi import FastAPI

    from vending_api.domain.advices.types import Advise, NoteSale
    from vending_api.domain.faults.types import ReportFault
    from vending_api.domain.meters.types import Meter
    from vending_api.domain.offers.types import AskForCredit
    from vending_api.domain.reprints.types import ReprintTokens
    from vending_api.domain.sales.types import (
        ChangeKey,
        LookUpMeter,
        Sale,
        SellCredit,
        Trial,
        TryCredit,
    )


def basic(user_name: str, password: str) -> str:
    """Return an Authorization header."""
    return "Basic " + base64.b64encode(f"{user_name}:{password}".encode()).decode()


class Shop:
    """Does all that is asked of it; `failure` is raised instead once it is set."""

    def __init__(self) -> None:
        self.failure: Exception | None = None
        self.commands: list[Any] = []
        self.token_kind = TokenKind.STANDARD
        self.terms = ClientTerms()
        self._used: set[tuple[str, str]] = set()
        self._sales: dict[str, Sale] = {}
        self._key_changes: dict[str, Sale] = {}
        self._advised: dict[tuple[bool, str], AdviceKind] = {}
        self._time = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)

    def now(self) -> datetime:
        """Return a time later than the last."""
        self._time += timedelta(milliseconds=1)
        return self._time

    async def authenticate(self, user_name: str, password: str, address: str) -> Client:
        """Know `test` and `tést`, both with the password `test`."""
        assert address, "it does not say where they come from"
        if user_name not in {"test", "tést"} or password != "test":
            raise CredentialsRejected
        return Client(key=1, user_name=user_name, name="Test", terms=self.terms)

    async def look_up(self, command: LookUpMeter) -> FoundMeter:
        """Answer a lookup, once for each id."""
        self._begin(command)
        self._use("lookup", command.lookup_id)
        meter = _named(command)
        is_due = meter.external_id == goods.KEY_CHANGE_METER_ID
        arrears = goods.ARREARS_MINOR if meter.external_id == goods.CHARGED_METER_ID else 0
        return FoundMeter(meter=meter, arrears_minor=arrears, free_units_due=is_due)

    async def sell(self, command: SellCredit) -> Sale:
        """Sell, once for each id."""
        self._begin(command)
        if command.purchase_id in self._sales:
            raise MessageIdUsed(command.purchase_id)
        if self._advised.get((False, command.purchase_id)) is AdviceKind.REVERSAL:
            raise SaleGivenUp(command.purchase_id)
        meter = _offered(command)
        sale = goods.sale_of(command, meter, len(self._sales) + 1, self.token_kind)
        self._sales[command.purchase_id] = sale
        return sale

    async def retry(self, command: SellCredit) -> Sale:
        """Return what was sold under the id, or sell now."""
        if command.purchase_id not in self._sales:
            if ("trial", command.purchase_id) in self._used:
                raise NotForTrials(command.purchase_id)
            return await self.sell(command)
        self._begin(command)
        return self._sales[command.purchase_id]

    async def try_out(self, command: TryCredit) -> Trial:
        """Say what a sale would bring."""
        self._begin(command)
        self._use("trial", command.trial_id)
        return goods.trial_of(command, _offered(command))

    async def reprint(self, command: ReprintTokens) -> Reprint:
        """Give the last sale of a meter, or the one of a purchase id."""
        self._begin(command)
        self._use("reprint", command.reprint_id)
        meter, wanted = _named(command), command.original_reference
        sold = [
            sale
            for sale in (*self._sales.values(), *self._key_changes.values())
            if sale.meter.external_id == meter.external_id
            and wanted in {None, sale.purchase_id, sale.tokens[0].receipt_number}
        ]
        if not sold:
            raise NothingToReprint(meter.external_id, wanted)
        return Reprint(sale=sold[-1], copy_number=1)

    async def change_key(self, command: ChangeKey) -> Sale:
        """Give key change tokens to the one meter that needs them."""
        self._begin(command)
        self._use("key change", command.request_id)
        meter = _named(command)
        if meter.external_id != goods.KEY_CHANGE_METER_ID:
            raise NoKeyChangeDue(meter.external_id)
        sale = goods.key_change_of(command, meter, len(self._key_changes) + 1)
        self._key_changes[command.request_id] = sale
        return sale

    async def advise(self, command: Advise) -> None:
        """Note what became of a sale, once for each."""
        self._begin(command)
        is_of_key_change = command.kind is AdviceKind.KEY_CHANGE_CONFIRMATION
        known = self._key_changes if is_of_key_change else self._sales
        about = (is_of_key_change, command.request_id)
        sale = known.get(command.request_id)
        if sale is None:
            self._advised[about] = command.kind
            raise SaleUnknown(command.request_id)
        self._use(command.kind, command.advice_id)
        if about in self._advised:
            raise AdviceDeclined(command.request_id, "it was heard of before")
        if (command.approved_minor or 0) > sale.amount_minor:
            raise AdvisedAmountWrong(command.request_id, sale.amount_minor)
        self._advised[about] = command.kind

    async def note_sale(self, command: NoteSale) -> None:
        """Hear of a sale that is known."""
        self._begin(command)
        if command.purchase_id not in self._sales:
            raise SaleUnknown(command.purchase_id)
        self._use("event", command.message_id)

    async def report_fault(self, command: ReportFault) -> FaultReport:
        """Take a report, once for each id."""
        self._begin(command)
        self._use("fault", command.report_id)
        goods.meter_of(command.external_meter_id)
        return FaultReport(
            reference=f"{command.reported_at}{command.terminal_id}", description="Thank you"
        )

    def _begin(self, command: object) -> None:
        self.commands.append(command)
        if self.failure is not None:
            raise self.failure

    def _use(self, kind: str, message_id: str) -> None:
        if (kind, message_id) in self._used:
            raise MessageIdUsed(message_id)
        self._used.add((kind, message_id))


def point_of_sale(shop: Shop, *, authorization: str | None = None) -> TestClient:
    """Return a point of sale that knows its password and wants answers, not tracebacks.

    It looks at every answer that it gets: `contract.py` says what must hold.
    """
    services = ElectrumServices(
        authenticate=shop.authenticate,
        look_up=_telling(shop.look_up),
        sell=_telling(shop.sell),
        retry=_telling(shop.retry),
        try_out=_telling(shop.try_out),
        reprint=_telling(shop.reprint),
        change_key=_telling(shop.change_key),
        advise=shop.advise,
        note_sale=shop.note_sale,
        report_fault=_telling(shop.report_fault),
    )
    _served.services, _served.now = services, shop.now
    client = TestClient(
        _app(),
        headers={"Authorization": authorization or basic("test", "test")},
        raise_server_exceptions=False,
    )
    client.event_hooks = {"response": [require_contract]}
    return client


class _Served:
    """Whoever is served now: the newest point of sale."""

    services: ElectrumServices
    now: Callable[[], datetime]

    def time(self) -> datetime:
        return self.now()

    def __getattr__(self, name: str) -> Any:
        return getattr(self.services, name)


_served: Final = _Served()


@cache
def _app() -> FastAPI:
    """Return the surface, built once: that takes longer than most tests of it."""
    return build_app(services=cast("ElectrumServices", _served), now=_served.time)


def _telling(
    serve: Callable[[Any], Awaitable[Any]],
) -> Callable[[Any, Callable[[Any], bytes]], Awaitable[bytes]]:
    """Return what also tells, as if it were done in another process."""

    async def told(command: Any, tell: Callable[[Any], bytes]) -> bytes:
        tell = pickle.loads(pickle.dumps(tell))  # noqa: S301 (our own)
        return tell(await serve(pickle.loads(pickle.dumps(command))))  # noqa: S301 (likewise)

    return told


def _named(command: LookUpMeter | AskForCredit | ReprintTokens | ChangeKey) -> Meter:
    """Return the meter that is asked for, by its number or by its card alone."""
    has_card = command.card is not None and command.card.pan.digits == goods.PAN
    return goods.meter_of(command.external_meter_id or (goods.METER_ID if has_card else ""))


def _offered(command: SellCredit | TryCredit) -> Meter:
    """Return the meter if it may be sold to."""
    meter = _named(command)
    if meter.is_blocked:
        raise MeterBlocked(meter.external_id)
    if command.amount_minor == 0:
        raise NothingDue(meter.external_id)
    limits = meter.limits
    if not limits.minimum_minor <= command.amount_minor <= limits.maximum_minor:
        raise AmountOutsideLimits(command.amount_minor, limits.minimum_minor, limits.maximum_minor)
    return meter
