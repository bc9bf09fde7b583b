"""`vending operator`: who may give commands, in which roles, and their API keys."""

# Annotations are read at run time here, so there is no `from __future__ import annotations`.

import secrets
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Final

import typer

from vending_api.cli.admission import acting, somebody
from vending_api.cli.login import SECRET_OCTETS, NameArgument, new_password_for
from vending_api.cli.station import CommandRefused, reading, writing
from vending_api.cli.tables import JsonOption, print_facts, print_json, print_table, say, yes_or_no
from vending_api.domain.operators import service as operators
from vending_api.domain.operators.types import NewOperator, NewPassword, PassKind, Role
from vending_api.kit import second_factor
from vending_api.kit.private_files import write_private

_PASSWORD_OCTETS: Final = 15
_LONGEST_KEY_DAYS: Final = 366

RoleOption = Annotated[
    list[Role],
    typer.Option("--role", metavar="ROLE", help=f"One of {', '.join(Role)}; may be repeated."),
]

operator_app: Final = typer.Typer(
    name="operator",
    help="Who may give commands, and in which roles. The first one ends that everybody may.",
    no_args_is_help=True,
)
key_app: Final = typer.Typer(
    name="key", help="API keys: what automation acts by, in your name.", no_args_is_help=True
)
operator_app.add_typer(key_app)


@operator_app.command()
def add(name: NameArgument, *, role: RoleOption, as_json: JsonOption = False) -> None:
    """Add an operator, and print a password for one login and the address for the app, once.

    Hand both over in person; the first login asks for a password of the operator's own. The
    first operator must be a supervisor, and needs no login. From then on every command asks who
    gives it, and what has value is proposed by one operator and approved by another.

    Example: `vending operator add thandi --role supervisor`
    """
    password, secret, given = _new_secrets(name)
    new = NewOperator(
        name=name,
        roles=frozenset(role),
        password_hash=given.password_hash,
        totp_sealed=given.totp_sealed,
    )
    with writing() as connection:
        operators.add_operator(connection, new, datetime.now(UTC))
        is_first = acting() is None
    _print_secrets(name, password, secret, as_json=as_json)
    if is_first:
        say(f"Commands need a login now: `vending login {name}`, and then add a second supervisor.")


@operator_app.command("list")
def list_operators(*, as_json: JsonOption = False) -> None:
    """List the operators with their roles."""
    with reading() as connection:
        found = operators.all_operators(connection)
    if as_json:
        print_json(
            [
                {
                    "name": one.name,
                    "roles": sorted(one.roles),
                    "is_disabled": one.is_disabled,
                    "must_change_password": one.must_change_password,
                    "added_at": one.added_at.isoformat(),
                }
                for one in found
            ]
        )
        return
    print_table(
        ("Name", "Roles", "Disabled", "Must change password", "Since (UTC)"),
        [
            (
                *(one.name, ", ".join(sorted(one.roles)), yes_or_no(one.is_disabled)),
                *(yes_or_no(one.must_change_password), f"{one.added_at:%Y-%m-%d %H:%M}"),
            )
            for one in found
        ],
    )


@operator_app.command()
def roles(name: NameArgument, *, role: RoleOption) -> None:
    """Give an operator these roles and no others; open sessions have them at once.

    Example: `vending operator roles thandi --role clerk --role support`
    """
    with writing() as connection:
        operators.set_roles(connection, name, frozenset(role))
    say(f"{name} is now: {', '.join(sorted(set(role)))}.")


@operator_app.command()
def disable(name: NameArgument) -> None:
    """Let an operator do nothing any more, at once; `reset` undoes it.

    Sessions and API keys are revoked. The last supervisor that can act stays.
    """
    with writing() as connection:
        operators.disable(connection, name, datetime.now(UTC))
    say(f"{name} can do nothing any more.")


@operator_app.command()
def reset(name: NameArgument, *, as_json: JsonOption = False) -> None:
    """Give an operator who lost password or app new ones, and print them, once.

    Sessions and API keys are revoked; who was disabled or must wait can act again.
    """
    password, secret, given = _new_secrets(name)
    with writing() as connection:
        operators.reset(connection, name, given, datetime.now(UTC))
    _print_secrets(name, password, secret, as_json=as_json)


@key_app.command()
def new(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Where to write it; a new file.")],
    *,
    label: Annotated[str, typer.Option(metavar="TEXT", help="What it is for.")],
    days: Annotated[
        int, typer.Option(metavar="N", min=1, max=_LONGEST_KEY_DAYS, help="How long it is good.")
    ] = 90,
) -> None:
    """Make an API key that acts in your name, and write it to a file of yours alone.

    Whoever has it does what your roles allow, but for what needs a person: approving,
    administering, signing. Name the file in VENDING_OPERATOR_KEY_FILE of what uses it.

    Example: `vending operator key new /etc/vending/import.key --label "nightly import"`
    """
    secret = secrets.token_urlsafe(SECRET_OCTETS)
    with writing() as connection:
        known = somebody()
        if known.kind is not PassKind.SESSION:
            raise CommandRefused("an API key makes no other; log in")
        number = operators.add_pass(
            connection,
            known.operator,
            PassKind.API_KEY,
            secret,
            label=label,
            at=datetime.now(UTC),
            lasts=timedelta(days=days),
        )
        write_private(file, f"{secret}\n".encode("ascii"))
    say(f"Key {number} is in {file}, and good for {days} days.")


@key_app.command()
def revoke(number: Annotated[int, typer.Argument(metavar="NUMBER")]) -> None:
    """Revoke an API key of yours, or anybody's as a supervisor (`vending sessions list`)."""
    with writing() as connection:
        operators.revoke_pass(connection, somebody(), number, datetime.now(UTC))
    say(f"Key {number} is revoked.")


def _new_secrets(name: str) -> tuple[str, str, NewPassword]:
    """Return a password for one login, a secret of a second factor, and what is kept of both."""
    password = secrets.token_urlsafe(_PASSWORD_OCTETS)
    secret = second_factor.new_secret(secrets.token_bytes(second_factor.SECRET_OCTETS))
    return password, secret, new_password_for(secret, name, password)


def _print_secrets(name: str, password: str, secret: str, *, as_json: bool) -> None:
    address = second_factor.address_for_app(secret, name)
    if as_json:
        print_json({"name": name, "password": password, "app": address})
        return
    print_facts((("Name", name), ("Password", password), ("App", address)))
    say("They are not shown again. The first login asks for a password of the operator's own.")
