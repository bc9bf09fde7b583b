"""`sts issue`, `sts decode` and `sts describe`: tokens out, tokens in, and what is refused."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

import pytest

from sts.base_date import BaseDate
from sts.cli.output import token_fields
from sts.token_identifier import TokenIdentifier
from sts.tokens.reserved import ReservedToken
from tests.sts.cli_support import (
    AT,
    EA07,
    EA11,
    ED_2_2_CREDIT,
    LONG_KEY,
    PAN,
    SAMPLE_NOTE,
    done,
    done_json,
    failed,
    key_file_text,
    key_options,
    run,
    table_options,
)

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def keys(tmp_path: Path) -> list[str]:
    return key_options(tmp_path)


@pytest.fixture
def tables(tmp_path: Path) -> list[str]:
    return table_options(tmp_path)


def test_the_published_credit_token_comes_out(keys: list[str]) -> None:
    output = done("issue", "credit", "0.1", *keys, *EA11, *AT)
    assert output.splitlines()[0] == "5862 5789 9869 9135 7486"
    assert "amount            0.1 kWh" in output
    assert "issued            2014-03-01 13:00 UTC, base date 2014" in output


def test_the_published_currency_token_comes_out(keys: list[str]) -> None:
    token = done_json("issue", "currency", "1", *keys, *EA11, "--at", "2027-08-21T12:01Z")
    assert token["token"] == "72503171501464925869"
    assert token["amount_hundred_thousandths"] == 100_004
    negative = ["issue", "currency", *keys, *EA11, "--at", "2027-08-21T15:12:00+02:00", "--json"]
    assert json.loads(done(*negative, "--", "-1"))["token"] == "40156929596019478780"


def test_the_published_key_change_set_comes_out(keys: list[str]) -> None:
    new = ["--new-sgc", "203557", "--new-krn", "6", "--new-ti", "02"]
    tokens = done_json("issue", "key-change", *keys, *EA11, *new)["tokens"]
    assert [token["token"] for token in tokens] == [
        "39536809214641544852",
        "45268691985939334940",
        "65389277406881242890",
        "23263472884016433225",
    ]
    assert tokens[0]["rollover"] is True
    assert not any("key_word" in token for token in tokens)
    assert done("issue", "key-change", *keys, *EA11, *new).count("key word") == 4


def test_a_key_change_keeps_what_is_not_given(keys: list[str]) -> None:
    [first, last] = done_json("issue", "key-change", *keys, *EA07, "--new-krn", "2")["tokens"]
    assert (first["key_revision_number"], last["tariff_index"]) == (2, "01")
    [first, last] = done_json("issue", "key-change", *keys, *EA07, "--new-ti", "99")["tokens"]
    assert (first["key_revision_number"], last["tariff_index"]) == (1, "99")


MANAGEMENT: Final = [
    (["power-limit", "16385"], {"kind": "SetMaximumPowerLimit", "power_watts": 16394}),
    (
        ["phase-unbalance", "100"],
        {"kind": "SetMaximumPhasePowerUnbalanceLimit", "power_watts": 100},
    ),
    (["clear-credit"], {"kind": "ClearCredit", "register": 65535}),
    (["clear-credit", "--register", "0x4"], {"kind": "ClearCredit", "register": 4}),
    (["clear-tamper"], {"kind": "ClearTamperCondition", "pad": 0}),
    (["tariff-rate", "7"], {"kind": "SetTariffRate", "rate": 7}),
    (["water-factor", "8"], {"kind": "SetWaterMeterFactor", "factor": 8}),
    (["credit", "25.61"], {"amount_tenths": 257, "resource": "electricity"}),
    (["credit", "1", "--resource", "WATER"], {"amount_tenths": 10, "resource": "water"}),
    (["currency", "12.5", "--resource", "time"], {"subclass": 7, "resource": "time"}),
]


@pytest.mark.parametrize("meter", [EA07, EA11], ids=["EA07", "EA11"])
@pytest.mark.parametrize(("kind", "says"), MANAGEMENT, ids=lambda value: str(value)[:30])
def test_every_kind_is_issued_and_decoded_back(
    kind: list[str], says: dict[str, Any], meter: list[str], keys: list[str]
) -> None:
    issued = done_json("issue", *kind, *keys, *meter, *AT)
    assert issued.items() >= says.items()
    assert issued["token_identifier_minutes"] == 85_740
    assert done_json("decode", issued["token"], *keys, *meter) == issued
    described = done_json("describe", issued["token"], *keys, *meter)
    assert described["issued"] == "2014-03-01 13:00 UTC, base date 2014"


def test_without_a_time_and_random_bits_the_clock_and_chance_decide(keys: list[str]) -> None:
    before = TokenIdentifier.at(datetime.now(UTC), BaseDate.YEAR_2014)
    tokens = [done_json("issue", "credit", "1", *keys, *EA11) for _ in range(40)]
    after = TokenIdentifier.at(datetime.now(UTC), BaseDate.YEAR_2014)
    minutes = {token["token_identifier_minutes"] for token in tokens}
    assert before.minutes <= min(minutes) <= max(minutes) <= after.minutes
    assert len({token["random"] for token in tokens}) > 1
    assert {token["random"] for token in tokens} <= set(range(16))


def test_a_meter_test_needs_no_key() -> None:
    token = done_json("issue", "test", "68719476735")
    assert (token["token"], token["control"]) == ("56493153725450313471", 0xFFFFFFFFF)
    token = done_json("issue", "test", "0xFFFFFFF", "--manufacturer", "0000")
    assert token["token"] == "02305843005052951967"
    assert done_json("decode", token["token"]) == token


def test_the_licensed_tables_are_used_and_without_them_the_sample_note_stands(
    keys: list[str], tables: list[str]
) -> None:
    command = ["issue", "credit", "1", *keys, *EA07, *AT, "--json"]
    with_sample, with_tables = run(*command), run(*command, *tables)
    from_environment = run(*command, env={"VENDING_STA_TABLES": tables[1]})
    assert (with_sample.stderr, with_tables.stderr) == (SAMPLE_NOTE, "")
    assert with_tables.stdout == from_environment.stdout != with_sample.stdout


def test_keys_may_be_named_by_the_environment(keys: list[str]) -> None:
    output = done("issue", "credit", "0.1", *EA11, *AT, env={"VENDING_KEYS_FILE": keys[1]})
    assert "5862 5789 9869 9135 7486" in output


def changed(meter: list[str], option: str, value: str) -> list[str]:
    place = meter.index(option) + 1
    return [*meter[:place], value, *meter[place + 1 :]]


@pytest.mark.parametrize(
    ("option", "value", "words"),
    [
        ("--meter", "600727000000000008", "--meter: meter PAN: 600727000000000008 ends in 8"),
        ("--sgc", "20145", "--sgc: supply group code: '20145' is not it; expected 6 decimal"),
        ("--krn", "0", "--krn: key revision number: 0 is not one; expected 1 to 9"),
        ("--krn", "x", "--krn"),
        ("--ti", "1", "--ti: tariff index: '1' is not it; expected 2 decimal digits"),
        ("--ea", "12", "--ea"),
    ],
)
def test_a_wrong_option_of_the_meter_is_wrong_usage_and_named(
    option: str, value: str, words: str, keys: list[str]
) -> None:
    assert words in failed("issue", "credit", "1", *keys, *changed(EA11, option, value), code=2)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["credit"], "Missing argument 'AMOUNT'. (see `sts issue credit --help`)"),
        (["credit", "1", "--colour", "red"], "No such option: --colour"),
        (["power-limit", "many"], "WATTS"),
        (["credit", "1", "--at", "noon"], "--at: issue time: 'noon' is not one; expected a time"),
        (["credit", "1", "--at", "0001-01-01T00:59+01:00"], "--at: issue time: '0001-01-01T00:59"),
        (["credit", "1", "--resource", "steam"], "--resource: resource: 'steam' is not one"),
        (["clear-credit", "--register", "some"], "--register: number: 'some' is not one"),
        (["key-change"], "nothing would change: give --new-sgc, --new-krn or --new-ti"),
        (["key-change", "--new-sgc", "1"], "--new-sgc: supply group code"),
        (["key-change", "--new-krn", "10"], "--new-krn: key revision number"),
        (["key-change", "--new-ti", "1"], "--new-ti: tariff index"),
        (["test", "1", "--manufacturer", "1"], "--manufacturer: manufacturer code"),
    ],
    ids=" ".join,
)
def test_wrong_usage_ends_with_2(arguments: list[str], words: str, keys: list[str]) -> None:
    meter = [] if arguments[0] == "test" else [*keys, *EA11]
    assert words in failed("issue", *arguments, *meter, code=2)


@pytest.mark.parametrize(
    ("arguments", "meter", "words"),
    [
        (["credit", "1820162.5"], EA11, "transfer amount: 18201625 tenths cannot be carried"),
        (["credit", "1,5"], EA11, "transfer amount: '1,5' is not a decimal number"),
        (["credit", "1", "--rnd", "16"], EA11, "random: 16 does not fit 4 bits"),
        (["credit", "1", "--at", "2013-12-31T23:59"], EA11, "no token identifier"),
        (["power-limit", "18201625"], EA11, "power limit"),
        (["clear-credit", "--register", "65536"], EA11, "register: 65536 does not fit 16 bits"),
        (["tariff-rate", "65536"], EA11, "tariff rate"),
        (["test", "0x1000000000"], [], "control"),
        (["test", "one"], [], "number: 'one' is not one; expected as 10 or 0xA"),
        (["credit", "1"], changed(EA11, "--krn", "9"), "no vending key for supply group 201457"),
        (["key-change", "--new-krn", "9"], EA11, "no vending key for supply group 201457"),
        (["credit", "1"], changed(EA07, "--krn", "3"), "no credit is issued under a default key"),
        (["credit", "1"], changed(EA07, "--krn", "4"), "key expired"),
        (["credit", "1"], changed(EA07, "--ea", "11"), "DKGA02 makes no decoder keys for EA11"),
        (["credit", "1"], changed(EA07, "--krn", "5"), "its range is 1993-01-01 00:00 to 2024"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else value[:40],
)
def test_what_the_engine_refuses_ends_with_1(
    arguments: list[str], meter: list[str], words: str, keys: list[str]
) -> None:
    given = [*keys, *meter] if meter else []
    assert words in failed("issue", *arguments, *given, code=1)


def test_without_keys_the_message_says_where_to_get_them() -> None:
    line = failed("issue", "credit", "1", *EA11, code=2)
    assert "give --keys FILE or set VENDING_KEYS_FILE; keys.example shows" in line


def test_a_key_file_that_is_missing_or_wrong_is_named(tmp_path: Path) -> None:
    absent = str(tmp_path / "absent.toml")
    assert absent in failed("issue", "credit", "1", "--keys", absent, *EA11, code=2)
    wrong = tmp_path / "wrong.toml"
    wrong.write_text(key_file_text([("20145", 1, 2, 2014, 255, "04", LONG_KEY)]))
    line = failed("issue", "credit", "1", "--keys", str(wrong), *EA11, code=1)
    assert "entry 1, field supply_group_code" in line


def test_a_token_for_another_meter_is_refused_with_1(keys: list[str]) -> None:
    other = changed(EA11, "--ti", "02")
    for command in ("decode", "describe"):
        assert "checksum" in failed(command, ED_2_2_CREDIT, *keys, *other, code=1)


def test_an_encrypted_token_is_decoded_with_its_meter_only() -> None:
    assert "give its meter" in failed("decode", ED_2_2_CREDIT, code=2)
    line = failed("decode", ED_2_2_CREDIT, "--meter", PAN, "--krn", "1", code=2)
    assert line.endswith("missing: --sgc, --ti, --ea")


def test_describe_says_what_digits_tell_without_a_key() -> None:
    text = done("describe", "5862-5789 9869 9135-7486")
    assert "credit, encrypted" in text
    assert "decoder key" in text
    assert done_json("describe", ED_2_2_CREDIT)["class"] == "0"
    assert "0xfffffffff" in done("describe", "56493153725450313471")
    assert "class 3" not in done("describe", "73786976294838206463")


def test_describe_says_everything_with_the_meter(keys: list[str]) -> None:
    text = done("describe", ED_2_2_CREDIT, *keys, *EA11)
    assert text.splitlines()[:2] == [
        "digits            5862 5789 9869 9135 7486",
        "kind              electricity credit",
    ]
    assert "0.1 kWh" in text


@pytest.mark.parametrize(
    "token", ["1", "abc", "5862578998699135748x", "73786976294838206464", "٣" * 20]
)
def test_digits_that_are_no_token_are_refused_with_1(token: str) -> None:
    for command in ("decode", "describe"):
        assert "is not a token" in failed(command, token, code=1)


def test_a_reserved_payload_is_shown_unless_it_may_be_part_of_a_key() -> None:
    reserved = ReservedToken(token_class=3, subclass=1, payload=5)
    section = ReservedToken(token_class=2, subclass=3, payload=5)
    assert token_fields("1", reserved)["payload"] == 5
    assert "payload" not in token_fields("1", section)
