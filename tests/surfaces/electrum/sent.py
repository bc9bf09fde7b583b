"""What points of sale send: each message with nothing in it that could be left out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from tests.surfaces.electrum.goods import KEY_CHANGE_METER_ID, METER_ID
from vending_api.surfaces.electrum import operations

if TYPE_CHECKING:
    from vending_api.surfaces.electrum.operations import Operation


def lookup(message_id: str = "lookup-1", **changes: Any) -> dict[str, Any]:
    """Return a lookup, with `changes`."""
    return {
        "id": message_id,
        "time": "2017-07-28T12:06:18.303Z",
        "originator": {
            "institution": {"id": "300123", "name": "Corner Shops"},
            "terminalId": "TERM0001",
            "merchant": {
                "merchantType": "5411",
                "merchantId": "CORNERSHOP00042",
                "merchantName": {
                    "name": "Corner Shop",
                    "city": "Cape Town",
                    "region": "WC",
                    "country": "ZA",
                },
            },
        },
        "client": {"id": "test", "name": "Corner Shops Switch"},
        "thirdPartyIdentifiers": [],
        "meter": {"meterId": METER_ID},
    } | changes


def purchase(message_id: str = "purchase-1", **changes: Any) -> dict[str, Any]:
    """Return a purchase, with `changes`."""
    return lookup(message_id) | {"purchaseAmount": {"amount": 11_500, "currency": "710"}} | changes


def reprint(message_id: str = "reprint-1", **changes: Any) -> dict[str, Any]:
    """Return a reprint of the last tokens, with `changes`."""
    return lookup(message_id) | changes


def key_change(message_id: str = "key-change-1", **changes: Any) -> dict[str, Any]:
    """Return a request for key change tokens that are due, with `changes`."""
    return lookup(message_id, meter={"meterId": KEY_CHANGE_METER_ID}) | changes


def fault(message_id: str = "fault-1", **changes: Any) -> dict[str, Any]:
    """Return a fault report, with `changes`."""
    about = {"contactNumber": "0215551234", "faultType": "MeterDead"}
    return lookup(message_id) | about | changes


def confirmation(message_id: str = "advice-1", **changes: Any) -> dict[str, Any]:
    """Return a confirmation, of a purchase or of a key change, with `changes`."""
    return {
        "id": message_id,
        "requestId": "purchase-1",
        "time": "2017-07-28T12:06:48.303Z",
        "thirdPartyIdentifiers": [],
    } | changes


def reversal(message_id: str = "advice-1", **changes: Any) -> dict[str, Any]:
    """Return a reversal, with `changes`."""
    return confirmation(message_id) | {"reversalReason": "TIMEOUT"} | changes


def event(message_id: str = "event-1", **changes: Any) -> dict[str, Any]:
    """Return what an event tells of a purchase, with `changes`."""
    return lookup(message_id) | {"customer": {}, "utility": {}} | changes


@dataclass(frozen=True)
class Sent:
    """A message to an operation, and the path that it goes to."""

    operation: Operation
    path: str
    message: dict[str, Any]


EVERY_OPERATION: Final = (
    Sent(operations.METER_LOOKUP, "/meterLookups/lookup-1", lookup()),
    Sent(operations.TOKEN_PURCHASE, "/tokenPurchases/purchase-1", purchase()),
    Sent(
        operations.PURCHASE_CONFIRMATION,
        "/tokenPurchases/purchase-1/confirmations/advice-1",
        confirmation(),
    ),
    Sent(operations.PURCHASE_RETRY, "/tokenPurchases/purchase-1/retry", purchase()),
    Sent(operations.PURCHASE_REVERSAL, "/tokenPurchases/purchase-1/reversals/advice-1", reversal()),
    Sent(operations.PURCHASE_TRIAL, "/tokenPurchases/trial-1/trial", purchase("trial-1")),
    Sent(operations.TOKEN_REPRINT, "/tokenReprints/reprint-1", reprint()),
    Sent(operations.KEY_CHANGE, "/keyChangeTokenRequests/key-change-1", key_change()),
    Sent(
        operations.KEY_CHANGE_CONFIRMATION,
        "/keyChangeTokenRequests/key-change-1/confirmations/advice-1",
        confirmation(requestId="key-change-1"),
    ),
    Sent(operations.FAULT_REPORT, "/faultReports/fault-1", fault()),
    Sent(operations.PURCHASE_EVENT, "/events/tokenPurchases?purchaseId=purchase-1", event()),
)
"""In the order of the contract; the advices are about the purchase and the key change."""
