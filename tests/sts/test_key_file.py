"""Key files: the example teaches what is true, and no error ever shows a key."""

from __future__ import annotations

import re
import traceback
from pathlib import Path
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sts.errors import InvalidField, KeyFileInvalid, VendingKeyNotFound
from sts.key_data import KeyRevisionNumber, SupplyGroupCode
from sts.keys.key_file import WELL_KNOWN_KEYS, KeyStore, load_key_file, parse_key_file
from tests.sts.published_keys import vending_key

EXAMPLE: Final = Path(__file__).parents[2] / "keys.example"
SECRET: Final = "1f2e3d4c5b6a7988"

ENTRY: Final = {
    "supply_group_code": '"123456"',
    "key_revision_number": "1",
    "key_type": "2",
    "base_date": "2014",
    "key_expiry_number": "255",
    "decoder_key_generation_algorithm": '"02"',
    "key": f'"{SECRET}"',
}


def text_of(*entries: dict[str, str]) -> str:
    return "\n".join(
        "[[vending_key]]\n" + "\n".join(f"{name} = {value}" for name, value in entry.items())
        for entry in entries
    )


def problem_in(text: str) -> str:
    with pytest.raises(KeyFileInvalid) as caught:
        parse_key_file(text, path="keys.toml")
    shown = "".join(traceback.format_exception(caught.value))
    assert SECRET not in shown
    assert SECRET[:8] not in shown
    return caught.value.problem


def test_an_entry_becomes_a_vending_key() -> None:
    (key,) = parse_key_file(text_of(ENTRY), path="keys.toml")
    assert key == vending_key(bytes.fromhex(SECRET), base=2014)


def test_hex_digits_may_be_capitals() -> None:
    (key,) = parse_key_file(text_of(ENTRY | {"key": f'"{SECRET.upper()}"'}), path="keys.toml")
    assert key.octets.hex() == SECRET


def test_the_example_holds_the_keys_it_speaks_of() -> None:
    store = load_key_file(EXAMPLE)
    assert [repr(key) for key in store] == [
        "VendingKey(000001 revision 1, UNIQUE, base 2014, DKGA02, check value D5D44F)",
        "VendingKey(000001 revision 2, UNIQUE, base 2014, DKGA02, check value A68CDC)",
        "VendingKey(123456 revision 1, UNIQUE, base 1993, DKGA02, check value C33F45)",
        "VendingKey(123457 revision 1, UNIQUE, base 1993, DKGA04, check value A686AB)",
        "VendingKey(123457 revision 2, UNIQUE, base 2014, DKGA04, check value A686AB)",
        "VendingKey(123457 revision 5, UNIQUE, base 2035, DKGA04, check value A686AB)",
    ]


def test_every_key_of_the_example_is_well_known() -> None:
    for key in load_key_file(EXAMPLE):
        assert key.octets in WELL_KNOWN_KEYS
        assert KeyStore([key]).holds_well_known_keys


def test_one_well_known_key_among_others_is_noticed() -> None:
    fresh = vending_key(bytes.fromhex(SECRET), group="000001")
    assert not KeyStore([fresh]).holds_well_known_keys
    assert KeyStore([fresh, vending_key()]).holds_well_known_keys
    assert not KeyStore([]).holds_well_known_keys


def test_a_well_known_key_is_known_with_other_parity_bits_too() -> None:
    octets = bytes.fromhex("abababababababab")
    other = bytes(octet ^ 1 for octet in octets)  # the lowest bit of each takes no part in DES
    assert other not in WELL_KNOWN_KEYS
    assert KeyStore([vending_key(other)]).holds_well_known_keys


def test_a_file_nested_too_deep_is_refused() -> None:
    assert problem_in("a = " + "[" * 100_000) == "it is nested too deep"


def test_a_key_is_found_by_supply_group_and_revision() -> None:
    first, second = vending_key(), vending_key(revision=2)
    store = KeyStore([first, second])
    assert store.find(SupplyGroupCode("123456"), KeyRevisionNumber(2)) is second
    assert len(store) == 2


@pytest.mark.parametrize(("group", "revision"), [("123457", 1), ("123456", 2)])
def test_a_key_that_is_not_there_is_named(group: str, revision: int) -> None:
    store = KeyStore([vending_key()])
    with pytest.raises(VendingKeyNotFound) as caught:
        store.find(SupplyGroupCode(group), KeyRevisionNumber(revision))
    assert caught.value.supply_group_code == group
    assert caught.value.key_revision_number == revision
    assert str(caught.value) == f"no vending key for supply group {group} revision {revision}"


def test_a_store_does_not_take_a_revision_twice() -> None:
    with pytest.raises(InvalidField, match="supply group 123456 revision 1 is in it twice"):
        KeyStore([vending_key(), vending_key(bytes(8))])


def test_a_store_shows_check_values_only() -> None:
    store = KeyStore([vending_key(), vending_key(algorithm="04", revision=2)])
    assert repr(store) == "KeyStore(2 keys: C33F45, A686AB)"


@pytest.mark.parametrize("name", ENTRY)
def test_a_missing_field_is_named(name: str) -> None:
    without = {key: value for key, value in ENTRY.items() if key != name}
    assert problem_in(text_of(without)) == f"[[vending_key]] entry 1, field {name}: missing"


