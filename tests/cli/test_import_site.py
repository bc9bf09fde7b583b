"""`vending import`: a site file is checked whole, entered whole, and may be entered again."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest

import vending_api.cli.importing as package
from tests.cli.site_support import refused, rows, station, write_site
from tests.support.sealed_keys import sealed
from tests.support.selling import FLAT
from vending_api.cli.importing.columns import COLUMNS
from vending_api.cli.importing.site_file import (
    CLIENT_KEYS,
    GROUP_KEYS,
    LIMITS_KEYS,
    RULES_KEYS,
    TARIFF_KEYS,
    UTILITY_KEYS,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.vending_command import Done, VendingCommand

KEYS: Final = """
[[vending_key]]
supply_group_code = "100001"
key_revision_number = 2
key_type = 2
base_date = 2014
key_expiry_number = 255
decoder_key_generation_algorithm = "02"
key = "0badc0de5eed1234"
"""


@pytest.fixture
def vending(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> VendingCommand:
    return station(monkeypatch, capsys, tmp_path)


@pytest.fixture
def again(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> Callable[..., Done]:
    """Import a changed site file where the site and its meters are registered."""
    vending = station(monkeypatch, capsys, tmp_path, has_meters=True)

    def again(*replaced: tuple[str, str], options: tuple[str, ...] = ()) -> Done:
        write_site(tmp_path, *replaced)
        return vending("import", "site.toml", *options)

    return again


def test_a_site_is_entered_with_all_that_its_file_says(
    vending: VendingCommand, tmp_path: Path
) -> None:
    done = vending("import", "site.toml")
    assert done.code == 0, done.err
    assert "Entered site.toml: 5 new, 0 changed, 0 as before." in done.err
    utility = "name, address, vat_registration_number, client_id, message, currency, time_zone"
    limits = "minimum_purchase_minor, maximum_purchase_minor, meter_day_maximum_minor"
    rules = "reprints_a_day, reversal_credit_minutes"
    assert rows(tmp_path, "utility", f"{utility}, {limits}, {rules}") == [
        (
            *("Riverside", "1 River Road", "4123456789", "0042", "Thank you", "710"),
            *("Africa/Johannesburg", 1000, 500000, 900000, 5, 30),
        )
    ]
    group = "supply_group_code, key_revision_number, utility_key"
    assert rows(tmp_path, "supply_group", group) == [("100001", 1, 1)]
    assert rows(tmp_path, "tariff WHERE name = 'home'", "document") == [(FLAT,)]
    terms = "is_active, is_prepaid, sale_maximum_minor, day_maximum_minor, slip_columns"
    assert rows(tmp_path, "client", f"user_name, name, {terms}, names_terminals") == [
        ("corner-shop", "Corner Shop", 1, 1, 200000, 10000000, 32, 1)
    ]
    assert rows(tmp_path, "terminal", "terminal_id") == [("TILL0001",), ("TILL0002",)]


def test_what_may_be_left_out_gets_its_usual_value(vending: VendingCommand, tmp_path: Path) -> None:
    (tmp_path / "site.toml").write_text(
        '[[utility]]\nname = "A"\naddress = "B"\ncurrency = "710"\ntime_zone = "UTC"\n'
        "limits = { minimum_minor = 0, maximum_minor = 1 }\n"
        '[[utility.supply_group]]\ncode = "100001"\n'
        f"[[tariff]]\nname = 'home'\ndocument = '''{FLAT}'''\n"
        '[[client]]\nuser_name = "c"\nname = "C"\nprepaid = false\n'
        'password_file = "corner-shop.password"\n'
    )
    assert vending("import", "site.toml").code == 0
    rules = "meter_day_maximum_minor, reprints_a_day, reversal_credit_minutes"
    assert rows(tmp_path, "utility", rules) == [(None, 20, None)]
    assert rows(tmp_path, "supply_group", "key_revision_number") == [(None,)]
    terms = "is_prepaid, sale_maximum_minor, day_maximum_minor, slip_columns, names_terminals"
    assert rows(tmp_path, "client", terms) == [(0, None, None, 40, 0)]


def test_a_second_run_changes_nothing_and_says_so(again: Callable[..., Done]) -> None:
    done = again()
    assert (done.code, done.out) == (0, "")
    assert done.err == "Nothing to do: the register holds all that site.toml says.\n"


def test_changed_values_are_updated_and_listed(again: Callable[..., Done], tmp_path: Path) -> None:
    done = again(
        ('message = "Thank you"', 'message = "Call 10111"'),
        ('reversal = "credit-within"\nreversal_minutes = 30', 'reversal = "merchant-liable"'),
        ("key_revision = 1", "key_revision = 2"),
        ("prepaid = true", "prepaid = false"),
        ('"TILL0001", "TILL0002"', '"TILL0003"'),
    )
    assert done.code == 0, done.err
    assert "0 new, 3 changed, 2 as before" in done.err
    for words in (
        "message: Thank you -> Call 10111",
        "rules.reversal_minutes: 30 -> none",
        "key_revision: 1 -> 2",
        "prepaid: true -> false",
        "TILL0003",
    ):
        assert words in re.sub(r" *\n +", " ", done.out)
    utility = rows(tmp_path, "utility", "message, reversal_credit_minutes")
    assert utility == [("Call 10111", None)]
    assert rows(tmp_path, "supply_group", "key_revision_number") == [(2,)]
    assert rows(tmp_path, "client", "is_prepaid") == [(0,)]
    assert len(rows(tmp_path, "terminal")) == 3  # nothing is deleted


def test_what_a_file_no_longer_lists_stays(again: Callable[..., Done], tmp_path: Path) -> None:
    before = rows(tmp_path, "tariff")
    again(('[[tariff]]\nname = "shop"\nfile = "shop.toml"\n', ""))
    assert rows(tmp_path, "tariff") == before


def test_a_changed_tariff_document_is_shown_as_changed(
    again: Callable[..., Done], tmp_path: Path
) -> None:
    document = FLAT.replace('"100"', '"111"') + "# dearer\n# by a tenth\n"
    # The first line break of such a text is not part of it.
    done = again(('file = "home.toml"', f"document = '''\n{document}'''"))
    assert done.code == 0, done.err
    assert "document: +3 -1 lines" in done.out
    (kept,) = rows(tmp_path, "tariff WHERE name = 'home'", "document")
    assert 'rate = "111"' in kept[0]


def test_a_trial_run_writes_nothing(vending: VendingCommand, tmp_path: Path) -> None:
    done = vending("import", "site.toml", "--dry-run")
    assert done.code == 0
    assert "Would enter site.toml: 5 new, 0 changed, 0 as before." in done.err
    assert rows(tmp_path, "utility") == []


def test_programs_get_json(again: Callable[..., Done]) -> None:
    done = again(("reprints_a_day = 5", "reprints_a_day = 6"), options=("--json",))
    assert json.loads(done.out) == {
        "file": "site.toml",
        "written": True,
        "as_before": 4,
        "changes": [
            {
                "what": "utility",
                "name": "Riverside",
                "is_new": False,
                "fields": [{"field": "rules.reprints_a_day", "before": 5, "after": 6}],
            }
        ],
    }
    done = again(("reprints_a_day = 5", "reprints_a_day = 6"), options=("--json",))
    assert json.loads(done.out)["written"] is False
    done = again(('currency = "710"', 'currency = "71"'), options=("--json",))
    assert done.code == 1
    assert json.loads(done.out)["problems"][0]["place"] == "utility[1].currency"


def test_all_problems_are_told_at_once(vending: VendingCommand, tmp_path: Path) -> None:
    problems = refused(
        vending,
        tmp_path,
        ('currency = "710"', 'currency = "ZAR"'),
        ('code = "100001"', 'code = "1"'),
        ('file = "home.toml"', 'file = "none.toml"'),
        ("slip_columns = 32", "slip_columns = 33"),
    )
    assert [problem.partition(":")[0] for problem in problems] == [
        *("utility[1].currency", "utility[1].supply_group[1].code"),
        *("tariff[1].file", "client[1].slip_columns"),
    ]
    assert problems[0].endswith('write the 3 digits of ISO 4217 in quotes, like "710" for the rand')


_WRONG: Final = {
    "a key that is unknown": ("reprints_a_day", "reprint_a_day", "known here are"),
    "a table that is unknown": ("[[client]]", "[[clients]]", "known here are utility"),
    "a key that is missing": ('address = "1 River Road"', "", "utility[1].address: it is missing"),
    "an empty name": ('name = "Riverside"', 'name = ""', "write 1 to 40"),
    "a name of 41 characters": ('"Riverside"', f'"{41 * "R"}"', "it has 41 characters"),
    "a name with a line break": ('"Riverside"', '"River\\nside"', "control characters"),
    "a name with blanks around": ('"Riverside"', '" Riverside"', "blanks at an end"),
    "a number in quotes": ("minimum_minor = 1000", 'minimum_minor = "1000"', "another type"),
    "a truth for a number": ("minimum_minor = 1000", "minimum_minor = true", "another type"),
    "a time zone of no place": ("Africa/Johannesburg", "Africa/Nowhere", "IANA name"),
    "a local time zone": ("Africa/Johannesburg", "localtime", "IANA name"),
    "no limits": ("[utility.limits]", "[utility.limit]", "utility[1].limits: it is missing"),
    "a minimum below 0": ("minimum_minor = 1000", "minimum_minor = -1", "from 0 to"),
    "a maximum of 0": ("maximum_minor = 500000", "maximum_minor = 0", "from 1 to"),
    "a maximum below the minimum": ("= 500000", "= 999", "999 is below the minimum"),
    "a day's maximum of 0": ("= 900000", "= 0", "from 1 to"),
    "more reprints than make sense": ("reprints_a_day = 5", "reprints_a_day = 1001", "0 to 1000"),
    "an unknown reversal": ('"credit-within"', '"never"', 'write "merchant-liable" or'),
    "minutes without credit": ('"credit-within"', '"merchant-liable"', "only with reversal"),
    "credit without minutes": ("reversal_minutes = 30", "", "reversal_minutes: it is missing"),
    "0 minutes": ("reversal_minutes = 30", "reversal_minutes = 0", "from 1 to 10080"),
    "8 days of minutes": ("reversal_minutes = 30", "reversal_minutes = 10081", "from 1 to 10080"),
    "a group of 5 digits": ('"100001"', '"10001"', "write 6 digits"),
    "revision 0": ("key_revision = 1", "key_revision = 0", "from 1 to 9"),
    "revision 10": ("key_revision = 1", "key_revision = 10", "from 1 to 9"),
    "a tariff without a document": ('file = "home.toml"', "", "one of file and document"),
    "a tariff with two": ('"home.toml"', '"home.toml"\ndocument = "x"', "one of file and document"),
    "a tariff that is a folder": ('"home.toml"', '"."', "cannot be read"),
    "an empty file name": ('"home.toml"', '""', "it is empty"),
    "a tariff that makes no sense": ('"home.toml"', '"site.toml"', "tariff[1].file:"),
    "a tariff twice": ('name = "shop"', 'name = "home"', "tariff[1] is 'home' already"),
    "a user name with a colon": ('"corner-shop"', '"corner:shop"', "no colons"),
    "an empty user name": ('"corner-shop"', '""', "1 to 64"),
    "a user name of 65": ('"corner-shop"', f'"{65 * "c"}"', "1 to 64"),
    "a sale's maximum of 0": ("= 200000", "= 0", "from 1 to"),
    "a slip of 39 columns": ("slip_columns = 32", "slip_columns = 39", "32, 40 or 48"),
    "a terminal of 7 characters": ("TILL0001", "TILL001", "exactly 8 characters"),
    "a terminal of 9 characters": ("TILL0001", "TILL00011", "exactly 8 characters"),
    "a terminal twice": ("TILL0001", "TILL0002", "one stands there twice"),
    "a terminal that is a number": ('"TILL0001"', "12345678", "not all of it is text"),
    "a table for a list of tables": ("[[tariff]]\nname", "[[x]]\nname", "x: it is unknown"),
    "two places of a password": (
        *('password_file = "', 'password_variable = "X"\npassword_file = "'),
        "password_file is given too",
    ),
}


@pytest.mark.parametrize(("old", "new", "words"), _WRONG.values(), ids=_WRONG)
def test_what_is_wrong_is_told_with_its_mend(
    vending: VendingCommand, tmp_path: Path, old: str, new: str, words: str
) -> None:
    assert any(words in problem for problem in refused(vending, tmp_path, (old, new)))


_RIGHT: Final = {
    "a name of 40 characters": ('"Riverside"', f'"{40 * "R"}"'),
    "no VAT number": ('"4123456789"', '""'),
    "a minimum of 0": ("minimum_minor = 1000", "minimum_minor = 0"),
    "a maximum like the minimum": ("maximum_minor = 500000", "maximum_minor = 1000"),
    "no reprints": ("reprints_a_day = 5", "reprints_a_day = 0"),
    "1000 reprints": ("reprints_a_day = 5", "reprints_a_day = 1000"),
    "1 minute": ("reversal_minutes = 30", "reversal_minutes = 1"),
    "a week": ("reversal_minutes = 30", "reversal_minutes = 10080"),
    "revision 9": ("key_revision = 1", "key_revision = 9"),
    "UTC": ("Africa/Johannesburg", "UTC"),
    "a user name of 64": ('"corner-shop"', f'"{64 * "c"}"'),
    "48 columns": ("slip_columns = 32", "slip_columns = 48"),
    "any terminal": ('terminals = ["TILL0001", "TILL0002"]', ""),
}


@pytest.mark.parametrize(("old", "new"), _RIGHT.values(), ids=_RIGHT)
def test_what_is_just_right_is_taken(
    vending: VendingCommand, tmp_path: Path, old: str, new: str
) -> None:
    write_site(tmp_path, (old, new))
    done = vending("import", "site.toml", "--dry-run")
    assert done.code == 0, done.err


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (b"", "it is empty"),
        (b"[[utility]\n", "it is not TOML"),
        (b"\xff", "it is not UTF-8 text"),
        (b"x = " + 5000 * b"[", "it is nested too deeply"),
        (b'client = "corner-shop"', "client: it is of another type; write tables [[client]]"),
        (b"client = [1]", "client[1]: it is no table"),
    ],
)
def test_a_file_of_another_kind_is_refused(
    vending: VendingCommand, tmp_path: Path, text: bytes, words: str
) -> None:
    (tmp_path / "site.toml").write_bytes(text)
    done = vending("import", "site.toml")
    assert done.code == 1
    assert words in done.err


def test_a_group_is_listed_once_and_stays_with_its_utility(again: Callable[..., Done]) -> None:
    done = again(("key_revision = 1", 'key_revision = 1\n[[utility.supply_group]]\ncode="100001"'))
    assert "supply_group[2].code: utility[1].supply_group[1] is '100001' already" in done.err
    done = again(('name = "Riverside"', 'name = "Lakeside"'))
    assert done.code == 1
    assert "utility[1].supply_group[1].code: it belongs to Riverside" in done.err


def test_the_currency_of_a_utility_is_fixed_once_it_has_meters(
    vending: VendingCommand, tmp_path: Path
) -> None:
    codes = []
    for currency in ("404", "710"):
        write_site(tmp_path, ('currency = "710"', f'currency = "{currency}"'))
        codes.append(vending("import", "site.toml").code)
    assert vending("import-meters", "meters.csv").code == 0
    write_site(tmp_path, ('currency = "710"', 'currency = "404"'))
    done = vending("import", "site.toml")
    assert [*codes, done.code] == [0, 0, 1]
    assert "utility[1].currency: its meters' money is counted in 710" in done.err


def test_a_tariff_keeps_prices_for_the_classes_of_its_meters(again: Callable[..., Done]) -> None:
    done = again(('file = "shop.toml"', 'file = "home.toml"'))
    assert done.code == 1
    assert "tariff[2].document: it has no prices for class 'small', which 1 of its" in done.err


@pytest.mark.parametrize(
    ("keys", "words"),
    [
        (KEYS, "no key of supply group 100001 revision 1, which its meters should hold"),
        (KEYS.replace("100001", "200002"), "has no key of supply group 100001"),
        ("[[vending_key]", "keys were not looked up"),
        (KEYS.replace("number = 2", "number = 1"), ""),
    ],
)
def test_a_missing_key_is_warned_of(
    vending: VendingCommand, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, keys: str, words: str
) -> None:
    (tmp_path / "keys.toml").write_text(keys)
    monkeypatch.setenv("VENDING_KEYS_FILE", "keys.toml")
    done = vending("import", "site.toml")
    assert done.code == 0
    assert ("warning" in done.err) == bool(words)
    assert words in done.err
    assert "0badc0de5eed1234" not in done.err


def test_a_missing_key_is_warned_of_without_opening_a_sealed_file(
    vending: VendingCommand, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "keys.sealed").write_text(sealed(KEYS))
    monkeypatch.setenv("VENDING_KEYS_FILE", "keys.sealed")
    done = vending("import", "site.toml")
    assert done.code == 0
    assert "no key of supply group 100001 revision 1, which its meters should hold" in done.err


def test_a_database_of_another_schema_or_none_is_refused(
    vending: VendingCommand, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VENDING_DATABASE_URL", "sqlite:///none.db")
    done = vending("import", "site.toml")
    assert (done.code, "there is no database none.db here" in done.err) == (2, True)
    assert not (tmp_path / "none.db").exists()
    (tmp_path / "none.db").touch()
    done = vending("import", "site.toml")
    assert (done.code, "vending database upgrade" in done.err) == (2, True)


def test_the_readme_has_every_key_and_column() -> None:
    readme = (Path(package.__file__).parent / "README.md").read_text(encoding="utf-8")
    tables = re.findall(r"^\|(.*)$", readme, flags=re.MULTILINE)
    named = set(re.findall(r"`(\w+)`", " ".join(row.split("|")[0] for row in tables)))
    keys = {*UTILITY_KEYS, *LIMITS_KEYS, *RULES_KEYS, *GROUP_KEYS, *TARIFF_KEYS, *CLIENT_KEYS}
    assert keys - {"limits", "rules", "supply_group"} <= named
    assert set(COLUMNS) <= named
