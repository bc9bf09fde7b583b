"""Each rule of a version has its guards, and the values just inside them are read."""

from __future__ import annotations

from typing import Final

import pytest

from tests.tariffs.test_document import FULL, SMALL, changed, parse, refusal_of

VERSION: Final = "version[1]"


def _blocks(*blocks: str) -> str:
    return changed(SMALL, 'rate = "100"', f"blocks = [ {', '.join(blocks)} ]")


@pytest.mark.parametrize(
    ("blocks", "key", "problem"),
    [
        ([], "", "one table or more"),
        (['{ up_to = "5", rate = "1" }'], "[1].up_to", "the last block has all the rest"),
        (['{ rate = "1" }', '{ rate = "2" }'], "[1].up_to", "missing; only the last block"),
        (['{ up_to = "0", rate = "1" }', '{ rate = "2" }'], "[1].up_to", "it must be above 0"),
        (
            ['{ up_to = "5", rate = "1" }', '{ up_to = "5", rate = "1" }', '{ rate = "2" }'],
            "[2].up_to",
            "it must be above 5",
        ),
        (
            ['{ up_to = "5.000001", rate = "1" }', '{ rate = "2" }'],
            "[1].up_to",
            "write at most 5 decimals",
        ),
        (['{ up_to = "5", rate = "0" }', '{ rate = "2" }'], "[1].rate", "must cost something"),
        (['{ up_to = "5", rate = "1" }', '{ rate = "0" }'], "[2].rate", "must cost something"),
        (['{ up_to = "5" }', '{ rate = "2" }'], "[1].rate", "it is missing"),
        (['{ upto = "5", rate = "1" }', '{ rate = "2" }'], "[1].upto", "it is unknown"),
        (['{ rate = "1", price = "1" }'], "[1].price", "it is unknown"),
        (["1"], "[1]", "write a table of keys and values"),
    ],
)
def test_blocks_that_do_not_follow_one_another_are_refused(
    blocks: list[str], key: str, problem: str
) -> None:
    refused = refusal_of(_blocks(*blocks))
    assert refused.key == f"{VERSION}.energy.blocks{key}"
    assert problem in refused.problem


def test_blocks_may_be_as_small_as_a_token_can_carry() -> None:
    assert parse(
        _blocks(
            '{ up_to = "0.00001", rate = "1" }',
            '{ up_to = "0.00002", rate = "1" }',
            '{ rate = "2" }',
        )
    )


@pytest.mark.parametrize(
    ("classes", "key", "problem"),
    [
        ("{}", ".classes", "it is empty; write a table for each class"),
        ("1", ".classes", "name in single brackets"),
        ('{ DL = "1" }', ".classes.DL", "name in single brackets"),
        ("{ DL = {} }", ".classes.DL", "give one of rate, blocks; none is given"),
        ('{ DL = { rate = "1", blocks = [] } }', ".classes.DL", "not rate and blocks"),
        ('{ DL = { rate = "1", classes = 1 } }', ".classes.DL.classes", "it is unknown"),
        ('{ "D 1" = { rate = "0" } }', '.classes."D 1".rate', "must cost something"),
        ('{ "" = { rate = "1" } }', '.classes.""', "name a class in 1 to 64 printable"),
        ('{ " D" = { rate = "1" } }', '.classes." D"', "name a class in 1 to 64 printable"),
        (f'{{ {"x" * 65} = {{ rate = "1" }} }}', f".classes.{'x' * 65}", "1 to 64 printable"),
        ('{ "\\n" = { rate = "1" } }', '.classes."\\n"', "name a class in 1 to 64 printable"),
    ],
)
def test_wrong_classes_are_refused(classes: str, key: str, problem: str) -> None:
    refused = refusal_of(changed(SMALL, 'rate = "100"', f"classes = {classes}"))
    assert refused.key == f"{VERSION}.energy{key}"
    assert problem in refused.problem


