"""Under its own role the service sells, and PostgreSQL itself keeps it from what is evidence."""

from __future__ import annotations

import asyncio
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Final
from uuid import uuid4

import pytest
from sqlalchemy import make_url, text
from sqlalchemy.exc import ProgrammingError
from sqlmodel import SQLModel

from sts.key_data import TariffIndex
from tests.domain.advising import (
    accept,
    confirmation,
    key_change_confirmation,
    on_terms,
    reversal,
    set_rule,
)
from tests.domain.sealing import seal
from tests.domain.test_faults import COMMAND as FAULT
from tests.online.shop import furnish, open_shop
from tests.support.operators import hired, log_in
from tests.support.selling import MAKER, refusal, retry, sell
from tests.support.service import (
    DEMO_CLIENT,
    NOON,
    attempt,
    key_change,
    lookup,
    prepared_engine,
    purchase,
    writing,
)
from tests.support.staff import Staff
from tests.support.vending_command import VendingCommand
from vending_api import migrations
from vending_api.domain.faults.service import report_fault
from vending_api.domain.issuing.types import TokenKind
from vending_api.domain.meters.service import lock_meter, order_key_change
from vending_api.domain.meters.types import KeyData
from vending_api.domain.operators.types import Role
from vending_api.domain.payments.types import OrderState
from vending_api.domain.reconciling.service import differences
from vending_api.domain.reprints.service import reprint
from vending_api.domain.reprints.types import ReprintTokens
from vending_api.domain.sales.types import Sale
from vending_api.domain.selling import service as selling
from vending_api.domain.token_queue.service import queue_token
from vending_api.domain.token_queue.types import NewQueuedToken, QueuedKind
from vending_api.domain.watching import service as watching
from vending_api.kit.db import one_view, open_database
from vending_api.kit.group import GROUP, Group, finished
from vending_api.kit.signatures import write_new_signing_key
from vending_api.migrations.grants import OPERATORS, PRIVILEGES, apply_grants, grants, owned_tables

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from sqlalchemy import Engine

    from tests.support.postgres import PostgresServer
    from vending_api.domain.clients.types import Client

COPY: Final = ReprintTokens(
    reprint_id="copy",
    external_meter_id="TST009",
    original_reference=None,
    terminal_id="TILL0001",
    client=DEMO_CLIENT,
    received_at=NOON,
)
EVIDENCE: Final = (
    *("token", "token_log", "token_log_checkpoint", "token_log_head"),
    *("credit_entry", "message", "reprint", "audit_trail", "alert"),
)


@pytest.fixture
def owner(postgres_url: str) -> Iterator[Engine]:
    """Give a database with the demo's register and estate, as the owner of its tables."""
    engine = prepared_engine(postgres_url)
    furnish(engine)
    yield engine
    engine.dispose()


@contextmanager
def _role(
    owner: Engine, postgres_server: PostgresServer, privileges: Mapping[str, str]
) -> Iterator[Engine]:
    """Give the owner's database as another role, which is granted these privileges."""
    role = f'role "{uuid4().hex[:8]}"'  # a name that must be quoted
    quoted = '"' + role.replace('"', '""') + '"'
    with postgres_server.connect() as connection:
        connection.execute(f"CREATE ROLE {quoted} LOGIN".encode())
    with owner.begin() as connection:
        apply_grants(connection, role, privileges)
    engine = open_database(
        make_url(owner.url).set(username=role).render_as_string(hide_password=False),
        connections=20,
    )
    yield engine
    engine.dispose()
    with owner.begin() as connection:
        connection.exec_driver_sql(f"DROP OWNED BY {quoted}")
        connection.exec_driver_sql(f"DROP ROLE {quoted}")


@pytest.fixture
def operators(owner: Engine, postgres_server: PostgresServer) -> Iterator[Engine]:
    """Give the database as the role of operators' commands."""
    with _role(owner, postgres_server, OPERATORS) as engine:
        yield engine


@pytest.fixture
def service(owner: Engine, postgres_server: PostgresServer) -> Iterator[Engine]:
    """Give the same database as the service's role, which is granted what it needs."""
    with _role(owner, postgres_server, PRIVILEGES) as engine:
        yield engine


