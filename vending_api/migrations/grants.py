"""What the roles of service and operators may do in PostgreSQL; the rest the database refuses."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sqlalchemy import text

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from sqlalchemy import Connection

_READ: Final = "SELECT"
_ADD: Final = "SELECT, INSERT"
_MOVE: Final = "SELECT, UPDATE"
_KEEP: Final = "SELECT, INSERT, UPDATE"
_CLEAR: Final = "SELECT, INSERT, UPDATE, DELETE"

PRIVILEGES: Final[Mapping[str, str]] = {
    # What nobody may change once it is written.
    **dict.fromkeys(
        (
            *("token", "token_log", "token_log_checkpoint", "token_log_head"),
            *("credit_entry", "message", "reprint", "fault_report", "client", "audit_trail"),
            "alert",
        ),
        _ADD,
    ),
    # What operators keep; a sale reads it.
    **dict.fromkeys(
        (
            *("alembic_version", "utility", "supply_group", "tariff"),
            *("customer", "estate", "terminal"),
            *("campaign", "campaign_event", "campaign_meter"),
            *("operator", "operator_pass", "operator_attempt", "proposal"),
        ),
        _READ,
    ),
    # What operators order or register; a sale moves it on. FOR UPDATE needs UPDATE, too.
    **dict.fromkeys(("meter", "queued_token", "credit"), _MOVE),
    # What has a state, or counts.
    **dict.fromkeys(
        (
            *("sale", "advice", "account", "spending", "number_series"),
            *("consumer", "reading_task"),
            *("payment_order", "refund", "payment_event", "notification"),
        ),
        _KEEP,
    ),
    # What is paid off, revoked or forgotten.
    **dict.fromkeys(("arrears", "api_key", "login_attempt"), _CLEAR),
}
"""What the service is granted on each table of the schema."""
_NEVER_CHANGED: Final = (
    *("token", "token_log", "token_log_checkpoint", "token_log_head", "credit_entry"),
    *("message", "reprint", "fault_report", "audit_trail", "campaign_event"),
    "alert",
)
OPERATORS: Final[Mapping[str, str]] = {
    **dict.fromkeys(PRIVILEGES, _CLEAR),
    # Records of operators stay, whatever becomes of them.
    **dict.fromkeys(("operator", "operator_pass", "proposal"), _KEEP),
    **dict.fromkeys(_NEVER_CHANGED, _ADD),
    "alembic_version": _READ,
}
"""What operators' commands are granted: all that is not evidence."""


def grants(role: str, privileges_of: Mapping[str, str] = PRIVILEGES) -> Iterator[str]:
    """Yield the statements that give a role these privileges and take all others."""
    name = '"' + role.replace('"', '""') + '"'
    yield f"REVOKE ALL ON ALL TABLES IN SCHEMA public FROM {name}, PUBLIC"
    yield f"REVOKE CREATE ON SCHEMA public FROM {name}, PUBLIC"
    yield f"GRANT USAGE ON SCHEMA public TO {name}"
    yield f"GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO {name}"
    for privileges in (_READ, _ADD, _MOVE, _KEEP, _CLEAR):
        tables = sorted(table for table, given in privileges_of.items() if given == privileges)
        if tables:
            yield f"GRANT {privileges} ON {', '.join(tables)} TO {name}"


def apply_grants(
    connection: Connection, role: str, privileges_of: Mapping[str, str] = PRIVILEGES
) -> None:
    """Give a role these privileges and take all others, as the owner of the tables."""
    for statement in grants(role, privileges_of):
        connection.exec_driver_sql(statement)


def current_role(connection: Connection) -> str:
    """Return the role that a connection of PostgreSQL works as."""
    return str(connection.execute(text("SELECT current_user")).scalar_one())


def changeable_tables(connection: Connection, tables: Iterable[str]) -> list[str]:
    """Return those of some tables of PostgreSQL whose rows this role may change or take away."""
    may = text("SELECT has_table_privilege(:name, 'UPDATE, DELETE, TRUNCATE')")
    return [name for name in tables if connection.execute(may, {"name": name}).scalar_one()]


def owned_tables(connection: Connection, role: str) -> list[str]:
    """Return the tables of the schema that a role owns: there it may do whatever it likes."""
    owned = text("SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tableowner = :r")
    return sorted(connection.execute(owned, {"r": role}).scalars())
