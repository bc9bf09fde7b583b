"""Their words: the answers, each field in the order of the contract.

None of them prints what it holds, which is personal data and tokens. Requests stand here for the
documentation alone; `validation.py` reads them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Annotated, Any

from pydantic import Field, WithJsonSchema

Number = Annotated[int | Decimal, WithJsonSchema({"type": "number"})]
"""Money in the currency's unit (naira), or units of supply."""


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Said:
    """What was done, or why not."""

    message: str


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class FieldsRefused:
    """What is wrong with which field."""

    message: str
    errors: Mapping[str, Sequence[str]]


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class RegistrationRequest:
    """Who registers, with which meter."""

    name: str
    email: str
    password: str
    estate: int
    flat_number: str
    meter_type: int
    meter_phase_type: int
    meter_number: str


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class LoginRequest:
    """Who logs in."""

    email: str
    password: str


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class ModifyUserRequest:
    """The new name."""

    name: str


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class ChangePasswordRequest:
    """The old password and the new."""

    currentpassword: str
    newpassword: str


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class ReadMeterRequest:
    """What to read, by its label."""

    data_item: str


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class PurchaseRequest:
    """What the customer is to pay, the estate's charge included; where to send the token."""

    amount: Number
    phone: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class ApiKey:
    """The key of one login."""

    api_key: str


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Estate:
    """An estate whose residents buy online."""

    id: int
    name: str
    paystack_account_code: str
    transaction_charge: Number
    created_at: str
    updated_at: str


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class MeterType:
    """A type of meter, or of phases, that residents choose by its id."""

    id: int
    label: str
    created_at: str
    updated_at: str


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Options:
    """What residents choose from when they register."""

    estates: Sequence[Estate]
    meter_types: Sequence[MeterType]
    meter_phase_types: Sequence[MeterType]


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Meter:
    """The one meter of a user."""

    id: int
    user_id: int
    meter_type_id: int
    meter_phase_type_id: int
    number: str
    created_at: str
    updated_at: str


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class User:
    """A resident; the types are labels here."""

    id: int
    name: str
    email: str
    email_verified_at: None
    estate_id: int
    flat_number: str
    created_at: str
    updated_at: str
    meter: Meter
    meter_type: str
    meter_phase_type: str
    estate: Estate


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Transaction:
    """A payment."""

    id: int
    meter_id: int
    amount: Number
    reference: str
    status: str
    created_at: str
    updated_at: str


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class TokenReceipt:
    """A token and what was paid for it."""

    id: int
    meter_id: int
    meter_payment_transaction_id: int | None
    total_paid: Number
    total_unit: Number
    token: str
    meter_number: str
    gen_datetime: str
    price: Number
    vat: Number
    tid_datetime: str
    currency: str
    unit: str
    task_no: str
    created_at: str
    updated_at: str


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class TokenReceiptWithTransaction(TokenReceipt):
    """A token with its payment, if it was paid for online."""

    meter_payment_transaction: Transaction | None


RemoteReadingData = Mapping[str, int | str | None]
"""id, meter_id, the 76 readings by their keys, created_at and updated_at."""


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class MeterWithAll(Meter):
    """A meter with all that stands about it; the types are objects here."""

    user: User
    meter_type: MeterType
    meter_phase_type: MeterType
    meter_payment_transactions: Sequence[Transaction]
    token_receipts: Sequence[TokenReceipt]
    remote_reading_data: RemoteReadingData | None


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class TransactionWithMeter(Transaction):
    """A payment with its meter, and its token once there is one."""

    meter: MeterWithAll
    token_receipt: TokenReceipt | None


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class DataItem:
    """Something that a meter can be asked for."""

    id: int
    label: str
    task_group: int
    created_at: str
    updated_at: str


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class ReadingTask:
    """A request to read one item of a meter; its dates are local."""

    id: int
    meter_id: int
    task_no: str
    meter_no: str
    create_date: str
    end_date: str
    status: str
    data_item: str
    created_at: str
    updated_at: str


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class PurchaseLine:
    """One line of a bill: net amount and tax of all lines are what credit is bought for."""

    name: str
    reason: str
    units: Number | None
    rate: Number | None
    amount: Number
    tax: Number


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class OrderedPurchase:
    """An order that waits for its payment, and what it would bring now."""

    reference: str
    status: str
    authorization_url: str
    access_code: str
    amount: Number
    transaction_charge: Number
    total_paid: Number
    currency: str
    meter_number: str
    expected_units: Number
    free_units: Number
    unit: str
    lines: Sequence[PurchaseLine]
    created_at: str
    updated_at: str


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class PurchasedToken:
    """A token of a purchase; one that carries no credit has no units."""

    kind: str
    token: str
    units: Number | None
    receipt_number: str | None


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class PurchaseRefund:
    """Money that goes back for a purchase."""

    status: str
    amount: Number


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Purchase:
    """Where an order stands; tokens in the order in which they are keyed in."""

    reference: str
    status: str
    authorization_url: str
    access_code: str
    amount: Number
    transaction_charge: Number
    total_paid: Number
    currency: str
    meter_number: str
    tokens: Sequence[PurchasedToken]
    units: Number | None
    free_units: Number | None
    unit: str | None
    lines: Sequence[PurchaseLine]
    refund: PurchaseRefund | None
    paid_at: str | None
    vended_at: str | None
    first_shown_at: str | None
    created_at: str
    updated_at: str


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class PageLinks:
    """Other pages."""

    first: str
    last: str
    prev: str | None
    next: str | None


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class PageMeta:
    """Which records of how many these are."""

    current_page: int
    from_: Annotated[int | None, Field(alias="from")]
    """`from` on the wire, which is a word of the language."""
    last_page: int
    path: str
    per_page: int
    to: int | None
    total: int


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Page:
    """Some records of many."""

    data: Sequence[Any]
    links: PageLinks
    meta: PageMeta


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Data:
    """One record, or None."""

    data: Any
