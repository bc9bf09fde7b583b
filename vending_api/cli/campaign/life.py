"""`vending campaign approve`, `run`, `pause`, `resume`, `withdraw`: the life of a campaign."""

# Annotations are read at run time here, so there is no `from __future__ import annotations`.

import secrets
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from typing import Annotated, Any, Final

import typer
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from vending_api.beside import security_module_at_hand
from vending_api.cli.campaign.options import ByOption, NameArgument, person
from vending_api.cli.campaign.runner import AT_ONCE, Ended, Runner, World
from vending_api.cli.station import writing
from vending_api.cli.tables import JsonOption, print_json, say
from vending_api.custody.client import SecurityModuleElsewhere
from vending_api.database import database_of
from vending_api.domain.campaigns import service as campaigns
from vending_api.domain.campaigns.types import Campaign, CampaignState
from vending_api.domain.issuing.service import TokenMaker
from vending_api.settings import SettingsInvalid, load_settings

_FAILED: Final = 1
_MOST_AT_ONCE: Final = 2_000
"""Meters of a turn: the security module must answer for them within its patience."""


def approve(name: NameArgument, *, by: ByOption = None) -> None:
    """Approve a campaign that somebody else proposed; look at it with `show` before.

    Example: `vending campaign approve rollover-2026`
    """
    with writing() as connection:
        campaign = campaigns.approve(connection, name, by=person(by), at=datetime.now(UTC))
    say(f"Campaign {name} of {campaign.proposed_by} is approved. `vending campaign run` begins it.")


def run(
    name: NameArgument,
    *,
    by: ByOption = None,
    rate: Annotated[
        float | None,
        typer.Option(metavar="N", min=1, help="Meters a second, at most; leaves room for sales."),
    ] = None,
    at_once: Annotated[
        int, typer.Option(metavar="N", min=1, max=_MOST_AT_ONCE, help="Meters of a transaction.")
    ] = AT_ONCE,
    slot: Annotated[
        int,
        typer.Option(metavar="N", min=1, max=99, help="Of several runners at once, which this is."),
    ] = 1,
    as_json: JsonOption = False,
) -> None:
    """Run an approved campaign until all its meters are settled, somebody pauses it, or Ctrl-C.

    Sales go on. Run it again after whatever ended it: what is done is never done twice. On
    PostgreSQL several may run at once, each with a --slot of its own.

    Exit code 1 says that the campaign is not finished.

    Example: `vending campaign run rollover-2026 --rate 1000`
    """
    settings = load_settings()
    with security_module_at_hand(settings) as wait_for_security_module:
        wait_for_security_module()
        with writing() as connection:
            who = person(by)
            campaign = campaigns.start(connection, name, by=who, at=datetime.now(UTC))
        ended = _run(campaign, by=who, rate=rate, at_once=at_once, slot=slot)
    if as_json:
        facts = {"state": ended.state.value, "settled": ended.settled}
        print_json(facts | {"is_limit_reached": ended.is_limit_reached})
    else:
        say(_words(name, ended))
    if ended.state is not CampaignState.FINISHED:
        raise typer.Exit(_FAILED)


def pause(name: NameArgument, *, by: ByOption = None) -> None:
    """Stop all runners of a campaign; when this ends, no more tokens are made.

    Example: `vending campaign pause rollover-2026`
    """
    with writing() as connection:
        campaigns.pause(connection, name, by=person(by), at=datetime.now(UTC))
    say(f"Campaign {name} is paused.")


def resume(name: NameArgument, *, by: ByOption = None) -> None:
    """Let a paused campaign run again: `vending campaign run` goes on with what is pending."""
    with writing() as connection:
        campaigns.resume(connection, name, by=person(by), at=datetime.now(UTC))
    say(f"Campaign {name} may run again; `vending campaign run` goes on with it.")


def withdraw(name: NameArgument, *, by: ByOption = None) -> None:
    """Give up a campaign, so that meters which are pending get nothing.

    One that runs is paused first.
    """
    with writing() as connection:
        campaigns.withdraw(connection, name, by=person(by), at=datetime.now(UTC))
    say(f"Campaign {name} is withdrawn.")


def _run(campaign: Campaign, *, by: str, rate: float | None, at_once: int, slot: int) -> Ended:
    settings = load_settings()
    if settings.security_module is None:
        raise SettingsInvalid("VENDING_SECURITY_MODULE: it is not set; name a module's socket")
    module = SecurityModuleElsewhere(settings.security_module)
    engine = database_of(settings, connections=1)
    writer = f"{secrets.token_hex(8)}-campaign"
    maker = TokenMaker(module, lambda: secrets.token_bytes(1)[0] & 0xF, lambda: writer)
    stopping = threading.Event()
    try:
        with _stopped_by_signals(stopping), _progress() as progress:
            task = progress.add_task(campaign.name, total=campaign.meters)
            runner = Runner(
                engine=engine,
                maker=maker,
                campaign=campaign,
                by=by,
                terminal_id=f"CAMPGN{slot:02}",
                at_once=at_once,
                rate=rate,
                world=World(
                    now=lambda: datetime.now(UTC),
                    monotonic_seconds=time.monotonic,
                    rest=partial(_rest, stopping),
                    is_stopping=stopping.is_set,
                    advance=partial(progress.advance, task),
                ),
            )
            return runner.run()
    finally:
        module.close()
        engine.dispose()


def _rest(stopping: threading.Event, seconds: float) -> None:
    stopping.wait(seconds)


@contextmanager
def _stopped_by_signals(stopping: threading.Event) -> Iterator[None]:
    """Let SIGINT and SIGTERM end the run after the turn that is under way."""

    def stop(_number: int, _frame: Any) -> None:
        stopping.set()

    before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _words(name: str, ended: Ended) -> str:
    done = f"{ended.settled:,} meters were settled by this run."
    if ended.is_limit_reached:
        return f"The security module makes no more today; run {name} again tomorrow. {done}"
    if ended.state is CampaignState.RUNNING:
        return f"Stopped; `vending campaign run {name}` goes on. {done}"
    return f"Campaign {name} is {ended.state}. {done}"


def _progress() -> Progress:
    # On stderr, and only where somebody looks: a file or pipe gets no bars.
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        console=Console(stderr=True),
        disable=not Console(stderr=True).is_terminal,
    )
