"""How each refusal is answered: status, type and words of the contract."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from starlette.exceptions import HTTPException
from starlette.responses import Response

from vending_api.kit.errors import DomainError
from vending_api.surfaces.electrum.auth import CHALLENGE
from vending_api.surfaces.electrum.operations import asked
from vending_api.surfaces.electrum.wire.faults import ErrorDetail, ErrorType

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from fastapi import FastAPI
    from starlette.requests import Request


@dataclass(frozen=True, slots=True)
class Answer:
    """What one refusal looks like on the wire.

    Points of sale act on the status: 500 and 504 mean that the outcome is not known, so they
    retry a purchase and repeat an advice; any other is final, so they give up.
    """

    status: int
    error_type: ErrorType
    message: str
    """At most 20 characters."""
    status_if_insisted: int | None = None
    """The status for what its sender must repeat until it was decided on, if it differs."""
    headers: Mapping[str, str] | None = None


_DECLINED: Final = ErrorType.TRANSACTION_DECLINED
_NOT_LOCATED: Final = ErrorType.UNABLE_TO_LOCATE_RECORD

ANSWERS: Final[Mapping[str, Answer]] = {
    "credentials_rejected": Answer(
        401, ErrorType.GENERAL_ERROR, "Not authenticated", headers=CHALLENGE
    ),
    "too_many_guesses": Answer(
        401, ErrorType.GENERAL_ERROR, "Wait: wrong password", headers=CHALLENGE
    ),
    "message_id_used": Answer(400, ErrorType.DUPLICATE_RECORD, "Id was used before"),
    # What is asked of the meter.
    "unknown_meter": Answer(400, ErrorType.UNKNOWN_METER_ID, "Meter is not known"),
    "meter_blocked": Answer(400, ErrorType.METER_ID_BLOCKED, "Meter is blocked"),
    "meter_key_unusable": Answer(400, ErrorType.METER_KEY_INVALID, "Meter key not usable"),
    "card_contradicts": Answer(400, ErrorType.METER_KEY_INVALID, "Not the meter's card"),
    "no_key_change_due": Answer(400, _DECLINED, "No key change due"),
    # What is asked for.
    "amount_outside_limits": Answer(400, ErrorType.INVALID_AMOUNT, "Amount out of limits"),
    "amount_too_large": Answer(400, ErrorType.INVALID_AMOUNT, "Amount is too large"),
    "amount_too_small": Answer(400, ErrorType.INVALID_AMOUNT, "Amount is too small"),
    "currency_not_accepted": Answer(400, ErrorType.INVALID_AMOUNT, "Wrong currency"),
    "no_price": Answer(400, _DECLINED, "No price in force"),
    "nothing_due": Answer(400, ErrorType.NO_FREE_UNITS_DUE, "No free units due"),
    "sale_given_up": Answer(400, _DECLINED, "Purchase is reversed"),
    # Who asks.
    "terminal_not_registered": Answer(400, ErrorType.INVALID_MERCHANT, "Terminal not known"),
    "insufficient_funds": Answer(400, ErrorType.INSUFFICIENT_FUNDS, "Credit too low"),
    "limit_exceeded": Answer(400, ErrorType.LIMIT_EXCEEDED, "Limit is exceeded"),
    # What it refers to. 404 is for operations that have the earlier id in their address.
    "sale_unknown": Answer(404, _NOT_LOCATED, "Request is not known"),
    "not_for_trials": Answer(404, _NOT_LOCATED, "Was only a trial"),
    "nothing_to_reprint": Answer(400, _NOT_LOCATED, "Nothing to reprint"),
    "advice_declined": Answer(400, _DECLINED, "Advice is declined"),
    "advised_amount_wrong": Answer(400, ErrorType.INVALID_AMOUNT, "Wrong final amount"),
    # What only operators meet.
    "unknown_client": Answer(400, ErrorType.GENERAL_ERROR, "Client is not known"),
    "deposit_known": Answer(400, ErrorType.GENERAL_ERROR, "Deposit was recorded"),
    "case_unknown": Answer(400, ErrorType.GENERAL_ERROR, "No such open case"),
    "queued_token_unknown": Answer(400, ErrorType.GENERAL_ERROR, "No such queued token"),
    "campaign_unknown": Answer(400, ErrorType.GENERAL_ERROR, "No such campaign"),
    "campaign_known": Answer(400, ErrorType.GENERAL_ERROR, "Campaign is known"),
    "campaign_step_refused": Answer(400, ErrorType.GENERAL_ERROR, "Not now"),
    "four_eyes_needed": Answer(400, ErrorType.GENERAL_ERROR, "Needs somebody else"),
    "key_change_first": Answer(400, ErrorType.GENERAL_ERROR, "Key change first"),
    "tokens_forgotten": Answer(400, _DECLINED, "Tokens are too old"),
    "nobody_to_tell": Answer(400, ErrorType.GENERAL_ERROR, "Nobody to tell"),
    "operator_login_rejected": Answer(400, ErrorType.GENERAL_ERROR, "Login is rejected"),
    "operator_locked": Answer(400, ErrorType.GENERAL_ERROR, "Login is locked"),
    "operator_pass_rejected": Answer(400, ErrorType.GENERAL_ERROR, "Not logged in"),
    "operator_pass_unknown": Answer(400, ErrorType.GENERAL_ERROR, "No such session"),
    "operator_not_allowed": Answer(400, ErrorType.GENERAL_ERROR, "Not allowed"),
    "operator_unknown": Answer(400, ErrorType.GENERAL_ERROR, "No such operator"),
    "operator_last_supervisor": Answer(400, ErrorType.GENERAL_ERROR, "Last supervisor"),
    "proposal_unknown": Answer(400, ErrorType.GENERAL_ERROR, "No such proposal"),
    "proposal_decided": Answer(400, ErrorType.GENERAL_ERROR, "Proposal is decided"),
    "proposal_is_own": Answer(400, ErrorType.GENERAL_ERROR, "Own proposal"),
    "proposal_is_not_own": Answer(400, ErrorType.GENERAL_ERROR, "Not own proposal"),
    "proposal_altered": Answer(400, ErrorType.GENERAL_ERROR, "Proposal was altered"),
    "proposed_file_differs": Answer(400, ErrorType.GENERAL_ERROR, "Another file"),
    # What is wrong with us.
    "data_key_missing": Answer(503, ErrorType.SYSTEM_MALFUNCTION, "Data key is missing"),
    "text_not_opened": Answer(503, ErrorType.SYSTEM_MALFUNCTION, "Token not readable"),
    "token_not_proven": Answer(503, ErrorType.SYSTEM_MALFUNCTION, "No token was made"),
    # 503 is final: the sender takes the thing for not done. For a request that is the truth. But
    # a retry that could not be looked at says nothing about the purchase before it, whose token
    # may well have been issued; and an advice that was not looked at must come again, or nobody
    # ever learns what became of the sale. For both of them only 504 says so.
    "overloaded": Answer(
        503, ErrorType.UPSTREAM_UNAVAILABLE, "Busy, try again", 504, {"Retry-After": "1"}
    ),
    "storage_unavailable": Answer(503, ErrorType.UPSTREAM_UNAVAILABLE, "Down, try again", 504),
    "security_module_unavailable": Answer(
        503, ErrorType.UPSTREAM_UNAVAILABLE, "Keys down, try again", 504
    ),
    "outcome_unknown": Answer(500, ErrorType.OUTCOME_UNKNOWN, "Outcome is not known"),
    "upstream_timed_out": Answer(504, ErrorType.UPSTREAM_UNAVAILABLE, "No answer in time"),
}
"""The answer to each error of the service, by its code."""

MALFORMED: Final = Answer(400, ErrorType.FORMAT_ERROR, "Message is malformed")
TOO_LONG: Final = Answer(413, ErrorType.FORMAT_ERROR, "Message is too long")
UNKNOWN_PATH: Final = Answer(404, ErrorType.FUNCTION_NOT_SUPPORTED, "No such operation")
UNKNOWN_METHOD: Final = Answer(405, ErrorType.FUNCTION_NOT_SUPPORTED, "Only POST is offered")
UNEXPECTED: Final = Answer(500, ErrorType.GENERAL_ERROR, "Internal error")


@dataclass(frozen=True, slots=True)
class Violation:
    """One fault in the form of a message."""

    field: str
    """Where, as `originator.terminalId`; empty for the message as a whole."""
    problem: str
    value: str | None = None
    """What was there, if it is short and no secret."""


class FormatRefused(Exception):
    """A message that is not of the form that the contract describes."""

    def __init__(self, violations: Sequence[Violation]) -> None:
        super().__init__("; ".join(f"{one.field}: {one.problem}" for one in violations))
        self.violations = violations


class MessageTooLong(Exception):
    """A message that is longer than any that is read."""


def refusal(
    request: Request,
    answer: Answer,
    *,
    detail: Any = None,
    headers: Mapping[str, str] | None = None,
) -> Response:
    """Return the answer to a request, with the ErrorDetail that names the request."""
    about = asked(request)
    status = answer.status
    is_insisted_on = about.operation is not None and about.operation.is_insisted_on
    if is_insisted_on and answer.status_if_insisted is not None:
        status = answer.status_if_insisted
    body = ErrorDetail(
        error_type=answer.error_type,
        error_message=answer.message,
        request_type=about.request_type,
        id=_sound(getattr(request.state, "message_id", about.message_id)),
        original_id=None if about.original_id is None else _sound(about.original_id),
        detail_message=detail,
    )
    return Response(
        body.model_dump_json(exclude_none=True),
        status,
        headers or answer.headers,
        media_type="application/json",
    )


def too_long(request: Request) -> Response:
    """Return the answer to a message that is longer than any that is read."""
    return refusal(request, TOO_LONG)


def answer_errors(app: FastAPI) -> None:
    """Make `app` answer every error, expected or not, with an ErrorDetail."""

    @app.exception_handler(FormatRefused)
    def _malformed(request: Request, error: FormatRefused) -> Response:
        listed = [_listed(violation) for violation in error.violations]
        return refusal(request, MALFORMED, detail={"formatErrors": listed})

    @app.exception_handler(MessageTooLong)
    def _too_long(request: Request, _: MessageTooLong) -> Response:
        return too_long(request)

    @app.exception_handler(DomainError)
    def _refused(request: Request, error: DomainError) -> Response:
        return refusal(request, ANSWERS[error.code], detail=str(error))

    @app.exception_handler(HTTPException)
    def _no_such_route(request: Request, error: HTTPException) -> Response:
        answer = {404: UNKNOWN_PATH, 405: UNKNOWN_METHOD}.get(error.status_code, MALFORMED)
        return refusal(request, answer, headers=error.headers)

    @app.exception_handler(Exception)
    def _unexpected(request: Request, _: Exception) -> Response:
        return refusal(request, UNEXPECTED)


def _listed(violation: Violation) -> dict[str, str]:
    entry = {"field": violation.field, "msg": violation.problem}
    return entry if violation.value is None else {**entry, "value": violation.value}


def _sound(text: str) -> str:
    """Return text that can be written as UTF-8, whatever an address held."""
    return text.encode(errors="replace").decode()
