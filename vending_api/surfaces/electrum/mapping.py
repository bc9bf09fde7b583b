"""Their messages to our commands, and what we did to their messages."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

from vending_api.domain.issuing.types import TokenKind
from vending_api.domain.sales.types import LookUpMeter, SellCredit
from vending_api.surfaces.electrum.wire import money, register, tokens
from vending_api.surfaces.electrum.wire.messages import (
    MeterLookupRequest,
    MeterLookupResponse,
    PurchaseRequest,
    PurchaseResponse,
    Transaction,
)

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from vending_api.domain.clients.types import Client
    from vending_api.domain.issuing.types import SoldToken
    from vending_api.domain.meters.types import Meter
    from vending_api.domain.pricing.types import BillLine, TariffBlock, TaxedAmount
    from vending_api.domain.sales.types import Sale

_ECHOED: Final = tuple(name for name in Transaction.model_fields if name != "slip_data")
"""What an answer repeats of its request; a slip is for the other direction."""

_TOKEN_TYPES: Final = {
    TokenKind.STANDARD: tokens.TokenType.STD,
    TokenKind.FREE: tokens.TokenType.BSST,
    TokenKind.REFUND: tokens.TokenType.REFUND,
    TokenKind.KEY_CHANGE: tokens.TokenType.KC,
    TokenKind.POWER_LIMIT: tokens.TokenType.PWRLMT,
}


def to_look_up(
    message: MeterLookupRequest, *, client: Client, received_at: datetime
) -> LookUpMeter:
    """Return the command that a lookup stands for."""
    return LookUpMeter(
        lookup_id=message.id,
        external_meter_id=message.meter.meter_id,
        client=client,
        received_at=received_at,
    )


def to_sell(
    message: PurchaseRequest, *, purchase_id: str, client: Client, received_at: datetime
) -> SellCredit:
    """Return the command that a purchase, or a retry of it, stands for."""
    return SellCredit(
        purchase_id=purchase_id,
        message_id=message.id,
        external_meter_id=message.meter.meter_id,
        amount_minor=message.purchase_amount.amount,
        currency=message.purchase_amount.currency,
        terminal_id=message.originator.terminal_id,
        client=client,
        received_at=received_at,
    )


def lookup_answer(message: MeterLookupRequest, meter: Meter) -> MeterLookupResponse:
    """Return what the register tells, limits always included: points of sale read them."""
    currency = meter.utility.currency
    return MeterLookupResponse(
        **_echo(message),
        meter=_meter(meter),
        customer=_customer(meter),
        utility=_utility(meter),
        min_amount=money.LedgerAmount(amount=meter.limits.minimum_minor, currency=currency),
        max_amount=money.LedgerAmount(amount=meter.limits.maximum_minor, currency=currency),
    )


def purchase_answer(message: PurchaseRequest, sale: Sale) -> PurchaseResponse:
    """Return what was sold and where the money went, in answer to a purchase or a retry.

    Tokens, service charges and debts with their taxes are together what was paid.
    """
    currency, bill = sale.currency, sale.bill
    return PurchaseResponse(
        **_echo(message),
        meter=_meter(sale.meter),
        customer=_customer(sale.meter),
        utility=_utility(sale.meter),
        utility_type=sale.meter.service_type,
        purchase_total=money.LedgerAmount(amount=sale.purchase_total_minor, currency=currency),
        tax_total=money.LedgerAmount(amount=sale.tax_total_minor, currency=currency),
        tokens=[_token(token, sale.blocks_of(token), currency) for token in sale.tokens],
        debt_recovery_charges=[_debt(line, currency) for line in bill.debts_recovered] or None,
        service_charges=[_service_charge(line, currency) for line in bill.service_charges] or None,
    )


def exact_tenths(tenths: int) -> Decimal:
    """Return a number of tenths as a decimal with one place: 403 as 40.3."""
    return Decimal(tenths).scaleb(-1)


def _echo(message: Transaction) -> dict[str, Any]:
    return {name: getattr(message, name) for name in _ECHOED}


def _meter(meter: Meter) -> register.Meter:
    configuration = meter.configuration
    return register.Meter(
        meter_id=meter.external_id,
        service_type=meter.service_type,
        supply_group_code=str(configuration.supply_group_code),
        key_revision_num=str(configuration.key_revision_number),
        tariff_index=str(configuration.tariff_index),
        token_tech_code=meter.token_technology_code,
        algorithm_code=configuration.encryption_algorithm.value,
    )


def _customer(meter: Meter) -> register.Customer:
    customer = meter.customer
    return register.Customer(
        first_name=customer.first_name,
        last_name=customer.last_name,
        address=customer.address,
    )


def _utility(meter: Meter) -> register.Utility:
    utility = meter.utility
    return register.Utility(
        name=utility.name,
        address=utility.address,
        vat_reg_num=utility.vat_registration_number,
        client_id=utility.client_id,
        message=utility.message,
    )


def _token(token: SoldToken, blocks: Sequence[TariffBlock], currency: str) -> tokens.Token:
    return tokens.Token(
        token_type=_TOKEN_TYPES[token.kind],
        units=exact_tenths(token.units_tenths),
        amount=_taxable(token.charge, currency),
        token=token.digits,
        tariff_calc=[
            tokens.TariffBlock(units=block.units, rate=block.price_minor) for block in blocks
        ]
        or None,
    )


def _service_charge(line: BillLine, currency: str) -> money.ServiceCharge:
    return money.ServiceCharge(amount=_taxable(line.charge, currency), description=line.name)


def _debt(line: BillLine, currency: str) -> money.DebtRecoveryCharge:
    return money.DebtRecoveryCharge(
        amount=_taxable(line.charge, currency),
        description=line.name,
        balance=money.LedgerAmount(amount=line.balance_minor or 0, currency=currency),
    )


def _taxable(charge: TaxedAmount, currency: str) -> money.TaxableAmount:
    """Return a sum with its tax; name and rate of the tax only where one applies."""
    is_taxed = bool(charge.tax_name)
    return money.TaxableAmount(
        amount=charge.net_minor,
        currency=currency,
        tax=charge.tax_minor,
        tax_type=charge.tax_name if is_taxed else None,
        tax_rate=charge.tax_rate_percent if is_taxed else None,
    )
