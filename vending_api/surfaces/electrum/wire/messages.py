"""The messages themselves: what is asked, and what is answered."""

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from vending_api.surfaces.electrum.wire.base import (
    NUMBERS_TOO,
    Message,
    Text,
    Text20,
    Text160,
    Timestamp,
)
from vending_api.surfaces.electrum.wire.money import (
    Amounts,
    DebtRecoveryCharge,
    LedgerAmount,
    ServiceCharge,
)
from vending_api.surfaces.electrum.wire.parties import (
    Institution,
    Originator,
    ThirdPartyIdentifier,
    TransactionLabel,
)
from vending_api.surfaces.electrum.wire.payments import PaymentMethod, Tender
from vending_api.surfaces.electrum.wire.register import Customer, Meter, Utility
from vending_api.surfaces.electrum.wire.slip import SlipData
from vending_api.surfaces.electrum.wire.tokens import Token

AccountType = Literal[
    "DEFAULT",
    "SAVINGS",
    "CHEQUE",
    "CREDIT",
    "UNIVERSAL",
    "ELECTRONIC_PURSE",
    "GIFT_CARD",
    "STORED_VALUE",
]
TransactionType = Literal[
    "GOODS_AND_SERVICES",
    "CASH_WITHDRAWAL",
    "DEBIT_ADJUSTMENT",
    "GOODS_AND_SERVICES_WITH_CASH_BACK",
    "NON_CASH",
    "RETURNS",
    "DEPOSIT",
    "CREDIT_ADJUSTMENT",
    "GENERAL_CREDIT",
    "AVAILABLE_FUNDS_INQUIRY",
    "BALANCE_INQUIRY",
    "GENERAL_INQUIRY",
    "CARD_VERIFICATION_INQUIRY",
    "CARDHOLDER_ACCOUNTS_TRANSFER",
    "GENERAL_TRANSFER",
    "PAYMENT_FROM_ACCOUNT",
    "GENERAL_PAYMENT",
    "PAYMENT_TO_ACCOUNT",
    "PAYMENT_FROM_ACCOUNT_TO_ACCOUNT",
    "PLACE_HOLD_ON_CARD",
    "GENERAL_ADMIN",
    "CHANGE_PIN",
    "CARD_HOLDER_INQUIRY",
    "POINTS_INQUIRY",
]
FaultType = Literal[
    "SeriousBoxDamage",
    "FireWaterDamage",
    "MeterDead",
    "KeepsTripping",
    "NoTrip",
    "DisplayLightsButtons",
    "NetworkFaultReport",
    "IncorrectSGC",
    "IncorrectTI",
    "ConvertedFrmConventional",
    "MeterChangedOut",
    "NewInstallation",
]


class Transaction(Message):
    """What every request and every answer begins with."""

    time: Timestamp
    originator: Originator
    client: Institution
    settlement_entity: Institution | None = None
    receiver: Institution | None = None
    third_party_identifiers: list[ThirdPartyIdentifier]
    slip_data: SlipData | None = Field(None, repr=False)
    basket_ref: Text | None = None
    tran_type: TransactionType | None = None
    src_acc_type: AccountType | None = None
    dest_acc_type: AccountType | None = None
    stan: Text | None = None
    rrn: Text | None = None
    transaction_labels: list[TransactionLabel] | None = None


class MeterLookupRequest(Transaction):
    """Ask what is registered for a meter."""

    meter: Meter


class MeterLookupResponse(Transaction):
    """What is registered for a meter, and how much may be bought."""

    meter: Meter
    customer: Customer = Field(repr=False)
    utility: Utility
    min_amount: LedgerAmount | None = None
    max_amount: LedgerAmount | None = None
    arrears_amount: LedgerAmount | None = None
    bsst_due: bool | None = None


class PurchaseRequest(Transaction):
    """Ask for tokens worth a sum of money."""

    meter: Meter
    purchase_amount: LedgerAmount
    utility_type: Text | None = None
    msisdn: (
        Annotated[
            str,
            StringConstraints(pattern=r"^(\+?[1-9][0-9]{1,14}|0[0-9]{9})$"),
            NUMBERS_TOO,
        ]
        | None
    ) = Field(None, repr=False)
    tenders: list[Tender] | None = None
    payment_methods: list[PaymentMethod] | None = None


class PurchaseResponse(Transaction):
    """The tokens, and where the money went."""

    meter: Meter
    customer: Customer = Field(repr=False)
    utility: Utility
    utility_type: Text | None = None
    purchase_total: LedgerAmount | None = None
    tax_total: LedgerAmount | None = None
    amounts: Amounts | None = None
    tokens: list[Token] | None = None
    debt_recovery_charges: list[DebtRecoveryCharge] | None = None
    service_charges: list[ServiceCharge] | None = None
    vat_invoice_number: Text | None = None


class TokenReprintRequest(Transaction):
    """Ask for tokens that were sold before."""

    meter: Meter
    original_ref: Text | None = None
    """Which of them; absent, the last that were issued for the meter."""


class KeyChangeTokenRequest(Transaction):
    """Ask for the key change tokens of a meter."""

    meter: Meter


class KeyChangeTokenResponse(Transaction):
    """The key change tokens, to be keyed in in this order."""

    meter: Meter
    tokens: list[Token] | None = None


class FaultReportRequest(Transaction):
    """Report a fault of a meter."""

    meter: Meter
    customer: Customer | None = Field(None, repr=False)
    contact_number: Text20 = Field(repr=False)
    fault_type: FaultType
    fault_description: Text160 | None = Field(None, repr=False)


class FaultReportResponse(Transaction):
    """Where the fault stands in the books."""

    reference: Text
    description: Text160
