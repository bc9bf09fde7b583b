"""How a refusal is told."""

from enum import StrEnum, auto
from typing import Annotated, Any

from pydantic import StringConstraints

from vending_api.surfaces.electrum.wire.base import WireModel


class _NamedWord(StrEnum):
    """Words that are spelled like their names."""

    @staticmethod
    def _generate_next_value_(
        name: str,
        start: int,  # noqa: ARG004 (the signature is enum's)
        count: int,  # noqa: ARG004 (as above)
        last_values: list[str],  # noqa: ARG004 (as above)
    ) -> str:
        return name


class ErrorType(_NamedWord):
    """Why; in the order of the contract."""

    DUPLICATE_RECORD = auto()
    FORMAT_ERROR = auto()
    FUNCTION_NOT_SUPPORTED = auto()
    GENERAL_ERROR = auto()
    INVALID_AMOUNT = auto()
    ROUTING_ERROR = auto()
    TRANSACTION_NOT_SUPPORTED = auto()
    UNABLE_TO_LOCATE_RECORD = auto()
    UPSTREAM_UNAVAILABLE = auto()
    UNKNOWN_METER_ID = auto()
    TRANSACTION_DECLINED = auto()
    INVALID_MERCHANT = auto()
    INVALID_AN32_TOKEN = auto()
    DO_NOT_HONOR = auto()
    INVALID_MSISDN = auto()
    INVALID_LOYALTY_CARD = auto()
    UTILITY_INVALID = auto()
    SYSTEM_MALFUNCTION = auto()
    METER_KEY_INVALID = auto()
    AMOUNT_TOO_LOW = auto()
    AMOUNT_TOO_HIGH = auto()
    NO_FREE_UNITS_DUE = auto()
    INSUFFICIENT_FUNDS = auto()
    LIMIT_EXCEEDED = auto()
    METER_ID_BLOCKED = auto()
    OUTCOME_UNKNOWN = auto()


class RequestType(_NamedWord):
    """What was asked; in the order of the contract."""

    METER_LOOKUP_REQUEST = auto()
    TOKEN_PURCHASE_REQUEST = auto()
    TOKEN_PURCHASE_RETRY_REQUEST = auto()
    TOKEN_REPRINT_REQUEST = auto()
    FAULT_REPORT_REQUEST = auto()
    KEY_CHANGE_TOKEN_REQUEST = auto()
    CONFIRMATION_ADVICE = auto()
    REVERSAL_ADVICE = auto()
    NOTIFY_TOKEN_PURCHASE = auto()
    TOKEN_PURCHASE_TRIAL_REQUEST = auto()


class ErrorDetail(WireModel):
    """The body of every answer that is not a success."""

    error_type: ErrorType
    error_message: Annotated[str, StringConstraints(max_length=20)]
    request_type: RequestType
    id: str
    """The id of the message that failed."""
    original_id: str | None = None
    """The id of the request that a failed advice is about."""
    detail_message: Any = None
