"""What we did to their messages."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

from vending_api.domain.issuing.types import TokenKind
from vending_api.domain.slips.service import slip_of_sale, slip_of_trial
from vending_api.domain.slips.types import Mark
from vending_api.surfaces.electrum.mapping.slip_data import to_slip_data
from vending_api.surfaces.electrum.wire import money, register, tokens
from vending_api.surfaces.electrum.wire.advices import BasicAdvice, BasicAdviceResponse
from vending_api.surfaces.electrum.wire.messages import (
    FaultReportRequest,
    FaultReportResponse,
    KeyChangeTokenRequest,
    KeyChangeTokenResponse,
    MeterLookupRequest,
    MeterLookupResponse,
    PurchaseRequest,
    PurchaseResponse,
    TokenReprintRequest,
    Transaction,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from vending_api.domain.clients.types import Client
    from vending_api.domain.faults.types import FaultReport
    from vending_api.domain.issuing.types import SoldToken
    from vending_api.domain.meters.types import KeyData, Meter
    from vending_api.domain.pricing.types import BillLine, TariffBlock, TaxedAmount
    from vending_api.domain.reprints.types import Reprint
    from vending_api.domain.sales.types import FoundMeter, Sale, Trial

_ECHOED: Final = tuple(name for name in Transaction.model_fields if name != "slip_data")
"""What an answer repeats of its request; a slip is for the other direction."""
_ECHOED_OF_ADVICE: Final = tuple(BasicAdvice.model_fields)

_TOKEN_TYPES: Final = {
    TokenKind.STANDARD: tokens.TokenType.STD,
    TokenKind.FREE: tokens.TokenType.BSST,
    TokenKind.REFUND: tokens.TokenType.REFUND,
    TokenKind.KEY_CHANGE: tokens.TokenType.KC,
    # The list of the contract has nothing nearer for settings; the slip says which it is.
    TokenKind.POWER_LIMIT: tokens.TokenType.PWRLMT,
    TokenKind.CLEAR_TAMPER: tokens.TokenType.PWRLMT,
    TokenKind.CLEAR_CREDIT: tokens.TokenType.PWRLMT,
}


def lookup_answer(message: MeterLookupRequest, found: FoundMeter) -> MeterLookupResponse:
    """Return what the register tells, limits always included: points of sale read them."""
    meter = found.meter
    currency = meter.utility.currency
    return MeterLookupResponse(
        **_echo(message),
        meter=_meter(meter),
        customer=_customer(meter),
        utility=_utility(meter),
        min_amount=money.LedgerAmount(amount=meter.limits.minimum_minor, currency=currency),
        max_amount=money.LedgerAmount(amount=meter.limits.maximum_minor, currency=currency),
        arrears_amount=money.LedgerAmount(amount=found.arrears_minor, currency=currency),
        bsst_due=found.free_units_due,
    )


def purchase_answer(message: PurchaseRequest, sale: Sale, client: Client) -> PurchaseResponse:
    """Return what was sold and where the money went, in answer to a purchase or a retry."""
    return _sale_answer(message, sale, client)


def reprint_answer(
    message: TokenReprintRequest, reprint: Reprint, client: Client
) -> PurchaseResponse:
    """Return the sale whose tokens are handed out again; its slip says that it is a copy."""
    return _sale_answer(message, reprint.sale, client, mark=Mark.COPY)


def trial_answer(message: PurchaseRequest, trial: Trial, client: Client) -> PurchaseResponse:
    """Return what a purchase would bring: sums and units, and no tokens."""
    currency = trial.currency
    units = {"unitsTenths": trial.units_tenths, "freeUnitsTenths": trial.free_units_tenths}
    return PurchaseResponse(
        **_echo(message),
        **_parties(trial.meter, trial.new_key_data),
        **_totals(trial),
        amounts=money.Amounts(
            request_amount=money.LedgerAmount(amount=trial.amount_minor, currency=currency),
            approved_amount=money.LedgerAmount(amount=trial.amount_minor, currency=currency),
            additional_amounts={
                name: money.LedgerAmount(amount=tenths, currency=currency)
                for name, tenths in units.items()
            },
        ),
        slip_data=to_slip_data(slip_of_trial(trial, columns=client.terms.slip_columns)),
    )


def key_change_answer(
    message: KeyChangeTokenRequest, sale: Sale, client: Client
) -> KeyChangeTokenResponse:
    """Return the key change tokens, and what the meter holds once they are keyed in."""
    return KeyChangeTokenResponse(
        **_echo(message),
        meter=_meter(sale.meter, sale.new_key_data),
        tokens=[_token(token, (), sale.currency) for token in sale.tokens],
        slip_data=to_slip_data(slip_of_sale(sale, columns=client.terms.slip_columns)),
    )


def fault_answer(message: FaultReportRequest, report: FaultReport) -> FaultReportResponse:
    """Return where a reported fault stands in the books."""
    return FaultReportResponse(
        **_echo(message), reference=report.reference, description=report.description
    )


def advice_answer(message: BasicAdvice) -> BasicAdviceResponse:
    """Return that an advice was heard."""
    return BasicAdviceResponse(**{name: getattr(message, name) for name in _ECHOED_OF_ADVICE})


def exact_tenths(tenths: int) -> Decimal:
    """Return a number of tenths as a decimal with one place: 403 as 40.3."""
    return Decimal(tenths).scaleb(-1)


def _sale_answer(
    message: PurchaseRequest | TokenReprintRequest,
    sale: Sale,
    client: Client,
    *,
    mark: Mark | None = None,
) -> PurchaseResponse:
    """Return a sale: tokens, service charges and debts with their taxes are what was paid."""
    paid = money.LedgerAmount(amount=sale.amount_minor, currency=sale.currency)
    slip = slip_of_sale(sale, columns=client.terms.slip_columns, mark=mark)
    return PurchaseResponse(
        **_echo(message),
        **_parties(sale.meter, sale.new_key_data),
        **_totals(sale),
        amounts=money.Amounts(request_amount=paid, approved_amount=paid),
        tokens=[_token(token, sale.blocks_of(token), sale.currency) for token in sale.tokens],
        vat_invoice_number=sale.invoice_number,
        slip_data=to_slip_data(slip),
    )


def _echo(message: Transaction) -> dict[str, Any]:
    return {name: getattr(message, name) for name in _ECHOED}


def _parties(meter: Meter, new_key_data: KeyData | None) -> dict[str, Any]:
    return {
        "meter": _meter(meter, new_key_data),
        "customer": _customer(meter),
        "utility": _utility(meter),
        "utility_type": meter.service_type,
    }


def _totals(priced: Sale | Trial) -> dict[str, Any]:
    currency, bill = priced.currency, priced.bill
    return {
        "purchase_total": money.LedgerAmount(amount=priced.purchase_total_minor, currency=currency),
        "tax_total": money.LedgerAmount(amount=priced.tax_total_minor, currency=currency),
        "debt_recovery_charges": [_debt(line, currency) for line in bill.debts_recovered] or None,
        "service_charges": [_service_charge(line, currency) for line in bill.service_charges]
        or None,
    }


def _meter(meter: Meter, new_key_data: KeyData | None = None) -> register.Meter:
    configuration = meter.configuration
    return register.Meter(
        meter_id=meter.external_id,
        service_type=meter.service_type,
        supply_group_code=str(configuration.supply_group_code),
        key_revision_num=str(configuration.key_revision_number),
        tariff_index=str(configuration.tariff_index),
        token_tech_code=meter.token_technology_code,
        algorithm_code=configuration.encryption_algorithm.value,
        key_change_data=None if new_key_data is None else _key_change_data(new_key_data),
    )


def _key_change_data(new: KeyData) -> register.KeyChangeData:
    return register.KeyChangeData(
        new_supply_group_code=str(new.supply_group_code),
        new_key_revision_number=str(new.key_revision_number),
        new_tariff_index=str(new.tariff_index),
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
        receipt_num=token.receipt_number,
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
        receipt_num=line.receipt_number,
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
