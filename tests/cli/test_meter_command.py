"""`vending meter`: what is shown of a meter, and what an operator may order."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

import pytest

from tests.cli.site_support import NUMBERS, PANS, rows, station
from tests.support.sealed_keys import sealed

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.vending_command import Done, VendingCommand

KEY: Final = """
[[vending_key]]
supply_group_code = "100001"
key_revision_number = {revision}
key_type = 2
base_date = {base_date}
key_expiry_number = 255
decoder_key_generation_algorithm = "02"
key = "0badc0de5eed123{revision}"
"""
ORDERED: Final = "new_supply_group_code, new_key_revision_number, new_tariff_index"
NOTHING: Final = (None, None, None)


@pytest.fixture
def vending(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> VendingCommand:
    return station(monkeypatch, capsys, tmp_path, has_meters=True)


def _facts(vending: VendingCommand, number: str) -> dict[str, Any]:
    done = vending("meter", "show", number, "--json")
    assert done.code == 0, done.err
    facts: dict[str, Any] = json.loads(done.out)
    return facts


def test_a_meter_is_shown_with_all_that_the_register_knows(vending: VendingCommand) -> None:
    facts = _facts(vending, NUMBERS[1])
    assert {name: facts[name] for name in ("meter_number", "pan", "drn", "utility", "tariff")} == {
        "meter_number": NUMBERS[1],
        "pan": PANS[1],
        "drn": NUMBERS[1],
        "utility": "Riverside",
        "tariff": "shop",
    }
    assert facts["key_data"] == {
        "supply_group_code": "100001",
        "key_revision_number": 1,
        "tariff_index": "01",
    }
    assert facts["key_data_to_hold"] is None
    assert (facts["minimum_minor"], facts["maximum_minor"]) == (500, 900)
    assert (facts["customer_class"], facts["is_exempt"]) == ("small", True)
    assert facts["debts"] == [{"name": "Rates", "minor": 32300}, {"name": "Water", "minor": 100}]


def test_people_get_lines_without_those_that_say_nothing(vending: VendingCommand) -> None:
    done = vending("meter", "show", NUMBERS[1])
    lines = {line[:16].strip(): line[16:].strip() for line in done.out.splitlines()}
    assert lines["Customer"] == "Pieter Botha"
    assert lines["SGC  KRN  TI"] == "100001  1  01"
    assert lines["Purchases"] == "500 to 900"
    assert lines["Debt: Rates"] == "32,300"
    assert lines["Blocked"] == "no"
    assert "to hold" not in lines
    assert "Tokens queued" not in lines
    assert "Class" not in vending("meter", "show", NUMBERS[0]).out


@pytest.mark.parametrize(
    "command", [("show",), ("block",), ("unblock",), ("key-change", "--revision", "2")]
)
def test_an_unknown_meter_is_one_line(vending: VendingCommand, command: tuple[str, ...]) -> None:
    done = vending("meter", command[0], "X", *command[1:])
    assert (done.code, done.err) == (1, "vending: meter X is not registered here\n")


def test_a_meter_is_blocked_and_unblocked(vending: VendingCommand, tmp_path: Path) -> None:
    told = []
    for command in ("block", "block", "unblock", "unblock"):
        done = vending("meter", command, NUMBERS[0])
        assert done.code == 0
        told.append((done.err.strip(), rows(tmp_path, "meter", "is_blocked")[0][0]))
    assert told == [
        (f"Meter {NUMBERS[0]} is blocked now.", 1),
        (f"Meter {NUMBERS[0]} is blocked already.", 1),
        (f"Meter {NUMBERS[0]} is not blocked now.", 0),
        (f"Meter {NUMBERS[0]} is not blocked already.", 0),
    ]


def _order(vending: VendingCommand, *options: str, number: str = NUMBERS[0]) -> Done:
    return vending("meter", "key-change", number, *options)


def test_a_key_change_is_ordered_and_what_will_happen_is_told(
    vending: VendingCommand, tmp_path: Path
) -> None:
    done = _order(vending, "--revision", "2", "--tariff-index", "07")
    assert done.code == 0
    assert done.err == (
        f"With its next purchase meter {NUMBERS[0]} gets 2 key change tokens: key revision number "
        "1 -> 2, tariff index 01 -> 07. The credit follows under the new key.\n"
    )
    assert rows(tmp_path, "meter", ORDERED)[0] == ("100001", 2, "07")
    facts = _facts(vending, NUMBERS[0])
    assert facts["key_data_to_hold"]["key_revision_number"] == 2
    shown = vending("meter", "show", NUMBERS[0]).out
    assert "100001  2  07  (2 tokens with its next purchase)" in shown


def test_a_meter_with_a_long_key_gets_four_tokens(vending: VendingCommand) -> None:
    done = _order(vending, "--revision", "2", "--json", number=NUMBERS[1])
    assert json.loads(done.out)["key_change_tokens"] == 4


def test_an_order_is_withdrawn(vending: VendingCommand, tmp_path: Path) -> None:
    _order(vending, "--revision", "2")
    done = _order(vending, "--withdraw")
    assert "keeps the key data that it holds; nothing is ordered" in done.err
    assert rows(tmp_path, "meter", ORDERED)[0] == NOTHING


def test_what_a_meter_holds_already_is_no_order(vending: VendingCommand, tmp_path: Path) -> None:
    assert "nothing is ordered" in _order(vending, "--revision", "1").err
    assert rows(tmp_path, "meter", ORDERED)[0] == NOTHING


def test_a_supply_group_that_is_not_registered_is_refused(vending: VendingCommand) -> None:
    done = _order(vending, "--supply-group", "999999")
    assert done.code == 1
    assert "supply_group_code: 999999 is not registered" in done.err


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ((), "give one of them at least, or --withdraw alone"),
        (("--withdraw", "--revision", "2"), "give one of them at least, or --withdraw alone"),
        (("--revision", "0"), "'0' is not it; write 1 to 9"),
        (("--revision", "10"), "'10' is not it; write 1 to 9"),
        (("--tariff-index", "1"), "'1' is not it; write 2 decimal digits"),
        (("--supply-group", "10000"), "'10000' is not it; write 6 decimal digits"),
    ],
)
def test_wrong_usage_is_told(
    vending: VendingCommand, tmp_path: Path, options: tuple[str, ...], words: str
) -> None:
    done = _order(vending, *options)
    assert done.code == 2
    assert words in done.err
    assert rows(tmp_path, "meter", ORDERED)[0] == NOTHING


@pytest.mark.parametrize(
    ("base_date", "revision", "words"),
    [
        (2014, "2", ""),
        (2014, "3", "warning: nothing is sold to it until this is mended: no vending key for"),
        (2035, "2", "warning: nothing is sold to it until this is mended: revision 2"),
    ],
)
def test_a_key_change_that_the_key_file_cannot_make_is_warned_of(
    vending: VendingCommand,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    base_date: int,
    revision: str,
    words: str,
) -> None:
    keys = KEY.format(revision=1, base_date=2014) + KEY.format(revision=2, base_date=base_date)
    monkeypatch.setenv("VENDING_KEYS_FILE", "keys")
    for text in (sealed(keys), keys):
        (tmp_path / "keys").write_text(text)
        done = _order(vending, "--revision", revision)
        assert done.code == 0
        assert ("warning" in done.err) == bool(words)
        assert words in done.err


def test_a_move_to_another_base_date_is_pointed_out(
    vending: VendingCommand, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert vending("meter", "show", NUMBERS[0]).code == 0
    keys = KEY.format(revision=1, base_date=1993) + KEY.format(revision=2, base_date=2014)
    (tmp_path / "keys.toml").write_text(keys)
    monkeypatch.setenv("VENDING_KEYS_FILE", "keys.toml")
    old = (tmp_path / "meters.csv").read_text().splitlines()
    row = old[1].replace(NUMBERS[0], "04000047144").replace(",2014,", ",1993,")
    (tmp_path / "meters.csv").write_text(f"{old[0]}\n{row}\n")
    assert vending("import-meters", "meters.csv").code == 0
    done = _order(vending, "--revision", "2", number="04000047144")
    assert "its base date becomes 2014, and with that the meter forgets" in done.err
