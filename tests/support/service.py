"""What tests of the service share: a prepared database, commands, and a clock that moves."""

from __future__ import annotations

import threading
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final
from uuid import uuid4

from sts.security_module import InProcessSecurityModule
from sts.tokens.codec import TokenCodec
from tests.support.prepared import prepare_once
from vending_api import migrations
from vending_api.domain.clients.types import Client
from vending_api.domain.issuing.service import TokenMaker
from vending_api.domain.sales.types import ChangeKey, LookUpMeter, SellCredit, TryCredit
from vending_api.kit.db import WRITES, open_database
from vending_api.sandbox.demo_data import ensure_demo_data
from vending_api.sandbox.example_keys import example_keys

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine

NOON: Final = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
DEMO_CLIENT: Final = Client(key=1, user_name="test", name="Demo point of sale")


class AdvancingClock:
    """A clock that moves a millisecond each time it is read."""

    def __init__(self, start: datetime = NOON) -> None:
        self._now = start

    def __call__(self) -> datetime:
        self._now += timedelta(milliseconds=1)
        return self._now


def prepared_engine(url: str, *, connections: int = 20) -> Engine:
    """Return the engine of a new database with schema and demo register."""
    prepare_once(url, _with_register)
    return open_database(url, connections=connections)


def _with_register(url: str) -> None:
    engine = open_database(url, connections=1)
    migrations.upgrade(engine)
    with writing(engine) as connection, connection.begin():
        ensure_demo_data(connection)
    engine.dispose()


def writing(engine: Engine) -> Connection:
    """Return a connection that locks as the committer's do."""
    return engine.connect().execution_options(**{WRITES: True})


class FlippingCodec(TokenCodec):
    """A codec whose cipher has one bit wrong, as a broken machine's."""

    def encode(self, *args: object, **kwargs: object) -> str:
        digits = super().encode(*args, **kwargs)  # type: ignore[arg-type]  # passes all on
        return f"{int(digits) ^ 1 << 40:020}"


def demo_token_maker(codec: TokenCodec | None = None) -> TokenMaker:
    """Return a token maker over the example keys; RND is always 5, as in STS 531."""
    module = InProcessSecurityModule(example_keys(), codec or TokenCodec())
    return TokenMaker(
        module,
        random_nibble=lambda: 5,
        log_writer=lambda: f"test-{threading.get_ident():x}",
    )


def purchase(**changes: object) -> SellCredit:
    """Return a purchase of R100 for TST001 under a new id, with `changes`."""
    purchase_id = str(uuid4())
    command = SellCredit(
        purchase_id=purchase_id,
        message_id=purchase_id,
        external_meter_id="TST001",
        amount_minor=10_000,
        currency="710",
        terminal_id="TILL0001",
        client=DEMO_CLIENT,
        received_at=NOON,
    )
    return replace(command, **changes)  # type: ignore[arg-type]  # tests name real fields


def attempt(**changes: object) -> TryCredit:
    """Return a trial of R100 for TST001 under a new id, with `changes`."""
    command = TryCredit(
        trial_id=str(uuid4()),
        external_meter_id="TST001",
        amount_minor=10_000,
        currency="710",
        terminal_id="TILL0001",
        client=DEMO_CLIENT,
        received_at=NOON,
    )
    return replace(command, **changes)  # type: ignore[arg-type]  # tests name real fields


def key_change(**changes: object) -> ChangeKey:
    """Return a request for the key change tokens of TST006 under a new id, with `changes`."""
    command = ChangeKey(
        request_id=str(uuid4()),
        external_meter_id="TST006",
        terminal_id="TILL0001",
        client=DEMO_CLIENT,
        received_at=NOON,
    )
    return replace(command, **changes)  # type: ignore[arg-type]  # tests name real fields


def lookup(**changes: object) -> LookUpMeter:
    """Return a lookup of TST001 under a new id, with `changes`."""
    command = LookUpMeter(
        lookup_id=str(uuid4()),
        external_meter_id="TST001",
        client=DEMO_CLIENT,
        received_at=NOON,
    )
    return replace(command, **changes)  # type: ignore[arg-type]  # tests name real fields
