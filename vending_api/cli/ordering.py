"""What has value: done at once where there are no operators, and proposed where there are."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from vending_api.cli.admission import acting, operator, remark
from vending_api.cli.station import writing
from vending_api.cli.tables import print_json, say
from vending_api.domain.actions.types import Warrant

if TYPE_CHECKING:
    from vending_api.domain.actions.types import Action, Done

ReasonOption = Annotated[
    str, typer.Option("--reason", metavar="TEXT", help="Why; for the operator who approves it.")
]


def carry_out(action: Action, *, reason: str, as_json: bool = False) -> Done | None:
    """Carry an action out, and return what came of it; None where it was proposed.

    Then the number of the proposal is printed, and what another operator must type.
    """
    # Most of the domain comes with it, and most commands never get here.
    from vending_api.domain.actions.service import perform, propose  # noqa: PLC0415 (as above)

    with writing() as connection:
        now = datetime.now(UTC)
        known = acting()
        if known is None:
            return perform(connection, action, Warrant(ordered_by=operator(), at=now))
        number = propose(connection, known, action, reason, now)
        remark(f"proposal {number}")
    if as_json:
        print_json({"proposal": number, "kind": action.kind.value})
    more = " --file FILE" if hasattr(action, "changes") or hasattr(action, "changed") else ""
    say(
        f"Nothing is done yet: this is proposal {number}. Another operator must look at it "
        f"(`vending approvals show {number}`) and type `vending approvals approve {number}{more}`."
    )
    return None
