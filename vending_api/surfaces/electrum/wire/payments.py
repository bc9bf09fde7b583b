"""How a purchase is paid: money already taken, and money still to be collected."""

from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints

from vending_api.surfaces.electrum.wire.base import (
    NUMBERS_TOO,
    SecretModel,
    Text,
    Text20,
    Text40,
    WholeNumber,
    WireModel,
    null_is,
)
from vending_api.surfaces.electrum.wire.money import LedgerAmount
from vending_api.surfaces.electrum.wire.parties import Institution

PanEntryMode = Literal[
    "UNKNOWN",
    "MANUAL",
    "MAGSTRIPE_NO_CVV",
    "BARCODE",
    "OCR",
    "ICC_CVV",
    "CONTACTLESS_ICC",
    "MAGSTRIPE_CVV",
    "CONTACTLESS_MAGSTRIPE",
    "ICC_NO_CVV",
    "ORIG_MODE",
    "FALLBACK",
]
PosConditionCode = Literal[
    "NORMAL_PRESENTMENT",
    "CUSTOMER_NOT_PRESENT",
    "CUSTOMER_PRESENT_AND_CARD_NOT_PRESENT",
    "CUSTOMER_IDENTITY_VERIFIED",
    "PUBLIC_UTILITY_TERMINAL",
    "CUSTOMER_TERMINAL",
    "MANUAL_REVERSAL",
    "UNATTENDED_TERMINAL_AND_CARD_CAN_BE_RETAINED",
    "UNATTENDED_TERMINAL_AND_CARD_CANNOT_BE_RETAINED",
]


TenderAccountType = Literal[
    "DEFAULT",
    "SAVINGS",
    "CHEQUE",
    "CREDIT",
    "UNIVERSAL",
    "ELECTRONIC_PURSE",
    "STORED_VALUE",
]
PinBlockFormat = Literal["ISO_9564_FORMAT_0", "ISO_9564_FORMAT_1", "ISO_9564_FORMAT_3"]


class Tender(WireModel):
    """Money that the point of sale has taken."""

    account_type: Annotated[TenderAccountType, null_is("DEFAULT")] = "DEFAULT"
    amount: LedgerAmount
    card_number: (
        Annotated[str, StringConstraints(pattern=r"^[0-9]{6}[0-9*]{0,13}$"), NUMBERS_TOO] | None
    ) = Field(default=None, repr=False)
    reference: Text40 | None = None
    tender_type: Literal[
        "CASH",
        "CHEQUE",
        "CREDIT_CARD",
        "DEBIT_CARD",
        "WALLET",
        "ROUNDING",
        "GIFT_CARD",
        "LOYALTY_CARD",
        "OTHER",
    ]


class ClearPin(SecretModel):
    """A PIN that nobody encrypted."""

    type: Literal["CLEAR_PIN"]
    pin: Text20


class EncryptedPin(SecretModel):
    """An encrypted PIN block (ISO 9564)."""

    type: Literal["ENCRYPTED_PIN"]
    pin_block: Annotated[str, StringConstraints(pattern=r"^[a-fA-F0-9]{16}$"), NUMBERS_TOO]
    account_number: Annotated[str, StringConstraints(pattern=r"^[0-9]{12}$"), NUMBERS_TOO]
    pin_block_format: Annotated[PinBlockFormat, null_is("ISO_9564_FORMAT_0")] = "ISO_9564_FORMAT_0"
    key_index: WholeNumber | None = None
    encryption_parameters: Any = None


class HashedPinParameters(SecretModel):
    """How a PIN was hashed."""

    name: Text20


class HashedPin(SecretModel):
    """The hash of a PIN."""

    type: Literal["HASHED_PIN"]
    hash: Text
    hashed_pin_parameters: HashedPinParameters | None = None


Pin = Annotated[ClearPin | EncryptedPin | HashedPin, Field(discriminator="type")]


class _PaymentMethod(SecretModel):
    name: Text | None = None
    amount: LedgerAmount | None = None
    issuer: Institution | None = None
    pin: Pin | None = None
    proxy: Text40 | None = None
    proxy_type: Literal["MSISDN", "EMAIL", "UNKNOWN"] | None = None


class An32Token(_PaymentMethod):
    """A one-time payment token of 32 characters."""

    type: Literal["AN_32_TOKEN"]
    token: Annotated[str, StringConstraints(pattern=r"^[a-zA-Z0-9]{32}$"), NUMBERS_TOO]


class LoyaltyCard(_PaymentMethod):
    """A loyalty card."""

    type: Literal["LOYALTY_CARD"]
    card_number: Annotated[str, StringConstraints(pattern=r"^[0-9]{16}$"), NUMBERS_TOO]


class EntryMode(SecretModel):
    """How the card was read, and whether a PIN could be."""

    pan_entry_mode: PanEntryMode
    pin_entry_capability: Literal["UNKNOWN", "CAN_ACCEPT", "CANNOT_ACCEPT"]


class PosInfo(SecretModel):
    """How card and customer met the terminal."""

    entry_mode: EntryMode | None = None
    pos_condition_code: PosConditionCode | None = None


class Card(_PaymentMethod):
    """A bank card, with its number in clear."""

    type: Literal["CARD"]
    pan: Annotated[str, StringConstraints(pattern=r"^[0-9]{1,19}$"), NUMBERS_TOO]
    expiry_date: Annotated[str, StringConstraints(pattern=r"^[0-9]{4}$"), NUMBERS_TOO] | None = None
    pos_info: PosInfo | None = None
    encrypted_pin: Any = None
    """Deprecated in favour of `pin`; its shape is not described."""


class Account(_PaymentMethod):
    """A bank account."""

    type: Literal["ACCOUNT"]
    src_account_id: Text | None = None
    src_customer_id: Text | None = None
    dest_account_id: Text | None = None
    dest_customer_id: Text | None = None


class Reward(_PaymentMethod):
    """A voucher or coupon."""

    type: Literal["REWARD"]
    reward_code: Text40


class WalletPocket(SecretModel):
    """A compartment of a wallet."""

    pocket_name: Text
    pocket_id: Text | None = None


class Wallet(_PaymentMethod):
    """A mobile wallet."""

    type: Literal["WALLET"]
    wallet_id: Text
    wallet_pocket: WalletPocket | None = None


class Qr(_PaymentMethod):
    """A payment started by a code on a screen or a slip."""

    type: Literal["QR"]
    tran_id: Text
    partner_payment_token: Text | None = None


PaymentMethod = Annotated[
    An32Token | LoyaltyCard | Card | Account | Reward | Wallet | Qr,
    Field(discriminator="type"),
]
