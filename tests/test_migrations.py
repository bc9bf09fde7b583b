"""The migrations make exactly the tables that the code declares, on both databases."""

from __future__ import annotations

from typing import TYPE_CHECKING

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlmodel import SQLModel

from vending_api import migrations
from vending_api.kit.db import open_database
from vending_api.migrations.upgrading import alembic_config

if TYPE_CHECKING:
    from sqlalchemy import Engine


def test_the_schema_is_what_the_tables_declare(engine: Engine) -> None:
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, SQLModel.metadata) == []


def test_an_empty_database_is_not_current_until_it_is_upgraded(database_url: str) -> None:
    engine = open_database(database_url, connections=1)
    assert not migrations.is_current(engine)
    migrations.upgrade(engine)
    assert migrations.is_current(engine)
    migrations.upgrade(engine)
    assert migrations.is_current(engine)
    engine.dispose()


def test_the_newest_revision_is_the_one_that_no_other_follows() -> None:
    assert migrations.newest() == ScriptDirectory.from_config(alembic_config()).get_current_head()


def test_a_database_of_another_version_is_not_current(engine: Engine) -> None:
    with engine.begin() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '0001'")
    assert not migrations.is_current(engine)
