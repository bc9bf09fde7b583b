"""Commands that share a transaction bring what each would have brought in its own."""

from __future__ import annotations

import random
import shutil
import time
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final, cast
from uuid import UUID, uuid4

import pytest
from sqlalchemy import func, select, update
from sqlmodel import SQLModel

from sts.id_record import IdRecord
from tests.domain.advising import confirmation, reversal
from tests.support.selling import EVERYTHING, MAKER, sell, use_tariff
from tests.support.service import DEMO_CLIENT, NOON, attempt, key_change, lookup, purchase, writing
from tests.support.statements import recorded
from vending_api.domain.advices.service import advise
from vending_api.domain.clients.service import find_client, register_client
from vending_api.domain.clients.types import ClientTerms
from vending_api.domain.credit.service import deposit
from vending_api.domain.issuing.tables import TOKEN
from vending_api.domain.meters.service import lock_meter, order_key_change
from vending_api.domain.meters.tables import METER, UTILITY
from vending_api.domain.sales.types import Sale, SellCredit, Trial
from vending_api.domain.selling import service as selling
from vending_api.kit.db import open_database
from vending_api.kit.errors import DomainError, MessageIdUsed, Refusal
from vending_api.kit.lanes import Command, Lanes
from vending_api.sandbox.scenarios import KEY_DATA, NEXT_KEY_DATA

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from sqlalchemy import Connection, Engine

    from tests.support.postgres import PostgresServer
    from vending_api.domain.clients.types import Client

_METERS: Final = [f"TST{number:03}" for number in range(1, 12)]
_BOUGHT_MOST: Final = ["TST001", "TST002", "TST007"]
_OUR_OWN: Final = {"key", "sale_key", "writer", "digest", "previous_digest", "password_hash"}
"""Columns that may differ: numbers of our own rows, and names of threads with what follows."""
_CHAINED: Final = "token_log"


@pytest.fixture(params=["sqlite", "postgres"])
def twins(request: pytest.FixtureRequest, tmp_path: Any) -> Iterator[tuple[Engine, Engine]]:
    """Give two databases with the same register."""
    if request.param == "sqlite":
        original = request.getfixturevalue("prepared_sqlite")
        urls = [f"sqlite:///{shutil.copy(original, tmp_path / name)}" for name in ("one", "two")]
        engines = [open_database(url, connections=20) for url in urls]
        yield engines[0], engines[1]
        for engine in engines:
            engine.dispose()
        return
    server = cast("PostgresServer", request.getfixturevalue("postgres_server"))
    template = request.getfixturevalue("prepared_postgres")
    names = [f"test_{uuid4().hex}" for _ in range(2)]
    engines = [
        open_database(server.create_database(name, template=template), connections=20)
        for name in names
    ]
    yield engines[0], engines[1]
    for engine, name in zip(engines, names, strict=True):
        engine.dispose()
        server.drop_database(name)


def _prepared(engine: Engine, *, limits: bool) -> Client:
    """Give some meters a tariff with everything, and return a client with little credit."""
    for external_id in _BOUGHT_MOST:
        use_tariff(engine, EVERYTHING, external_id)
    with writing(engine) as connection, connection.begin():
        terms = ClientTerms(is_prepaid=True, day_maximum_minor=150_000 if limits else None)
        key = register_client(
            connection, user_name="poor", name="Poor", password="secret", terms=terms
        )
        deposit(connection, key, 220_000, reference="deposit", note="", at=NOON)
        if limits:
            connection.execute(update(UTILITY).values(meter_day_maximum_minor=90_000))
        poor = find_client(connection, "poor")
    # PostgreSQL's row keys leave gaps when a group runs again; receipts show those of the series.
    for client in (DEMO_CLIENT, poor):
        for terminal_id in ("TILL0001", "TILL0002"):
            purchase_id = f"{client.key}-{terminal_id}"
            ids = {"purchase_id": purchase_id, "message_id": purchase_id}
            sell(engine, purchase(client=client, terminal_id=terminal_id, **ids))
    _order_key_changes(engine, "TST001", "TST007")
    return poor


