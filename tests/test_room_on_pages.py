"""PostgreSQL keeps a row that sales change on its page, so that no index hears of the change."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Connection

    from tests.support.copies import PostgresCopies

_FILLED: Final = {
    "meter": """
        INSERT INTO meter (external_id, pan, {others})
        SELECT 'NEW' || number, 'NEW' || number, {others}
        FROM meter, generate_series(1, 400) number WHERE external_id = 'TST001'
    """,
    "account": """
        INSERT INTO account (meter_key, customer_class, is_exempt, gets_free_units,
                             units_this_month, paid_this_month_minor, carried_minor)
        SELECT key, 'domestic', false, false, '0', 0, 0 FROM meter
        WHERE starts_with(external_id, 'NEW')
    """,
    "sale": """
        INSERT INTO sale (kind, purchase_id, state, client_key, terminal_id, external_meter_id,
                          amount_minor, currency, received_at, bill)
        SELECT 'purchase', 'NEW' || number, 'issued', client.key, 'TILL0001', 'NEW' || number,
               10000, '710', now(), to_jsonb(repeat(number::text, 200))
        FROM client, generate_series(1, 400) number WHERE user_name = 'test'
    """,
}
_CHANGE: Final = {
    "meter": ("external_id", "last_token_identifier = 1"),
    "account": ("meter_key", "paid_this_month_minor = 1"),
    "sale": ("purchase_id", "state = 'confirmed'"),
}


@pytest.fixture
def connection(postgres_copies: PostgresCopies) -> Iterator[Connection]:
    with postgres_copies.lent() as engine, engine.connect() as connection:
        yield connection


def test_a_changed_row_stays_on_its_page(connection: Connection) -> None:
    others = connection.exec_driver_sql(
        "SELECT string_agg(column_name::text, ', ') FROM information_schema.columns "
        "WHERE table_name = 'meter' AND column_name NOT IN ('key', 'external_id', 'pan')"
    ).scalar_one()
    for table, filled in _FILLED.items():
        connection.exec_driver_sql(filled.format(others=others))
        before = _pages(connection, table)
        name, change = _CHANGE[table]
        one_of_each = {page: row for row, page in before.items()}
        assert len(one_of_each) >= 3
        for row in one_of_each.values():
            connection.exec_driver_sql(
                f"UPDATE {table} SET {change} WHERE {name}::text = %s",  # noqa: S608 (ours)
                (row,),
            )
        assert _pages(connection, table) == before


def _pages(connection: Connection, table: str) -> dict[str, int]:
    name, _ = _CHANGE[table]
    rows = connection.exec_driver_sql(
        f"SELECT {name}::text, (ctid::text::point)[0]::integer FROM {table}"  # noqa: S608 (ours)
    )
    return {row: page for row, page in rows}  # noqa: C416 (to mypy, rows are no pairs)
