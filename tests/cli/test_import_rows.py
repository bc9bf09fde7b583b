"""`vending import-meters`: every cell, and the file around them, is checked on both sides."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pytest

from tests.cli.site_support import METERS, NUMBERS, PANS, cells, rows, station, write_rows

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.vending_command import VendingCommand


@pytest.fixture
def vending(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> VendingCommand:
    return station(monkeypatch, capsys, tmp_path, has_site=True)


_WRONG: Final[dict[str, tuple[dict[str, str], str]]] = {
    "no number": ({"meter_number": ""}, "meter_number: '' is not one; write 1 to 20"),
    "a number of 21": ({"meter_number": 21 * "1"}, "meter_number: '111"),
    "a number with a dash": ({"meter_number": "A-1"}, "write 1 to 20 letters and digits"),
    "a wrong DRN": (
        {"drn": "04000047111"},
        "drn: wrong check digit (Luhn): 04000047111 ends in 1, expected check digit 0",
    ),
    "a DRN of 12": ({"drn": "040000471101"}, "write 11 or 13 decimal digits"),
    "a short DRN": ({"drn": "4000047110"}, "a spreadsheet may have dropped zeros"),
    "a wrong PAN": ({"pan": PANS[0][:-1] + "1"}, "pan: wrong check digit (Luhn): 60072704"),
    "a PAN of 17": ({"pan": PANS[0][:-1]}, "write 18 decimal digits"),
    "a PAN in an exponent": ({"pan": "6.00727E+17"}, "'6.00727E+17' is not one"),
    "PAN and DRN of two meters": ({"pan": PANS[1]}, "is not the PAN of DRN 04000047110, which is"),
    "an IIN of 5": ({"iin": "60072"}, "write 4 or 6 decimal digits"),
    "an IIN of 4": ({"iin": "6007"}, "6 digits, or 0000 with a 13-digit DRN"),
    "an IIN of 4 zeros": ({"iin": "0000"}, "write 6 with 11, or 4 with 13"),
    "no PAN": ({"drn": ""}, "pan: it is missing"),
    "a group of 7": ({"supply_group_code": "1000010"}, "write 6 decimal digits"),
    "an unknown group": ({"supply_group_code": "999999"}, "999999 is not registered"),
    "no group": ({"supply_group_code": ""}, "supply_group_code: it is missing; this meter is new"),
    "revision 0": ({"key_revision_number": "0"}, "write 1 to 9"),
    "revision 10": ({"key_revision_number": "10"}, "write 1 to 9"),
    "no revision": ({"key_revision_number": ""}, "key_revision_number: it is missing"),
    "an index of 1": ({"tariff_index": "1"}, "write 2 decimal digits (a spreadsheet"),
    "no index": ({"tariff_index": ""}, "tariff_index: it is missing"),
    "a base date of our own": ({"base_date": "2015"}, "write 1993, 2014 or 2035"),
    "a base date of 2 digits": ({"base_date": "14"}, "write 1993, 2014 or 2035"),
    "no base date": ({"base_date": ""}, "base_date: it is missing"),
    "algorithm 09": ({"encryption_algorithm": "09"}, "write 07 or 11"),
    "algorithm 7": ({"encryption_algorithm": "7"}, "write 07 or 11"),
    "no algorithm": ({"encryption_algorithm": ""}, "encryption_algorithm: it is missing"),
    "another service": ({"service_type": "Steam"}, "Electricity, Water, Gas, Time"),
    "a technology of 1 digit": ({"token_technology_code": "2"}, "write 2 digits"),
    "an unknown tariff": ({"tariff": "none"}, "tariff 'none' is not registered"),
    "no tariff": ({"tariff": ""}, "tariff: it is missing"),
    "a tariff of 65": ({"tariff": 65 * "x"}, "write at most 64"),
    "a name of 41": ({"first_name": 41 * "x"}, "first_name: it has 41 characters; write at most"),
    "an address of 81": ({"address": 81 * "x"}, "address: it has 81 characters"),
    "an address of two lines": ({"address": "a\nb"}, "address: it has control characters"),
    "a class without classes": ({"customer_class": "small"}, "it has none: leave it empty"),
    "a class that is none": ({"tariff": "shop", "customer_class": "x"}, "it has big, small"),
    "no class with classes": ({"tariff": "shop"}, "customer_class: tariff 'shop' has no prices"),
    "a truth that is neither": ({"is_exempt": "maybe"}, "is_exempt: 'maybe' is neither"),
    "a sum with a point": ({"minimum_minor": "1.5", "maximum_minor": "2"}, "whole number"),
    "a sum below 0": ({"minimum_minor": "-1", "maximum_minor": "2"}, "whole number"),
    "a sum of 16 digits": ({"minimum_minor": "0", "maximum_minor": 16 * "9"}, "whole number"),
    "a minimum alone": ({"minimum_minor": "1"}, "minimum_minor and maximum_minor, or neither"),
    "a maximum alone": ({"maximum_minor": "1"}, "minimum_minor and maximum_minor, or neither"),
    "limits upside down": ({"minimum_minor": "3", "maximum_minor": "2"}, "3 is above the maximum"),
    "a debt without a sum": ({"debts": "Rates"}, "write name:minor; name:minor"),
    "a debt without a name": ({"debts": ":5"}, "write name:minor; name:minor"),
    "a debt of nothing": ({"debts": "Rates:0"}, "a debt of nothing"),
    "a debt with a long name": ({"debts": f"{41 * 'x'}:1"}, "debts: it has 41 characters"),
}


@pytest.mark.parametrize(("changed", "words"), _WRONG.values(), ids=_WRONG)
def test_a_wrong_cell_is_told_with_its_mend(
    vending: VendingCommand, tmp_path: Path, changed: dict[str, str], words: str
) -> None:
    write_rows(tmp_path, cells(**changed))
    done = vending("import-meters", "meters.csv")
    assert done.code == 1
    assert done.err.splitlines()[1].startswith("  row 2, ")
    assert words in done.err
    assert rows(tmp_path, "meter") == []


_RIGHT: Final[dict[str, dict[str, str]]] = {
    "a number of 20": {"meter_number": 20 * "A"},
    "a PAN alone": {"pan": PANS[0], "drn": ""},
    "PAN and DRN of one meter": {"pan": PANS[0]},
    "a DRN of 13": {"drn": "0400000047110"},
    "another IIN": {"iin": "600728"},
    "revision 9": {"key_revision_number": "9"},
    "base date 2035": {"base_date": "2035"},
    "another service": {"service_type": "wAtEr"},
    "another technology": {"token_technology_code": "01"},
    "a name of 40": {"first_name": 40 * "x"},
    "a class": {"tariff": "shop", "customer_class": "big"},
    "limits of one sum": {"minimum_minor": "0", "maximum_minor": "0"},
    "limits of 15 digits": {"minimum_minor": "0", "maximum_minor": 15 * "9"},
    "debts": {"debts": f"{40 * 'x'}:1; a:b : 2;"},
}


@pytest.mark.parametrize("changed", _RIGHT.values(), ids=_RIGHT)
def test_a_cell_that_is_just_right_is_taken(
    vending: VendingCommand, tmp_path: Path, changed: dict[str, str]
) -> None:
    write_rows(tmp_path, cells(**changed))
    done = vending("import-meters", "meters.csv")
    assert done.code == 0, done.err
    assert len(rows(tmp_path, "meter")) == 1


def test_each_meter_is_listed_once(vending: VendingCommand, tmp_path: Path) -> None:
    write_rows(tmp_path, cells(), cells(drn=NUMBERS[1]), cells(meter_number="X2"))
    done = vending("import-meters", "meters.csv")
    assert f"row 3, meter_number: {NUMBERS[0]} is in row 2 already" in done.err
    assert f"row 4, drn: {PANS[0]} is in row 2 already" in done.err


def test_a_pan_is_registered_once(vending: VendingCommand, tmp_path: Path) -> None:
    assert vending("import-meters", "meters.csv").code == 0
    write_rows(tmp_path, cells(meter_number="X2"))
    done = vending("import-meters", "meters.csv")
    assert f"row 2, pan: {PANS[0]} is registered as meter {NUMBERS[0]}" in done.err


_HEADS: Final = {
    "an unknown column": ("tariff,", "tarif,", "row 1, column 8: 'tarif' is unknown"),
    "a column twice": ("last_name", "first_name", "row 1: first_name stands there twice"),
    "no number": ("meter_number", "address", "row 1: meter_number is missing"),
    "half of the limits": (",minimum_minor", ",iin", "minimum_minor and maximum_minor go together"),
}


@pytest.mark.parametrize(("old", "new", "words"), _HEADS.values(), ids=_HEADS)
def test_a_head_that_makes_no_sense_is_refused(
    vending: VendingCommand, tmp_path: Path, old: str, new: str, words: str
) -> None:
    (tmp_path / "meters.csv").write_text(METERS.replace(old, new))
    done = vending("import-meters", "meters.csv")
    assert done.code == 1
    assert words in done.err


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (b"", "row 1: meter_number is missing"),
        (METERS.encode() + b"\xe9,", "row 5: it is not UTF-8 text"),
        (METERS.encode() + b'"open', "row 5: it is not CSV"),
        (METERS.encode() + b"1,2,3\n", "row 5: it has 3 cells; write 18"),
    ],
)
def test_a_file_of_another_kind_is_refused(
    vending: VendingCommand, tmp_path: Path, text: bytes, words: str
) -> None:
    (tmp_path / "meters.csv").write_bytes(text)
    done = vending("import-meters", "meters.csv")
    assert done.code == 1
    assert words in done.err
    assert rows(tmp_path, "meter") == []


def test_lists_are_read_as_spreadsheets_save_them(vending: VendingCommand, tmp_path: Path) -> None:
    text = METERS.replace(",", ";").replace("Rates: 32300; Water:100", '"Rates: 1; Water:2"')
    text = text.replace("1 River Road", '" 1 River Road; Stellenbosch"')
    lines = text.replace("\n", "\r\n").encode().splitlines(keepends=True)
    (tmp_path / "meters.csv").write_bytes(
        b"\xef\xbb\xbf" + b"\r\n;;;;;;;;;;;;;;;;;\r\n".join(lines)
    )
    done = vending("import-meters", "meters.csv")
    assert done.code == 0, done.err
    assert rows(tmp_path, "customer", "address")[0] == ("1 River Road; Stellenbosch",)
    assert rows(tmp_path, "arrears", "balance_minor") == [(1,), (2,)]