def _order_key_changes(engine: Engine, *external_ids: str) -> None:
    with writing(engine) as connection, connection.begin():
        for external_id in external_ids:
            order_key_change(connection, lock_meter(connection, external_id), NEXT_KEY_DATA)


def _act(command: Any) -> Callable[[Connection], Any]:
    match command:
        case SellCredit() if command.message_id == command.purchase_id:
            return lambda connection: selling.sell(connection, MAKER, command)
        case SellCredit():
            return lambda connection: selling.retry(connection, MAKER, command)
        case _ if hasattr(command, "trial_id"):
            return lambda connection: selling.try_out(connection, MAKER, command)
        case _ if hasattr(command, "lookup_id"):
            return lambda connection: selling.look_up(connection, command)
        case _ if hasattr(command, "advice_id"):
            return lambda connection: advise(connection, command)
        case _:
            return lambda connection: selling.change_key(connection, MAKER, command)


def _mixture(seed: int, client: Client) -> list[Any]:
    """Return commands as they come in at a busy moment, some of them senseless."""
    chance = random.Random(seed)  # noqa: S311 (a mixture, not a secret)

    def new_id() -> str:
        return str(UUID(int=chance.getrandbits(128)))

    commands: list[Any] = []
    for number in range(60):
        at = NOON + timedelta(milliseconds=number)
        known = [one.purchase_id for one in commands if isinstance(one, SellCredit)]
        purchase_id = new_id()
        bought = purchase(
            purchase_id=purchase_id,
            message_id=purchase_id,
            external_meter_id=chance.choice([*_METERS, *_BOUGHT_MOST * 5, "NOBODY"]),
            amount_minor=chance.choice([0, 1, 5_000, 10_000, 10_050, 25_000]),
            terminal_id=chance.choice(["TILL0001", "TILL0002"]),
            received_at=at,
        )
        if chance.random() < 0.4:
            bought = replace(bought, client=client)
        kind = chance.random()
        if kind < 0.6 or not known:
            commands.append(bought)
        elif kind < 0.65:
            again = chance.choice(known)
            commands.append(replace(bought, purchase_id=again, message_id=again))
        elif kind < 0.75:
            commands.append(replace(bought, purchase_id=chance.choice(known), message_id=new_id()))
        elif kind < 0.8:
            commands.append(attempt(trial_id=new_id(), received_at=at))
        elif kind < 0.85:
            commands.append(lookup(lookup_id=new_id(), external_meter_id="TST007", received_at=at))
        elif kind < 0.9:
            commands.append(key_change(request_id=new_id(), received_at=at))
        else:
            say = chance.choice([confirmation, reversal])
            commands.append(say(chance.choice(known), advice_id=new_id(), received_at=at))
    return commands


def _order(command: Any) -> tuple[bool, str]:
    return not _is_foreseen(command), getattr(command, "external_meter_id", "~")


def _is_foreseen(command: Any) -> bool:
    return isinstance(command, SellCredit) and command.message_id == command.purchase_id


def _together(engine: Engine, commands: Sequence[Any]) -> list[Any]:
    """Return the outcomes of commands that all wait before the lane begins."""
    outcomes: dict[int, Any] = {}

    def release(tickets: list[Any], answers: list[Any]) -> None:
        outcomes.update(zip(tickets, answers, strict=True))

    lanes = Lanes(
        engine, release=release, monotonic_seconds=time.monotonic, foresee=selling.foresee
    )
    lanes.put(
        [
            Command(
                act=_act(command),
                order=_order(command)[1],
                foreseen=command if _is_foreseen(command) else None,
                ticket=place,
            )
            for place, command in enumerate(commands)
        ]
    )
    lanes.start()
    lanes.stop()
    return [outcomes[place] for place in range(len(commands))]


