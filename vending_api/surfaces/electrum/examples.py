"""One message of each kind, for readers of the OpenAPI document."""

from __future__ import annotations

from typing import Any, Final

REQUEST_ID: Final = "0a37f2c4-5ad5-4f64-9d0b-6a3c1f7e9b21"
ADVICE_ID: Final = "5b0c9a1e-0f3d-4a44-8a3e-94a5e0c3b7d2"

_TRANSACTION: Final[dict[str, Any]] = {
    "id": REQUEST_ID,
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
    "arrearsAmount": {"amount": 29300, "currency": "710"},
    "bsstDue": False,
}
PURCHASE_REQUEST: Final = {
    **_TRANSACTION,
    "meter": {"meterId": "01234567890"},
    "purchaseAmount": {"amount": 14650, "currency": "710"},
    "tenders": [{"tenderType": "CASH", "amount": {"amount": 14650, "currency": "710"}}],
}
_PAID: Final = {"amount": 14650, "currency": "710"}
_TOTALS: Final[dict[str, Any]] = {
    "utilityType": "Electricity",
    "purchaseTotal": {"amount": 10000, "currency": "710"},
    "taxTotal": {"amount": 1650, "currency": "710"},
    "amounts": {"requestAmount": _PAID, "approvedAmount": _PAID},
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
_DEBT: Final[dict[str, Any]] = {
    "amount": {"amount": 2000, "currency": "710", "tax": 0},
    "description": "Municipal rates arrears",
    "balance": {"amount": 27300, "currency": "710"},
}


def _slip(*lines: dict[str, Any]) -> dict[str, Any]:
    """Return the beginning of a slip; whole ones have some forty lines."""
    return {
        "messageLines": [{"text": "Umoya Municipality", "fontHeightScaleFactor": 2.0}, *lines],
        "slipWidth": 40,
        "issuerReference": "17000042",
    }


PURCHASE_RESPONSE: Final = {
    **_TRANSACTION,
    **_REGISTERED,
    **_TOTALS,
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
            "receiptNum": "17-000042",
            "tariffCalc": [
                {"units": 20.0, "rate": 241.16},
                {"units": 20.3, "rate": 328.91},
            ],
        },
    ],
    "debtRecoveryCharges": [{**_DEBT, "receiptNum": "17-000043"}],
    "vatInvoiceNumber": "17-2026-000042",
    "slipData": _slip(
        {"text": "1234 5678 9012 3456 7890", "fontHeightScaleFactor": 2.0},
        {"text": "", "barcode": {"data": "12345678901234567890", "encoding": "CODE128"}},
        {"text": "", "line": True},
    ),
}
TRIAL_RESPONSE: Final = {
    **_TRANSACTION,
    **_REGISTERED,
    **_TOTALS,
    "amounts": {
        **_TOTALS["amounts"],
        "additionalAmounts": {
            "unitsTenths": {"amount": 403, "currency": "710"},
            "freeUnitsTenths": {"amount": 0, "currency": "710"},
        },
    },
    "debtRecoveryCharges": [_DEBT],
    "slipData": _slip({"text": "TRIAL"}),
}
REPRINT_REQUEST: Final = {**LOOKUP_REQUEST, "originalRef": "17-000042"}
REPRINT_RESPONSE: Final = {**PURCHASE_RESPONSE, "slipData": _slip({"text": "COPY"})}

KEY_CHANGE_REQUEST: Final = LOOKUP_REQUEST
KEY_CHANGE_RESPONSE: Final = {
    **_TRANSACTION,
    "meter": {
        **_REGISTERED["meter"],
        "keyChangeData": {
            "newSupplyGroupCode": "123457",
            "newKeyRevisionNumber": "1",
            "newTariffIndex": "01",
        },
    },
    "tokens": [
        {
            "tokenType": "KC",
            "units": 0.0,
            "amount": {"amount": 0, "currency": "710", "tax": 0},
            "token": token,
        }
        for token in ("11111222223333344444", "55555666667777788888")
    ],
    "slipData": _slip({"text": "KEY CHANGE"}),
}

FAULT_REQUEST: Final = {
    **LOOKUP_REQUEST,
    "customer": {"firstName": "Nomsa", "lastName": "Dube"},
    "contactNumber": "+27821234567",
    "faultType": "KeepsTripping",
    "faultDescription": "Trips each evening when the stove is on",
}
FAULT_RESPONSE: Final = {
    **_TRANSACTION,
    "reference": "2026-01-02T03:04:05.678ZTERM0001",
    "description": "The fault is reported to the utility",
}

ADVICE_RESPONSE: Final[dict[str, Any]] = {
    "id": ADVICE_ID,
    "requestId": REQUEST_ID,
    "time": "2026-01-02T03:04:35.001Z",
    "thirdPartyIdentifiers": _TRANSACTION["thirdPartyIdentifiers"],
}
CONFIRMATION: Final = {
    **ADVICE_RESPONSE,
    "tenders": [
        {
            "accountType": "CHEQUE",
            "amount": _PAID,
            "cardNumber": "412345******6789",
            "tenderType": "DEBIT_CARD",
        },
    ],
}
REVERSAL: Final = {**ADVICE_RESPONSE, "reversalReason": "TIMEOUT"}
KEY_CHANGE_CONFIRMATION: Final = ADVICE_RESPONSE

FORMAT_ERRORS: Final[dict[str, Any]] = {
    "formatErrors": [
        {
            "field": "originator.terminalId",
            "msg": "String should have at least 8 characters",
            "value": "TERM1",
        },
    ],
}
