"""The operations: names, methods and paths, and whose key each of them needs."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto
from typing import Final


class Key(Enum):
    """Whose API key an operation needs."""

    NONE = auto()
    IF_SENT = auto()
    """Nobody's, but a wrong one is not let pass."""
    CONSUMER = auto()
    CONSUMER_OR_STAFF = auto()


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One operation."""

    operation_id: str
    method: str
    path: str
    key: Key
    success: int = 200
    """The status of its answer when all went well."""
    is_paged: bool = False


REGISTER: Final = Operation(
    operation_id="register", method="POST", path="/register", key=Key.NONE, success=201
)
OPTIONS: Final = Operation(operation_id="options", method="GET", path="/options", key=Key.NONE)
LOGIN: Final = Operation(operation_id="login", method="POST", path="/login", key=Key.NONE)
VALIDATE: Final = Operation(
    operation_id="validate", method="GET", path="/validate", key=Key.CONSUMER
)
USER: Final = Operation(operation_id="user", method="GET", path="/user", key=Key.CONSUMER)
MODIFY_USER: Final = Operation(
    operation_id="modifyUser", method="POST", path="/modify-user", key=Key.CONSUMER
)
CHANGE_PASSWORD: Final = Operation(
    operation_id="changePassword", method="POST", path="/change-password", key=Key.CONSUMER
)
TOKEN_RECEIPTS: Final = Operation(
    operation_id="tokenReceipts",
    method="GET",
    path="/tokenreceipts",
    key=Key.CONSUMER,
    is_paged=True,
)
METER_TRANSACTIONS: Final = Operation(
    operation_id="meterTransactions",
    method="GET",
    path="/metertransactions",
    key=Key.CONSUMER,
    is_paged=True,
)
REMOTE_READING: Final = Operation(
    operation_id="remoteReading", method="GET", path="/remotereading", key=Key.CONSUMER
)
DATA_ITEMS: Final = Operation(
    operation_id="dataItems", method="GET", path="/dataitems", key=Key.IF_SENT
)
READ_METER: Final = Operation(
    operation_id="readMeter", method="POST", path="/readmeter", key=Key.CONSUMER
)
REMOTE_READING_TASKS: Final = Operation(
    operation_id="remoteReadingTasks",
    method="GET",
    path="/remotereadingtasks",
    key=Key.CONSUMER,
    is_paged=True,
)
ORDER_PURCHASE: Final = Operation(
    operation_id="orderPurchase", method="POST", path="/purchases", key=Key.CONSUMER, success=201
)
FIND_PURCHASE: Final = Operation(
    operation_id="findPurchase",
    method="GET",
    path="/purchases/{reference}",
    key=Key.CONSUMER_OR_STAFF,
)
FIND_PURCHASES: Final = Operation(
    operation_id="findPurchases",
    method="GET",
    path="/purchases",
    key=Key.CONSUMER_OR_STAFF,
    is_paged=True,
)
OPERATIONS: Final = (
    REGISTER,
    OPTIONS,
    LOGIN,
    VALIDATE,
    USER,
    MODIFY_USER,
    CHANGE_PASSWORD,
    TOKEN_RECEIPTS,
    METER_TRANSACTIONS,
    REMOTE_READING,
    DATA_ITEMS,
    READ_METER,
    REMOTE_READING_TASKS,
    ORDER_PURCHASE,
    FIND_PURCHASE,
    FIND_PURCHASES,
)
"""The thirteen of the contract in its order, then ours."""
