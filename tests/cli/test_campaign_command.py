"""`vending campaign`: proposed, approved, run, exported; lists that are wrong are named by row."""

from __future__ import annotations

import csv
import json
import stat
from typing import TYPE_CHECKING, Any, Final

import pytest

from tests.cli.site_support import NUMBERS, rows, station
from tests.support.sealed_keys import OWN_KEYS, installed

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.vending_command import Done, VendingCommand

_GROUP: Final = ("--supply-group", "100001")
_WHY: Final = ("--reason", "outage of November")
_KEYS: Final = OWN_KEYS.replace("000001", "100001")


@pytest.fixture
def vending(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> VendingCommand:
    command = station(monkeypatch, capsys, tmp_path, has_meters=True)
    for name, value in installed(tmp_path, _KEYS).items():
        monkeypatch.setenv(name, value)
    return command


def _campaign(vending: VendingCommand, *arguments: str, by: str = "thandi") -> Done:
    return vending("campaign", *arguments, "--by", by)


def _refund(vending: VendingCommand, *arguments: str) -> Done:
    return _campaign(vending, "refund", "outage", *_WHY, *arguments)


def _shown(vending: VendingCommand, *arguments: str) -> Any:
    done = vending("campaign", "show", "outage", "--json", *arguments)
    assert done.code == 0, done.err
    return json.loads(done.out)


def _write(folder: Path, *lines: str) -> tuple[str, str]:
    (folder / "owed.csv").write_text("\n".join(lines) + "\n")
    return ("--file", "owed.csv")


def test_a_refund_from_the_proposal_to_the_file(vending: VendingCommand, tmp_path: Path) -> None:
    given = _write(
        tmp_path,
        "meter_number,units,amount_minor",
        f"{NUMBERS[0]},12.5,3594",
        f"{NUMBERS[2]},3,",
    )
    proposed = _refund(vending, *given)
    assert proposed.code == 0, proposed.err
    assert "2 meters" in proposed.err
    early = _campaign(vending, "run", "outage")
    assert (early.code, "is proposed; now nobody can run it" in early.err) == (1, True)
    own = _campaign(vending, "approve", "outage", by="Thandi")
    assert (own.code, "somebody else must approve it" in own.err) == (1, True)
    assert _campaign(vending, "approve", "outage", by="pieter").code == 0
    ran = _campaign(vending, "run", "outage", "--rate", "1000")
    assert ran.code == 0, ran.err
    assert "Campaign outage is finished. 2 meters were settled" in ran.err
    # The third meter of the site is blocked.
    shown = _shown(vending, "--refused")
    assert shown["rows"] | {"issued": 1, "refused": 1} == shown["rows"]
    assert shown["refused"] == [{"meter_number": NUMBERS[2], "code": "meter_blocked"}]
    assert (shown["proposed_by"], shown["approved_by"]) == ("thandi", "pieter")
    assert (shown["units_tenths"], shown["amount_minor"], shown["largest_tenths"]) == (
        155,
        3594,
        125,
    )
    exported = _campaign(vending, "export", "outage", "tokens.csv")
    assert exported.code == 0, exported.err
    file = tmp_path / "tokens.csv"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    with file.open(newline="") as stream:
        (row,) = csv.DictReader(stream)
    ((digits,),) = rows(tmp_path, "token", "digits")
    reference = f"campaign-1-{NUMBERS[0]}"
    assert row == {
        "meter_number": NUMBERS[0],
        "reference": reference,
        "units": "12.5",
        "tokens": digits,
    }
    assert digits not in exported.out + exported.err + ran.out + ran.err
    assert vending("sale", "show", reference).code == 0
    assert vending("reconcile").code == 0


def test_somebody_must_be_named_where_nobody_logs_in(vending: VendingCommand) -> None:
    done = vending("campaign", "pause", "outage")
    assert (done.code, "say with --by who does this" in done.err) == (1, True)


def test_a_file_is_not_replaced_and_holds_each_meter_once(
    vending: VendingCommand, tmp_path: Path
) -> None:
    _refund(vending, "--tariff", "home", "--units", "1")
    _campaign(vending, "approve", "outage", by="pieter")
    assert _campaign(vending, "run", "outage", "--json").code == 0
    assert _campaign(vending, "export", "outage", "first.csv").code == 0
    first = (tmp_path / "first.csv").read_text()
    again = _campaign(vending, "export", "outage", "first.csv")
    assert (again.code, "is there already" in again.err) == (1, True)
    _campaign(vending, "export", "outage", "second.csv")
    assert (tmp_path / "second.csv").read_text().splitlines() == first.splitlines()[:1]
    _campaign(vending, "export", "outage", "third.csv", "--again")
    assert (tmp_path / "third.csv").read_text() == first
    assert _shown(vending)["rows"]["delivered"] == 1


def test_free_units_and_key_changes_are_proposed(vending: VendingCommand) -> None:
    free = _campaign(vending, "free-units", "november", *_GROUP, *_WHY, "--json")
    assert json.loads(free.out) == {
        "name": "november",
        "kind": "free_units",
        "meters": 3,
        "state": "proposed",
    }
    change = ("key-change", "rollover", *_GROUP, *_WHY, "--to-revision", "2")
    assert _campaign(vending, *change, "--deliver", "next-purchase").code == 0
    listed = json.loads(vending("campaign", "list", "--json").out)
    assert [one["name"] for one in listed] == ["rollover", "november"]
    assert "rollover" in vending("campaign", "list").out
    shown = vending("campaign", "show", "rollover").out
    assert "same  2  same" in shown


def test_a_campaign_is_paused_resumed_and_withdrawn(vending: VendingCommand) -> None:
    _refund(vending, *_GROUP, "--units", "1")
    assert _campaign(vending, "pause", "outage").code == 1
    assert _campaign(vending, "resume", "outage").code == 1
    assert _campaign(vending, "withdraw", "outage").code == 0
    assert [one["event"] for one in _shown(vending)["events"]] == ["propose", "withdraw"]
    assert _campaign(vending, "approve", "outage", by="pieter").code == 1


_LISTS: Final[dict[str, tuple[tuple[str, ...], str]]] = {
    "an unknown meter": (
        ("meter_number,units", "99999999999,1"),
        "row 2: meter 99999999999 is not",
    ),
    "a meter twice": (
        ("meter_number,units", f"{NUMBERS[0]},1", f"{NUMBERS[0]},1"),
        f"row 3: meter {NUMBERS[0]} is in the list twice",
    ),
    "no units": (("meter_number,units", f"{NUMBERS[0]},"), "row 2, units: '' is not it"),
    "hundredths": (("meter_number,units", f"{NUMBERS[0]},1.05"), "row 2, units: '1.05' is not it"),
    "less than nothing": (("meter_number,units", f"{NUMBERS[0]},-1"), "row 2, units: '-1' is not"),
    "nothing": (("meter_number,units", f"{NUMBERS[0]},0"), "row 2: a refund of no units"),
    "too much": (("meter_number,units", f"{NUMBERS[0]},1820162.5"), "row 2: "),
    "a bad number": (("meter_number,units", "x y,1"), "row 2, meter_number: 'x y' is not one"),
    "a bad amount": (
        ("meter_number,units,amount_minor", f"{NUMBERS[0]},1,2.50"),
        "row 2, amount_minor: '2.50' is not it",
    ),
    "a cell too many": (("meter_number,units", f"{NUMBERS[0]},1,2"), "row 2: it has 3 cells"),
    "another column": (("meter_number,colour", f"{NUMBERS[0]},red"), "'colour' is unknown"),
    "no numbers": (("units", "1"), "meter_number is missing"),
    "amounts alone": (("meter_number,amount_minor", f"{NUMBERS[0]},1"), "amount_minor needs units"),
    "a column twice": (
        ("meter_number,units,units", f"{NUMBERS[0]},1,1"),
        "units stands there twice",
    ),
}


@pytest.mark.parametrize(("lines", "words"), _LISTS.values(), ids=_LISTS)
def test_what_is_wrong_with_a_list_is_named_by_its_row(
    vending: VendingCommand, tmp_path: Path, lines: tuple[str, ...], words: str
) -> None:
    done = _refund(vending, *_write(tmp_path, *lines))
    assert done.code == 1
    assert words in done.err
    assert rows(tmp_path, "campaign") == rows(tmp_path, "campaign_meter") == []


_MISUSED: Final[dict[str, tuple[str, ...]]] = {
    "no units at all": ("refund", "x", *_GROUP, *_WHY),
    "an amount without units": ("refund", "x", *_GROUP, *_WHY, "--amount", "5"),
    "hundredths for all": ("refund", "x", *_GROUP, *_WHY, "--units", "0.05"),
    "a supply group of 5 digits": ("free-units", "x", "--supply-group", "10000", *_WHY),
    "revision 10": ("key-change", "x", *_GROUP, *_WHY, "--to-revision", "10"),
    "no reason": ("free-units", "x", *_GROUP),
    "no rate": ("run", "x", "--rate", "0"),
}


@pytest.mark.parametrize("arguments", _MISUSED.values(), ids=_MISUSED)
def test_what_is_typed_wrongly_is_refused(
    vending: VendingCommand, tmp_path: Path, arguments: tuple[str, ...]
) -> None:
    assert _campaign(vending, *arguments).code == 2
    assert rows(tmp_path, "campaign") == []


@pytest.mark.parametrize("units", [(), ("--units", "1")])
def test_units_stand_in_the_list_or_are_typed_not_both(
    vending: VendingCommand, tmp_path: Path, units: tuple[str, ...]
) -> None:
    column = ",units" if units else ""
    cell = ",1" if units else ""
    given = _write(tmp_path, f"meter_number{column}", f"{NUMBERS[0]}{cell}")
    assert _refund(vending, *given, *units).code == 2
