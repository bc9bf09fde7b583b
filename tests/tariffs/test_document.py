"""A tariff document: what it says is what is read, and every wrong value is told its key."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Final

import pytest

from tariffs.document import load_tariff, parse_tariff
from tariffs.errors import TariffInvalid
from tariffs.tariff import (
    Block,
    ChannelFee,
    Charge,
    DebtRule,
    Direction,
    Every,
    FreeUnits,
    Levy,
    Limits,
    PerUnit,
    Remainder,
    Rounding,
    Step,
    Tax,
)
from tests.tariffs.examples import NAMES, shipped

if TYPE_CHECKING:
    from pathlib import Path

    from tariffs.tariff import Version

HEAD: Final = """
name = "Small"
unit = "kWh"
price_currency = "ZAR"
time_zone = "Africa/Johannesburg"
source = "made up"
"""
SMALL: Final = f"""{HEAD}
[[version]]
valid_from = 2024-07-01
[version.energy]
rate = "100"
"""
FULL: Final = """
name = "Full"
unit = "m3"
price_currency = "USD"
payment_currency = "ZWG"
time_zone = "Africa/Harare"
source = "made up"

[[version]]
valid_from = 2024-07-01
tax_inclusive = true
order = ["debt", "channel-fee", "tax", "charges", "energy"]
[version.energy.classes.DL]
blocks = [ { up_to = "30", rate = "12.5" }, { up_to = "50.00001", rate = "0" }, { rate = "20" } ]
[version.energy.classes."DO 1"]
rate = "16.58"
[version.channel_fee]
name = "till"
flat_minor = 100
percent = "1.5"
minimum_minor = 150
maximum_minor = 150
[[version.charge]]
name = "standing"
every = "month"
amount_minor = "200.5"
share_percent = "50"
accrues = false
exempt_customers_pay = false
[[version.charge]]
name = "daily"
every = "day"
amount_minor = "6.58"
[[version.charge]]
name = "once"
every = "first-purchase"
amount_minor = "150"
[[version.per_unit]]
name = "fuel"
rate = "3.9808"
[[version.levy]]
name = "rural"
percent = "5"
on = "everything"
[[version.levy]]
name = "on top"
percent = "1000"
on = ["rural", "fuel"]
[[version.tax]]
name = "VAT"
percent = "15"
on = "everything"
exempt_customers_pay = true
[[version.tax]]
name = "lights"
percent = "0"
on = ["energy", "on top"]
[version.debt]
share_percent = "30"
fixed_minor = 500
[version.free_units]
units = "50"
counts_towards_blocks = true
[version.rounding]
step = "0.00001"
direction = "nearest"
remainder = "carry"
[version.limits]
minimum_minor = 1000
maximum_minor = 1000
month_maximum_minor = 5000

