"""Selling as tests do it: each step in a transaction of its own, on the demo's register."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sqlalchemy import Table, func, select, update

from tests.support.service import FlippingCodec, demo_token_maker, writing
from vending_api.domain.accounts import service as accounts
from vending_api.domain.meters.service import register_tariff
from vending_api.domain.meters.tables import METER
from vending_api.domain.sales.types import Sale
from vending_api.domain.selling import service
from vending_api.kit.errors import Refusal
from vending_api.kit.group import finished

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import Connection, Engine

    from sts.token_identifier import TokenIdentifier
    from tariffs.account import Account
    from vending_api.domain.issuing.service import TokenMaker
    from vending_api.domain.issuing.types import SoldToken
    from vending_api.domain.sales.types import SellCredit
    from vending_api.kit.errors import DomainError
    from vending_api.kit.group import Unfinished

MAKER: Final = demo_token_maker()
BROKEN_MAKER: Final = demo_token_maker(FlippingCodec())
"""No token that it makes reads back."""

FLAT: Final = """
name = "flat"
unit = "kWh"
price_currency = "ZAR"
time_zone = "Africa/Johannesburg"
source = "made up"
[[version]]
valid_from = 2014-01-01
[version.energy]
rate = "100"
"""
"""A tariff of R1 a unit; tests append to it what they are about."""

EVERYTHING: Final = """
name = "everything"
unit = "kWh"
price_currency = "ZAR"
time_zone = "Africa/Johannesburg"
source = "made up"
[[version]]
valid_from = 2014-01-01
[version.energy]
blocks = [{ up_to = "10", rate = "151.7" }, { up_to = "30", rate = "247.3" }, { rate = "301.9" }]
[version.channel_fee]
name = "Cash handling"
flat_minor = 35
percent = "1.5"
maximum_minor = 500
[[version.charge]]
name = "Network"
every = "month"
amount_minor = "4000"
share_percent = "30"
[[version.charge]]
name = "Meter reading"
every = "day"
amount_minor = "27.5"
[[version.charge]]
name = "Meter rent"
every = "first-purchase"
amount_minor = "511"
[[version.per_unit]]
name = "Fuel"
rate = "12.5"
[[version.per_unit]]
name = "Forex"
rate = "3.17"
[[version.levy]]
name = "Rural"
percent = "5"
on = ["energy"]
[[version.levy]]
name = "Regulator"
percent = "1"
on = "everything"
[[version.tax]]
name = "VAT"
percent = "15"
on = ["energy", "Fuel", "Rural", "Network"]
[[version.tax]]
name = "Stamp"
percent = "2"
on = ["Meter rent", "energy"]
[version.debt]
share_percent = "20"
[version.free_units]
units = "5"
counts_towards_blocks = true
[version.rounding]
step = "0.1"
direction = "up"
remainder = "carry"
"""
"""A tariff with everything that a tariff can say switched on."""


def in_transaction(
    engine: Engine,
    act: Callable[[Connection, TokenMaker, SellCredit], Sale | Unfinished[Sale] | Refusal],
    command: SellCredit,
    maker: TokenMaker = MAKER,
) -> Sale | Refusal:
    with writing(engine) as connection, connection.begin():
        return finished(act(connection, maker, command))


def sell(engine: Engine, command: SellCredit, maker: TokenMaker = MAKER) -> Sale:
    outcome = in_transaction(engine, service.sell, command, maker)
    assert isinstance(outcome, Sale)
    return outcome


def retry(engine: Engine, command: SellCredit) -> Sale:
    outcome = in_transaction(engine, service.retry, command)
    assert isinstance(outcome, Sale)
    return outcome


def refusal(engine: Engine, command: SellCredit, maker: TokenMaker = MAKER) -> DomainError:
    outcome = in_transaction(engine, service.sell, command, maker)
    assert isinstance(outcome, Refusal)
    return outcome.reason


def count(engine: Engine, table: Table) -> int:
    with engine.connect() as connection:
        return connection.execute(select(func.count()).select_from(table)).scalar_one()


def change_meter(engine: Engine, **values: object) -> None:
    with writing(engine) as connection, connection.begin():
        connection.execute(update(METER).where(METER.c.external_id == "TST001").values(**values))


def use_tariff(engine: Engine, document: str, external_id: str = "TST001") -> None:
    """Put a meter under a tariff, and let it buy for any sum."""
    with writing(engine) as connection, connection.begin():
        tariff_key = register_tariff(connection, f"tariff of {external_id}", document)
        connection.execute(
            update(METER)
            .where(METER.c.external_id == external_id)
            .values(
                tariff_key=tariff_key,
                minimum_purchase_minor=0,
                maximum_purchase_minor=10**9,
            )
        )


def meter_key(connection: Connection, external_id: str = "TST001") -> int:
    statement = select(METER.c.key).where(METER.c.external_id == external_id)
    return int(connection.execute(statement).scalar_one())


def account(engine: Engine, external_id: str = "TST001") -> Account:
    with engine.connect() as connection:
        return accounts.account_of(connection, meter_key(connection, external_id))


def set_account(engine: Engine, account: Account, external_id: str = "TST001") -> None:
    with writing(engine) as connection, connection.begin():
        key = meter_key(connection, external_id)
        before = accounts.account_of(connection, key)
        accounts.store_account(connection, key, account, before=before)


def identifier_of(token: SoldToken) -> TokenIdentifier:
    """Return the identifier of a token that has one."""
    assert token.token_identifier is not None
    return token.token_identifier
