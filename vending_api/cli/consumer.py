"""`vending consumer`: residents who have registered, when they need help."""

# Annotations are read at run time here, so there is no `from __future__ import annotations`.

from datetime import UTC, datetime
from typing import Annotated, Final

import typer
from sqlalchemy import Connection

from vending_api.cli.password import ask
from vending_api.cli.station import CommandRefused, reading, writing
from vending_api.cli.tables import JsonOption, print_facts, print_json, say
from vending_api.domain.consumers import service as consumers
from vending_api.domain.consumers.types import METER_PHASE_TYPES, METER_TYPES, Consumer
from vending_api.kit.credentials import hash_password

EmailArgument = Annotated[
    str, typer.Argument(metavar="EMAIL", help="The address that the resident registered with.")
]

consumer_app: Final = typer.Typer(
    name="consumer",
    help="Residents who buy online: their passwords, their devices.",
    no_args_is_help=True,
)


@consumer_app.command()
def show(email: EmailArgument, *, as_json: JsonOption = False) -> None:
    """Show a consumer: name, estate, meter, and on how many devices it is logged in.

    Example: `vending consumer show thandi@example.org`
    """
    now = datetime.now(UTC)
    with reading() as connection:
        consumer = _found(connection, email)
        devices = consumers.count_api_keys(connection, consumer.key, now)
    if as_json:
        print_json(
            {
                "user": consumer.key,
                "name": consumer.name,
                "email": consumer.email,
                "estate": consumer.estate.name,
                "flat_number": consumer.flat_number,
                "meter_number": consumer.meter_number,
                "meter_type": METER_TYPES[consumer.meter_type_id].value,
                "meter_phase_type": METER_PHASE_TYPES[consumer.meter_phase_type_id].value,
                "devices": devices,
                "registered_at": consumer.created_at.isoformat(),
                "updated_at": consumer.updated_at.isoformat(),
            }
        )
        return
    meter_type = METER_TYPES[consumer.meter_type_id]
    phases = METER_PHASE_TYPES[consumer.meter_phase_type_id]
    print_facts(
        [
            ("User", consumer.key),
            ("Name", consumer.name),
            ("E-mail", consumer.email),
            ("Estate", consumer.estate.name),
            ("Flat", consumer.flat_number),
            ("Meter", f"{consumer.meter_number}, {meter_type}, {phases}"),
            ("Logged in on", f"{devices} device{'' if devices == 1 else 's'}"),
            ("Registered", f"{consumer.created_at:%Y-%m-%d %H:%M:%S} UTC"),
        ]
    )


@consumer_app.command()
def password(email: EmailArgument) -> None:
    """Give a consumer another password, which is asked for, or read from a pipe.

    It never stands on the command line, where other users of this machine could read it.
    The consumer is logged out everywhere.

    Example: `vending consumer password thandi@example.org < new-password`
    """
    with reading() as connection:
        _found(connection, email)
    password_hash = hash_password(ask(email))
    with writing() as connection:
        consumer = _found(connection, email)
        consumers.change_password(
            connection, consumer.key, password_hash, datetime.now(UTC), checked_hash=None
        )
    say(f"{consumer.email} has another password now, and is logged out everywhere.")


@consumer_app.command("log-out")
def log_out(email: EmailArgument) -> None:
    """Revoke all API keys of a consumer, as after a device was lost; the password stays.

    Example: `vending consumer log-out thandi@example.org`
    """
    with writing() as connection:
        consumer = _found(connection, email)
        revoked = consumers.delete_api_keys(connection, consumer.key)
    say(f"{consumer.email} is logged out everywhere; API keys revoked: {revoked}.")


def _found(connection: Connection, email: str) -> Consumer:
    consumer = consumers.find_by_email(connection, email)
    if consumer is None:
        raise CommandRefused(f"nobody has registered with {email}; write the address in full")
    return consumer