@pytest.mark.parametrize(
    ("old", "new", "key", "problem"),
    [
        # order
        ('["debt", "ch', '["ch', "order", "write each of channel-fee, debt, charges, tax, energy"),
        ('"debt", "channel-fee"', '"debt", "debt"', "order", "one stands there twice"),
        ('"debt", "channel-fee"', '"debt", "fee"', "order", "write each of"),
        ('"charges", "energy"', '"energy", "charges"', "order", "once, with energy last"),
        ('["debt"', "[1", "order", "write a list of texts"),
        # channel fee
        ('flat_minor = 100\npercent = "1.5"', "", "channel_fee", "give flat_minor, percent or"),
        ("flat_minor = 100", "flat = 100", "channel_fee.flat", "it is unknown"),
        ("flat_minor = 100", "flat_minor = -1", "channel_fee.flat_minor", "from 0 up to"),
        ("flat_minor = 100", "flat_minor = true", "channel_fee.flat_minor", "a whole number of"),
        ("flat_minor = 100", 'flat_minor = "1"', "channel_fee.flat_minor", "without quotes"),
        ("flat_minor = 100", f"flat_minor = {10**15 + 1}", "channel_fee.flat_minor", "up to 10"),
        ('"1.5"', '"100.01"', "channel_fee.percent", "it must be from 0 up to 100"),
        ("minimum_minor = 150", "minimum_minor = -1", "channel_fee.minimum_minor", "from 0"),
        ("minimum_minor = 150", "minimum_minor = 151", "channel_fee.maximum_minor", "from 151"),
        ('"till"', '"fuel"', "per_unit[1].name", "channel_fee.name has the same name"),
        # charges
        ('"month"', '"year"', "charge[1].every", 'one of "month", "day", "first-purchase"'),
        ('"month"', "1", "charge[1].every", "write one of"),
        ('"200.5"', "200", "charge[1].amount_minor", "a number in quotes"),
        ('"200.5"', '"-1"', "charge[1].amount_minor", "it must be from 0"),
        ('share_percent = "50"', 'share_percent = "0"', "charge[1].share_percent", "above 0"),
        ('share_percent = "50"', 'share_percent = "101"', "charge[1].share_percent", "up to 100"),
        ("accrues = false", 'accrues = "no"', "charge[1].accrues", "true or false, without"),
        ("accrues = false", "accrue = false", "charge[1].accrue", "it is unknown"),
        ('"day"', '"day"\naccrues = true', "charge[2].accrues", "leave it out: a daily charge"),
        ('"standing"', '"energy"', "charge[1].name", '"energy" has a meaning of its own'),
        ('"standing"', '"everything"', "charge[1].name", '"everything" has a meaning of its own'),
        ('"daily"', '"standing"', "charge[2].name", "charge[1].name has the same name"),
        # prices per unit
        ('"3.9808"', '"-3.9808"', "per_unit[1].rate", "it must be from 0"),
        ('rate = "3.9808"', "", "per_unit[1].rate", "it is missing"),
        ('"3.9808"', '"3"\nunit = 1', "per_unit[1].unit", "it is unknown"),
        # levies
        ('"1000"', '"1000.01"', "levy[2].percent", "it must be from 0 up to 1000"),
        ('"1000"', '"1"\nof = 1', "levy[2].of", "it is unknown"),
        ('["rural", "fuel"]', "[]", "levy[2].on", "write a list of texts"),
        ('["rural", "fuel"]', '"energy"', "levy[2].on", "write a list of texts"),
        ('["rural", "fuel"]', '["coal"]', "levy[2].on", "coal is no part of the price"),
        ('["rural", "fuel"]', '["everything"]', "levy[2].on", 'write "everything", or a list'),
        ('["rural", "fuel"]', '["till"]', "levy[2].on", "till is no part of the price"),
        ('["rural", "fuel"]', '["VAT"]', "levy[2].on", "VAT is no part of the price"),
        ('["rural", "fuel"]', '["on top"]', "levy[2].on", "itself: on top of on top"),
        # taxes
        ('"VAT"', '"Added value"', "tax[1].name", "write 1 to 10"),
        ('"VAT"', '"rural"', "tax[1].name", "levy[1].name has the same name"),
        ('"15"', '"100.01"', "tax[1].percent", "it must be from 0 up to 100"),
        ('"15"', '"15"\nbase = 1', "tax[1].base", "it is unknown"),
        ('["energy", "on top"]', '["VAT"]', "tax[2].on", '"VAT" is a tax; there is no tax on a'),
        ('["energy", "on top"]', '["lights"]', "tax[2].on", '"lights" is a tax'),
        ('["energy", "on top"]', '["till"]', "tax[2].on", "till is no part of the price"),
        ('["energy", "on top"]', '["on\\ttop"]', "tax[2].on", '"on\\ttop" is no part of'),
        # debts
        ('share_percent = "30"\nfixed_minor = 500', "", "debt", "give share_percent, fixed_minor"),
        ("fixed_minor = 500", "fixed_minor = 0", "debt.fixed_minor", "it must be from 1"),
        ("fixed_minor = 500", "fixed = 500", "debt.fixed", "it is unknown"),
        ('share_percent = "30"', 'share_percent = "0"', "debt.share_percent", "above 0 up to 100"),
        # free units
        ('units = "50"', 'units = "0"', "free_units.units", "it must be above 0"),
        ('units = "50"', 'units = "0.000001"', "free_units.units", "at most 5 decimals"),
        ('units = "50"', 'kwh = "50"', "free_units.kwh", "it is unknown"),
        ("_blocks = true", "_blocks = 1", "free_units.counts_towards_blocks", "true or false"),
        ("counts_towards_blocks = true", "", "free_units.counts_towards_blocks", "missing"),
        # rounding
        ('"0.00001"', '"0.000001"', "rounding.step", "write one of 1, 0.1, 0.01, 0.001"),
        ('"0.00001"', '"10"', "rounding.step", "write one of 1, 0.1, 0.01, 0.001"),
        ('"0.00001"', '"0.2"', "rounding.step", "write one of 1, 0.1, 0.01, 0.001"),
        ('"nearest"', '"even"', "rounding.direction", 'write one of "up", "down", "nearest"'),
        ('"carry"', '"keep"', "rounding.remainder", 'write one of "customer", "carry"'),
        ('"carry"', '"carry"\nmode = 1', "rounding.mode", "it is unknown"),
        # limits
        ("minimum_minor = 1000", "minimum_minor = -1", "limits.minimum_minor", "from 0"),
        ("minimum_minor = 1000", "minimum_minor = 1001", "limits.maximum_minor", "from 1001"),
        ("= 5000", "= 999", "limits.month_maximum_minor", "it must be from 1000"),
        ("= 5000", "= 5000\nmaximum = 1", "limits.maximum", "it is unknown"),
    ],
)
def test_a_wrong_rule_is_told_its_key_and_the_mend(
    old: str, new: str, key: str, problem: str
) -> None:
    refused = refusal_of(changed(FULL, old, new))
    assert refused.key == f"{VERSION}.{key}"
    assert problem in refused.problem


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('flat_minor = 100\npercent = "1.5"', "flat_minor = 0"),
        ("flat_minor = 100\n", ""),
        ("flat_minor = 100", f"flat_minor = {10**15}"),
        ('"200.5"', '"0"'),
        ('"3.9808"', '"3"\n[[version.per_unit]]\nname = "forex"\nrate = "0"'),
        ('share_percent = "30"\n', ""),
        ("fixed_minor = 500\n", ""),
        ("fixed_minor = 500", "fixed_minor = 1"),
        ('units = "50"', 'units = "0.00001"'),
        ("minimum_minor = 1000\n", ""),
        ("minimum_minor = 1000\nmaximum_minor = 1000\n", "maximum_minor = 1\n"),
        ("minimum_minor = 1000", "minimum_minor = 0"),
        ("month_maximum_minor = 5000", ""),
        ("= 5000", "= 1000"),
        ('"VAT"', '"Ten chars."'),
        ('"15"', '"100"'),
    ],
)
def test_a_rule_at_its_border_is_read(old: str, new: str) -> None:
    assert parse(changed(FULL, old, new))


