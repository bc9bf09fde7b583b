"""One message of each kind, for readers of the OpenAPI document."""

from __future__ import annotations

from typing import Any, Final

API_KEY: Final = "A1b2C3d4" * 14 + "A1b2C3d"
REFERENCE: Final = "T123456789012345"

REGISTRATION: Final = {
    "name": "Jane Doe",
    "email": "janedoe@example.org",
    "password": "correct horse battery",
    "estate": 1,
    "flat_number": "55A",
    "meter_type": 1,
    "meter_phase_type": 1,
    "meter_number": "01234567890",
}
LOGIN: Final = {"email": "janedoe@example.org", "password": "correct horse battery"}
LOGGED_IN: Final = {"api_key": API_KEY}
MODIFY_USER: Final = {"name": "Jane Doe"}
CHANGE_PASSWORD: Final = {
    "currentpassword": "correct horse battery",
    "newpassword": "staple a longer horse",
}
READ_METER: Final = {"data_item": "Power"}
PURCHASE: Final = {"amount": 5200, "phone": "+2348031234567"}

_SINCE: Final = {"created_at": "2026-01-01 10:18:46", "updated_at": "2026-01-01 10:18:46"}
_ESTATE: Final = {
    "id": 1,
    "name": "Estate1",
    "paystack_account_code": "ACCT_demo0000estate1",
    "transaction_charge": 200,
    **_SINCE,
}


def _types(*labels: str) -> list[dict[str, Any]]:
    return [{"id": key, "label": label, **_SINCE} for key, label in enumerate(labels, start=1)]


_METER_TYPES: Final = _types("single source", "dual source")
_METER_PHASE_TYPES: Final = _types("single phase", "3 phase")
OPTIONS: Final = {
    "estates": [_ESTATE],
    "meter_types": _METER_TYPES,
    "meter_phase_types": _METER_PHASE_TYPES,
}
_METER: Final = {
    "id": 1,
    "user_id": 1,
    "meter_type_id": 1,
    "meter_phase_type_id": 1,
    "number": "47000000000",
    **_SINCE,
}
_USER: Final = {
    "id": 1,
    "name": "Jane Doe",
    "email": "janedoe@example.org",
    "email_verified_at": None,
    "estate_id": 1,
    "flat_number": "001",
    **_SINCE,
    "meter": _METER,
    "meter_type": "single source",
    "meter_phase_type": "single phase",
    "estate": _ESTATE,
}
USER: Final = {"data": _USER}
_BOUGHT: Final = {"created_at": "2026-01-02 14:51:53", "updated_at": "2026-01-02 14:51:53"}
_TRANSACTION: Final = {
    "id": 1,
    "meter_id": 1,
    "amount": 5200,
    "reference": REFERENCE,
    "status": "success",
    **_BOUGHT,
}
_RECEIPT: Final = {
    "id": 1,
    "meter_id": 1,
    "meter_payment_transaction_id": 1,
    "total_paid": 5000,
    "total_unit": 22.2,
    "token": "1234 5678 9012 3456 7890",
    "meter_number": "47000000000",
    "gen_datetime": "2026/1/2 15:51:53",
    "price": 225.23,
    "vat": 348.84,
    "tid_datetime": "2026/1/2 15:52:53",
    "currency": "NGN",
    "unit": "kWh",
    "task_no": "6a6ad2f1-9c33-5a5b-8a53-6c1f0d1a7c11",
    **_BOUGHT,
}
_READING_DATA: Final = {
    "id": 1,
    "meter_id": 1,
    "Voltage": "231.1129 V",
    "Power": "0.0294 kW",
    "Current_Credit_Register": "18733.95 kWh,ON",
    **_BOUGHT,
}
"""Without most of its 76 readings, so that the document stays readable."""
REMOTE_READING: Final = {"data": _READING_DATA}
DATA_ITEMS: Final = [
    {"id": 1, "label": "Cumulative kWh consumption", "task_group": 1, **_SINCE},
    {"id": 2, "label": "Power consumption of last month", "task_group": 2, **_SINCE},
]
READING_TASK: Final = {
    "id": 1,
    "meter_id": 1,
    "task_no": "3f0c9a1e-0f3d-4a44-8a3e-94a5e0c3b7d2",
    "meter_no": "47000000000",
    "create_date": "2026-01-02T15:51:53.033",
    "end_date": "2026-01-02T15:51:53.033",
    "status": "pending",
    "data_item": "Power",
    **_BOUGHT,
}
_LINES: Final = [
    {
        "name": "energy",
        "reason": "22.2 kWh at 209.5",
        "units": 22.2,
        "rate": 209.5,
        "amount": 4651.16,
        "tax": 348.84,
    }
]
_CHECKOUT: Final = {
    "authorization_url": "https://checkout.paystack.com/0peioxfhpn",
    "access_code": "0peioxfhpn",
    "amount": 5200,
    "transaction_charge": 200,
    "total_paid": 5000,
    "currency": "NGN",
    "meter_number": "47000000000",
}
ORDERED: Final = {
    "reference": REFERENCE,
    "status": "ordered",
    **_CHECKOUT,
    "expected_units": 22.2,
    "free_units": 0,
    "unit": "kWh",
    "lines": _LINES,
    **_BOUGHT,
}
_FOUND: Final = {
    "reference": REFERENCE,
    "status": "vended",
    **_CHECKOUT,
    "tokens": [
        {
            "kind": "standard",
            "token": "1234 5678 9012 3456 7890",
            "units": 22.2,
            "receipt_number": "17-000042",
        }
    ],
    "units": 22.2,
    "free_units": 0,
    "unit": "kWh",
    "lines": _LINES,
    "refund": None,
    "paid_at": "2026-01-02 14:53:07",
    "vended_at": "2026-01-02 14:53:08",
    "first_shown_at": "2026-01-02 14:53:09",
    **_BOUGHT,
}
FOUND: Final = {"data": _FOUND}


def page_of(path: str, record: Any) -> dict[str, Any]:
    """Return the one page of a list that has one record."""
    url = f"https://vend.example.org/api{path}"
    return {
        "data": [record],
        "links": {"first": f"{url}?page=1", "last": f"{url}?page=1", "prev": None, "next": None},
        "meta": {
            "current_page": 1,
            "from": 1,
            "last_page": 1,
            "path": url,
            "per_page": 15,
            "to": 1,
            "total": 1,
        },
    }


TOKEN_RECEIPTS: Final = page_of(
    "/tokenreceipts", {**_RECEIPT, "meter_payment_transaction": _TRANSACTION}
)
METER_TRANSACTIONS: Final = page_of(
    "/metertransactions",
    {
        **_TRANSACTION,
        "meter": {
            **_METER,
            "user": _USER,
            "meter_type": _METER_TYPES[0],
            "meter_phase_type": _METER_PHASE_TYPES[0],
            "meter_payment_transactions": [_TRANSACTION],
            "token_receipts": [_RECEIPT],
            "remote_reading_data": _READING_DATA,
        },
        "token_receipt": _RECEIPT,
    },
)
READING_TASKS: Final = page_of("/remotereadingtasks", READING_TASK)
PURCHASES: Final = page_of("/purchases", _FOUND)
