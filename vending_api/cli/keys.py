"""`vending keys`: which sealed key files the service may use."""

# Annotations are read at run time here, so there is no `from __future__ import annotations`.

from hashlib import sha256
from pathlib import Path
from typing import Annotated, Final

import typer

from sts.keys.key_file import KeyStore
from sts.keys.sealed_file import parse_any_key_file
from vending_api.cli.ordering import carry_out
from vending_api.cli.station import CommandRefused, reading
from vending_api.cli.tables import JsonOption, print_json, print_table, say
from vending_api.domain.actions.service import action_of
from vending_api.domain.actions.types import LoadKeys
from vending_api.domain.approvals import service as approvals
from vending_api.domain.approvals.types import Kind

keys_app: Final = typer.Typer(
    name="keys", help="Which sealed key files the service may use.", no_args_is_help=True
)


@keys_app.command("propose-load")
def propose_load(
    file: Annotated[
        Path, typer.Argument(metavar="FILE", exists=True, dir_okay=False, help="A sealed key file.")
    ],
    *,
    reason: Annotated[str, typer.Option(metavar="TEXT", help="Why; kept with the proposal.")],
    as_json: JsonOption = False,
) -> None:
    """Propose that the service use a sealed key file; another key custodian approves it.

    The file is known by its SHA-256, and is not opened. Once there are operators, `vending
    serve` starts with approved files only, and `vending doctor` objects to others.

    Example: `vending keys propose-load keys.sealed --reason "revision 2 of 123457"`
    """
    octets = file.read_bytes()
    sealed = parse_any_key_file(octets.decode(errors="replace"), path=str(file))
    if isinstance(sealed, KeyStore):
        raise CommandRefused(f"{file} is not sealed; seal it with `sts keys seal`")
    keys = tuple(
        f"{one.facts.supply_group_code} revision {one.facts.key_revision_number} "
        f"type {one.facts.key_type}"
        for one in sealed.entries
    )
    order = LoadKeys(file=file.name, digest=sha256(octets).hexdigest(), keys=keys)
    if carry_out(order, reason=reason, as_json=as_json) is not None:
        say("There are no operators, so no approval is needed and none was recorded.")


@keys_app.command("list")
def list_keys(*, as_json: JsonOption = False) -> None:
    """List the key files that were approved, the oldest first."""
    with reading() as connection:
        found = [
            (one, action)
            for one in approvals.approved(connection, Kind.KEY_LOAD)
            if isinstance(action := action_of(one), LoadKeys)
        ]
    if as_json:
        print_json(
            [
                {
                    "file": action.file,
                    "sha256": action.digest,
                    "keys": action.keys,
                    "proposed_by": one.proposed_by,
                    "approved_by": one.decided_by,
                    "approved_at": one.decided_at,
                }
                for one, action in found
            ]
        )
        return
    print_table(
        ("File", "SHA-256", "Keys", "Proposed by", "Approved by"),
        [
            (action.file, action.digest, "\n".join(action.keys), one.proposed_by, one.decided_by)
            for one, action in found
        ],
    )
