"""`vending token`: tokens that operators order for a meter's next purchase."""

# Annotations are read at run time here, so there is no `from __future__ import annotations`.

from datetime import UTC, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Any, Final

import typer

from sts.tokens.management import ALL_REGISTERS
from vending_api.cli.meter import MeterArgument
from vending_api.cli.ordering import carry_out
from vending_api.cli.station import reading, writing
from vending_api.cli.tables import JsonOption, print_json, print_table, say
from vending_api.cli.tariff.options import minor, positive_decimal
from vending_api.domain.actions.types import QueueToken
from vending_api.domain.meters.service import find_meter, lock_meter
from vending_api.domain.token_queue import service as queues
from vending_api.domain.token_queue.types import QueuedKind, QueuedToken

_ALL: Final = "all"


class Kind(StrEnum):
    """What may be queued, as it is typed."""

    REFUND = "refund"
    POWER_LIMIT = "power-limit"
    CLEAR_TAMPER = "clear-tamper"
    CLEAR_CREDIT = "clear-credit"


_OPTIONS: Final = {
    Kind.REFUND: "--units",
    Kind.POWER_LIMIT: "--watts",
    Kind.CLEAR_CREDIT: "--register",
}
"""What each kind needs to be told."""

token_app: Final = typer.Typer(
    name="token", help="Tokens that a meter gets with its next purchase.", no_args_is_help=True
)


@token_app.command()
def queue(
    meter: MeterArgument,
    kind: Annotated[Kind, typer.Argument(metavar="KIND", help=f"One of {', '.join(Kind)}.")],
    *,
    reason: Annotated[str, typer.Option(metavar="TEXT", help="Why; kept with the order.")],
    units: Annotated[
        Decimal | None,
        typer.Option(metavar="N", parser=positive_decimal, help="Of a refund, as in 12.5."),
    ] = None,
    amount: Annotated[
        int | None,
        typer.Option(metavar="MINOR", parser=minor, help="What a refund is worth, for the slip."),
    ] = None,
    watts: Annotated[
        int | None, typer.Option(metavar="N", help="Of a power limit: where it disconnects.")
    ] = None,
    register: Annotated[
        str | None, typer.Option(metavar="0-7|all", help="Of clear-credit: the register.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Queue a token for a meter; its next purchase delivers all that wait, free of charge.

    A refund needs --units (and --amount, for the slip), a power-limit --watts, clear-credit a
    --register; clear-tamper needs nothing.

    Example: `vending token queue 01000000017 refund --units 12.5 --reason "meter swap"`
    """
    given = {
        Kind.REFUND: None if units is None else _tenths(units),
        Kind.POWER_LIMIT: watts,
        Kind.CLEAR_TAMPER: 0,
        Kind.CLEAR_CREDIT: None if register is None else _register(register),
    }
    _require_own_option(kind, given)
    order = QueueToken(
        meter=meter,
        token=QueuedKind[kind.name],
        value=given[kind] or 0,
        amount_minor=amount or 0,
        reason=reason,
    )
    done = carry_out(order, reason=reason, as_json=as_json)
    if done is None:
        return
    key = done.result
    if as_json:
        print_json({"meter_number": meter, "key": key, "kind": kind.value, "value": order.value})
        return
    say(
        f"Meter {meter} gets it with its next purchase. "
        f"Take it back with `vending token withdraw {meter} {key}`."
    )


@token_app.command("list")
def list_tokens(meter: MeterArgument, *, as_json: JsonOption = False) -> None:
    """List the tokens that wait for a meter's next purchase, the oldest first."""
    with reading() as connection:
        waiting = queues.waiting(connection, find_meter(connection, meter))
    if as_json:
        print_json([_facts(one) for one in waiting])
    elif not waiting:
        say(f"No token waits for meter {meter}.")
    else:
        print_table(
            ("Key", "Kind", "Value", "Worth", "Reason", "Ordered by"),
            [
                (
                    str(one.key),
                    Kind[one.kind.name].value,
                    _words(one),
                    one.amount_minor or None,
                    one.reason,
                    f"{one.ordered_by}, {one.approved_by}" if one.approved_by else one.ordered_by,
                )
                for one in waiting
            ],
        )


@token_app.command()
def withdraw(
    meter: MeterArgument,
    key: Annotated[int, typer.Argument(metavar="KEY", help="As `vending token list` shows it.")],
) -> None:
    """Take back the order of a token that no purchase has delivered yet."""
    with writing() as connection:
        locked = lock_meter(connection, meter)
        queues.withdraw(connection, locked, key, datetime.now(UTC))
    say(f"Token {key} of meter {meter} is withdrawn.")


def _require_own_option(kind: Kind, given: dict[Kind, int | None]) -> None:
    """Raise BadParameter unless the one option is given that tells what the token says."""
    for other, option in _OPTIONS.items():
        if other is kind and given[other] is None:
            raise typer.BadParameter(f"{kind} needs it", param_hint=option)
        if other is not kind and given[other] is not None:
            raise typer.BadParameter(f"it belongs to {other}, not to {kind}", param_hint=option)


def _tenths(units: Decimal) -> int:
    tenths = units.scaleb(1)
    if tenths != tenths.to_integral_value():
        raise typer.BadParameter("a token carries tenths; give one decimal", param_hint="--units")
    return int(tenths)


def _register(text: str) -> int:
    if text == _ALL:
        return ALL_REGISTERS
    if not (len(text) == 1 and text in "01234567"):
        raise typer.BadParameter(
            f"{text[:24]!r} is not one; give 0 to 7, or all", param_hint="--register"
        )
    return int(text)


def _words(token: QueuedToken) -> str:
    match token.kind:
        case QueuedKind.REFUND:
            return f"{token.value // 10}.{token.value % 10} units"
        case QueuedKind.POWER_LIMIT:
            return f"{token.value} W"
        case QueuedKind.CLEAR_CREDIT:
            return "all registers" if token.value == ALL_REGISTERS else f"register {token.value}"
        case QueuedKind.CLEAR_TAMPER:
            return ""


def _facts(token: QueuedToken) -> dict[str, Any]:
    return {
        "key": token.key,
        "kind": Kind[token.kind.name].value,
        "value": token.value,
        "amount_minor": token.amount_minor,
        "reason": token.reason,
        "ordered_by": token.ordered_by,
        "approved_by": token.approved_by,
    }