[[version]]
valid_from = 2024-07-02
[version.energy]
rate = "1"
"""


def parse(text: str) -> tuple[Version, ...]:
    return parse_tariff(text, document="t.toml").versions


def refusal_of(text: str) -> TariffInvalid:
    with pytest.raises(TariffInvalid) as refused:
        parse_tariff(text, document="t.toml")
    assert str(refused.value) == f"t.toml: {refused.value.key}: {refused.value.problem}"
    return refused.value


def changed(text: str, old: str, new: str) -> str:
    """Return the text with its first `old` replaced, which must be there."""
    assert old in text
    return text.replace(old, new, 1)


# What is read.


def test_a_small_document_takes_the_usual_for_all_that_it_leaves_out() -> None:
    tariff = parse_tariff(SMALL, document="t.toml")
    (version,) = tariff.versions
    assert tariff.payment_currency == tariff.price_currency == "ZAR"
    assert version.valid_from == date(2024, 7, 1)
    assert version.blocks == {"": (Block(rate=Decimal(100)),)}
    assert version.order == tuple(
        Step(step) for step in ("channel-fee", "debt", "tax", "charges", "energy")
    )
    assert not version.tax_inclusive
    assert version.rounding == Rounding()
    assert version.limits == Limits()
    nothing = (version.charges, version.per_unit, version.levies, version.taxes)
    assert nothing == ((), (), (), ())
    assert (version.channel_fee, version.debt, version.free_units) == (None, None, None)


def test_the_document_itself_is_read() -> None:
    tariff = parse_tariff(FULL, document="t.toml")
    assert (tariff.name, tariff.unit, tariff.source) == ("Full", "m3", "made up")
    assert (tariff.price_currency, tariff.payment_currency) == ("USD", "ZWG")
    assert tariff.time_zone == "Africa/Harare"
    assert [one.valid_from for one in tariff.versions] == [date(2024, 7, 1), date(2024, 7, 2)]


def test_every_rule_of_a_version_is_read() -> None:
    version = parse(FULL)[0]
    assert version.tax_inclusive
    assert [step.value for step in version.order[:2]] == ["debt", "channel-fee"]
    assert version.blocks == {
        "DL": (
            Block(rate=Decimal("12.5"), up_to=Decimal(30)),
            Block(rate=Decimal(0), up_to=Decimal("50.00001")),
            Block(rate=Decimal(20)),
        ),
        "DO 1": (Block(rate=Decimal("16.58")),),
    }
    assert version.channel_fee == ChannelFee(
        name="till", flat_minor=100, percent=Decimal("1.5"), minimum_minor=150, maximum_minor=150
    )
    assert version.per_unit == (PerUnit(name="fuel", rate=Decimal("3.9808")),)
    assert version.debt == DebtRule(share_percent=Decimal(30), fixed_minor=500)
    assert version.free_units == FreeUnits(units=Decimal(50), counts_towards_blocks=True)
    assert version.rounding == Rounding(
        step=Decimal("0.00001"), direction=Direction.NEAREST, remainder=Remainder.CARRY
    )
    assert version.limits == Limits(
        minimum_minor=1000, maximum_minor=1000, month_maximum_minor=5000
    )


def test_charges_accrue_by_the_month_and_not_by_the_first_purchase_unless_told() -> None:
    standing, daily, once = parse(FULL)[0].charges
    assert standing == Charge(
        name="standing",
        every=Every.MONTH,
        amount_minor=Decimal("200.5"),
        share_percent=Decimal(50),
        accrues=False,
        exempt_customers_pay=False,
    )
    assert daily == Charge(name="daily", every=Every.DAY, amount_minor=Decimal("6.58"))
    assert once == Charge(
        name="once", every=Every.FIRST_PURCHASE, amount_minor=Decimal(150), accrues=False
    )
    told = changed(FULL, "accrues = false", "")
    told = changed(told, 'every = "first-purchase"', 'every = "first-purchase"\naccrues = true')
    assert [charge.accrues for charge in parse(told)[0].charges] == [True, True, True]


def test_everything_is_written_out_for_levies_and_for_taxes() -> None:
    version = parse(FULL)[0]
    parts = ("energy", "standing", "daily", "once", "fuel")
    assert version.levies == (
        Levy(name="rural", percent=Decimal(5), on=parts),
        Levy(name="on top", percent=Decimal(1000), on=("rural", "fuel")),
    )
    assert version.taxes == (
        Tax(
            name="VAT",
            percent=Decimal(15),
            on=(*parts, "rural", "on top"),
            exempt_customers_pay=True,
        ),
        Tax(name="lights", percent=Decimal(0), on=("energy", "on top")),
    )


@pytest.mark.parametrize("name", NAMES)
def test_every_shipped_document_is_read(name: str) -> None:
    assert shipped(name).versions


def test_a_file_is_read_and_named_in_errors(tmp_path: Path) -> None:
    path = tmp_path / "small.toml"
    path.write_text(SMALL, encoding="utf-8")
    assert load_tariff(path).name == "Small"
    path.write_text(changed(SMALL, "kWh", ""), encoding="utf-8")
    with pytest.raises(TariffInvalid, match=r"small\.toml: unit: write 1 to 10") as refused:
        load_tariff(path)
    assert refused.value.document == str(path)


def test_a_file_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    with pytest.raises(TariffInvalid, match="document: it cannot be read: No such file"):
        load_tariff(tmp_path / "missing.toml")
    with pytest.raises(TariffInvalid, match="document: it cannot be read: Is a directory"):
        load_tariff(tmp_path)


def test_a_file_of_another_encoding_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "latin.toml"
    path.write_bytes(SMALL.replace("Small", "Tarif été").encode("latin-1"))
    with pytest.raises(TariffInvalid, match="document: it is not UTF-8 text"):
        load_tariff(path)


# What is refused: first the document and single values.

NINES: Final = "9" * 5000


@pytest.mark.parametrize(
    ("old", "new", "key", "problem"),
    [
        ("name = ", "name ", "document", "it is not TOML: "),
        ("2024-07-01", "2024-13-01", "document", "it is not TOML: "),
        ("2024-07-01", NINES, "document", "it is not TOML: "),
        ('"Small"', "[" * 5000, "document", "it is nested too deeply"),
        ('name = "Small"', "", "name", "missing; write 1 to 64 printable characters in quotes"),
        ('"Small"', '""', "name", "write 1 to 64"),
        ('"Small"', f'"{"x" * 65}"', "name", "write 1 to 64"),
        ('"Small"', '" Small"', "name", "write 1 to 64"),
        ('"Small"', '"Sm\\nall"', "name", "write 1 to 64"),
        ('"Small"', "20", "name", "write 1 to 64"),
        ('"Small"', '"Small"\nnames = 1', "names", "it is unknown; known here are name, unit"),
        ('"Small"', '"Small"\n"a b" = 1', '"a b"', "it is unknown"),
        ('"kWh"', f'"{"k" * 11}"', "unit", "write 1 to 10"),
        ('"made up"', f'"{"x" * 301}"', "source", "write 1 to 300"),
        ('"ZAR"', '"ZA"', "price_currency", "write three capital letters"),
        ('"ZAR"', '"ZARS"', "price_currency", "write three capital letters"),
        ('"ZAR"', '"zar"', "price_currency", "write three capital letters"),
        ('"ZAR"', '"Z4R"', "price_currency", "write three capital letters"),
        ('"ZAR"', '"ΖΑΡ"', "price_currency", "write three capital letters"),  # noqa: RUF001 (Greek)
        ('"ZAR"', '"ZAR"\npayment_currency = "R"', "payment_currency", "write three capital"),
        ("Africa/Johannesburg", "Africa/Atlantis", "time_zone", "write an IANA name"),
        ("Africa/Johannesburg", "Africa", "time_zone", "write an IANA name"),
        ("Africa/Johannesburg", "../zone", "time_zone", "write an IANA name"),
        ("Africa/Johannesburg", "localtime", "time_zone", "write an IANA name"),
        ("Africa/Johannesburg", "EST", "time_zone", "write an IANA name"),
        ("[[version]]", "[version]", "version", "their name in double brackets"),
        ("2024-07-01", '"2024-07-01"', "version[1].valid_from", "write a date without quotes"),
        ("2024-07-01", "2024-07-01T00:00:00", "version[1].valid_from", "write a date"),
        ("2024-07-01", "2024-07-01\ntax_inclusive = 1", "version[1].tax_inclusive", "true or"),
        ("2024-07-01", '2024-07-01\norder = "tax"', "version[1].order", "a list of texts"),
        ("2024-07-01", "2024-07-01\nprice = 1", "version[1].price", "it is unknown; known here"),
        ("2024-07-01", "2024-07-01\ncharge = []", "version[1].charge", "one table or more"),
        ("2024-07-01", "2024-07-01\ncharge = [1]", "version[1].charge[1]", "write a table of"),
        ("2024-07-01", "2024-07-01\ndebt = []", "version[1].debt", "name in single brackets"),
        ('[version.energy]\nrate = "100"', "", "version[1].energy", "missing; write a table"),
        ('"100"', '"100"\nblocks = []', "version[1].energy", "one of rate, blocks, classes; not"),
        ('rate = "100"', "", "version[1].energy", "rate, blocks, classes; none is given"),
        ('rate = "100"', "price = 1", "version[1].energy.price", "it is unknown"),
        ('"100"', "100", "version[1].energy.rate", 'a number in quotes, like "216.11"'),
        ('"100"', "100.0", "version[1].energy.rate", "a number in quotes"),
        ('"100"', '"much"', "version[1].energy.rate", "a number in quotes"),
        ('"100"', '"NaN"', "version[1].energy.rate", "a number in quotes"),
        ('"100"', '"1e3"', "version[1].energy.rate", "a number in quotes"),
        ('"100"', '"1,5"', "version[1].energy.rate", "a number in quotes"),
        ('"100"', '"१"', "version[1].energy.rate", "a number in quotes"),
        ('"100"', f'"{"9" * 13}"', "version[1].energy.rate", "at most 12 digits and 10 decimals"),
        ('"100"', '"1.12345678901"', "version[1].energy.rate", "at most 12 digits and 10 decim"),
        ('"100"', '"-0.01"', "version[1].energy.rate", "it must be from 0 up to"),
        ('"100"', '"0.00"', "version[1].energy.rate", "a unit must cost something"),
    ],
)
def test_a_wrong_value_is_told_its_key_and_the_mend(
    old: str, new: str, key: str, problem: str
) -> None:
    refused = refusal_of(changed(SMALL, old, new))
    assert refused.key == key
    assert problem in refused.problem


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"Small"', f'"{"x" * 64}"'),
        ('"Small"', '"Tarif été, ménages"'),
        ('"kWh"', f'"{"k" * 10}"'),
        ('"made up"', f'"{"x" * 300}"'),
        ('"ZAR"', '"ZAR"\npayment_currency = "ZAR"'),
        ("Africa/Johannesburg", "UTC"),
        ("Africa/Johannesburg", "America/Argentina/Buenos_Aires"),
        ('"100"', '"0.0000000001"'),
        ('"100"', f'"{"9" * 12}.9999999999"'),
        ('"100"', '"0"\n[[version.per_unit]]\nname = "all of it"\nrate = "0.01"'),
    ],
)
def test_a_value_at_its_border_is_read(old: str, new: str) -> None:
    assert parse(changed(SMALL, old, new))


def test_an_empty_document_has_its_first_key_missing() -> None:
    assert refusal_of("").key == "name"


def test_a_document_without_versions_is_refused() -> None:
    assert refusal_of(HEAD).key == "version"
