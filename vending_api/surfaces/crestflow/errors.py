"""How each refusal is answered: status and words of the contract."""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

import structlog
from starlette.exceptions import HTTPException
from starlette.routing import Match

from vending_api.domain.consumers.errors import RegistrationRefused, TooManyAttempts
from vending_api.domain.consumers.types import FieldProblem
from vending_api.domain.payments.errors import AmountNotAboveCharge
from vending_api.domain.pricing.errors import AmountOutsideLimits
from vending_api.kit.errors import DomainError
from vending_api.surfaces.crestflow import forms, php_json, wire
from vending_api.surfaces.crestflow.responses import answer

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fastapi import FastAPI
    from starlette.requests import Request
    from starlette.responses import Response

_log = structlog.get_logger(__name__)

GIVEN_DATA_INVALID: Final = "The given data was invalid."
INVALID_ACCOUNT: Final = "API error - invalid account"
SERVER_ERROR: Final = "Server Error"
TOO_LARGE: Final = "Payload Too Large"


@dataclass(frozen=True, slots=True)
class Answer:
    """What one refusal looks like on the wire."""

    status: int
    message: str
    """May name `{charge}`, `{least}` or `{most}`: sums in the currency's unit."""
    field: str = ""
    """The field that the message is about; empty for the request as a whole."""
    if_above: str = ""
    """What is said instead of a sum that is too large rather than too small."""
    headers: Mapping[str, str] | None = None


_UNAVAILABLE: Final = Answer(503, "Something seems to be wrong")
_NOT_OF_CONSUMERS: Final = (
    # What only points of sale ask for.
    *("advice_declined", "advised_amount_wrong", "card_contradicts", "credentials_rejected"),
    *("no_key_change_due", "not_for_trials", "nothing_to_reprint", "sale_given_up"),
    *("sale_unknown", "tokens_forgotten", "too_many_guesses", "upstream_timed_out"),
    # What only operators ask for.
    *("case_unknown", "deposit_known", "order_step_refused", "queued_token_unknown"),
    *("campaign_known", "campaign_step_refused", "campaign_unknown", "four_eyes_needed"),
    *("key_change_first", "nobody_to_tell"),
    *("operator_login_rejected", "operator_locked", "operator_pass_rejected"),
    *("operator_pass_unknown", "operator_not_allowed", "operator_unknown"),
    *("operator_last_supervisor", "proposal_unknown", "proposal_decided", "proposal_is_own"),
    *("proposal_is_not_own", "proposal_altered", "proposed_file_differs", "unknown_client"),
)
_WRONG_WITH_US: Final = (
    *("currency_not_accepted", "insufficient_funds", "message_id_used", "meter_key_unusable"),
    *("meters_not_connected", "no_price", "nothing_due", "outcome_unknown"),
    *("payment_gateway_refused", "payment_gateway_unavailable", "payments_not_offered"),
    *("security_module_unavailable", "storage_unavailable"),
    *("terminal_not_registered", "data_key_missing", "text_not_opened", "token_not_proven"),
)

ANSWERS: Final[Mapping[str, Answer]] = {
    # Who asks.
    "api_key_rejected": Answer(401, "API Key supplied is invalid or has expired"),
    "login_rejected": Answer(401, "Username and/or password is invalid"),
    "password_incorrect": Answer(422, "Incorrect current password"),
    "too_many_attempts": Answer(429, "Too Many Attempts."),
    # What is asked of the register.
    "meter_not_of_estate": Answer(422, INVALID_ACCOUNT),
    "unknown_meter": Answer(422, INVALID_ACCOUNT),
    "registration_refused": Answer(422, GIVEN_DATA_INVALID),
    "estate_unknown": Answer(422, "The selected estate is invalid.", field="estate"),
    # What is asked of the meter.
    "data_item_unknown": Answer(422, "API error - invalid meterNo or dataItem"),
    "reading_pending": Answer(422, "Pending reading request already exists for this data item"),
    # What is asked of a purchase.
    "order_unknown": Answer(404, "Purchase not found"),
    "meter_blocked": Answer(422, "The meter is blocked"),
    "limit_exceeded": Answer(422, "The limit of the day is reached"),
    "amount_not_above_charge": Answer(
        422, "The amount must be greater than {charge}.", field="amount"
    ),
    "amount_outside_limits": Answer(
        422,
        "The amount must be at least {least}.",
        field="amount",
        if_above="The amount may not be greater than {most}.",
    ),
    "amount_too_small": Answer(422, "The amount is too small to buy a unit.", field="amount"),
    "amount_too_large": Answer(422, "The amount is too large for one token.", field="amount"),
    # What is wrong with us; the same request may do later.
    "overloaded": Answer(_UNAVAILABLE.status, _UNAVAILABLE.message, headers={"Retry-After": "1"}),
    **dict.fromkeys((*_WRONG_WITH_US, *_NOT_OF_CONSUMERS), _UNAVAILABLE),
}
"""The answer to each error of the service, by its code."""