@pytest.mark.parametrize(
    ("name", "value", "problem"),
    [
        ("supply_group_code", "123456", "expected text in quotes"),
        ("supply_group_code", '"12345"', "expected 6 decimal digits"),
        ("supply_group_code", '"1234567"', "expected 6 decimal digits"),
        ("supply_group_code", f'"{SECRET}"', "expected 6 decimal digits"),
        ("key_revision_number", '"1"', "expected a whole number"),
        ("key_revision_number", "true", "expected a whole number"),
        ("key_revision_number", "0", "expected 1 to 9"),
        ("key_revision_number", "10", "expected 1 to 9"),
        ("key_type", "-1", "expected 0, 1, 2 or 3"),
        ("key_type", "4", "expected 0, 1, 2 or 3"),
        ("key_type", "2.0", "expected a whole number"),
        ("base_date", "2013", "expected 1993, 2014 or 2035"),
        ("base_date", "2014-01-01", "expected a whole number"),
        ("key_expiry_number", "-1", "expected 0 to 255"),
        ("key_expiry_number", "256", "expected 0 to 255"),
        ("decoder_key_generation_algorithm", "2", "expected text in quotes"),
        ("decoder_key_generation_algorithm", f'"{SECRET}"', "expected 02 or 04"),
        ("decoder_key_generation_algorithm", '"2"', "expected 02 or 04"),
        ("key", "12", "expected text in quotes"),
        ("key", f'"{SECRET}00"', "expected 8 octets for DKGA02"),
        ("key", f'"{SECRET[2:]}"', "expected 8 octets for DKGA02"),
        ("key", '""', "expected 8 octets for DKGA02"),
        ("key", f'"{SECRET[1:]}"', "expected 16 hex digits"),
        ("key", f'"{SECRET[:-2]}xy"', "expected 16 hex digits"),
        ("key", f'"{SECRET[:8]} {SECRET[8:]}"', "expected 16 hex digits"),
    ],
)
def test_a_wrong_field_is_named_with_what_is_expected(name: str, value: str, problem: str) -> None:
    wrong = {**ENTRY, "supply_group_code": '"123457"'} | {name: value}
    found = problem_in(text_of(ENTRY, wrong))
    assert found == f"[[vending_key]] entry 2, field {name}: {problem}"


@pytest.mark.parametrize("digits", [SECRET, SECRET * 2, SECRET * 2 + "0" * 6])
def test_a_dkga04_key_of_another_length_is_refused(digits: str) -> None:
    entry = ENTRY | {"decoder_key_generation_algorithm": '"04"', "key": f'"{digits}"'}
    assert problem_in(text_of(entry)) == (
        "[[vending_key]] entry 1, field key: expected 20 octets for DKGA04"
    )


@pytest.mark.parametrize("code", ["01", "03"])
def test_refused_algorithms_say_why(code: str) -> None:
    entry = ENTRY | {"decoder_key_generation_algorithm": f'"{code}"'}
    assert problem_in(text_of(entry)).startswith(
        "[[vending_key]] entry 1, field decoder_key_generation_algorithm: "
        f"DKGA{code} is refused: no public test data"
    )


@pytest.mark.parametrize(
    ("name", "low", "high"),
    [("key_revision_number", "1", "9"), ("key_expiry_number", "0", "255"), ("key_type", "0", "3")],
)
def test_numbers_at_their_borders_are_taken(name: str, low: str, high: str) -> None:
    for value in (low, high):
        assert len(parse_key_file(text_of(ENTRY | {name: value}), path="keys.toml")) == 1


def test_an_unknown_field_is_named() -> None:
    found = problem_in(text_of(ENTRY | {"krn": "1"}))
    assert found.startswith(
        "[[vending_key]] entry 1, field krn: unknown; known are supply_group_code"
    )


def test_an_unknown_top_level_field_is_named() -> None:
    assert problem_in("version = 1\n" + text_of(ENTRY)) == (
        "unknown field version; only [[vending_key]] is known"
    )


@pytest.mark.parametrize("text", ["", "vending_key = []", "vending_key = 1", "vending_key = [1]"])
def test_a_file_without_entries_is_refused(text: str) -> None:
    assert problem_in(text) == "it holds no [[vending_key]] tables"


def test_one_table_with_single_brackets_is_no_list_of_entries() -> None:
    text = text_of(ENTRY).replace("[[", "[").replace("]]", "]")
    assert problem_in(text) == "it holds no [[vending_key]] tables"


def test_a_revision_given_twice_is_refused_with_both_entries() -> None:
    other = ENTRY | {"supply_group_code": '"000001"'}
    assert problem_in(text_of(ENTRY, other, ENTRY)) == (
        "[[vending_key]] entry 3: same supply group and revision as entry 1"
    )


@pytest.mark.parametrize("value", [SECRET, f'"{SECRET}', f'"{SECRET}"x'])
def test_a_file_that_is_not_toml_is_refused_with_the_place(value: str) -> None:
    found = problem_in(f"[[vending_key]]\nkey = {value}\nkey_type = 2\n")
    assert re.fullmatch(r"it is not TOML at line 2, column \d+", found)


def test_a_file_cut_off_in_a_key_is_refused() -> None:
    assert problem_in(f'key = "{SECRET}') == "it is not TOML at end of document"


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(KeyFileInvalid, match="it cannot be read: No such file or directory"):
        load_key_file(tmp_path / "none.toml")


def test_a_file_that_is_not_text_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "keys.toml"
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(KeyFileInvalid, match="it is not UTF-8 text"):
        load_key_file(path)


@given(st.text())
def test_any_text_is_read_or_refused(text: str) -> None:
    with pytest.raises(KeyFileInvalid):
        parse_key_file(text, path="keys.toml")
