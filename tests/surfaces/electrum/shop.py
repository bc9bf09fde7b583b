"""A stand-in for the service behind the surface: three meters, ids in a dict, tokens in a row."""

from __future__ import annotations

import base64
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, Final

from fastapi.testclient import TestClient

from sts.base_date import BaseDate
from sts.key_data import EncryptionAlgorithm, KeyRevisionNumber, SupplyGroupCode, TariffIndex
from sts.meter_number import MeterPan
from sts.security_module import MeterConfiguration
from sts.token_identifier import TokenIdentifier
from tariffs.document import parse_tariff
from tariffs.lines import LineKind
from vending_api.domain.clients.errors import CredentialsRejected
from vending_api.domain.clients.types import Client
from vending_api.domain.issuing.types import SoldToken, TokenKind
from vending_api.domain.meters.errors import MeterBlocked, UnknownMeter
from vending_api.domain.meters.types import Customer, Meter, PurchaseLimits, ServiceType, Utility
from vending_api.domain.pricing.errors import AmountOutsideLimits
from vending_api.domain.pricing.types import FREE_OF_CHARGE, Bill, BillLine, TaxedAmount
from vending_api.domain.sales.errors import MessageIdUsed
from vending_api.domain.sales.types import LookUpMeter, Sale, SellCredit
from vending_api.surfaces.electrum.routes import ElectrumServices, build_app

PAN: Final = "600727000000000009"
METER_ID: Final = "00000000000"
BLOCKED_METER_ID: Final = "00000000018"
CHARGED_METER_ID: Final = "00000000026"
"""Of R200, it pays R50 of a debt, R5 and R30 for services, and the rest for units of two prices."""
_TARIFF: Final = """
name = "flat"
unit = "kWh"
price_currency = "ZAR"
time_zone = "Africa/Johannesburg"
source = "made up"
[[version]]
valid_from = 2014-01-01
[version.energy]
rate = "248.14"
[[version.tax]]
name = "VAT"
percent = "15"
on = "everything"
"""


def basic(user_name: str, password: str) -> str:
    """Return an Authorization header."""
    return "Basic " + base64.b64encode(f"{user_name}:{password}".encode()).decode()


def _taxed(net_minor: int, tax_minor: int) -> TaxedAmount:
    return TaxedAmount(
        net_minor=net_minor,
        tax_minor=tax_minor,
        tax_name="VAT",
        tax_rate_percent=Decimal("15.00"),
    )


def _energy(units: str, price_minor: str, charge: TaxedAmount) -> BillLine:
    return BillLine(
        kind=LineKind.ENERGY,
        name="energy",
        reason="units of this month",
        charge=charge,
        units=Decimal(units),
        price_minor=Decimal(price_minor),
    )


def _other(
    kind: LineKind, name: str, charge: TaxedAmount, balance_minor: int | None = None
) -> BillLine:
    return BillLine(
        kind=kind, name=name, reason="made up", charge=charge, balance_minor=balance_minor
    )


_PLAIN: Final = (_energy("40.3", "285.361", _taxed(10_000, 1_500)),)
_CHARGED: Final = (
    _other(LineKind.CHANNEL_FEE, "Cash handling", replace(FREE_OF_CHARGE, net_minor=500)),
    _other(LineKind.DEBT, "Old debt", replace(FREE_OF_CHARGE, net_minor=5_000), 27_300),
    _other(LineKind.DEBT, "Older debt", FREE_OF_CHARGE, 10_000),
    _other(LineKind.CHARGE, "Connection fee", _taxed(2_609, 391), 0),
    _other(LineKind.CHARGE, "Service fee", FREE_OF_CHARGE, 4_945),
    _energy("20", "230", _taxed(4_000, 600)),
    _energy("20.3", "339.9055", _taxed(6_001, 900)),
    _other(LineKind.ROUNDING, "rounding", _taxed(-1, 0)),
)


