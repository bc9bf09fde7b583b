"""One message of each kind, for readers of the OpenAPI document."""

from __future__ import annotations

from typing import Any, Final

_TRANSACTION: Final[dict[str, Any]] = {
    "id": "0a37f2c4-5ad5-4f64-9d0b-6a3c1f7e9b21",
    "time": "2026-01-02T03:04:05.678Z",
    "originator": {
        "institution": {"id": "300123", "name": "Corner Shops"},
        "terminalId": "TERM0001",
        "merchant": {
            "merchantType": "5411",
            "merchantId": "CORNERSHOP00042",
            "merchantName": {
                "name": "Corner Shop Main Road",
                "city": "Cape Town",
                "region": "WC",
                "country": "ZA",
            },
        },
    },
    "client": {"id": "test", "name": "Corner Shops Switch"},
    "receiver": {"id": "000777", "name": "Umoya Municipality"},
    "thirdPartyIdentifiers": [
        {"institutionId": "300123", "transactionIdentifier": "2026-000815"},
    ],
}
_REGISTERED: Final[dict[str, Any]] = {
    "meter": {
        "meterId": "01234567890",
        "serviceType": "Electricity",
        "supplyGroupCode": "123456",
        "keyRevisionNum": "1",
        "tariffIndex": "01",
        "tokenTechCode": "02",
        "algorithmCode": "07",
    },
    "customer": {"firstName": "Nomsa", "lastName": "Dube", "address": "12 Long Street"},
    "utility": {
        "name": "Umoya Municipality",
        "address": "1 Market Square",
        "vatRegNum": "4012345678",
        "clientId": "0001",
        "message": "Save water",
    },
}

LOOKUP_REQUEST: Final = {**_TRANSACTION, "meter": {"meterId": "01234567890"}}
LOOKUP_RESPONSE: Final = {
    **_TRANSACTION,
    **_REGISTERED,
    "minAmount": {"amount": 500, "currency": "710"},
    "maxAmount": {"amount": 500000, "currency": "710"},
}
PURCHASE_REQUEST: Final = {
    **_TRANSACTION,
    "meter": {"meterId": "01234567890"},
    "purchaseAmount": {"amount": 14650, "currency": "710"},
    "tenders": [{"tenderType": "CASH", "amount": {"amount": 14650, "currency": "710"}}],
}
PURCHASE_RESPONSE: Final = {
    **_TRANSACTION,
    **_REGISTERED,
    "utilityType": "Electricity",
    "purchaseTotal": {"amount": 10000, "currency": "710"},
    "taxTotal": {"amount": 1650, "currency": "710"},
    "tokens": [
        {
            "tokenType": "STD",
            "units": 40.3,
            "amount": {
                "amount": 10000,
                "currency": "710",
                "tax": 1500,
                "taxType": "VAT",
                "taxRate": 15.0,
            },
            "token": "12345678901234567890",
            "tariffCalc": [
                {"units": 20.0, "rate": 241.16},
                {"units": 20.3, "rate": 328.91},
            ],
        },
    ],
    "debtRecoveryCharges": [
        {
            "amount": {"amount": 2000, "currency": "710", "tax": 0},
            "description": "Municipal rates arrears",
            "balance": {"amount": 27300, "currency": "710"},
        },
    ],
    "serviceCharges": [
        {
            "amount": {
                "amount": 1000,
                "currency": "710",
                "tax": 150,
                "taxType": "VAT",
                "taxRate": 15.0,
            },
            "description": "Service fee",
        },
    ],
}
ERROR_DETAIL: Final[dict[str, Any]] = {
    "errorType": "FORMAT_ERROR",
    "errorMessage": "Message is malformed",
    "requestType": "METER_LOOKUP_REQUEST",
    "id": _TRANSACTION["id"],
    "detailMessage": {
        "formatErrors": [
            {
                "field": "originator.terminalId",
                "msg": "String should have at least 8 characters",
                "value": "TERM1",
            },
        ],
    },
}
