"""`vending tariff check`, and how every command of the group ends."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from decimal import Decimal
from pathlib import Path
from typing import Final

import pytest

from tests.support.vending_command import Done, VendingCommand

EXAMPLES: Final = Path(__file__).parents[2] / "tariffs" / "examples"
TSHWANE: Final = EXAMPLES / "tshwane-2022.toml"
CITY_POWER: Final = EXAMPLES / "citypower-2024.toml"
EVERYTHING: Final = """
name = "Everything at once"
unit = "m3"
price_currency = "USD"
payment_currency = "ZWG"
time_zone = "Africa/Harare"
source = "made up"

[[version]]
valid_from = 2026-01-01
tax_inclusive = true
order = ["channel-fee", "debt", "tax", "charges", "energy"]
[version.energy.classes.home]
blocks = [ { up_to = "6.5", rate = "40" }, { rate = "62.5" } ]
[version.energy.classes.shop]
rate = "71.25"
[version.channel_fee]
name = "mobile money"
flat_minor = 500
percent = "1"
minimum_minor = 600
maximum_minor = 4000
[[version.charge]]
name = "meter rent"
every = "day"
amount_minor = "1.5"
[[version.charge]]
name = "line"
every = "first-purchase"
amount_minor = "200"
accrues = true
exempt_customers_pay = false
[[version.per_unit]]
name = "sewer"
rate = "3"
[[version.levy]]
name = "fund"
percent = "2.5"
on = ["energy", "sewer"]
[[version.tax]]
name = "VAT"
percent = "18"
on = "everything"
[version.debt]
share_percent = "30"
fixed_minor = 20000
[version.free_units]
units = "2"
counts_towards_blocks = false
[version.rounding]
direction = "nearest"
remainder = "carry"
[version.limits]
minimum_minor = 1000
maximum_minor = 900000
month_maximum_minor = 2000000

