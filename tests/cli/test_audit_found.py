"""`vending audit tokens FILE` tells tokens that we sold from all others, without showing any."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.cli.audit_support import (
    AUDIT,
    execute,
    found_in,
    ghost,
    meter_test,
    mistyped,
)
from tests.domain.keying import TO_SECOND, order
from tests.support.selling import identifier_of, sell
from tests.support.service import NOON, purchase
from vending_api.domain.audits import field_file, found
from vending_api.sandbox.demo_data import demo_meter_configuration

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from tests.support.vending_command import VendingCommand


_DAY: Final = timedelta(days=1)


@pytest.fixture
def vending(vending: VendingCommand, monkeypatch: pytest.MonkeyPatch) -> VendingCommand:
    """Give the command with the keys of the demo."""
    monkeypatch.setenv("VENDING_DEMO", "true")
    return vending


@pytest.fixture(params=["short", "long"])
def length(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> None:
    """Take a file for a short one, whose meters are looked up, or for a long one in many parts."""
    if request.param == "long":
        monkeypatch.setattr(found, "_LOOKED_UP_ROWS", 0)
        monkeypatch.setattr(field_file, "_BLOCK_OCTETS", 64)
        monkeypatch.setattr(field_file, "_ROWS_A_PART", 1)


@pytest.mark.usefixtures("length")
def test_what_was_sold_is_sold_by_number_or_pan_in_groups_of_four(
    vending: VendingCommand, engine: Engine, tmp_path: Path
) -> None:
    (token,) = sell(engine, purchase()).tokens
    groups = " ".join(token.digits[at : at + 4] for at in range(0, 20, 4))
    assert found_in(vending, f"TST001,{groups}") == []
    pan = demo_meter_configuration(1).pan.digits
    file = tmp_path / "found.parquet"
    pq.write_table(pa.table({"pan": [pan], "token": [token.digits]}), file)
    done = vending(*AUDIT, file)
    assert done.code == 0
    assert "sold by us as they stand  1" in done.out


@pytest.mark.usefixtures("length")
def test_a_ghost_token_is_found(vending: VendingCommand, engine: Engine) -> None:
    sell(engine, purchase())
    (one,) = found_in(vending, f"TST001,{ghost()}")
    assert one["finding"] == "never_sold"
    assert (one["says_kind"], one["says_value"]) == ("TransferCredit", 1_000)
    assert (one["says_identifier"], one["line"]) == (6_700_000, 2)
    assert one["reference"] is None


@pytest.mark.usefixtures("length")
def test_an_identifier_of_ours_with_another_amount_names_the_sale(
    vending: VendingCommand, engine: Engine
) -> None:
    sale = sell(engine, purchase())
    (token,) = sale.tokens
    minutes = identifier_of(token).minutes
    more = ghost(tenths=9_000, minutes=minutes, rnd=5)
    same = ghost(tenths=token.units_tenths, minutes=minutes, rnd=6)
    first, second = found_in(vending, f"TST001,{more}", f"TST001,{same}")
    assert (first["finding"], second["finding"]) == ("other_amount", "made_again")
    assert first["reference"] == second["reference"] == sale.purchase_id
    assert (first["says_value"], first["sold_value"]) == (9_000, token.units_tenths)


def test_a_changed_record_does_not_make_a_token_right(
    vending: VendingCommand, engine: Engine
) -> None:
    (token,) = sell(engine, purchase()).tokens
    execute(engine, "UPDATE token SET units_tenths = 1")
    (one,) = found_in(vending, f"TST001,{token.digits}")
    assert one["finding"] == "other_amount"


@pytest.mark.usefixtures("length")
def test_mistyped_digits_other_meters_and_unknown_ones_are_told_apart(
    vending: VendingCommand, engine: Engine
) -> None:
    (token,) = sell(engine, purchase()).tokens
    findings = found_in(
        vending,
        f"TST001,{mistyped(token.digits)}",
        f"TST002,{mistyped(mistyped(token.digits))}",
        f"TST999,{ghost()}",
        "TST001,1234",
    )
    assert [(one["line"], one["finding"]) for one in findings] == [
        (2, "unreadable"),
        (3, "unreadable"),
        (4, "unknown_meter"),
        (5, "unreadable"),
    ]
    assert {one["problem"] for one in findings} == {None, "4 characters; expected 20 digits"}


@pytest.mark.usefixtures("length")
def test_a_token_twice_in_the_file_is_told_with_its_first_line(
    vending: VendingCommand, engine: Engine
) -> None:
    (token,) = sell(engine, purchase()).tokens
    (one,) = found_in(vending, f"TST001,{token.digits}", "", f"TST001,{token.digits}")
    assert one["finding"] == "twice_in_file"
    assert (one["line"], one["problem"]) == (4, "it stands in line 2 already")


@pytest.mark.usefixtures("length")
def test_old_tokens_of_a_meter_that_changed_its_key_are_ours(
    vending: VendingCommand, engine: Engine
) -> None:
    command = purchase(external_meter_id="TST001")
    (old,) = sell(engine, command).tokens
    order(engine, "TST001", TO_SECOND)
    later = purchase(external_meter_id="TST001", received_at=NOON + _DAY)
    tokens = [old, *sell(engine, later).tokens]
    assert len(tokens) > 2
    assert found_in(vending, *(f"TST001,{one.digits}" for one in tokens)) == []
    assert vending(*AUDIT).code == 0


@pytest.mark.usefixtures("length")
def test_a_sale_that_was_taken_out_is_known_to_the_log(
    vending: VendingCommand, engine: Engine
) -> None:
    (token,) = sell(engine, purchase()).tokens
    execute(engine, "DELETE FROM token")
    findings = found_in(vending, f"TST001,{token.digits}", f"TST001,{ghost()}")
    assert {one["line"]: one["finding"] for one in findings} == {
        2: "record_gone",
        3: "never_sold",
    }


@pytest.mark.usefixtures("length")
def test_a_file_without_rows_has_nothing_wrong(vending: VendingCommand) -> None:
    assert found_in(vending) == []


@pytest.mark.usefixtures("length")
def test_a_number_and_the_pan_of_another_meter_are_no_meter(
    vending: VendingCommand, engine: Engine
) -> None:
    (token,) = sell(engine, purchase()).tokens
    pans = [demo_meter_configuration(serial).pan.digits for serial in (1, 2)]
    lines = ["meter,pan,token", *(f"TST001,{pan},{token.digits}" for pan in pans)]
    Path("pans.csv").write_text("\n".join(lines), encoding="utf-8")
    done = json.loads(vending(*AUDIT, "pans.csv", "--json").out)
    assert done["by_finding"] == {"unknown_meter": 1, "twice_in_file": 1}
    assert {one["line"] for one in done["list"]} == {3}


def test_meter_tests_need_no_key_and_are_counted_apart(
    vending: VendingCommand, engine: Engine
) -> None:
    (token,) = sell(engine, purchase()).tokens
    Path("found.csv").write_text(
        f"meter,token\nTST001,{meter_test()}\nTST002,{token.digits}\nTST001,{token.digits}\n",
        encoding="utf-8",
    )
    done = vending(*AUDIT, "found.csv")
    assert "meter tests, which need no key" in done.out
    facts = dict(line.rsplit(maxsplit=1) for line in done.out.splitlines()[:6] if line)
    assert facts["meter tests, which need no key"] == "1"
    assert facts["sold by us as they stand"] == "1"
    assert facts["no token of its meter under our keys"] == "1"


def test_a_token_that_no_meter_takes_is_unreadable(vending: VendingCommand) -> None:
    (one,) = found_in(vending, "TST001,73786976294838206463")
    assert one["finding"] == "unreadable"


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ("token\n1\n", "needed are the columns token and meter, or pan; it has token"),
        ("meter\n1\n", "needed are the columns token and meter, or pan; it has meter"),
        ("meter,token\nTST001,SECRET\nTST001,SECRET,3\n", "line 3: it has 3 fields, the heading 2"),
        ("meter,token\n\n,SECRET\n", "line 3: it names no meter"),
        ("meter,token\nTST001,\n", "line 2: it has no token"),
        ("", "it cannot be read as CSV"),
    ],
)
def test_a_wrong_file_is_named_by_line_and_never_shown(
    vending: VendingCommand, tmp_path: Path, content: str, problem: str
) -> None:
    file = tmp_path / "wrong.csv"
    file.write_text(content, encoding="utf-8")
    done = vending(*AUDIT, file)
    assert done.code == 1
    assert problem in done.err
    assert "SECRET" not in done.err


def test_numbers_where_digits_belong_are_refused(vending: VendingCommand, tmp_path: Path) -> None:
    pq.write_table(pa.table({"meter": ["TST001"], "token": [1234]}), tmp_path / "wrong.parquet")
    done = vending(*AUDIT, tmp_path / "wrong.parquet")
    assert (done.code, "column token: it holds int64" in done.err) == (1, True)
    (tmp_path / "broken.parquet").write_bytes(b"PAR1")
    assert "cannot be read as Parquet" in vending(*AUDIT, tmp_path / "broken.parquet").err
    (tmp_path / "wrong.txt").write_bytes(b"")
    assert "expected .csv or .parquet" in vending(*AUDIT, tmp_path / "wrong.txt").err