_PROBLEMS: Final = {
    FieldProblem.TAKEN: "The {field} has already been taken.",
    FieldProblem.UNKNOWN: "The selected {field} is invalid.",
}


class FieldsInvalid(Exception):
    """Fields of a request are not as they must be; its text names the fields alone."""

    def __init__(self, errors: Mapping[str, list[str]]) -> None:
        """Take what is wrong with each field, in the words of the contract."""
        super().__init__(", ".join(errors))
        self.errors = errors


class TooLarge(Exception):
    """A request is longer than any that makes sense."""


def said_of(problem: str) -> str:
    """Return what is said of a FieldProblem, with `{field}` where the name of its field belongs."""
    return _PROBLEMS[FieldProblem(problem)]


def named(field: str) -> str:
    """Return a field as texts name it, with blanks for underscores."""
    return field.replace("_", " ")


def too_large() -> Response:
    """Return the answer to a request that is longer than any that makes sense."""
    return answer(wire.Said(message=TOO_LARGE), HTTPStatus.REQUEST_ENTITY_TOO_LARGE)


def answer_errors(app: FastAPI) -> None:
    """Make `app` answer every error, expected or not, in the form of the contract."""

    @app.exception_handler(FieldsInvalid)
    def _invalid(_: Request, error: FieldsInvalid) -> Response:
        return _fields(error.errors)

    @app.exception_handler(TooLarge)
    def _too_large(_: Request, __: TooLarge) -> Response:
        return too_large()

    @app.exception_handler(DomainError)
    def _refused(request: Request, error: DomainError) -> Response:
        return _refusal(error, ANSWERS[error.code], currency=_currency_of(request))

    @app.exception_handler(HTTPException)
    def _no_such_route(request: Request, error: HTTPException) -> Response:
        return _routeless(app, request, error)

    @app.exception_handler(Exception)
    def _unexpected(_: Request, __: Exception) -> Response:
        return answer(wire.Said(message=SERVER_ERROR), HTTPStatus.INTERNAL_SERVER_ERROR)


def _refusal(error: DomainError, known: Answer, *, currency: str) -> Response:
    if known.status == HTTPStatus.SERVICE_UNAVAILABLE:
        # The answer does not say why, as it is no matter of consumers; operators must know.
        _log.warning("consumer_request_failed", code=error.code, reason=str(error))
    if isinstance(error, RegistrationRefused):
        return _fields(
            {
                field: [said_of(problem).format(field=named(field))]
                for field, problem in error.problems.items()
            }
        )
    message = _worded(error, known, currency)
    if known.field:
        return _fields({known.field: [message]})
    headers = known.headers
    if isinstance(error, TooManyAttempts):
        headers = {"Retry-After": str(error.retry_after_seconds)}
    return answer(wire.Said(message=message), known.status, headers=headers)


def _worded(error: DomainError, known: Answer, currency: str) -> str:
    if isinstance(error, AmountNotAboveCharge):
        return known.message.format(charge=_sum(error.charge_minor, currency))
    if isinstance(error, AmountOutsideLimits):
        most = error.maximum_minor
        if most is not None and error.amount_minor > most:
            return known.if_above.format(most=_sum(most, currency))
        return known.message.format(least=_sum(error.minimum_minor, currency))
    return known.message


def _sum(amount_minor: int, currency: str) -> str:
    return php_json.dumps(forms.money(amount_minor, currency)).decode()


def _currency_of(request: Request) -> str:
    """Return the currency that the request is about, which its route has noted."""
    return getattr(request.state, "currency", "")


def _routeless(app: FastAPI, request: Request, error: HTTPException) -> Response:
    if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
        offered = ", ".join(_methods(app, request))
        said = (
            f"The {request.method} method is not supported for this route. "
            f"Supported methods: {offered}."
        )
        return answer(wire.Said(message=said), error.status_code, headers={"Allow": offered})
    path = str(request.scope["path"]).strip("/")
    said = f"The route {path} could not be found."
    return answer(wire.Said(message=said), HTTPStatus.NOT_FOUND)


def _methods(app: FastAPI, request: Request) -> list[str]:
    """Return the methods that are offered at the address of a request."""
    there = [one for one in app.routes if one.matches(request.scope)[0] is not Match.NONE]
    return sorted({method for one in there for method in getattr(one, "methods", None) or ()})


def _fields(errors: Mapping[str, Any]) -> Response:
    refused = wire.FieldsRefused(message=GIVEN_DATA_INVALID, errors=errors)
    return answer(refused, HTTPStatus.UNPROCESSABLE_ENTITY)
