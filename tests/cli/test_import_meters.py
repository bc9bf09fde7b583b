"""`vending import-meters`: a list is checked whole, entered whole, and may be entered again."""

from __future__ import annotations

import csv
import json
from typing import TYPE_CHECKING, Any, Final

import pytest

import vending_api.cli.importing as package
from tests.cli.site_support import METERS, NUMBERS, PANS, cells, rows, station, write_rows
from vending_api.domain.meter_lists.service import compare_list, enter_list

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.support.vending_command import Done, VendingCommand


@pytest.fixture
def vending(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> VendingCommand:
    return station(monkeypatch, capsys, tmp_path, has_site=True)


@pytest.fixture
def enter(vending: VendingCommand, tmp_path: Path) -> Callable[..., Done]:
    """Import the site's meters with texts of their list replaced."""

    def enter(*replaced: tuple[str, str], options: tuple[str, ...] = ()) -> Done:
        text = METERS
        for old, new in replaced:
            assert old in text
            text = text.replace(old, new)
        (tmp_path / "meters.csv").write_text(text)
        return vending("import-meters", "meters.csv", *options)

    return enter


def test_meters_are_entered_with_all_that_their_list_says(
    enter: Callable[..., Done], tmp_path: Path
) -> None:
    done = enter()
    assert done.code == 0, done.err
    assert "Entered meters.csv: 3 new, 0 changed, 0 as before." in done.err
    made_of = "external_id, pan, supply_group_code, key_revision_number, tariff_index, base_date"
    kind = "encryption_algorithm, service_type, token_technology_code"
    known = ("100001", 1, "01", 2014)
    assert rows(tmp_path, "meter", f"{made_of}, {kind}") == [
        (NUMBERS[0], PANS[0], *known, "07", "Electricity", "02"),
        (NUMBERS[1], PANS[1], *known, "11", "Electricity", "02"),
        (NUMBERS[2], PANS[2], *known, "07", "Electricity", "02"),
    ]
    limits = "minimum_purchase_minor, maximum_purchase_minor, is_blocked"
    assert rows(tmp_path, "meter", limits) == [(None, None, 0), (500, 900, 0), (None, None, 1)]
    lived_in = "meter JOIN customer ON customer.key = customer_key JOIN tariff"
    names = "first_name, last_name, address, name"
    assert rows(tmp_path, f"{lived_in} ON tariff.key = tariff_key ORDER BY 1", names) == [
        ("Aisha", "Khan", "3 River Road", "home"),
        ("Pieter", "Botha", "2 River Road", "shop"),
        ("Thandi", "Nkosi", "1 River Road", "home"),
    ]
    flags = "meter_key, customer_class, is_exempt, gets_free_units"
    assert rows(tmp_path, "account", flags) == [(2, "small", 1, 1)]
    owed = rows(tmp_path, "arrears ORDER BY position", "meter_key, kind, name, balance_minor")
    assert owed == [(2, "debt", "Rates", 32300), (2, "debt", "Water", 100)]


def test_a_second_run_changes_nothing_and_says_so(enter: Callable[..., Done]) -> None:
    enter()
    done = enter()
    assert done.code == 0
    assert done.err == "Nothing to do: the register holds all 3 meters as meters.csv says.\n"


def test_a_registered_meter_is_brought_up_to_date(
    enter: Callable[..., Done], tmp_path: Path
) -> None:
    enter()
    done = enter(
        ("Thandi,Nkosi,1 River Road,,,,,,", "Thandi,Zulu,9 Hill,,no,,y,5,6"),
        ("11,shop,Pieter,Botha,2 River Road,small,yes,yes,no,500,900", "11,home,,Botha,,,,,no,,"),
    )
    assert done.code == 0, done.err
    assert "0 new, 2 changed" in done.err
    assert "last_name 1" in done.err
    assert "limits 2" in done.err
    limits = "minimum_purchase_minor, maximum_purchase_minor, is_blocked, tariff_key"
    assert rows(tmp_path, "meter", limits) == [(5, 6, 1, 1), (None, None, 0, 1), (None, None, 1, 1)]
    assert rows(tmp_path, "customer", "first_name, last_name, address")[:2] == [
        ("Thandi", "Zulu", "9 Hill"),
        ("", "Botha", ""),
    ]
    assert rows(tmp_path, "account", "customer_class, is_exempt, gets_free_units") == [("", 0, 0)]


def test_what_a_meter_owes_and_has_bought_is_left_alone(
    enter: Callable[..., Done], tmp_path: Path
) -> None:
    enter()
    before = rows(tmp_path, "arrears"), rows(tmp_path, "account", "units_this_month")
    done = enter(("Rates: 32300; Water:100", "Rates: 99999"), ("small,yes", "big,no"))
    assert "1 changed (customer_class 1, is_exempt 1)" in done.err
    assert (rows(tmp_path, "arrears"), rows(tmp_path, "account", "units_this_month")) == before


def test_columns_that_a_list_does_not_have_stay_as_they_are(
    enter: Callable[..., Done], vending: VendingCommand, tmp_path: Path
) -> None:
    enter()
    write_rows(tmp_path, {"meter_number": NUMBERS[1], "last_name": "Smit"})
    done = vending("import-meters", "meters.csv")
    assert "0 new, 1 changed (last_name 1), 0 as before" in done.err
    assert rows(tmp_path, "customer", "first_name, last_name, address")[1] == (
        *("Pieter", "Smit", "2 River Road"),
    )
    assert rows(tmp_path, "meter", "minimum_purchase_minor, tariff_key")[1] == (500, 2)
    assert rows(tmp_path, "account", "customer_class, is_exempt") == [("small", 1)]


_KEY_DATA: Final = {
    "supply_group_code": "100002",
    "key_revision_number": "2",
    "tariff_index": "02",
}
_MADE_OF: Final = {
    "drn": NUMBERS[2],
    "base_date": "1993",
    "encryption_algorithm": "11",
    "service_type": "Water",
}


@pytest.mark.parametrize(("column", "value"), (_KEY_DATA | _MADE_OF).items())
def test_what_a_registered_meter_is_made_of_is_never_changed(
    enter: Callable[..., Done], vending: VendingCommand, tmp_path: Path, column: str, value: str
) -> None:
    enter()
    before = rows(tmp_path, "meter")
    write_rows(tmp_path, cells(**{column: value, "last_name": "Smit"}))
    done = vending("import-meters", "meters.csv")
    assert done.code == 1
    place = "pan" if column == "drn" else column
    assert f"row 2, {place}: the register has" in done.err
    assert (f"`vending meter key-change {NUMBERS[0]}`" in done.err) == (column in _KEY_DATA)
    write_rows(tmp_path, cells(**{column: "", "last_name": "Smit"}))
    assert vending("import-meters", "meters.csv").code == 0
    assert rows(tmp_path, "meter") == before
    assert rows(tmp_path, "customer", "last_name")[0] == ("Smit",)


def test_one_wrong_row_keeps_all_from_being_entered(
    enter: Callable[..., Done], tmp_path: Path
) -> None:
    done = enter((f"{NUMBERS[2]},{NUMBERS[2]},100001", f"{NUMBERS[2]},{NUMBERS[2]},1000"))
    assert done.code == 1
    first, problem = done.err.splitlines()
    assert first == "vending: meters.csv: 1 problem; nothing was written"
    assert problem == (
        "  row 4, supply_group_code: '1000' is not one; write 6 decimal digits "
        "(a spreadsheet may have dropped zeros at the front)"
    )
    assert [rows(tmp_path, table) for table in ("meter", "customer", "account")] == [[], [], []]


def test_all_problems_are_counted_fifty_shown_and_all_written_to_a_file(
    vending: VendingCommand, tmp_path: Path
) -> None:
    write_rows(
        tmp_path, *(cells(meter_number=f"M{n}", drn="", pan="", tariff="") for n in range(30))
    )
    done = vending("import-meters", "meters.csv", "--errors", "wrong.csv")
    assert done.code == 1
    first, *told = done.err.splitlines()
    assert first == "vending: meters.csv: 60 problems; nothing was written"
    assert [line.partition(":")[0] for line in told[:3]] == [
        *("  row 2, pan", "  row 2, tariff", "  row 3, pan"),
    ]
    assert told[50] == "  and 10 more; --errors FILE writes all of them as CSV"
    with (tmp_path / "wrong.csv").open(newline="") as file:
        written = list(csv.DictReader(file))
    assert len(written) == 60
    assert (written[-1]["row"], written[-1]["column"]) == ("31", "tariff")
    assert written[-1]["problem"].startswith("it is missing")


def test_programs_get_json(enter: Callable[..., Done]) -> None:
    def told(*replaced: tuple[str, str], options: tuple[str, ...] = ()) -> dict[str, Any]:
        answer: dict[str, Any] = json.loads(enter(*replaced, options=(*options, "--json")).out)
        return answer

    counts = {"new": 3, "changed": 0, "as_before": 0, "changed_fields": {}}
    assert told(options=("--dry-run",)) == {"file": "meters.csv", "written": False, **counts}
    assert told()["written"] is True
    assert told(("Nkosi", "Zulu"))["changed_fields"] == {"last_name": 1}
    assert told(("2014,07,home,Aisha", "2014,08,home,Aisha"))["problems"] == [
        {"row": 4, "column": "encryption_algorithm", "problem": "'08' is not one; write 07 or 11"}
    ]
    assert told(("tariff,", "tarif,"))["problems"][0]["place"] == "row 1, column 8"


def test_a_trial_run_writes_nothing(enter: Callable[..., Done], tmp_path: Path) -> None:
    done = enter(options=("--dry-run",))
    assert (done.code, "Would enter meters.csv: 3 new" in done.err) == (0, True)
    assert rows(tmp_path, "meter") == []


def test_what_fails_half_way_leaves_nothing(
    enter: Callable[..., Done], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*arguments: Any, **options: Any) -> None:
        enter_list(*arguments, **options)
        raise OSError("the plug was pulled")

    monkeypatch.setattr(package, "enter_list", fail)
    done = enter()
    assert (done.code, "the plug was pulled" in done.err) == (1, True)
    assert [rows(tmp_path, table) for table in ("meter", "customer", "account")] == [[], [], []]


def test_two_imports_at_once_do_not_register_a_meter_twice(
    enter: Callable[..., Done], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[Any] = []

    def as_seen_at_first(*arguments: Any, **options: Any) -> Any:
        seen.append(compare_list(*arguments, **options))
        return seen[0]

    monkeypatch.setattr(package, "compare_list", as_seen_at_first)
    enter()
    done = enter()
    assert done.code == 1
    assert "something else registered the same meanwhile; import it again" in done.err
    assert len(rows(tmp_path, "customer")) == 3


def test_a_terminal_sees_the_progress(
    enter: Callable[..., Done], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "Writing" not in enter(options=("--dry-run",)).err
    monkeypatch.setenv("FORCE_COLOR", "1")
    done = enter()
    for words in ("Reading", "Checking", "Writing", "3/3"):
        assert words in done.err


def test_a_missing_key_is_warned_of(
    enter: Callable[..., Done], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = (
        '[[vending_key]]\nsupply_group_code = "100001"\nkey_revision_number = {}\nkey_type = 2\n'
        "base_date = {}\nkey_expiry_number = 255\n"
        'decoder_key_generation_algorithm = "02"\nkey = "0badc0de5eed1234"\n'
    )
    monkeypatch.setenv("VENDING_KEYS_FILE", "keys.toml")
    for revision, base_date, words in (
        (1, 2014, ""),
        (2, 2014, "3 new meters of supply group 100001 revision 1: VENDING_KEYS_FILE has no such"),
        (1, 1993, "the list says base date 2014, the key in VENDING_KEYS_FILE 1993"),
    ):
        (tmp_path / "keys.toml").write_text(key.format(revision, base_date))
        done = enter(options=("--dry-run",))
        assert done.code == 0
        assert ("warning" in done.err) == bool(words)
        assert words in done.err
