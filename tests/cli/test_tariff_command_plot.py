"""`vending tariff plot`: the pictures are drawn for real, and the prices in them are right."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest

from tariffs.account import Account
from tariffs.document import load_tariff, parse_tariff
from tariffs.errors import OutsideLimits
from tests.support.vending_command import VendingCommand
from vending_api.cli.tariff.curve import Buyer, Point, curve, noise, stretches

if TYPE_CHECKING:
    from collections.abc import Iterator

EXAMPLES: Final = Path(__file__).parents[2] / "tariffs" / "examples"
TSHWANE: Final = EXAMPLES / "tshwane-2022.toml"
CITY_POWER: Final = EXAMPLES / "citypower-2024.toml"
PNG: Final = b"\x89PNG\r\n\x1a\n"
AT: Final = datetime(2026, 3, 1, 10, tzinfo=UTC)
LIMITED: Final = """
name = "Costs $1, $2 or more"
unit = "kWh"
price_currency = "USD"
time_zone = "Africa/Harare"
source = "made up"
[[version]]
valid_from = 2026-01-01
[version.energy.classes.home]
blocks = [ { up_to = "50", rate = "8" }, { rate = "26" } ]
[version.energy.classes.shop]
rate = "30"
[version.limits]
minimum_minor = 100
maximum_minor = 900
"""


@pytest.fixture
def vending(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> VendingCommand:
    return VendingCommand(monkeypatch, capsys, tmp_path)


@pytest.fixture(autouse=True, scope="module")
def _font_cache_of_its_own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keep matplotlib from writing to the home folder of whoever runs the tests."""
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("MPLCONFIGDIR", str(tmp_path_factory.mktemp("matplotlib")))
        yield


def _buyer(file: Path) -> Buyer:
    return Buyer(load_tariff(file), Account(), AT, None)


def _limited(customer_class: str = "home") -> Buyer:
    tariff = parse_tariff(LIMITED, document="limited")
    return Buyer(tariff, Account(customer_class=customer_class), AT, None)


def _prices(buyer: Buyer, to_minor: int | None = None) -> list[tuple[float, float, float]]:
    points = curve(buyer, to_minor)
    return [
        (round(one.start, 1), round(one.end, 1), round(one.price_minor, 2))
        for one in stretches(points, noise(buyer, points))
    ]


def test_the_picture_is_named_as_the_tariff_and_lies_in_this_folder(
    vending: VendingCommand, tmp_path: Path
) -> None:
    done = vending("tariff", "plot", TSHWANE)
    assert (done.code, done.out) == (0, "")
    assert "Wrote tshwane-2022.png" in done.err
    assert (tmp_path / "tshwane-2022.png").read_bytes().startswith(PNG)


def test_an_svg_says_the_name_the_version_and_what_the_axes_mean(
    vending: VendingCommand, tmp_path: Path
) -> None:
    assert vending("tariff", "plot", CITY_POWER, "--out", "a.svg").code == 0
    picture = (tmp_path / "a.svg").read_text()
    for text in (
        "City Power residential prepaid, prices from 2024-07-01",
        "money paid, ZAR",
        "units, kWh",
        "ZAR per kWh",
        "4.823",  # half of each purchase goes to the charge: 2.097 with VAT, twice
        "2.822",
    ):
        assert f">{text}<" in picture


def test_the_same_tariff_gives_the_same_svg(vending: VendingCommand, tmp_path: Path) -> None:
    for name in ("one.svg", "two.svg"):
        assert vending("tariff", "plot", TSHWANE, "--out", name, "--at", "2022-08-01").code == 0
    assert (tmp_path / "one.svg").read_bytes() == (tmp_path / "two.svg").read_bytes()


def test_a_class_and_a_name_with_dollars_are_in_the_title(
    vending: VendingCommand, tmp_path: Path
) -> None:
    (tmp_path / "limited.toml").write_text(LIMITED)
    done = vending("tariff", "plot", "limited.toml", "--class", "shop", "--out", "[LIMITED].SVG")
    assert (done.code, done.err) == (0, "Wrote [LIMITED].SVG\n")
    title = "Costs $1, $2 or more, class shop, prices from 2026-01-01"
    assert title in (tmp_path / "[LIMITED].SVG").read_text()


def test_a_purchase_that_all_goes_to_charges_is_said_in_the_picture(
    vending: VendingCommand, tmp_path: Path
) -> None:
    file = EXAMPLES / "kenya-2018.toml"
    done = vending("tariff", "plot", file, "--to", "17400", "--out", "none.svg")
    assert done.code == 0, done.err
    assert "no money is left for units" in (tmp_path / "none.svg").read_text()
    assert vending("tariff", "plot", file, "--to", "17500", "--out", "some.svg").code == 0
    assert "no money is left for units" not in (tmp_path / "some.svg").read_text()


