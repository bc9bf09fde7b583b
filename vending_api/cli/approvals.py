"""`vending approvals`: what operators have proposed, and what others decide about it."""

# Annotations are read at run time here, so there is no `from __future__ import annotations`.

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from vending_api.cli.admission import remark, somebody
from vending_api.cli.station import reading, writing
from vending_api.cli.tables import JsonOption, print_facts, print_json, print_table, say
from vending_api.domain.actions import service as actions
from vending_api.domain.approvals import service as approvals
from vending_api.domain.approvals.types import Proposal

NumberArgument = Annotated[
    int, typer.Argument(metavar="NUMBER", help="As `vending approvals list` shows it.")
]

approvals_app: Final = typer.Typer(
    name="approvals",
    help="What operators have proposed; another one approves it, and then it is done.",
    no_args_is_help=True,
)


@approvals_app.command("list")
def list_proposals(
    *,
    every: Annotated[
        bool, typer.Option("--all", show_default=False, help="Also what is decided or expired.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """List the proposals that wait for somebody's decision, the oldest first."""
    now = datetime.now(UTC)
    with reading() as connection:
        found = approvals.all_proposals(connection) if every else approvals.waiting(connection, now)
    if as_json:
        print_json([_facts(one, now) for one in found])
    elif not found:
        say("Nothing waits for a decision.")
    else:
        print_table(
            ("Number", "Kind", "Proposed (UTC)", "By", "State", "Decided by", "Reason"),
            [
                (
                    *(one.number, one.kind.value, f"{one.proposed_at:%Y-%m-%d %H:%M}"),
                    *(one.proposed_by, one.state_at(now).value, one.decided_by, one.reason),
                )
                for one in found
            ],
        )


@approvals_app.command()
def show(number: NumberArgument, *, as_json: JsonOption = False) -> None:
    """Show all of a proposal: what would be done, who proposed it, who decided.

    Example: `vending approvals show 12`
    """
    now = datetime.now(UTC)
    with reading() as connection:
        proposal = approvals.find_proposal(connection, number)
    facts = _facts(proposal, now)
    if as_json:
        print_json(facts)
        return
    action = facts.pop("action")
    lines = [(name.replace("_", " ").capitalize(), value) for name, value in facts.items() if value]
    print_facts([*lines, *((f"  {name}", _shown(value)) for name, value in action.items())])


@approvals_app.command()
def approve(
    number: NumberArgument,
    *,
    file: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            exists=True,
            dir_okay=False,
            help="Of an import: the file that you have looked at; it must be the one proposed.",
        ),
    ] = None,
) -> None:
    """Approve what somebody else has proposed; it is done at once, in both names.

    Example: `vending approvals approve 12`
    """
    material = None
    if file is not None:
        # Read, and passwords asked for, before the transaction begins: sales would wait.
        proposed = _proposed()
        with reading() as connection:
            action = actions.action_of(approvals.find_proposal(connection, number))
            material = proposed.material_of(connection, action, file, datetime.now(UTC))
    with writing() as connection:
        done = actions.approve(connection, somebody(), number, datetime.now(UTC), material=material)
        remark(f"approved proposal {number}: {done.words}")
    say(f"Done: {done.words}.")


@approvals_app.command()
def refuse(
    number: NumberArgument,
    *,
    note: Annotated[str, typer.Option(metavar="TEXT", help="Why; kept with the proposal.")],
) -> None:
    """Refuse what somebody else has proposed; nothing of it is done."""
    with writing() as connection:
        approvals.refuse(connection, somebody(), number, datetime.now(UTC), note=note)
        remark(f"refused proposal {number}")
    say(f"Proposal {number} is refused.")


@approvals_app.command()
def withdraw(number: NumberArgument) -> None:
    """Take back your own proposal."""
    with writing() as connection:
        approvals.withdraw(connection, somebody(), number, datetime.now(UTC))
        remark(f"withdrew proposal {number}")
    say(f"Proposal {number} is withdrawn.")


def _proposed() -> Any:
    from vending_api.cli.importing import proposed  # noqa: PLC0415 (only imports need it)

    return proposed


def _facts(proposal: Proposal, now: datetime) -> dict[str, Any]:
    return {
        "proposal": proposal.number,
        "kind": proposal.kind.value,
        "state": proposal.state_at(now).value,
        "reason": proposal.reason,
        "proposed_by": proposal.proposed_by,
        "proposed_at": proposal.proposed_at.isoformat(),
        "decided_by": proposal.decided_by,
        "decided_at": None if proposal.decided_at is None else proposal.decided_at.isoformat(),
        "note": proposal.note,
        "action": json.loads(proposal.payload),
    }


def _shown(value: object) -> object:
    return "\n".join(map(str, value)) if isinstance(value, list) else value