def _one_by_one(engine: Engine, commands: Sequence[Any]) -> list[Any]:
    """Return the outcomes of commands in transactions of their own, in the order of a group."""
    outcomes: dict[int, Any] = {}
    for place in sorted(range(len(commands)), key=lambda place: _order(commands[place])):
        try:
            with writing(engine) as connection, connection.begin():
                outcomes[place] = _act(commands[place])(connection)
        except DomainError as error:
            outcomes[place] = error
    return [outcomes[place] for place in range(len(commands))]


def _essence(outcome: Any) -> Any:
    """Return what must not depend on how it was done."""
    match outcome:
        case Sale():
            tokens = [(one.kind, one.digits, one.receipt_number) for one in outcome.tokens]
            facts = (outcome.purchase_id, outcome.state, outcome.invoice_number, outcome.sold_at)
            return (*facts, outcome.bill, outcome.meter, tokens)
        case Refusal():
            return type(outcome.reason), str(outcome.reason)
        case Trial():
            return replace(outcome, meter=outcome.meter._replace(last_token_identifier=None))
        case DomainError():
            return type(outcome), str(outcome)
        case _:
            return outcome


def _contents(engine: Engine) -> dict[str, list[Any]]:
    """Return all rows of all tables as far as they must be the same."""
    found = {}
    with engine.connect() as connection:
        for table in SQLModel.metadata.sorted_tables:
            columns = [one for one in table.c if one.name not in _OUR_OWN]
            if table.name == _CHAINED:
                columns = [one for one in columns if one.name != "sequence"]
            rows = connection.execute(select(*columns)).all()
            found[table.name] = sorted(map(repr, rows))
    return found


@pytest.mark.parametrize("limits", [False, True])
@pytest.mark.parametrize("seed", range(4))
def test_a_group_brings_what_its_commands_would_bring_one_by_one(
    twins: tuple[Engine, Engine], seed: int, *, limits: bool
) -> None:
    clients = [_prepared(engine, limits=limits) for engine in twins]
    assert clients[0] == clients[1]
    commands = _mixture(seed, clients[0])
    together = _together(twins[0], commands)
    alone = _one_by_one(twins[1], commands)
    for place, outcomes in enumerate(zip(together, alone, strict=True)):
        one, other = map(_essence, outcomes)
        assert one == other, (place, commands[place])
    assert sum(isinstance(one, Sale) for one in together) > 8
    assert any(isinstance(one, Refusal) for one in together)
    assert _contents(twins[0]) == _contents(twins[1])


def test_a_group_of_purchases_takes_a_few_statements(engine: Engine) -> None:
    for external_id in _BOUGHT_MOST:
        use_tariff(engine, EVERYTHING, external_id)
    commands = [purchase(external_meter_id=one, terminal_id="TILL0001") for one in _BOUGHT_MOST * 8]
    _together(engine, commands[:2])
    _order_key_changes(engine, "TST001", "TST002")
    with recorded(engine) as sent:
        outcomes = _together(engine, commands)
    assert sum(isinstance(one, Sale) for one in outcomes) == 22
    assert sum(isinstance(one, MessageIdUsed) for one in outcomes) == 2
    assert len(sent) < 2 * len(commands)


def test_a_meter_that_changes_its_key_amid_a_group_keeps_its_newest_identifier(
    engine: Engine,
) -> None:
    _order_key_changes(engine, "TST001")
    before = sell(engine, purchase())
    held = KEY_DATA
    card = IdRecord(
        before.meter.configuration.pan,
        held.supply_group_code,
        held.tariff_index,
        held.key_revision_number,
    )
    together = _together(engine, [purchase(), purchase(card=card)])
    kinds = [[token.kind for token in sale.tokens] for sale in together]
    assert kinds == [["standard"], ["key_change", "key_change", "standard"]]
    with engine.connect() as connection:
        newest = connection.execute(select(func.max(TOKEN.c.token_identifier))).scalar_one()
        stored = connection.execute(
            select(METER.c.last_token_identifier).where(METER.c.external_id == "TST001")
        ).scalar_one()
    assert stored == newest
