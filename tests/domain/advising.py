"""Advices as tests send them, each in a transaction of its own, and what they leave behind."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from sqlalchemy import select, update

from sts.key_data import TariffIndex
from tests.support.selling import MAKER
from tests.support.service import DEMO_CLIENT, NOON, key_change, writing
from vending_api.domain.advices import service
from vending_api.domain.advices.types import AdviceKind, Advise
from vending_api.domain.clients.service import change_client
from vending_api.domain.clients.tables import CLIENT
from vending_api.domain.clients.types import Client, ClientTerms
from vending_api.domain.credit import service as credit
from vending_api.domain.credit.tables import SPENDING
from vending_api.domain.meters.service import lock_meter, order_key_change
from vending_api.domain.meters.tables import UTILITY
from vending_api.domain.meters.types import KeyData
from vending_api.domain.sales.tables import SALE
from vending_api.domain.sales.types import Sale, SaleState
from vending_api.domain.selling.service import change_key
from vending_api.kit.errors import Refusal

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine

    from vending_api.kit.errors import DomainError


def confirmation(request_id: str, **changes: object) -> Advise:
    """Return a confirmation of a request under a new id, with `changes`."""
    command = Advise(
        kind=AdviceKind.CONFIRMATION,
        advice_id=str(uuid4()),
        request_id=request_id,
        client=DEMO_CLIENT,
        received_at=NOON,
    )
    return replace(command, **changes)  # type: ignore[arg-type]  # tests name real fields


def reversal(request_id: str, **changes: object) -> Advise:
    """Return a reversal of a request under a new id, with `changes`."""
    told: dict[str, object] = {"kind": AdviceKind.REVERSAL, "reason": "TIMEOUT"}
    return confirmation(request_id, **told | changes)


def key_change_confirmation(request_id: str, **changes: object) -> Advise:
    """Return a confirmation of a key change request under a new id, with `changes`."""
    return confirmation(request_id, kind=AdviceKind.KEY_CHANGE_CONFIRMATION, **changes)


def outcome(engine: Engine, command: Advise) -> Refusal | None:
    """Return what comes of an advice, once it is committed."""
    with writing(engine) as connection, connection.begin():
        return service.advise(connection, command)


def accept(engine: Engine, command: Advise) -> None:
    """Send an advice that is accepted."""
    assert outcome(engine, command) is None


def turned_down(engine: Engine, command: Advise) -> DomainError:
    """Return why an advice is turned down."""
    refused = outcome(engine, command)
    assert isinstance(refused, Refusal)
    return refused.reason


def state_of(engine: Engine, purchase_id: str) -> SaleState:
    """Return where the request of an id stands."""
    with engine.connect() as connection:
        statement = select(SALE.c.state).where(SALE.c.purchase_id == purchase_id)
        return SaleState(connection.execute(statement).scalar_one())


def set_rule(engine: Engine, **values: object) -> None:
    """Change what the demo's utility says about selling to its meters."""
    with writing(engine) as connection, connection.begin():
        connection.execute(update(UTILITY).values(**values))


def on_terms(engine: Engine, *, deposit_minor: int = 0, **terms: Any) -> Client:
    """Give the demo's client other terms and maybe credit, and return it."""
    agreed = ClientTerms(**terms)
    with writing(engine) as connection, connection.begin():
        change_client(connection, DEMO_CLIENT.key, name=DEMO_CLIENT.name, terms=agreed)
        if deposit_minor:
            credit.deposit(
                connection,
                DEMO_CLIENT.key,
                deposit_minor,
                reference=str(uuid4()),
                note="",
                at=NOON,
            )
    return replace(DEMO_CLIENT, terms=agreed)


def other_client(engine: Engine) -> Client:
    """Register a second client, which never logs in, and return it."""
    with writing(engine) as connection, connection.begin():
        row = {"user_name": "other", "password_hash": "", "name": "Other", "is_active": True}
        terms = {"is_prepaid": False, "slip_columns": 40, "names_terminals": False}
        new = CLIENT.insert().values(row | terms).returning(CLIENT.c.key)
        key = connection.execute(new).scalar_one()
    return Client(key=key, user_name="other", name="Other")


def changed_key(engine: Engine, external_id: str = "TST006", **changes: object) -> Sale:
    """Order another tariff index for a meter, and return the key change that brings it."""
    with writing(engine) as connection, connection.begin():
        meter = lock_meter(connection, external_id)
        held = KeyData.of(meter.configuration)
        order_key_change(connection, meter, held._replace(tariff_index=TariffIndex("07")))
    with writing(engine) as connection, connection.begin():
        command = key_change(external_meter_id=external_id, **changes)
        sale = change_key(connection, MAKER, command)
    assert isinstance(sale, Sale)
    return sale


def balance(engine: Engine) -> int:
    """Return what is left of the demo client's deposits."""
    with engine.connect() as connection:
        return credit.balance(connection, DEMO_CLIENT.key)


def spent(engine: Engine) -> dict[tuple[str, str], int]:
    """Return what was counted of each scope and day."""
    with engine.connect() as connection:
        return {
            (row.scope, row.day.isoformat()): row.amount_minor
            for row in connection.execute(select(SPENDING))
        }


def everything(connection: Connection) -> dict[str, list[Any]]:
    """Return all rows of all tables."""
    tables = SALE.metadata.sorted_tables
    return {
        table.name: sorted(connection.execute(select(table)).all(), key=repr) for table in tables
    }