def test_every_table_has_its_privileges(owner: Engine) -> None:
    assert PRIVILEGES.keys() == SQLModel.metadata.tables.keys() | {"alembic_version"}
    with owner.connect() as connection:
        named = text("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
        assert set(connection.execute(named).scalars()) == PRIVILEGES.keys()


def test_the_service_sells_under_its_role(service: Engine, owner: Engine, tmp_path: Path) -> None:
    assert migrations.is_current(service)
    client = on_terms(owner, deposit_minor=500_000, is_prepaid=True, day_maximum_minor=10**6)
    set_rule(owner, reversal_credit_minutes=5)
    _order_tokens(owner)
    _sell_in_a_group(service, client)
    sold = sell(service, purchase(client=client))
    again = purchase(purchase_id=sold.purchase_id, client=client)
    assert retry(service, again).tokens == sold.tokens
    refusal(service, purchase(client=client, amount_minor=1))
    accept(service, confirmation(sold.purchase_id))
    given_back = sell(service, purchase(client=client))
    accept(service, reversal(given_back.purchase_id))
    for meter, amount_minor in (("TST002", 0), ("TST008", 20_000)):  # free units; debts
        sell(service, purchase(client=client, external_meter_id=meter, amount_minor=amount_minor))
    queued = sell(service, purchase(client=client, external_meter_id="TST009", amount_minor=20_000))
    assert {token.kind for token in queued.tokens} >= {TokenKind.REFUND, TokenKind.POWER_LIMIT}
    with writing(service) as connection, connection.begin():
        changed = selling.change_key(connection, MAKER, key_change(external_meter_id="TST004"))
        assert isinstance(changed, Sale)
        selling.look_up(connection, lookup())
        selling.try_out(connection, MAKER, attempt())
        report_fault(connection, FAULT)
        reprint(connection, COPY)
    accept(service, key_change_confirmation(changed.purchase_id))
    asyncio.run(_sell_online(service))
    assert seal(service, write_new_signing_key(tmp_path / "key", chance=b"\1" * 32)) is not None
    with service.connect() as connection:
        assert differences(connection) == []


def _order_tokens(owner: Engine) -> None:
    """Order tokens and a key change, as operators do under a role of their own."""
    refund = NewQueuedToken(
        kind=QueuedKind.REFUND, value=738, amount_minor=5_000, reason="fault", ordered_by="Lindiwe"
    )
    limit = replace(refund, kind=QueuedKind.POWER_LIMIT, value=4_000, amount_minor=0)
    with writing(owner) as connection, connection.begin():
        meter = lock_meter(connection, "TST009")
        for one in (refund, limit):
            queue_token(connection, meter, one, NOON)
        meter = lock_meter(connection, "TST004")
        held = KeyData.of(meter.configuration)
        order_key_change(connection, meter, held._replace(tariff_index=TariffIndex("07")))


def _sell_in_a_group(engine: Engine, client: Client) -> None:
    group = Group()
    with writing(engine) as plain, plain.begin():
        connection = plain.execution_options(**{GROUP: group})
        commands = [purchase(client=client), purchase(client=client)]
        selling.foresee(connection, commands)
        outcomes = [selling.sell(connection, MAKER, command) for command in commands]
        group.flush(connection)
    assert all(isinstance(finished(one), Sale) for one in outcomes)


async def _sell_online(engine: Engine) -> None:
    async with open_shop(engine) as shop:
        reference = await shop.order()
        shop.sandbox.pay(reference)
        await shop.sandbox.deliver(reference)
        await shop.work()
        assert shop.find(reference).state is OrderState.VENDED


def test_the_service_watches_under_its_role(service: Engine, owner: Engine) -> None:
    sell(service, purchase())
    with owner.begin() as connection:
        connection.execute(text("DELETE FROM token_log"))
    with service.connect() as connection:
        found = watching.alerts(one_view(connection), NOON)
    for new in (found, []):
        with service.begin() as connection:
            assert watching.note(connection, found, NOON) == new
    assert [one.kind for one in found] == ["difference"]


@pytest.mark.parametrize("table", EVIDENCE)
def test_what_is_evidence_is_neither_changed_nor_removed_by_the_service(
    service: Engine, owner: Engine, table: str
) -> None:
    client = on_terms(owner, deposit_minor=500_000, is_prepaid=True)
    sell(service, purchase(client=client))
    column = next(iter(SQLModel.metadata.tables[table].c)).name
    attacks = (
        f"UPDATE {table} SET {column} = {column}",  # noqa: S608 (our own names)
        f"DELETE FROM {table}",  # noqa: S608 (likewise)
        f"TRUNCATE {table} CASCADE",
        f"ALTER TABLE {table} ADD COLUMN more int",
        f"DROP TABLE {table} CASCADE",
    )
    for attack in attacks:
        # Without the role nothing stands in the way but keys that refer to the rows.
        with owner.connect() as connection:
            connection.exec_driver_sql("SET LOCAL session_replication_role = replica")
            connection.exec_driver_sql(attack)
            connection.rollback()
        refused = pytest.raises(ProgrammingError, match=r"permission denied|must be owner")
        with service.connect() as connection, refused:
            connection.exec_driver_sql(attack)


def test_the_service_makes_neither_tables_nor_orders_of_operators(service: Engine) -> None:
    for attack in (
        "CREATE TABLE mine (key int)",
        "INSERT INTO queued_token (key) VALUES (1)",
        "INSERT INTO operator (key) VALUES (1)",
        "UPDATE operator SET roles = 'supervisor'",
        "INSERT INTO operator_pass (key) VALUES (1)",
        "UPDATE proposal SET state = 'approved'",
        "DELETE FROM operator_attempt",
        "UPDATE tariff SET document = ''",
        "UPDATE client SET is_active = true",
    ):
        refused = pytest.raises(ProgrammingError, match="permission denied")
        with service.connect() as connection, refused:
            connection.exec_driver_sql(attack)


def test_operators_work_under_their_role_and_leave_their_traces(
    operators: Engine,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
) -> None:
    url = operators.url.render_as_string(hide_password=False)
    monkeypatch.setenv("VENDING_DATABASE_URL", url)
    staff = Staff(VendingCommand(monkeypatch, capsys, tmp_path), monkeypatch, tmp_path)
    log_in(operators, hired(operators, "zola", Role.CLERK), NOON)
    order = ("token", "queue", "TST009", "refund", "--units", "5", "--reason", "swap")
    deposit = ("client", "deposit", "test", "5000", "--reference", "EFT-1")
    for number, command in enumerate((order, deposit), start=1):
        assert staff("pieter", *command).code == 0
        assert staff("thandi", "approvals", "approve", number).code == 0
    for command in (("meter", "block", "TST001"), ("client", "switch-off", "test")):
        assert staff("pieter", *command).code == 0
    assert staff("thandi", "operator", "disable", "pieter").code == 0
    assert staff("aisha", "audit-trail").code == 0
    for attack in (
        "UPDATE audit_trail SET who = 'lindiwe'",
        "DELETE FROM audit_trail",
        "TRUNCATE audit_trail",
        "DELETE FROM proposal",
        "DELETE FROM operator",
        "DELETE FROM operator_pass",
        "UPDATE credit_entry SET amount_minor = 1",
        "DELETE FROM token_log",
        "UPDATE alembic_version SET version_num = '0001'",
    ):
        refused = pytest.raises(ProgrammingError, match="permission denied")
        with operators.connect() as connection, refused:
            connection.exec_driver_sql(attack)


def test_grants_take_what_was_given_before(owner: Engine, service: Engine) -> None:
    role = service.url.username
    assert role is not None
    sell(service, purchase())
    with owner.begin() as connection:
        quoted = '"' + role.replace('"', '""') + '"'
        connection.exec_driver_sql(f"GRANT ALL ON token_log TO {quoted}")
    with service.connect() as connection:
        connection.exec_driver_sql("DELETE FROM token_log")
        connection.rollback()
    with owner.begin() as connection:
        apply_grants(connection, role)
        assert owned_tables(connection, role) == []
        assert len(owned_tables(connection, "postgres")) == len(PRIVILEGES)
    with service.connect() as connection, pytest.raises(ProgrammingError, match="denied"):
        connection.exec_driver_sql("DELETE FROM token_log")


def test_a_role_is_a_name_and_nothing_else() -> None:
    statements = list(grants('x"; DROP TABLE sale; --'))
    assert all('"x""; DROP TABLE sale; --"' in statement for statement in statements)
