"""Databases full of sales whose tokens are real, for `audit.py`.

As in `history.py`, but the digits of each token are made under its meter's key.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pyarrow as pa
from pyarrow import csv
from sqlalchemy import Connection, select

from benchmarks import history, shop
from benchmarks.opening import open_database
from sts.batch import BatchSecurityModule
from sts.keys.key_file import load_key_file
from sts.security_module import InProcessSecurityModule
from sts.tokens.codec import TokenCodec
from vending_api.domain.clients.service import find_client
from vending_api.domain.issuing.digits import digits_of
from vending_api.domain.issuing.service import TokenMaker
from vending_api.domain.issuing.tables import TOKEN
from vending_api.domain.meters.tables import METER
from vending_api.domain.sales.types import Sale, SellCredit
from vending_api.domain.selling.service import sell
from vending_api.kit.db import WRITES
from vending_api.kit.group import finished
from vending_api.kit.vault import vault_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from benchmarks.databases import Databases
    from benchmarks.history import Dated
    from benchmarks.shop import Shop

_TEMPLATES: Final = 200
_RANDOM: Final = 5
_AT_ONCE: Final = 50_000
_GHOST_EACH: Final = 100
_TYPED_EACH: Final = 1_000
_MINUTES_BEFORE: Final = 7
_HELD: Final = (
    "supply_group_code",
    "key_revision_number",
    "tariff_index",
    "encryption_algorithm",
)
_FOUND: Final = (
    METER.c.external_id.label("meter"),
    METER.c.pan,
    TOKEN.c.digits.label("token"),
    TOKEN.c.sale_key,
    TOKEN.c.token_identifier,
    *(TOKEN.c[name] for name in _HELD),
)


def filled(
    opened: Databases, folder: Path, *, meters: int, sales: int, told: Callable[[int], None]
) -> Shop:
    """Fill a new database, and return what it was filled with."""
    (folder / "source").mkdir()
    source = shop.prepare(folder / "source", opened.new("source"), meters=_TEMPLATES)
    _sell_once(source)
    prepared = shop.prepare(folder, opened.filled_url, meters=meters)
    module = BatchSecurityModule(load_key_file(prepared.keys_file))
    pans = _pans(prepared.database_url)

    def digits(tokens: Sequence[Dated]) -> list[str]:
        return _digits(module, pans, tokens)

    history.fill(opened.filled_url, source.database_url, sales=sales, told=told, digits=digits)
    opened.settle()
    return prepared


def write_found(prepared: Shop, file: Path, count: int) -> dict[str, int]:
    """Write up to so many sold tokens into a CSV file, and return which others stand among them.

    One in a hundred was made by somebody else who has the keys; one in a thousand is mistyped.
    """
    module = BatchSecurityModule(load_key_file(prepared.keys_file))
    engine = open_database(prepared.database_url, connections=1)
    spoilt = {"never_sold": 0, "unreadable": 0}
    names = ("meter", "token", "when", "where")
    with engine.connect() as connection, csv.CSVWriter(file, _schema(names)) as writer:
        statement = select(*_FOUND).join(METER, METER.c.key == TOKEN.c.meter_key)
        rows = connection.execution_options(stream_results=True).execute(
            # In no order of ours, as heaps of slips are.
            statement.order_by(TOKEN.c.digits).limit(count)
        )
        for some in rows.partitions(_AT_ONCE):
            table = pa.Table.from_pylist([row._asdict() for row in some])
            vault = vault_of(connection)
            tokens = [digits_of(vault, row.token, row.sale_key) for row in some]
            tokens[::_GHOST_EACH] = _ghosts(
                module, table.take([*range(0, len(table), _GHOST_EACH)])
            )
            typed = tokens[1::_TYPED_EACH]
            tokens[1::_TYPED_EACH] = [one[:-1] + str((int(one[-1]) + 1) % 10) for one in typed]
            spoilt["never_sold"] += len(tokens[::_GHOST_EACH])
            spoilt["unreadable"] += len(typed)
            notes = ([note] * len(tokens) for note in ("2026-11-03", "Stand 14"))
            writer.write_table(pa.table([table["meter"], pa.array(tokens), *notes], names))
    engine.dispose()
    return spoilt


def _schema(names: Sequence[str]) -> Any:
    return pa.schema([(name, pa.string()) for name in names])


def _ghosts(module: BatchSecurityModule, like: Any) -> list[str]:
    """Return tokens for the meters of others, some minutes before those."""
    minutes = like["token_identifier"].to_numpy() - _MINUTES_BEFORE
    columns = {name: like[name] for name in (*_HELD, "pan")} | {
        "token_identifier_minutes": pa.array(minutes),
        "amount_tenths": pa.array(np.full(len(like), 3_000)),
        "random": pa.array(np.full(len(like), _RANDOM)),
    }
    tokens: list[str] = module.issue(pa.table(columns))["token"].to_pylist()
    return tokens


def _digits(
    module: BatchSecurityModule, pans: dict[int, str], tokens: Sequence[Dated]
) -> list[str]:
    """Return the tokens of rows: under the key data of the sale that each is like."""
    columns = {name: pa.array([one.like[name] for one in tokens]) for name in _HELD}
    columns["pan"] = pa.array([pans[one.meter_key] for one in tokens])
    columns["token_identifier_minutes"] = pa.array([one.identifier for one in tokens])
    columns["amount_tenths"] = pa.array([one.like["units_tenths"] for one in tokens])
    columns["random"] = pa.array(np.full(len(tokens), _RANDOM))
    made = module.issue(pa.table(columns))
    assert made["error"].null_count == len(tokens), made["message"].drop_null()[0]
    digits: list[str] = made["token"].to_pylist()
    return digits


def _pans(url: str) -> dict[int, str]:
    engine = open_database(url, connections=1)
    with engine.connect() as connection:
        found = {row.key: row.pan for row in connection.execute(select(METER.c.key, METER.c.pan))}
    engine.dispose()
    return found


def _sell_once(source: Shop) -> None:
    """Sell once to each meter of a database, for various sums."""
    module = InProcessSecurityModule(load_key_file(source.keys_file), TokenCodec())
    maker = TokenMaker(module, lambda: _RANDOM, lambda: "source")
    engine = open_database(source.database_url, connections=1)
    now = datetime.now(UTC)
    with engine.connect().execution_options(**{WRITES: True}) as connection, connection.begin():
        client = find_client(connection, shop.USER)
        for number, meter in enumerate(source.meters):
            command = SellCredit(
                purchase_id=f"template {number}",
                message_id=f"template {number}",
                external_meter_id=meter,
                amount_minor=150_000 + 500 * number,
                currency=shop.CURRENCY,
                terminal_id=shop.TERMINALS[0],
                client=client,
                received_at=now + timedelta(seconds=number),
            )
            _require_sale(connection, maker, replace(command))
    engine.dispose()


def _require_sale(connection: Connection, maker: TokenMaker, command: SellCredit) -> None:
    outcome = finished(sell(connection, maker, command))
    assert isinstance(outcome, Sale), outcome