@pytest.mark.parametrize("step", ["1", "0.1", "0.01", "0.001", "0.0001", "0.00001", "0.10"])
def test_a_step_is_a_power_of_ten(step: str) -> None:
    assert parse(changed(FULL, 'step = "0.00001"', f'step = "{step}"'))


# What must fit together.


@pytest.mark.parametrize("day", ["2024-07-01", "2024-06-30"])
def test_versions_follow_one_another(day: str) -> None:
    refused = refusal_of(changed(FULL, "2024-07-02", day))
    assert refused.key == "version[2].valid_from"
    assert refused.problem == "it must be after 2024-07-01, where version[1] begins"


def test_a_fault_of_a_later_version_is_told_with_its_number() -> None:
    assert refusal_of(changed(FULL, 'rate = "1"\n', 'rate = "0"\n')).key == "version[2].energy.rate"


def test_levies_in_a_circle_are_refused() -> None:
    refused = refusal_of(changed(FULL, 'on = "everything"', 'on = ["energy", "on top"]'))
    assert refused.key in {f"{VERSION}.levy[1].on", f"{VERSION}.levy[2].on"}
    assert "it is a percentage of itself: " in refused.problem
    assert "on top of rural" in refused.problem


def _levies(count: int) -> str:
    one = '[[version.levy]]\nname = "levy {}"\npercent = "1"\non = ["{}"]\n'
    names = ["energy", *(f"levy {number}" for number in range(count))]
    return SMALL + "".join(one.format(number, names[number]) for number in range(count))


