"""Who carries the database away has no token that a meter takes."""

from __future__ import annotations

from pathlib import Path
from secrets import token_bytes
from typing import TYPE_CHECKING, Any, Final

import pytest
from sqlalchemy import text

from sts.tokens.digits import grouped
from tests.support.residents import add_resident, purchase_of
from tests.support.selling import retry, sell
from tests.support.service import purchase
from vending_api.kit.vault import VAULT, NotOpened, Vault

if TYPE_CHECKING:
    from sqlalchemy import Engine

_TABLES: Final = (
    "SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace"
)
_VAULT: Final = Vault({"0001": b"not in the database, whoever asks"[:32]}, token_bytes)


def _everything(engine: Engine) -> bytes:
    """Return all that a thief gets: the files of SQLite, or every value of every table."""
    if engine.dialect.name == "sqlite":
        file = Path(str(engine.url.database))
        return b"".join(one.read_bytes() for one in file.parent.glob(f"{file.name}*"))
    with engine.connect() as connection:
        tables = connection.scalars(text(_TABLES)).all()
        rows = [connection.execute(text(f'SELECT t::text FROM "{one}" t')).all() for one in tables]  # noqa: S608 (names of the catalogue)
    return repr(rows).encode()


@pytest.fixture
def sold(engine: Engine) -> tuple[Engine, list[Any]]:
    """Give a database in which much was sold, and the sales."""
    sealed = engine.execution_options(**{VAULT: _VAULT})
    add_resident(engine)
    commands = [purchase() for _ in range(10)] + [purchase_of()]
    return engine, [(one, sell(sealed, one)) for one in commands]


def test_no_token_is_in_a_stolen_database(sold: tuple[Engine, list[Any]]) -> None:
    engine, sales = sold
    stolen = _everything(engine)
    assert sales[0][0].purchase_id.encode() in stolen, "it is not the database that was stolen"
    for _, sale in sales:
        for token in sale.tokens:
            for form in (token.digits, grouped(token.digits), f"{int(token.digits):x}"):
                assert form.encode() not in stolen


def test_whoever_has_the_service_as_well_but_no_data_key_is_told_no_token(
    sold: tuple[Engine, list[Any]],
) -> None:
    engine, sales = sold
    for command, _ in sales:
        with pytest.raises(NotOpened):
            retry(engine, command)
