"""`vending estate`: which utilities sell online, and on what terms."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import pytest

from tests.cli.site_support import rows, station

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.vending_command import Done, VendingCommand

SITE = "Riverside"
TERMS = "account_code, transaction_charge_minor"


@pytest.fixture
def vending(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> VendingCommand:
    return station(monkeypatch, capsys, tmp_path, has_site=True)


def _set(vending: VendingCommand, *terms: object) -> Done:
    return vending("estate", "set", SITE, *terms)


def test_a_utility_becomes_an_estate(vending: VendingCommand, tmp_path: Path) -> None:
    done = _set(vending, "--account-code", "ACCT_8f4s1eq7", "--charge", 20_000)
    assert done.code == 0, done.err
    assert done.err == (
        "Riverside is estate 1: payments go to ACCT_8f4s1eq7, 20,000 of each is the charge.\n"
    )
    assert rows(tmp_path, "estate", TERMS) == [("ACCT_8f4s1eq7", 20_000)]


def test_without_terms_there_is_no_charge_and_payments_go_to_the_main_account(
    vending: VendingCommand, tmp_path: Path
) -> None:
    assert _set(vending).err == (
        "Riverside is estate 1: payments go to the main account, 0 of each is the charge.\n"
    )
    assert rows(tmp_path, "estate", TERMS) == [("", 0)]


def test_what_is_not_named_stays_as_it_is(vending: VendingCommand, tmp_path: Path) -> None:
    _set(vending, "--account-code", "ACCT_8f4s1eq7", "--charge", 20_000)
    _set(vending, "--charge", 300)
    assert rows(tmp_path, "estate", TERMS) == [("ACCT_8f4s1eq7", 300)]
    _set(vending, "--account-code", "")
    assert rows(tmp_path, "estate", TERMS) == [("", 300)]
    _set(vending, "--charge", 0)
    assert rows(tmp_path, "estate", TERMS) == [("", 0)]


def test_estates_are_listed(vending: VendingCommand) -> None:
    assert json.loads(vending("estate", "list", "--json").out) == []
    _set(vending, "--charge", 20_000)
    table = vending("estate", "list").out
    assert re.search(r"1 +Riverside +ZAR +20,000 +main account", table), table
    _set(vending, "--account-code", "ACCT_8f4s1eq7")
    assert "ACCT_8f4s1eq7" in vending("estate", "list").out


def test_programs_get_json(vending: VendingCommand) -> None:
    done = _set(vending, "--charge", 20_000, "--json")
    facts = json.loads(done.out)
    assert json.loads(vending("estate", "list", "--json").out) == [facts]
    assert facts.pop("created_at") == facts.pop("updated_at")
    assert facts == {
        "estate": 1,
        "utility": SITE,
        "currency": "ZAR",
        "transaction_charge_minor": 20_000,
        "account_code": "",
    }


@pytest.mark.parametrize(
    ("arguments", "code", "text"),
    [
        (("Nowhere",), 1, "Nowhere is not registered; import its site first"),
        ((SITE, "--account-code", "12"), 1, "write the subaccount's code, as ACCT_8f4s1eq7"),
        ((SITE, "--charge", "-1"), 2, "-1"),
        ((SITE, "--charge", "2.50"), 2, "is not a whole number of cents"),
        ((), 2, "Missing argument 'UTILITY'"),
    ],
)
def test_terms_that_cannot_be_are_one_line(
    vending: VendingCommand, tmp_path: Path, arguments: tuple[str, ...], code: int, text: str
) -> None:
    done = vending("estate", "set", *arguments)
    assert (done.code, len(done.err.splitlines())) == (code, 1)
    assert text in done.err
    assert rows(tmp_path, "estate") == []
