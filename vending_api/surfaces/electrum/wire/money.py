"""Sums of money, all in minor units, and the charges that they pay."""

from typing import Annotated, Literal

from pydantic import StringConstraints

from vending_api.surfaces.electrum.wire.base import (
    NUMBERS_TOO,
    ExactNumber,
    Text30,
    Text40,
    WholeNumber,
    WireModel,
)

CurrencyNumber = Annotated[str, StringConstraints(pattern=r"^[0-9]{3}$"), NUMBERS_TOO]
"""ISO 4217 number: "710" is the rand."""


class LedgerAmount(WireModel):
    """A sum: R799.95 is 79995 of currency 710."""

    amount: WholeNumber
    currency: CurrencyNumber
    ledger_indicator: Literal["DEBIT", "CREDIT"] | None = None


class TaxableAmount(LedgerAmount):
    """A sum without tax, and the tax that is to be added to it."""

    tax: WholeNumber | None = None
    tax_type: Annotated[str, StringConstraints(max_length=10), NUMBERS_TOO] | None = None
    tax_rate: ExactNumber | None = None
    """Percent."""


class Amounts(WireModel):
    """Further sums of a transaction; what is absent is zero."""

    request_amount: LedgerAmount | None = None
    approved_amount: LedgerAmount | None = None
    fee_amount: LedgerAmount | None = None
    balance_amount: LedgerAmount | None = None
    additional_amounts: dict[str, LedgerAmount] | None = None


class ServiceCharge(WireModel):
    """A charge for a service, taken out of the purchase."""

    amount: TaxableAmount
    description: Text40


class DebtRecoveryCharge(WireModel):
    """A debt that was paid out of the purchase, and what remains of it."""

    amount: TaxableAmount
    description: Text40
    balance: LedgerAmount
    receipt_num: Text30 | None = None
