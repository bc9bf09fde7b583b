"""Runs migrations on the connection that `upgrade` hands over."""

from __future__ import annotations

from alembic import context
from sqlmodel import SQLModel

# Each import tells the metadata about its tables.
from vending_api.domain.accounts import tables as accounts
from vending_api.domain.advices import tables as advices
from vending_api.domain.approvals import tables as approvals
from vending_api.domain.audit_trail import tables as audit_trail
from vending_api.domain.campaigns import tables as campaigns
from vending_api.domain.clients import tables as clients
from vending_api.domain.consumers import tables as consumers
from vending_api.domain.credit import tables as credit
from vending_api.domain.estates import tables as estates
from vending_api.domain.faults import tables as faults
from vending_api.domain.issuing import tables as issuing
from vending_api.domain.meters import tables as meters
from vending_api.domain.notifications import tables as notifications
from vending_api.domain.numbers import tables as numbers
from vending_api.domain.operators import tables as operators
from vending_api.domain.payment_events import tables as payment_events
from vending_api.domain.payments import tables as payments
from vending_api.domain.readings import tables as readings
from vending_api.domain.reprints import tables as reprints
from vending_api.domain.sales import tables as sales
from vending_api.domain.token_log import tables as token_log
from vending_api.domain.token_queue import tables as token_queue
from vending_api.domain.watching import tables as watching
from vending_api.kit import idempotency

__all__ = [
    "accounts",
    "advices",
    "approvals",
    "audit_trail",
    "campaigns",
    "clients",
    "consumers",
    "credit",
    "estates",
    "faults",
    "idempotency",
    "issuing",
    "meters",
    "notifications",
    "numbers",
    "operators",
    "payment_events",
    "payments",
    "readings",
    "reprints",
    "sales",
    "token_log",
    "token_queue",
    "watching",
]

_LOCK_TIMEOUT = "SET lock_timeout = '5s'"
"""A migration gives up rather than queue behind sales, and sales behind it."""


def _run() -> None:
    connection = context.config.attributes["connection"]
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql(_LOCK_TIMEOUT)
    context.configure(
        connection=connection,
        target_metadata=SQLModel.metadata,
        render_as_batch=connection.dialect.name == "sqlite",
    )
    with context.begin_transaction():
        context.run_migrations()


_run()
