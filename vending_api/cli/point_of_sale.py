"""A point of sale, as an integrator would write it: plain HTTP and JSON."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

import httpx2

from vending_api.sandbox.demo_data import DEMO_PASSWORD, DEMO_USER

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self

_CURRENCY: Final = "710"
_CLIENT_TIMEOUT_SECONDS: Final = 60
"""The time that the interface gives a server, unless agreed otherwise."""
_PARTIES: Final[dict[str, Any]] = {
    "originator": {
        "institution": {"id": "1", "name": "Corner Shop"},
        "terminalId": "TILL0001",
        "merchant": {
            "merchantType": "5411",
            "merchantId": "CORNERSHOP00001",
            "merchantName": {
                "name": "Corner Shop",
                "city": "Cape Town",
                "region": "WC",
                "country": "ZA",
            },
        },
    },
    "client": {"id": DEMO_USER, "name": "Demo point of sale"},
    "settlementEntity": {"id": "2", "name": "Demo aggregator"},
    "receiver": {"id": "3", "name": "Electrum Test Server"},
    "thirdPartyIdentifiers": [{"institutionId": "1", "transactionIdentifier": "0000000001"}],
}


class SaleRefused(Exception):
    """The service did not answer as a point of sale hopes; the text says what it said."""


class PointOfSale:
    """Asks the service at an address, with the demo's credentials."""

    def __init__(self, address: str) -> None:
        self._http = httpx2.Client(
            base_url=address,
            auth=(DEMO_USER, DEMO_PASSWORD),
            timeout=_CLIENT_TIMEOUT_SECONDS,
            trust_env=False,  # loopback only: no proxy stands between
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._http.close()

    def look_up(self, meter_id: str) -> dict[str, Any]:
        """Return the answer to a meter lookup; raises SaleRefused."""
        return self._post("meterLookups", {"meter": {"meterId": meter_id}})

    def buy(self, meter_id: str, amount_minor: int) -> dict[str, Any]:
        """Return the answer to a purchase; raises SaleRefused."""
        amount = {"amount": amount_minor, "currency": _CURRENCY}
        return self._post(
            "tokenPurchases", {"meter": {"meterId": meter_id}, "purchaseAmount": amount}
        )

    def _post(self, resource: str, body: dict[str, Any]) -> dict[str, Any]:
        message_id = str(uuid.uuid4())
        time = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        message = {"id": message_id, "time": time, **_PARTIES, **body}
        response = self._http.post(f"/{resource}/{message_id}", json=message)
        if response.status_code != httpx2.codes.CREATED:
            raise SaleRefused(f"{resource} was answered {response.status_code}: {response.text}")
        answer: dict[str, Any] = response.json()
        return answer
