"""Bodies of every operation of points of sale; ids in addresses are those of the body."""

from __future__ import annotations

import json
import re
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

from tests.fuzz.service import serving
from vending_api.main import ELECTRUM_PATH
from vending_api.surfaces.electrum.operations import OPERATIONS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from vending_api.surfaces.electrum.operations import Operation

BEFORE_JSON: Final = 1
"""Octets of an input that come before its JSON."""
WORDS: Final = (
    *('"id":', '"requestId":', '"time":', '"originator":', '"client":', '"meter":', '"meterId":'),
    *('"TST001"', '"TST006"', '"purchaseAmount":', '"amount":', '"currency":', '"710"'),
    *('"tenders":', '"paymentMethods":', '"type":', '"CARD"', '"pan":', '"reversalReason":'),
    *('"TIMEOUT"', '"faultType":', '"MeterDead"', '"customer":', '"utility":', '"token":'),
    *('"thirdPartyIdentifiers":', '"slipData":', '"track2Data":', '"originalRef":', "null"),
    *("{", "}", "[", "]", ",", "\\u0000", "NaN", "Infinity", "1e999", "-1", "0.5", "\\ud800"),
)
HEADERS: Final = (
    (b"content-type", b"application/json"),
    (b"authorization", b"Basic dGVzdDp0ZXN0"),
)
_PARAMETER: Final = re.compile(r"\{(\w+)\}")
_TIMES_OUT: Final = "TST011"
"""The demo's meter whose purchases are answered 504."""


@contextmanager
def opened() -> Iterator[Callable[[bytes], None]]:
    """Give what sends one input: an octet that says which operation, and the body."""
    with serving() as (runner, service):

        def send(data: bytes) -> None:
            operation, body = OPERATIONS[(data[:1] or b"\0")[0] % len(OPERATIONS)], data[1:]
            message = _read(body)
            path, query = _address(operation, message)
            answer = runner.run(service.post(ELECTRUM_PATH + path, body, HEADERS, query))
            most = 504 if _TIMES_OUT in json.dumps(message) else 499
            assert answer.status <= most, answer
            assert answer.status != 500, answer

        yield send


def _read(body: bytes) -> dict[str, Any]:
    try:
        message = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return message if isinstance(message, dict) else {}


def _address(operation: Operation, message: dict[str, Any]) -> tuple[str, bytes]:
    """Return path and query of an operation, with the ids that the body has."""
    ids = {
        operation.message_id: str(message.get("id", "one")),
        operation.original_id: str(message.get("requestId", "another")),
    }
    path = _PARAMETER.sub(lambda match: ids[match[1]], operation.path)
    return path, b"" if "{" in operation.path else b"purchaseId=purchase-1"
