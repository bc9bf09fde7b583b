"""Messages with every field of the contract, and the means to break them."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any, TypeVar

import pytest
from pydantic import ValidationError

from tests.surfaces.electrum.sent import confirmation, event, fault, purchase
from vending_api.surfaces.electrum.wire.base import Message
from vending_api.surfaces.electrum.wire.messages import PurchaseRequest

M = TypeVar("M", bound=Message)
ABSENT = object()


def with_value(message: dict[str, Any], path: str, value: object) -> dict[str, Any]:
    """Return a copy of `message` in which `a.b.0.c` is `value`, or is absent."""
    changed: dict[str, Any] = json.loads(json.dumps(message))  # nothing is shared any more
    *parents, last = [int(part) if part.isdigit() else part for part in path.split(".")]
    part: Any = changed
    for parent in parents:
        part = part[parent]
    if value is ABSENT:
        del part[last]
    else:
        part[last] = value
    return changed


def parse(message: dict[str, Any]) -> PurchaseRequest:
    """Return a purchase, read as the surface reads it."""
    return parse_as(PurchaseRequest, message)


def parse_as(model: type[M], message: dict[str, Any]) -> M:
    """Return a message, read as the surface reads it: strictly read, it is the same or refused."""
    text = json.dumps(message)
    try:
        parsed = model.model_validate_json(text, by_alias=True, by_name=False)
    except ValidationError:
        with pytest.raises(ValidationError):
            model.model_validate_json(text, strict=True, by_alias=True, by_name=False)
        raise
    with suppress(ValidationError):
        strict = model.model_validate_json(text, strict=True, by_alias=True, by_name=False)
        assert strict == parsed
    return parsed


def refused_at(message: dict[str, Any], model: type[Message] = PurchaseRequest) -> set[str]:
    """Return the fields in which a message that must be refused is wrong."""
    with pytest.raises(ValidationError) as caught:
        parse_as(model, message)
    return {
        ".".join(str(part) for part in error["loc"] if not str(part).isupper())
        for error in caught.value.errors()
    }


_CARD = {
    "type": "CARD",
    "name": "card",
    "pan": "4" * 19,
    "expiryDate": "3012",
    "amount": {"amount": 1, "currency": "710"},
    "issuer": {"id": "1", "name": "Bank"},
    "proxy": "x",
    "proxyType": "EMAIL",
    "pin": {
        "type": "ENCRYPTED_PIN",
        "pinBlock": "0123456789abCDEF",
        "accountNumber": "1" * 12,
        "pinBlockFormat": "ISO_9564_FORMAT_3",
        "keyIndex": 1,
        "encryptionParameters": {"any": "thing"},
    },
    "posInfo": {
        "entryMode": {"panEntryMode": "MANUAL", "pinEntryCapability": "UNKNOWN"},
        "posConditionCode": "CUSTOMER_TERMINAL",
    },
    "encryptedPin": "any",
}
FULL = purchase(
    settlementEntity={"id": "1", "name": "Aggregator"},
    receiver={"id": "2", "name": "Utility"},
    thirdPartyIdentifiers=[{"institutionId": "1", "transactionIdentifier": "2"}],
    transactionLabels=[{"name": "a", "value": "b"}],
    slipData={
        "messageLines": [
            {
                "text": "line",
                "fontWidthScaleFactor": 1.5,
                "fontHeightScaleFactor": 2,
                "line": True,
                "cut": False,
                "barcode": {"data": "1", "encoding": "EAN"},
            },
        ],
        "slipWidth": 40,
        "issuerReference": "A1",
    },
    basketRef="b",
    tranType="POINTS_INQUIRY",
    srcAccType="GIFT_CARD",
    destAccType="DEFAULT",
    stan="1",
    rrn="2",
    utilityType="electricity",
    msisdn="0821234567",
    meter={
        "meterId": "1",
        "track2Data": "=" * 34,
        "serviceType": "Electricity1",
        "supplyGroupCode": "123456",
        "keyRevisionNum": "1",
        "tariffIndex": "01",
        "tokenTechCode": "02",
        "algorithmCode": "07",
        "keyChangeData": {
            "newSupplyGroupCode": "123457",
            "newKeyRevisionNumber": "2",
            "newTariffIndex": "02",
        },
    },
    tenders=[
        {
            "accountType": "SAVINGS",
            "amount": {"amount": 1, "currency": "710", "ledgerIndicator": "DEBIT"},
            "cardNumber": "123456" + "*" * 13,
            "reference": "r",
            "tenderType": "ROUNDING",
        },
    ],
    paymentMethods=[
        _CARD,
        {"type": "AN_32_TOKEN", "token": "a" * 32},
        {"type": "LOYALTY_CARD", "cardNumber": "1" * 16},
        {
            "type": "ACCOUNT",
            "srcAccountId": "1",
            "srcCustomerId": "2",
            "destAccountId": "3",
            "destCustomerId": "4",
            "pin": {"type": "CLEAR_PIN", "pin": "1234"},
        },
        {
            "type": "REWARD",
            "rewardCode": "r",
            "pin": {"type": "HASHED_PIN", "hash": "h", "hashedPinParameters": {"name": "n"}},
        },
        {"type": "WALLET", "walletId": "w", "walletPocket": {"pocketName": "p", "pocketId": "i"}},
        {"type": "QR", "tranId": "t", "partnerPaymentToken": "p"},
    ],
)
FULL["originator"] |= {"operatorId": "o", "channelId": "c"}

_SUM = {"amount": 1, "currency": "710", "ledgerIndicator": "CREDIT"}
_TAXABLE = {**_SUM, "tax": 1, "taxType": "VAT", "taxRate": 14.5}
_CUSTOMER = {
    "firstName": "Nomsa",
    "lastName": "Dube",
    "address": "12 Long Street",
    "addressDetails": {
        "addressLine1": "12 Long Street",
        "addressLine2": "Gardens",
        "city": "Cape Town",
        "region": "WC",
        "country": "ZA",
        "postalCode": "8001",
    },
    "dateOfBirth": "1990-01-01T00:00:00Z",
    "status": "active",
    "msisdn": "+27821234567",
    "emailAddress": "nomsa@example.org",
    "profileId": "7",
}
_AMOUNTS = {
    "requestAmount": _SUM,
    "approvedAmount": _SUM,
    "feeAmount": _SUM,
    "balanceAmount": _SUM,
    "additionalAmounts": {"tip": _SUM},
}
FULL_FAULT = fault(
    customer=_CUSTOMER, contactNumber="021 555 1234", faultDescription="no light, no sound"
)
FULL_CONFIRMATION = confirmation(
    thirdPartyIdentifiers=[{"institutionId": "1", "transactionIdentifier": "2"}],
    stan="1",
    rrn="2",
    amounts=_AMOUNTS,
    tenders=FULL["tenders"],
)
FULL_EVENT = event(
    meter=FULL["meter"],
    customer=_CUSTOMER,
    utility={
        "name": "Umoya",
        "address": "1 Market Square",
        "vatRegNum": "4012345678",
        "clientId": "0001",
        "message": "Save water",
    },
    utilityType="Electricity",
    purchaseTotal=_SUM,
    taxTotal=_SUM,
    amounts=_AMOUNTS,
    tokens=[
        {
            "tokenType": "STD",
            "units": 40.3,
            "amount": _TAXABLE,
            "token": "12345678901234567890",
            "receiptNum": "1",
            "tariffCalc": [{"units": 40.3, "rate": 285.361}],
        },
    ],
    debtRecoveryCharges=[
        {"amount": _TAXABLE, "description": "debt", "balance": _SUM, "receiptNum": "2"}
    ],
    serviceCharges=[{"amount": _TAXABLE, "description": "fee"}],
    vatInvoiceNumber="3",
)