def test_a_picture_is_a_png_or_an_svg_in_a_folder_that_exists(vending: VendingCommand) -> None:
    other = vending("tariff", "plot", TSHWANE, "--out", "a.pdf")
    assert (other.code, other.out) == (2, "")
    assert "--out" in other.err
    assert ".png, .svg" in other.err
    nowhere = vending("tariff", "plot", TSHWANE, "--out", "none/a.png")
    assert nowhere.code == 1
    assert "none/a.png" in nowhere.err
    assert vending("tariff", "plot", TSHWANE, "--to", "0").code == 2


def test_without_matplotlib_one_line_says_how_to_install_it(
    vending: VendingCommand, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    done = vending("tariff", "plot", TSHWANE)
    assert (done.code, done.out) == (1, "")
    assert done.err.splitlines() == [
        "vending: a plot needs matplotlib: pip install 'sts-vending[plot]'"
    ]
    assert list(tmp_path.iterdir()) == []


def test_the_price_of_one_more_unit_is_that_of_its_block_with_tax() -> None:
    prices = _prices(_buyer(TSHWANE))
    assert [price for _, _, price in prices] == pytest.approx(
        [241.155, 282.222, 307.487, 331.476], abs=0.006
    )
    assert [end for _, end, _ in prices] == pytest.approx([100, 400, 650, 910], abs=0.3)


def test_small_prices_are_right_too() -> None:
    prices = _prices(_buyer(EXAMPLES / "zetdc-2024-03.toml"))
    assert [price for _, _, price in prices] == [8.48, 9.54, 16.96, 24.38, 26.5, 27.56]
    assert [end for _, end, _ in prices] == pytest.approx([50, 100, 200, 300, 400, 560], abs=0.5)


def test_a_charge_that_takes_a_share_doubles_the_price_until_it_is_paid() -> None:
    first, second, *_ = _prices(_buyer(CITY_POWER))
    assert first[1] == pytest.approx(95.4, abs=0.5)  # R230 of R460
    assert first[2] == pytest.approx(482.31, rel=0.002)
    assert second[2] == pytest.approx(241.16, rel=0.01)


def test_a_flat_tariff_has_one_price() -> None:
    [(start, end, price)] = _prices(_buyer(EXAMPLES / "eskom-homelight-2025.toml"))
    assert (start, end) == (0, 200)
    assert price == 248.53


def test_stretches_join_and_cover_all_units() -> None:
    for file in EXAMPLES.glob("*.toml"):
        buyer = _buyer(file)
        points = curve(buyer, None)
        prices = stretches(points, noise(buyer, points))
        assert prices[0].start == 0
        assert prices[-1].end == points[-1].units
        assert all(one.end == other.start for one, other in pairwise(prices))


@pytest.mark.parametrize("to_minor", [1, 2, 20, 1000])
def test_sums_of_a_few_cents_have_a_price_or_none(to_minor: int) -> None:
    for _, _, price in _prices(_buyer(CITY_POWER), to_minor):
        assert price == pytest.approx(482.31, rel=0.5)


def test_only_sums_within_the_limits_are_shown() -> None:
    points = curve(_limited(), None)
    assert points[0].amount_minor == 100
    assert points[-1].amount_minor == 900
    assert curve(_limited("shop"), None)[-1].amount_minor == 900
    assert curve(_limited(), 400)[-1] == Point(400, 50.0)
    with pytest.raises(OutsideLimits):
        curve(_limited(), 99)
    assert curve(_limited(), 100) == [Point(100, 12.5)]
    assert stretches([Point(100, 12.5)], 0.0) == []


def test_a_tariff_with_a_large_minimum_is_shown_from_there_on() -> None:
    text = LIMITED.replace("maximum_minor = 900", "").replace("= 100", "= 90000")
    tariff = parse_tariff(text, document="limited")
    buyer = Buyer(tariff, Account(customer_class="home"), AT, None)
    points = curve(buyer, None)
    assert (points[0].amount_minor, points[-1].amount_minor) == (90_000, 180_000)


def test_the_rate_of_the_day_exchanges_the_prices() -> None:
    text = LIMITED.replace('"USD"', '"USD"\npayment_currency = "ZWG"').partition("[version.lim")[0]
    tariff = parse_tariff(text, document="exchanged")
    buyer = Buyer(tariff, Account(customer_class="shop"), AT, Decimal(25))
    assert _prices(buyer) == [(0, 200, 750)]