def test_there_are_at_most_twenty_levies() -> None:
    assert parse(_levies(20))
    refused = refusal_of(_levies(21))
    assert (refused.key, refused.problem) == (
        f"{VERSION}.levy",
        "there are 21; write at most 20",
    )


UNTAXED: Final = """
order = ["channel-fee", "debt", "charges", "tax", "energy"]
[[version.charge]]
name = "fixed"
every = "month"
amount_minor = "100"
[[version.levy]]
name = "second"
percent = "5"
on = ["first"]
[[version.levy]]
name = "first"
percent = "5"
on = ["fixed"]
[[version.levy]]
name = "other"
percent = "5"
on = ["energy"]
"""


def _taxed(on: str, text: str = UNTAXED) -> str:
    version = f'{text}\n[[version.tax]]\nname = "VAT"\npercent = "15"\non = {on}\n[version.energy]'
    return changed(SMALL, "[version.energy]", version)


@pytest.mark.parametrize(
    ("on", "part"),
    [
        ('"everything"', "fixed"),
        ('["fixed"]', "fixed"),
        ('["energy", "first"]', "first"),
        ('["second"]', "second"),
    ],
)
def test_what_is_taken_before_tax_begins_cannot_be_taxed(on: str, part: str) -> None:
    refused = refusal_of(_taxed(on))
    assert refused.key == f"{VERSION}.tax[1].on"
    assert refused.problem.startswith(f'"{part}" is taken before tax begins; put tax before')


def test_what_is_taken_after_tax_begins_can_be_taxed() -> None:
    assert parse(_taxed('["energy", "other"]'))
    after = changed(UNTAXED, '"charges", "tax"', '"tax", "charges"')
    assert parse(_taxed('"everything"', after))
    assert parse(
        _taxed('"everything"', 'order = ["debt", "channel-fee", "charges", "tax", "energy"]')
    )


@pytest.mark.parametrize(
    ("fee", "debt", "charge", "key"),
    [
        ("70.01", "", "", "debt.share_percent"),
        ("20.01", "", "50", "charge[1].share_percent"),
        ("", "50.01", "", "charge[1].share_percent"),
        ("", "", "70.01", "charge[1].share_percent"),
    ],
)
def test_shares_of_more_than_the_whole_purchase_are_refused(
    fee: str, debt: str, charge: str, key: str
) -> None:
    text = changed(FULL, '"1.5"', f'"{fee or "0"}"')
    text = changed(text, 'share_percent = "30"', f'share_percent = "{debt or "30"}"')
    text = changed(text, 'share_percent = "50"', f'share_percent = "{charge or "50"}"')
    refused = refusal_of(text)
    assert refused.key == f"{VERSION}.{key}"
    assert refused.problem.endswith("% together; 100 is all there is")


def test_shares_of_the_whole_purchase_are_read() -> None:
    assert parse(changed(FULL, '"1.5"', '"20"'))
    assert parse(changed(FULL, 'percent = "1.5"\n', ""))


@pytest.mark.parametrize(("step", "units"), [("0.1", "50.05"), ("1", "0.5")])
def test_free_units_are_whole_steps_of_a_token(step: str, units: str) -> None:
    text = changed(FULL, 'step = "0.00001"', f'step = "{step}"')
    refused = refusal_of(changed(text, 'units = "50"', f'units = "{units}"'))
    assert refused.key == f"{VERSION}.free_units.units"
    assert refused.problem == f"a token carries whole steps of {step}"