class Shop:
    """Looks up, sells and repeats; `failure` is raised instead once it is set."""

    def __init__(self) -> None:
        self.failure: Exception | None = None
        self.commands: list[LookUpMeter | SellCredit] = []
        self.token_kind = TokenKind.STANDARD
        self._lookups: set[str] = set()
        self._sales: dict[str, Sale] = {}
        self._time = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)

    def now(self) -> datetime:
        """Return a time later than the last."""
        self._time += timedelta(milliseconds=1)
        return self._time

    async def authenticate(self, user_name: str, password: str) -> Client:
        """Know `test` and `tést`, both with the password `test`."""
        if user_name not in {"test", "tést"} or password != "test":
            raise CredentialsRejected
        return Client(key=1, user_name=user_name, name="Test")

    async def look_up(self, command: LookUpMeter) -> Meter:
        """Answer a lookup, once for each id."""
        self._begin(command)
        if command.lookup_id in self._lookups:
            raise MessageIdUsed(command.lookup_id)
        self._lookups.add(command.lookup_id)
        return _meter(command.external_meter_id)

    async def sell(self, command: SellCredit) -> Sale:
        """Sell, once for each id."""
        self._begin(command)
        if command.purchase_id in self._sales:
            raise MessageIdUsed(command.purchase_id)
        meter = _meter(command.external_meter_id)
        if meter.external_id == BLOCKED_METER_ID:
            raise MeterBlocked(meter.external_id)
        limits = meter.limits
        if not limits.minimum_minor <= command.amount_minor <= limits.maximum_minor:
            raise AmountOutsideLimits(
                command.amount_minor, limits.minimum_minor, limits.maximum_minor
            )
        sale = self._sale(command, meter)
        self._sales[command.purchase_id] = sale
        return sale

    async def retry(self, command: SellCredit) -> Sale:
        """Return what was sold under the id, or sell now."""
        if command.purchase_id not in self._sales:
            return await self.sell(command)
        self._begin(command)
        return self._sales[command.purchase_id]

    def _begin(self, command: LookUpMeter | SellCredit) -> None:
        self.commands.append(command)
        if self.failure is not None:
            raise self.failure

    def _sale(self, command: SellCredit, meter: Meter) -> Sale:
        token = SoldToken(
            kind=self.token_kind,
            digits=f"{len(self._sales) + 1:020d}",
            units_tenths=403,
            token_identifier=TokenIdentifier(1),
            charge=_taxed(10_000, 1_500),
        )
        return Sale(
            purchase_id=command.purchase_id,
            amount_minor=command.amount_minor,
            currency=command.currency,
            sold_at=command.received_at,
            meter=meter,
            tokens=(token,),
            bill=Bill(_CHARGED if meter.external_id == CHARGED_METER_ID else _PLAIN),
        )


def point_of_sale(shop: Shop, *, authorization: str | None = None) -> TestClient:
    """Return a point of sale that knows its password and wants answers, not tracebacks."""
    services = ElectrumServices(
        authenticate=shop.authenticate, look_up=shop.look_up, sell=shop.sell, retry=shop.retry
    )
    return TestClient(
        build_app(services=services, now=shop.now),
        headers={"Authorization": authorization or basic("test", "test")},
        raise_server_exceptions=False,
    )


def lookup(message_id: str = "lookup-1", **changes: Any) -> dict[str, Any]:
    """Return a lookup with nothing in it that could be left out, with `changes`."""
    return {
        "id": message_id,
        "time": "2017-07-28T12:06:18.303Z",
        "originator": {
            "institution": {"id": "300123", "name": "Corner Shops"},
            "terminalId": "TERM0001",
            "merchant": {
                "merchantType": "5411",
                "merchantId": "CORNERSHOP00042",
                "merchantName": {
                    "name": "Corner Shop",
                    "city": "Cape Town",
                    "region": "WC",
                    "country": "ZA",
                },
            },
        },
        "client": {"id": "test", "name": "Corner Shops Switch"},
        "thirdPartyIdentifiers": [],
        "meter": {"meterId": METER_ID},
    } | changes


def purchase(message_id: str = "purchase-1", **changes: Any) -> dict[str, Any]:
    """Return a purchase with nothing in it that could be left out, with `changes`."""
    return lookup(message_id) | {"purchaseAmount": {"amount": 11_500, "currency": "710"}} | changes


def _meter(external_id: str) -> Meter:
    if external_id not in {METER_ID, BLOCKED_METER_ID, CHARGED_METER_ID}:
        raise UnknownMeter(external_id)
    return Meter(
        key=1,
        external_id=external_id,
        configuration=MeterConfiguration(
            pan=MeterPan.parse(PAN),
            supply_group_code=SupplyGroupCode("123456"),
            key_revision_number=KeyRevisionNumber(1),
            tariff_index=TariffIndex("01"),
            encryption_algorithm=EncryptionAlgorithm.EA07,
        ),
        base_date=BaseDate.YEAR_2014,
        service_type=ServiceType.ELECTRICITY,
        token_technology_code="02",
        limits=PurchaseLimits(minimum_minor=500, maximum_minor=500_000),
        is_blocked=external_id == BLOCKED_METER_ID,
        last_token_identifier=None,
        tariff=parse_tariff(_TARIFF, document="test"),
        customer=Customer(first_name="Nomsa", last_name="Dube", address="12 Long Street"),
        utility=Utility(
            name="Umoya Municipality",
            address="1 Market Square",
            vat_registration_number="4012345678",
            client_id="0001",
            message="Save water",
            currency="710",
            time_zone="Africa/Johannesburg",
        ),
    )
