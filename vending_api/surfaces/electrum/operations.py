"""The eleven operations of the contract: names, paths, and what an error says it answers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from vending_api.surfaces.electrum.wire.faults import RequestType

if TYPE_CHECKING:
    from starlette.requests import Request


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One operation; all of them are POST."""

    operation_id: str
    path: str
    message_id: str
    """The parameter of the path or query that holds the id of the message."""
    original_id: str = ""
    """For an advice, the parameter that holds the id of the request it is about."""
    request_type: RequestType
    success: int
    """The status of its answer when all went well."""
    is_insisted_on: bool = False
    """Whether it is about a sale that may have been made already, so that its sender must repeat
    it until it was decided on: a retry or an advice."""


METER_LOOKUP: Final = Operation(
    operation_id="createMeterLookup",
    path="/meterLookups/{lookupId}",
    message_id="lookupId",
    request_type=RequestType.METER_LOOKUP_REQUEST,
    success=201,
)
TOKEN_PURCHASE: Final = Operation(
    operation_id="createTokenPurchaseRequest",
    path="/tokenPurchases/{purchaseId}",
    message_id="purchaseId",
    request_type=RequestType.TOKEN_PURCHASE_REQUEST,
    success=201,
)
PURCHASE_CONFIRMATION: Final = Operation(
    operation_id="confirmTokenPurchase",
    path="/tokenPurchases/{purchaseId}/confirmations/{confirmationId}",
    message_id="confirmationId",
    original_id="purchaseId",
    request_type=RequestType.CONFIRMATION_ADVICE,
    success=202,
    is_insisted_on=True,
)
PURCHASE_RETRY: Final = Operation(
    operation_id="retryPurchaseRequest",
    path="/tokenPurchases/{purchaseId}/retry",
    message_id="purchaseId",
    request_type=RequestType.TOKEN_PURCHASE_RETRY_REQUEST,
    success=201,
    is_insisted_on=True,
)
PURCHASE_REVERSAL: Final = Operation(
    operation_id="reverseTokenPurchase",
    path="/tokenPurchases/{purchaseId}/reversals/{reversalId}",
    message_id="reversalId",
    original_id="purchaseId",
    request_type=RequestType.REVERSAL_ADVICE,
    success=202,
    is_insisted_on=True,
)
PURCHASE_TRIAL: Final = Operation(
    operation_id="trialTokenPurchaseRequest",
    path="/tokenPurchases/{trialId}/trial",
    message_id="trialId",
    request_type=RequestType.TOKEN_PURCHASE_TRIAL_REQUEST,
    success=200,
)
TOKEN_REPRINT: Final = Operation(
    operation_id="requestTokenReprint",
    path="/tokenReprints/{reprintId}",
    message_id="reprintId",
    request_type=RequestType.TOKEN_REPRINT_REQUEST,
    success=200,
)
KEY_CHANGE: Final = Operation(
    operation_id="createKeyChangeTokenRequest",
    path="/keyChangeTokenRequests/{requestId}",
    message_id="requestId",
    request_type=RequestType.KEY_CHANGE_TOKEN_REQUEST,
    success=201,
)
KEY_CHANGE_CONFIRMATION: Final = Operation(
    operation_id="confirmKeyChange",
    path="/keyChangeTokenRequests/{requestId}/confirmations/{confirmationId}",
    message_id="confirmationId",
    original_id="requestId",
    # The contract has no word of its own for it.
    request_type=RequestType.CONFIRMATION_ADVICE,
    success=202,
    is_insisted_on=True,
)
FAULT_REPORT: Final = Operation(
    operation_id="createFaultReport",
    path="/faultReports/{requestId}",
    message_id="requestId",
    request_type=RequestType.FAULT_REPORT_REQUEST,
    success=201,
)
PURCHASE_EVENT: Final = Operation(
    operation_id="notifyTokenPurchase",
    path="/events/tokenPurchases",
    message_id="purchaseId",
    request_type=RequestType.NOTIFY_TOKEN_PURCHASE,
    success=202,
)
OPERATIONS: Final = (
    METER_LOOKUP,
    TOKEN_PURCHASE,
    PURCHASE_CONFIRMATION,
    PURCHASE_RETRY,
    PURCHASE_REVERSAL,
    PURCHASE_TRIAL,
    TOKEN_REPRINT,
    KEY_CHANGE,
    KEY_CHANGE_CONFIRMATION,
    FAULT_REPORT,
    PURCHASE_EVENT,
)
"""In the order of the contract."""

_BY_PATH: Final = {operation.path: operation for operation in OPERATIONS}


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What a request turned out to be about, as far as its address tells."""

    operation: Operation | None
    """None when nothing is offered at this address."""
    request_type: RequestType
    message_id: str
    original_id: str | None


def asked(request: Request) -> Asked:
    """Return what a request is about; for an unknown address, the nearest that fits."""
    operation = _BY_PATH.get(getattr(request.scope.get("route"), "path", ""))
    if operation is None:
        return _guessed(request)
    values = {**request.query_params, **request.path_params}
    return Asked(
        operation=operation,
        request_type=operation.request_type,
        message_id=values.get(operation.message_id, ""),
        original_id=values[operation.original_id] if operation.original_id else None,
    )


def _guessed(request: Request) -> Asked:
    # The first segment names a resource, the second one its id. What begins like nothing we
    # know is called a lookup, the one request that can never have moved money.
    path = request.scope["path"].removeprefix(request.scope.get("root_path", ""))
    resource, _, rest = path.lstrip("/").partition("/")
    alike = (one for one in OPERATIONS if one.path.startswith(f"/{resource}/"))
    return Asked(
        operation=None,
        request_type=next(alike, METER_LOOKUP).request_type,
        message_id=rest.partition("/")[0],
        original_id=None,
    )
