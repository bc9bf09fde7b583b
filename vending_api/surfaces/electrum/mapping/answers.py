"""What we did to their messages, as the octets that go over the wire.

The models of `wire/` say what an answer may be; none is made of it, since that takes several
times as long as all the rest. So it is built of dicts in the words of the wire: what is absent
has no key, decimals are floats, and words of enumerations are texts. The echo of the request
and the slip are JSON of their own, put in front of the rest.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from pydantic import TypeAdapter
from pydantic_core import to_json

from vending_api.domain.issuing.types import TokenKind
from vending_api.domain.slips.service import written_of_sale, written_of_trial
from vending_api.domain.slips.types import Mark
from vending_api.surfaces.electrum.mapping.slip_data import to_slip_data
from vending_api.surfaces.electrum.wire.advices import BasicAdvice
from vending_api.surfaces.electrum.wire.messages import Transaction
from vending_api.surfaces.electrum.wire.tokens import TokenType

if TYPE_CHECKING:
    from collections.abc import Sequence

    from vending_api.domain.faults.types import FaultReport
    from vending_api.domain.issuing.types import SoldToken
    from vending_api.domain.meters.types import KeyData, Meter
    from vending_api.domain.pricing.types import BillLine, TariffBlock, TaxedAmount
    from vending_api.domain.reprints.types import Reprint
    from vending_api.domain.sales.types import FoundMeter, Sale, Trial
    from vending_api.domain.slips.types import WrittenSlip

_OF_TRANSACTION: Final = TypeAdapter(Transaction).serializer
_OF_ADVICE: Final = TypeAdapter(BasicAdvice).serializer
_NOT_ECHOED: Final = {"slip_data"}
"""A slip is for the other direction."""

_TOKEN_TYPES: Final = {
    TokenKind.STANDARD: TokenType.STD.value,
    TokenKind.FREE: TokenType.BSST.value,
    TokenKind.REFUND: TokenType.REFUND.value,
    TokenKind.KEY_CHANGE: TokenType.KC.value,
    # The list of the contract has nothing nearer for settings; the slip says which it is.
    TokenKind.POWER_LIMIT: TokenType.PWRLMT.value,
    TokenKind.CLEAR_TAMPER: TokenType.PWRLMT.value,
    TokenKind.CLEAR_CREDIT: TokenType.PWRLMT.value,
}

_Part = dict[str, Any]
"""A part of an answer, in the words of the wire."""


def answer(message: Transaction, told: bytes) -> bytes:
    """Return an answer: what it repeats of its request, as that was understood, and what is told.

    `told` is what one of the functions below made, maybe in another process.
    """
    # The serializer of the part that all messages share passes over what else one has.
    echo = _OF_TRANSACTION.to_json(message, exclude_none=True, exclude=_NOT_ECHOED)
    # Neither of the two objects is empty, so they become one by a comma.
    return echo[:-1] + told


def advice_answer(message: BasicAdvice) -> bytes:
    """Return that an advice was heard: the advice again, without what it said."""
    return _OF_ADVICE.to_json(message, exclude_none=True)


def tell_lookup(found: FoundMeter) -> bytes:
    """Return what the register tells, limits always included: points of sale read them."""
    meter = found.meter
    currency = meter.utility.currency
    rest: _Part = {
        "meter": _meter(meter, None),
        "customer": _customer(meter),
        "utility": _utility(meter),
        "minAmount": _sum(meter.limits.minimum_minor, currency),
        "maxAmount": _sum(meter.limits.maximum_minor, currency),
        "arrearsAmount": _sum(found.arrears_minor, currency),
        "bsstDue": found.free_units_due,
    }
    return _told(rest)


def tell_sale(sale: Sale, *, columns: int, mark: Mark | None = None) -> bytes:
    """Return what was sold and where the money went, with a slip of so many columns.

    Tokens, service charges and debts with their taxes are what was paid.
    """
    currency = sale.currency
    paid = _sum(sale.amount_minor, currency)
    slip = written_of_sale(sale, columns=columns, mark=mark)
    rest = _parties(sale.meter, sale.new_key_data)
    _add_totals(rest, sale)
    rest["amounts"] = {"requestAmount": paid, "approvedAmount": paid}
    rest["tokens"] = [_token(token, sale.blocks_of(token), currency) for token in sale.tokens]
    if sale.invoice_number is not None:
        rest["vatInvoiceNumber"] = sale.invoice_number
    return _told(rest, slip)


def tell_reprint(reprint: Reprint, *, columns: int) -> bytes:
    """Return the sale whose tokens are handed out again; its slip says that it is a copy."""
    return tell_sale(reprint.sale, columns=columns, mark=Mark.COPY)


def tell_trial(trial: Trial, *, columns: int) -> bytes:
    """Return what a purchase would bring: sums and units, and no tokens."""
    currency = trial.currency
    paid = _sum(trial.amount_minor, currency)
    slip = written_of_trial(trial, columns=columns)
    rest = _parties(trial.meter, trial.new_key_data)
    _add_totals(rest, trial)
    rest["amounts"] = {
        "requestAmount": paid,
        "approvedAmount": paid,
        "additionalAmounts": {
            "unitsTenths": _sum(trial.units_tenths, currency),
            "freeUnitsTenths": _sum(trial.free_units_tenths, currency),
        },
    }
    return _told(rest, slip)


def tell_key_change(sale: Sale, *, columns: int) -> bytes:
    """Return the key change tokens, and what the meter holds once they are keyed in."""
    slip = written_of_sale(sale, columns=columns)
    rest: _Part = {
        "meter": _meter(sale.meter, sale.new_key_data),
        "tokens": [_token(token, (), sale.currency) for token in sale.tokens],
    }
    return _told(rest, slip)


def tell_fault(report: FaultReport) -> bytes:
    """Return where a reported fault stands in the books."""
    rest = {"reference": report.reference, "description": report.description}
    return _told(rest)


def in_units(tenths: int) -> float:
    """Return a number of tenths as the float nearest to it: 403 as 40.3."""
    return tenths / 10


def _told(rest: _Part, slip: WrittenSlip | None = None) -> bytes:
    """Return the end of an answer, from the comma after what it repeats of its request."""
    slip_data = b"" if slip is None else b',"slipData":' + to_slip_data(slip).encode()
    return slip_data + b"," + to_json(rest)[1:]


def _parties(meter: Meter, new_key_data: KeyData | None) -> _Part:
    return {
        "meter": _meter(meter, new_key_data),
        "customer": _customer(meter),
        "utility": _utility(meter),
        "utilityType": meter.service_type.value,
    }


def _add_totals(answer: _Part, priced: Sale | Trial) -> None:
    currency, bill = priced.currency, priced.bill
    answer["purchaseTotal"] = _sum(priced.purchase_total_minor, currency)
    answer["taxTotal"] = _sum(priced.tax_total_minor, currency)
    if debts := bill.debts_recovered:
        answer["debtRecoveryCharges"] = [_debt(line, currency) for line in debts]
    if services := bill.service_charges:
        answer["serviceCharges"] = [_service_charge(line, currency) for line in services]


def _meter(meter: Meter, new_key_data: KeyData | None) -> _Part:
    configuration = meter.configuration
    written: _Part = {
        "meterId": meter.external_id,
        "serviceType": meter.service_type.value,
        "supplyGroupCode": str(configuration.supply_group_code),
        "keyRevisionNum": str(configuration.key_revision_number),
        "tariffIndex": str(configuration.tariff_index),
        "tokenTechCode": meter.token_technology_code,
        "algorithmCode": configuration.encryption_algorithm.value,
    }
    if new_key_data is not None:
        written["keyChangeData"] = {
            "newSupplyGroupCode": str(new_key_data.supply_group_code),
            "newKeyRevisionNumber": str(new_key_data.key_revision_number),
            "newTariffIndex": str(new_key_data.tariff_index),
        }
    return written


def _customer(meter: Meter) -> _Part:
    customer = meter.customer
    return {
        "firstName": customer.first_name,
        "lastName": customer.last_name,
        "address": customer.address,
    }


def _utility(meter: Meter) -> _Part:
    utility = meter.utility
    return {
        "name": utility.name,
        "address": utility.address,
        "vatRegNum": utility.vat_registration_number,
        "clientId": utility.client_id,
        "message": utility.message,
    }


def _token(token: SoldToken, blocks: Sequence[TariffBlock], currency: str) -> _Part:
    written: _Part = {
        "tokenType": _TOKEN_TYPES[token.kind],
        "units": in_units(token.units_tenths),
        "amount": _taxable(token.charge, currency),
        "token": token.digits,
    }
    if token.receipt_number is not None:
        written["receiptNum"] = token.receipt_number
    if blocks:
        written["tariffCalc"] = [
            {"units": float(block.units), "rate": float(block.price_minor)} for block in blocks
        ]
    return written


def _service_charge(line: BillLine, currency: str) -> _Part:
    return {"amount": _taxable(line.charge, currency), "description": line.name}


def _debt(line: BillLine, currency: str) -> _Part:
    written: _Part = {
        "amount": _taxable(line.charge, currency),
        "description": line.name,
        "balance": _sum(line.balance_minor or 0, currency),
    }
    if line.receipt_number is not None:
        written["receiptNum"] = line.receipt_number
    return written


def _sum(amount_minor: int, currency: str) -> _Part:
    return {"amount": amount_minor, "currency": currency}


def _taxable(charge: TaxedAmount, currency: str) -> _Part:
    """Return a sum with its tax; name and rate of the tax only where one applies."""
    written: _Part = {
        "amount": charge.net_minor,
        "currency": currency,
        "tax": charge.tax_minor,
    }
    if charge.tax_name:
        written["taxType"] = charge.tax_name
        written["taxRate"] = float(charge.tax_rate_percent)
    return written
