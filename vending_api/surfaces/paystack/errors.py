"""How what went wrong is answered: to Paystack, and to a customer's browser."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from starlette.responses import JSONResponse

from vending_api.kit.errors import Fault
from vending_api.surfaces.paystack.page import UNKNOWN_ORDER, look_again

if TYPE_CHECKING:
    from starlette.responses import Response

    from vending_api.kit.errors import DomainError
    from vending_api.surfaces.paystack.page import Page

AGAIN: Final = {"Retry-After": "60"}


def refused(status: int, message: str) -> Response:
    """Return the answer to a webhook that was not taken."""
    return JSONResponse({"status": False, "message": message}, status)


def too_long() -> Response:
    """Return the answer to a webhook that is longer than any event."""
    return refused(413, "Too long")


def not_stored() -> Response:
    """Return the answer to a webhook that could not be stored: it is to be delivered again."""
    return JSONResponse({"status": False, "message": "Try again later"}, 503, AGAIN)


def page_for(error: DomainError) -> Page:
    """Return what a customer is shown who comes back from paying."""
    return UNKNOWN_ORDER if error.fault is Fault.NOT_FOUND else look_again()