[[version]]
valid_from = 2026-07-01
[version.energy.classes.home]
rate = "50"
"""


@pytest.fixture
def vending(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> VendingCommand:
    return VendingCommand(monkeypatch, capsys, tmp_path)


@pytest.fixture
def everything(tmp_path: Path) -> Path:
    file = tmp_path / "everything.toml"
    file.write_text(EVERYTHING)
    return file


def _refused(done: Done, code: int, *texts: str) -> None:
    assert done.code == code
    assert done.out == ""
    assert len(done.err.splitlines()) == 1
    assert done.err.startswith("vending: ")
    for text in texts:
        assert text in done.err


@pytest.mark.parametrize("file", sorted(EXAMPLES.glob("*.toml")), ids=lambda file: file.stem)
def test_every_shipped_tariff_is_right_and_fits_80_columns(
    vending: VendingCommand, file: Path
) -> None:
    done = vending("tariff", "check", file)
    assert done.code == 0
    assert done.err == ""
    head, _, tables = done.out.partition("\n\n")
    assert "Source: " in head
    assert max(map(len, tables.splitlines())) <= 80


def test_check_says_blocks_charges_and_taxes_with_their_bases(vending: VendingCommand) -> None:
    done = vending("tariff", "check", CITY_POWER)
    words = " ".join(done.out.split())
    assert "City Power" in words
    assert "From 2024-07-01, prices without tax" in words
    assert "energy first 100 kWh of a month ZAR 2.0970 / kWh" in words
    assert "above 100, up to 400 ZAR 2.4541 / kWh" in words
    assert "above 650 ZAR 2.8824 / kWh" in words
    assert "each month, also without a ZAR 200.00 purchase; at most 50 % of a purchase" in words
    assert "tax on energy, service charge" in words
    assert "15 %" in words


def test_check_says_everything_that_a_tariff_can_say(
    vending: VendingCommand, everything: Path
) -> None:
    words = " ".join(vending("tariff", "check", everything).out.split())
    for said in (
        "m3, priced in USD and paid in ZWG at the rate of the day",
        "Days of Africa/Harare",
        "From 2026-01-01 to 2026-06-30, prices with tax",
        "energy, class home first 6.5 m3 of a month USD 0.4000 / m3",
        "above 6.5 USD 0.6250 / m3",
        "energy, class shop every unit USD 0.7125 / m3",
        "sewer on each m3 USD 0.0300 / m3",
        "meter rent each day since the last USD 0.015 purchase",
        "with the first purchase of a USD 2.00 month, for silent months too; not for exempt",
        "mobile money on each purchase; at least ZWG ZWG 5.00 + 1 % 6.00; at most ZWG 40.00",
        "fund levy on energy, sewer 2.5 %",
        "VAT tax on energy, meter rent, 18 % line, sewer, fund",
        "debts of each purchase; at most ZWG 30 % 200.00",
        "they do not count towards the blocks",
        "money paid at least, in a purchase ZWG 10.00",
        "at most, in a purchase ZWG 9,000.00",
        "at most, in a month ZWG 20,000.00",
        "rounding to the nearest; the difference 0.1 m3 goes to the next purchase",
        "order first channel fee, then debts, then charges, then energy",
        "From 2026-07-01 Part",
    ):
        assert said in words


def test_what_a_tariff_calls_its_parts_is_printed_as_it_stands(
    vending: VendingCommand, tmp_path: Path
) -> None:
    named = tmp_path / "[bold].toml"
    text = TSHWANE.read_text().replace('"kWh"', '"[/kWh]"').replace('"VAT"', '"[red]"')
    named.write_text(text)
    assert "ZAR 2.0970 / [/kWh]" in vending("tariff", "check", named).out
    quoted = vending("tariff", "quote", named, "--amount", 100, "--at", "2022-08-01").out
    assert "ZAR/[/kWh]" in quoted
    assert "[red] 15 %" in quoted


def test_check_gives_programs_the_same_with_exact_numbers(
    vending: VendingCommand, everything: Path
) -> None:
    done = vending("tariff", "check", everything, "--json")
    said = json.loads(done.out, parse_float=Decimal)
    assert said["name"] == "Everything at once"
    first, second = said["versions"]
    assert first["valid_from"] == "2026-01-01"
    assert first["blocks"]["home"] == [
        {"rate": 40, "up_to": Decimal("6.5")},
        {"rate": Decimal("62.5"), "up_to": None},
    ]
    assert first["tax_inclusive"] is True
    assert first["taxes"][0]["percent"] == 18
    assert first["charges"][0]["every"] == "day"
    assert first["order"][-1] == "energy"
    assert first["limits"]["maximum_minor"] == 900_000
    assert second["taxes"] == []


def test_what_is_wrong_with_a_tariff_is_one_line_with_file_and_key(
    vending: VendingCommand, tmp_path: Path
) -> None:
    wrong = tmp_path / "wrong.toml"
    wrong.write_text(TSHWANE.read_text().replace('"245.41"', '"-245.41"'))
    for command in (("check",), ("quote", "--amount", "100"), ("plot",)):
        done = vending("tariff", command[0], wrong, *command[1:])
        _refused(done, 1, "wrong.toml", "version[1].energy.blocks[2].rate")


def test_a_missing_file_and_a_folder_are_wrong_usage(
    vending: VendingCommand, tmp_path: Path
) -> None:
    for command in (("check",), ("quote", "--amount", "100"), ("plot",)):
        _refused(vending("tariff", command[0], "none.toml", *command[1:]), 2, "none.toml")
        _refused(vending("tariff", command[0], tmp_path, *command[1:]), 2, "directory")


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ((), "--amount or --units"),
        (("--amount", 1, "--units", 1), "--amount or --units"),
        (("--amount", -1), "--amount"),
        (("--amount", "1.5"), "--amount"),
        (("--amount", "9" * 16), "--amount"),
        (("--units", "0"), "--units"),
        (("--units", "-1"), "--units"),
        (("--units", "NaN"), "--units"),
        (("--units", "1e9"), "--units"),
        (("--amount", 100, "--bought", "x"), "--bought"),
        (("--amount", 100, "--at", "yesterday"), "--at"),
        (("--amount", 100, "--at", "2022-13-01"), "--at"),
        (("--amount", 100, "--at", "0001-01-01T00:00:00+14:00"), "--at"),
        (("--amount", 100, "--last-purchase", "1 May"), "--last-purchase"),
        (("--amount", 100, "--fx", "0"), "--fx"),
        (("--amount", 100, "--fx", "18.2"), "nothing to exchange"),
        (("--amount", 100, "--owed", 100), "no charge that could be owed"),
        (("--amount", 100, "--debt", "-1"), "--debt"),
        (("--amount", 100, "--price", 1), "--price"),
    ],
)
def test_wrong_usage_is_one_line_that_names_the_option(
    vending: VendingCommand, options: tuple[object, ...], text: str
) -> None:
    _refused(vending("tariff", "quote", TSHWANE, *options), 2, text)


def test_a_last_purchase_must_fit_the_sale(vending: VendingCommand) -> None:
    quote = ("tariff", "quote", CITY_POWER, "--amount", 10_000, "--at", "2024-09-15")
    later = vending(*quote, "--last-purchase", "2024-09-16")
    _refused(later, 2, "--last-purchase", "2024-09-16 is after the sale, which is on 2024-09-15")
    assert vending(*quote, "--last-purchase", "2024-09-15").code == 0
    earlier = vending(*quote, "--last-purchase", "2024-08-31", "--bought", "1")
    _refused(earlier, 2, "--bought", "2024-09", "2024-08-31")
    assert vending(*quote, "--last-purchase", "2024-08-31", "--bought", "0").code == 0
    assert vending(*quote, "--last-purchase", "2024-09-01", "--bought", "1").code == 0


def test_what_the_tariff_does_not_sell_is_refused(
    vending: VendingCommand, everything: Path
) -> None:
    early = vending("tariff", "quote", TSHWANE, "--amount", 100, "--at", "2022-06-30")
    _refused(early, 1, "not yet on 2022-06-30")
    quote = ("tariff", "quote", everything, "--at", "2026-03-01", "--amount")
    _refused(vending(*quote, 5000, "--class", "home"), 1, "priced in USD and paid in ZWG")
    _refused(vending(*quote, 5000, "--class", "farm", "--fx", 26.8), 1, "home, shop")
    _refused(vending(*quote, 999, "--class", "home", "--fx", 26.8), 1, "1000 to 900000")
    too_much = vending("tariff", "quote", TSHWANE, "--at", "2022-08-01", "--amount", 10**14)
    _refused(too_much, 1, "18201624 tenths")


def test_a_class_that_is_needed_and_missing_is_wrong_usage_and_named(
    vending: VendingCommand, everything: Path
) -> None:
    at = ("--at", "2026-03-01", "--fx", "26.8")
    for command in (("quote", "--amount", 5000), ("plot",)):
        done = vending("tariff", command[0], everything, *command[1:], *at)
        _refused(done, 2, "--class", "home, shop")


def test_the_installed_command_works_from_any_folder(tmp_path: Path) -> None:
    done = subprocess.run(
        [
            *(sys.executable, "-c", "from vending_api.cli import main; main()"),
            *("tariff", "quote", str(TSHWANE), "--amount", "24116", "--at", "2022-08-01", "--json"),
        ],
        cwd=tmp_path,
        env=dict(os.environ) | {"PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert json.loads(done.stdout)["units"] == 100.1
    assert done.stderr == ""


@pytest.mark.parametrize("command", [(), ("check",), ("quote",), ("plot",)])
def test_every_command_explains_itself(vending: VendingCommand, command: tuple[str, ...]) -> None:
    done = vending("tariff", *command, "--help")
    assert done.code == 0
    assert "Usage: vending tariff" in done.out
