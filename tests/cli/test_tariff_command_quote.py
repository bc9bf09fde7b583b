"""`vending tariff quote`: the shipped tariffs give their official figures at the command line."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import pytest

from tests.support.vending_command import VendingCommand

EXAMPLES: Final = Path(__file__).parents[2] / "tariffs" / "examples"
WATER: Final = """
name = "Water, in shillings"
unit = "m3"
price_currency = "UGX"
time_zone = "Africa/Kampala"
source = "made up"
[[version]]
valid_from = 2026-01-01
[version.energy]
blocks = [ { up_to = "10", rate = "3516" }, { rate = "3949.5" } ]
[version.debt]
share_percent = "25"
[version.free_units]
units = "2"
counts_towards_blocks = true
[version.rounding]
direction = "down"
remainder = "carry"
"""


@pytest.fixture
def vending(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> VendingCommand:
    return VendingCommand(monkeypatch, capsys, tmp_path)


@pytest.fixture
def water(tmp_path: Path) -> Path:
    file = tmp_path / "water.toml"
    file.write_text(WATER)
    return file


def _quoted(vending: VendingCommand, tariff: str | Path, *options: object) -> dict[str, Any]:
    file = EXAMPLES / f"{tariff}.toml" if isinstance(tariff, str) else tariff
    done = vending("tariff", "quote", file, *options, "--json")
    assert (done.code, done.err) == (0, "")
    answer: dict[str, Any] = json.loads(done.out, parse_float=Decimal)
    lines = answer["lines"]
    paid = sum(line["amount_minor"] + line["tax_minor"] for line in lines)
    assert paid == answer["amount_minor"]
    return answer


@pytest.mark.parametrize(
    ("tariff", "amount_minor", "at", "exact", "units"),
    [
        ("tshwane-2022", 24_116, "2022-07-15", "100.0018", "100.1"),
        ("tshwane-2022", 100_000, "2022-07-15", "368.8828", "368.9"),
        ("eskom-homelight-2025", 10_000, "2025-04-01", "40.2372", "40.3"),
        ("nigeria-band-a-2024", 1_000_000, "2024-04-10", "41.3437", "41.4"),
    ],
)
def test_money_buys_the_official_units(
    vending: VendingCommand, tariff: str, amount_minor: int, at: str, exact: str, units: str
) -> None:
    answer = _quoted(vending, tariff, "--amount", amount_minor, "--at", at)
    assert round(answer["units_exact"], 4) == Decimal(exact)
    assert answer["units"] == Decimal(units)
    assert answer["amount_minor"] == amount_minor
    assert sum(tax["amount_minor"] for tax in answer["taxes"]) == answer["tax_minor"]


@pytest.mark.parametrize(
    ("units", "amount_minor"),
    [
        *((50, 424), (100, 901), (250, 3816), (350, 6360)),
        *((500, 10_441), (700, 15_953), (1000, 24_221)),
    ],
)
def test_units_cost_the_official_money(
    vending: VendingCommand, units: int, amount_minor: int
) -> None:
    answer = _quoted(vending, "zetdc-2024-03", "--units", units, "--at", "2024-03-05")
    assert answer["amount_minor"] == amount_minor
    assert answer["units"] == units
    assert answer["tax_minor"] == 0


def test_the_rate_is_that_of_the_day_in_the_tariffs_time_zone(vending: VendingCommand) -> None:
    def rate(at: str) -> Any:
        answer = _quoted(vending, "nigeria-band-a-2024", "--amount", 100_000, "--at", at)
        return answer["lines"][0]["rate"], answer["version"]

    assert rate("2024-05-05") == (Decimal(22500), "2024-04-03")
    assert rate("2024-05-06") == (Decimal(20680), "2024-05-06")
    assert rate("2024-05-05T23:59:59") == (Decimal(22500), "2024-04-03")  # Lagos is UTC+1
    assert rate("2024-05-05T22:59:59Z") == (Decimal(22500), "2024-04-03")
    assert rate("2024-05-05T23:00:00Z") == (Decimal(20680), "2024-05-06")


def test_without_a_date_the_sale_is_now(vending: VendingCommand) -> None:
    answer = _quoted(vending, "eskom-homelight-2025", "--amount", 10_000)
    assert answer["at"] > "2026"


@pytest.mark.parametrize(
    ("amount_minor", "now", "owed"), [(50_000, 23_000, 0), (20_000, 10_000, 13_000)]
)
def test_a_charge_takes_half_of_a_purchase_at_most_and_the_rest_is_owed(
    vending: VendingCommand, amount_minor: int, now: int, owed: int
) -> None:
    options = ("--amount", amount_minor, "--at", "2024-09-15")
    answer = _quoted(vending, "citypower-2024", *options)
    [charge] = [line for line in answer["lines"] if line["kind"] == "charge"]
    assert charge["amount_minor"] + charge["tax_minor"] == now
    assert charge["balance_minor"] == answer["owed_minor"] == owed
    table = vending("tariff", "quote", EXAMPLES / "citypower-2024.toml", *options).out
    assert ("Still owed: ZAR 130.00 service charge" in table) == bool(owed)


def test_what_was_owed_before_and_silent_months_are_taken_too(vending: VendingCommand) -> None:
    options = ("--amount", 200_000, "--at", "2024-10-15")
    settled = _quoted(vending, "citypower-2024", *options, "--last-purchase", "2024-10-01")
    assert settled["lines"][0]["kind"] == "energy"
    owing = _quoted(vending, "citypower-2024", *options, "--bought", "1", "--owed", 13_000)
    assert owing["lines"][0]["amount_minor"] + owing["lines"][0]["tax_minor"] == 13_000
    silent = _quoted(vending, "citypower-2024", *options, "--last-purchase", "2024-07-31")
    assert silent["lines"][0]["amount_minor"] + silent["lines"][0]["tax_minor"] == 3 * 23_000
    exempt = _quoted(vending, "citypower-2024", *options, "--exempt")
    assert exempt["lines"][0]["kind"] == "energy"


def test_units_bought_before_move_the_blocks_and_settle_the_months_charge(
    vending: VendingCommand,
) -> None:
    first = _quoted(vending, "kenya-2018", "--amount", 50_000, "--at", "2018-09-03")
    assert first["units"] == Decimal("32.3")
    assert first["lines"][0]["kind"] == "charge"
    second = _quoted(
        *(vending, "kenya-2018", "--amount", 50_000, "--at", "2018-09-20", "--bought", "32.3")
    )
    assert second["units"] == Decimal("31.3")
    energy = [line["quantity"] for line in second["lines"] if line["kind"] == "energy"]
    assert energy == [Decimal("17.7"), Decimal("13.6")]


def test_json_numbers_are_written_without_a_floats_last_digits(vending: VendingCommand) -> None:
    file = EXAMPLES / "tshwane-2022.toml"
    done = vending("tariff", "quote", file, "--amount", 24_116, "--at", "2022-07-15", "--json")
    assert '"units": 100.1,' in done.out
    assert '"units_exact": 100.0017716581,' in done.out
    assert '"rate": 209.70,' in done.out
    for name in ("change_minor", "free_units", "owed_minor", "carried_minor", "debts"):
        assert f'"{name}": ' in done.out
    assert json.loads(done.out)["units"] == 100.1


def test_the_table_is_one_that_a_customer_reads(vending: VendingCommand) -> None:
    file = EXAMPLES / "tshwane-2022.toml"
    done = vending("tariff", "quote", file, "--amount", 100_000, "--at", "2022-07-15")
    name, sale, empty, *table = done.out.splitlines()
    assert (name, empty) == ("Tshwane residential prepaid", "")
    assert sale == "Sale of 2022-07-15 12:00, prices from 2022-07-01"
    assert table[0].split() == ["Quantity", "Rate", "Amount", "Tax"]
    assert table[1].split() == ["What,", "and", "why", "kWh", "ZAR/kWh", "ZAR", "ZAR"]
    assert table[2] == table[6] == "─" * 80
    first, second, rounding = (row.partition(", ") for row in table[3:6])
    assert first[0] == second[0] == "energy"
    assert first[2].split()[-4:] == ["100", "2.0970", "209.70", "31.45"]
    assert second[2].split()[-4:] == ["268.9", "2.4541", "659.91", "98.98"]
    assert rounding[0] == "rounding"
    assert rounding[2].split()[-1] == "-0.04"
    assert table[7].split() == ["Together", "869.57", "130.43"]
    assert table[8:] == [
        "",
        "ZAR 1,000.00 buys 368.9 kWh (368.8828 before rounding)",
        "VAT 15 %: ZAR 130.43",
    ]


@pytest.mark.parametrize("file", sorted(EXAMPLES.glob("*.toml")), ids=lambda file: file.stem)
@pytest.mark.parametrize("amount_minor", [100, 100_000, 2_000_000])
def test_every_table_fits_80_columns(
    vending: VendingCommand, file: Path, amount_minor: int
) -> None:
    done = vending("tariff", "quote", file, "--amount", amount_minor, "--debt", 50_000)
    assert done.code == 0
    assert max(map(len, done.out.splitlines())) <= 80
    if amount_minor > 100:
        assert " kWh" in done.out


def test_a_debt_free_units_and_what_is_carried_are_said(
    vending: VendingCommand, water: Path
) -> None:
    options = ("--amount", 40_000, "--debt", 15_000, "--free-units", "--at", "2026-03-01")
    answer = _quoted(vending, water, *options)
    assert answer["free_units"] == 2
    assert answer["debts"] == [{"name": "debt", "balance_minor": 5_000}]
    # 30 000 after the debt: 8 m3 are left of the first block, and 0.4 at the next price.
    assert answer["units"] == Decimal("8.4")
    assert answer["carried_minor"] == answer["change_minor"] == 292
    table = vending("tariff", "quote", water, *options).out
    assert "Tax" not in table
    assert "UGX 40,000 buys 8.4 m3" in table
    assert "2 m3 are free, on a token of their own" in table
    assert "Still owed: UGX 5,000 debt" in table
    assert "For the next purchase: UGX 292" in table
    again = _quoted(vending, water, *options, "--bought", "1")
    assert again["free_units"] == 0


def test_a_class_has_its_own_prices_and_the_rate_of_the_day_exchanges_them(
    vending: VendingCommand, tmp_path: Path
) -> None:
    file = tmp_path / "classes.toml"
    file.write_text(
        WATER.replace('price_currency = "UGX"', 'price_currency = "USD"\npayment_currency = "ZWG"')
        .replace("[version.energy]", "[version.energy.classes.home]")
        .replace("[version.debt]", '[version.energy.classes.shop]\nrate = "80"\n[version.debt]')
    )
    options = ("--amount", 100_000, "--fx", "25", "--at", "2026-03-01")
    answer = _quoted(vending, file, *options, "--class", "shop")
    assert answer["units"] == 50
    assert answer["currency"] == "ZWG"
    assert answer["lines"][0]["rate"] == 2000


@pytest.mark.parametrize(
    ("step", "asked", "units"),
    [
        ("0.1", "99.91", "100.0"),
        ("0.1", "1638.3", "1638.3"),
        ("0.1", "1638.41", "1639.4"),  # tokens go on in steps of a whole unit here
        ("1", "99.1", "100"),
        ("0.01", "1638.41", "1638.41"),  # no STS token counts so finely
        ("0.00001", "0.163831", "0.16384"),
        ("0.00001", "0.16385", "0.16394"),
    ],
)
def test_units_are_what_a_token_carries(
    vending: VendingCommand, tmp_path: Path, step: str, asked: str, units: str
) -> None:
    file = tmp_path / "steps.toml"
    rounding = f'[version.rounding]\nstep = "{step}"'
    file.write_text(WATER.partition("[version.debt]")[0] + rounding)
    asking = _quoted(vending, file, "--units", asked, "--at", "2026-03-01")
    assert asking["units"] == Decimal(units)
    paying = _quoted(*(vending, file, "--amount", asking["amount_minor"] + 1, "--at", "2026-03-01"))
    assert paying["units"] >= asking["units"]
