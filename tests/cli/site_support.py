"""A small site for tests of the commands: its file, its tariffs, its meters, its database."""

from __future__ import annotations

import csv
import re
import sqlite3
import tempfile
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from tests.support.selling import FLAT
from tests.support.service import NOON, writing
from tests.support.vending_command import VendingCommand
from vending_api import migrations
from vending_api.cli.importing.meter_file import load_meters
from vending_api.cli.importing.site_file import load_site
from vending_api.domain.meter_lists.service import compare_list, enter_list
from vending_api.domain.sites.service import enter_site
from vending_api.kit.db import open_database

if TYPE_CHECKING:
    import pytest

PASSWORD: Final = "open sesame 1"
SITE: Final = """
[[utility]]
name = "Riverside"
address = "1 River Road"
vat_registration_number = "4123456789"
client_id = "0042"
message = "Thank you"
currency = "710"
time_zone = "Africa/Johannesburg"
[utility.limits]
minimum_minor = 1000
maximum_minor = 500000
[utility.rules]
meter_day_maximum_minor = 900000
reprints_a_day = 5
reversal = "credit-within"
reversal_minutes = 30
[[utility.supply_group]]
code = "100001"
key_revision = 1
[[tariff]]
name = "home"
file = "home.toml"
[[tariff]]
name = "shop"
file = "shop.toml"
[[client]]
user_name = "corner-shop"
name = "Corner Shop"
prepaid = true
sale_maximum_minor = 200000
day_maximum_minor = 10000000
slip_columns = 32
terminals = ["TILL0001", "TILL0002"]
password_file = "corner-shop.password"
"""
SHOP_TARIFF: Final = FLAT.replace(
    '[version.energy]\nrate = "100"',
    '[version.energy.classes.small]\nrate = "120"\n[version.energy.classes.big]\nrate = "80"',
)
NUMBERS: Final = ("04000047110", "04000047128", "04000047136")
"""DRNs with right check digits."""
PANS: Final = ("600727040000471107", "600727040000471289", "600727040000471362")
_PLAIN: Final = "100001,1,01,2014"
METERS: Final = f"""\
meter_number,drn,supply_group_code,key_revision_number,tariff_index,base_date,\
encryption_algorithm,tariff,first_name,last_name,address,customer_class,is_exempt,\
gets_free_units,is_blocked,minimum_minor,maximum_minor,debts
{NUMBERS[0]},{NUMBERS[0]},{_PLAIN},07,home,Thandi,Nkosi,1 River Road,,,,,,,
{NUMBERS[1]},{NUMBERS[1]},{_PLAIN},11,shop,Pieter,Botha,2 River Road,small,yes,\
yes,no,500,900,Rates: 32300; Water:100
{NUMBERS[2]},{NUMBERS[2]},{_PLAIN},07,home,Aisha,Khan,3 River Road,,no,no,YES,,,
"""


def station(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    folder: Path,
    *,
    has_site: bool = False,
    has_meters: bool = False,
) -> VendingCommand:
    """Return the command in a folder with the files of the site, over a database of its own.

    The database has the site, and its meters, if wanted.
    """
    (folder / "vending.db").write_bytes(_database(has_site=has_site, has_meters=has_meters))
    write_site(folder)
    monkeypatch.delenv("VENDING_KEYS_FILE", raising=False)
    monkeypatch.setenv("VENDING_DATABASE_URL", f"sqlite:///{folder / 'vending.db'}")
    return VendingCommand(monkeypatch, capsys, folder)


@cache
def _database(*, has_site: bool, has_meters: bool) -> bytes:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_site(folder)
        engine = open_database(f"sqlite:///{folder / 'vending.db'}", connections=1)
        migrations.upgrade(engine)
        with writing(engine) as connection, connection.begin():
            if has_site or has_meters:
                site = load_site(folder / "site.toml").site
                enter_site(connection, site, passwords={"corner-shop": PASSWORD}, at=NOON)
            if has_meters:
                meters = load_meters(folder / "meters.csv")
                comparison = compare_list(connection, meters.entries, meters.fields, NOON)
                enter_list(connection, comparison)
        engine.dispose()
        return (folder / "vending.db").read_bytes()


def write_site(folder: Path, *replaced: tuple[str, str]) -> None:
    """Write the files of the site, with these texts replaced in the site file."""
    site = SITE
    for old, new in replaced:
        assert old in site
        site = site.replace(old, new)
    password = folder / "corner-shop.password"
    password.write_text(f"{PASSWORD}\n")
    password.chmod(0o600)
    (folder / "site.toml").write_text(site)
    (folder / "home.toml").write_text(FLAT)
    (folder / "shop.toml").write_text(SHOP_TARIFF)
    (folder / "meters.csv").write_text(METERS)


def rows(folder: Path, table: str, columns: str = "*") -> list[tuple[Any, ...]]:
    """Return columns of all rows of a table."""
    connection = sqlite3.connect(folder / "vending.db")
    found = connection.execute(f"SELECT {columns} FROM {table}").fetchall()  # noqa: S608 (our own)
    connection.close()
    return found


def refused(vending: VendingCommand, folder: Path, *replaced: tuple[str, str]) -> list[str]:
    """Import a site file that is wrong, and return what is said of it, line by line."""
    write_site(folder, *replaced)
    done = vending("import", "site.toml")
    assert done.code == 1
    first, *problems = done.err.splitlines()
    assert re.fullmatch(r"vending: site\.toml: [0-9]+ problems?; nothing was written", first), (
        done.err
    )
    assert f"{len(problems)} problem" in first
    assert [rows(folder, table) for table in ("utility", "tariff", "client")] == [[], [], []]
    return [problem.strip() for problem in problems]


def cells(**changed: str) -> dict[str, str]:
    """Return the first meter's cells by column, some of them changed."""
    head, first, *_ = METERS.splitlines()
    return dict(zip(head.split(","), first.split(","), strict=True)) | changed


def write_rows(folder: Path, *meters: dict[str, str]) -> None:
    """Write a list that has the columns of its first row."""
    with (folder / "meters.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, list(meters[0]))
        writer.writeheader()
        writer.writerows(meters)
