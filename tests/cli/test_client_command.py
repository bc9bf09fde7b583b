"""`vending client`: points of sale, their credit and their passwords."""

from __future__ import annotations

import getpass
import io
import json
import re
import sys
from typing import TYPE_CHECKING, Any

import pytest

from tests.cli.site_support import PASSWORD, rows, station
from vending_api.kit.credentials import password_fits

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.vending_command import Done, VendingCommand

SHOP = "corner-shop"


@pytest.fixture
def vending(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> VendingCommand:
    return station(monkeypatch, capsys, tmp_path, has_site=True)


def _deposit(vending: VendingCommand, amount: object, reference: str = "EFT-1") -> Done:
    return vending("client", "deposit", SHOP, amount, "--reference", reference, "--note", "cash")


def test_clients_are_listed_with_their_credit(vending: VendingCommand) -> None:
    _deposit(vending, 5000)
    done = vending("client", "list")
    assert re.search(r"corner-shop +Corner Shop +yes +yes +5,000 +200,000 +10,000,000", done.out), (
        done.out
    )
    assert [one["user_name"] for one in json.loads(vending("client", "list", "--json").out)] == [
        SHOP
    ]


def test_a_client_is_shown_with_terms_and_terminals(vending: VendingCommand) -> None:
    facts: dict[str, Any] = json.loads(vending("client", "show", SHOP, "--json").out)
    assert facts == {
        "user_name": SHOP,
        "name": "Corner Shop",
        "is_active": True,
        "is_prepaid": True,
        "balance_minor": 0,
        "sale_maximum_minor": 200000,
        "day_maximum_minor": 10000000,
        "slip_columns": 32,
        "terminals": ["TILL0001", "TILL0002"],
    }
    assert re.search(r"Terminals +TILL0001, TILL0002", vending("client", "show", SHOP).out)


@pytest.mark.parametrize(
    "command",
    [
        ("show", "x"),
        ("deposit", "x", "1", "--reference", "r"),
        ("statement", "x"),
        ("password", "x"),
        ("switch-off", "x"),
        ("switch-on", "x"),
    ],
)
def test_an_unknown_client_is_one_line(vending: VendingCommand, command: tuple[str, ...]) -> None:
    done = vending("client", *command)
    assert done.code == 1
    assert done.err == "vending: no client 'x' is registered; see `vending client list`\n"


def test_a_deposit_is_added_once(vending: VendingCommand, tmp_path: Path) -> None:
    done = _deposit(vending, 5000)
    assert done.err == f"Added 5,000 to the credit of {SHOP}, which is 5,000 now.\n"
    again = _deposit(vending, 7000)
    assert again.code == 1
    assert "deposit with reference 'EFT-1' was recorded before; nothing was added" in again.err
    assert rows(tmp_path, "credit", "balance_minor") == [(5000,)]
    assert "which is 5,001 now" in _deposit(vending, 1, "EFT-2").err


@pytest.mark.parametrize("amount", ["0", "1.5", "ten", "1e3"])
def test_a_sum_that_is_none_is_refused(
    vending: VendingCommand, tmp_path: Path, amount: str
) -> None:
    assert _deposit(vending, amount).code == 2
    assert rows(tmp_path, "credit") == []


def test_a_deposit_needs_a_reference(vending: VendingCommand) -> None:
    assert vending("client", "deposit", SHOP, "1").code == 2
    done = _deposit(vending, 1, " ")
    assert (done.code, "credit_entry.reference: is empty" in done.err) == (1, True)


def test_a_deposit_of_a_client_that_is_not_prepaid_is_warned_of(
    vending: VendingCommand, tmp_path: Path
) -> None:
    assert "warning" not in _deposit(vending, 1).err
    site = tmp_path / "site.toml"
    site.write_text(site.read_text().replace("prepaid = true", "prepaid = false"))
    vending("import", "site.toml")
    assert f"warning: {SHOP} is not prepaid" in _deposit(vending, 1, "EFT-2").err


def test_programs_get_json(vending: VendingCommand) -> None:
    done = vending("client", "deposit", SHOP, 5, "--reference", "r", "--json")
    assert json.loads(done.out) == {
        "user_name": SHOP,
        "deposited_minor": 5,
        "balance_minor": 5,
    }
    (entry,) = json.loads(vending("client", "statement", SHOP, "--json").out)
    assert entry["at"].endswith("+00:00")
    del entry["at"]
    assert entry == {
        "kind": "deposit",
        "amount_minor": 5,
        "balance_minor": 5,
        "reference": "r",
        "note": "",
    }


def test_a_statement_lists_what_changed_the_credit(vending: VendingCommand) -> None:
    _deposit(vending, 5000)
    _deposit(vending, 250, "EFT-2")
    table = vending("client", "statement", SHOP).out
    assert re.search(r"deposit +5,000 +5,000 +EFT-1 +cash", table), table
    assert re.search(r"deposit +250 +5,250 +EFT-2", table)
    assert "EFT-1" in vending("client", "statement", SHOP, "--since", "2020-01-01").out
    assert "EFT-1" not in vending("client", "statement", SHOP, "--since", "2999-01-01T00:00").out
    assert vending("client", "statement", SHOP, "--since", "2999-01-01T00:00+02:00").code == 0
    wrong = vending("client", "statement", SHOP, "--since", "yesterday")
    assert (wrong.code, "is not a day such as 2026-11-01" in wrong.err) == (2, True)


def _new_password(vending: VendingCommand, monkeypatch: pytest.MonkeyPatch, piped: str) -> Done:
    monkeypatch.setattr(sys, "stdin", io.StringIO(piped))
    done = vending("client", "password", SHOP)
    assert piped.strip() not in done.out + done.err
    return done


def _fits(folder: Path, password: str) -> bool:
    ((kept,),) = rows(folder, "client", "password_hash")
    return password_fits(kept, password)


def test_a_password_is_piped_in_and_never_printed(
    vending: VendingCommand, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert _new_password(vending, monkeypatch, "another one\n").code == 0
    assert _fits(tmp_path, "another one")
    assert not _fits(tmp_path, PASSWORD)


@pytest.mark.parametrize("piped", ["short 7", 129 * "x", "two lines of\npasswords\n"])
def test_a_password_that_is_not_sound_changes_nothing(
    vending: VendingCommand, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, piped: str
) -> None:
    done = _new_password(vending, monkeypatch, piped)
    assert done.code == 1
    assert len(done.err.splitlines()) == 1
    assert _fits(tmp_path, PASSWORD)


class _Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_at_a_terminal_the_password_is_asked_for_twice(
    vending: VendingCommand, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    typed = iter(["typed in one", "typed in two", "typed in one", "typed in one"])
    monkeypatch.setattr(sys, "stdin", _Terminal())
    monkeypatch.setattr(getpass, "getpass", lambda _: next(typed))
    differed, same = (vending("client", "password", SHOP) for _ in range(2))
    assert (differed.code, "the two were not the same" in differed.err) == (1, True)
    assert same.code == 0, same.err
    assert _fits(tmp_path, "typed in one")
    for done in (differed, same):
        assert "typed in" not in done.out + done.err


@pytest.mark.parametrize(("key", "code"), [(KeyboardInterrupt, 130), (EOFError, 1)])
def test_to_interrupt_is_to_change_nothing(
    vending: VendingCommand,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    key: type[BaseException],
    code: int,
) -> None:
    def interrupt(_: str) -> str:
        raise key

    monkeypatch.setattr(sys, "stdin", _Terminal())
    monkeypatch.setattr(getpass, "getpass", interrupt)
    done = vending("client", "password", SHOP)
    assert done.code == code
    assert "Traceback" not in done.err
    assert _fits(tmp_path, PASSWORD)


def test_a_client_is_switched_off_and_on(vending: VendingCommand, tmp_path: Path) -> None:
    told = []
    for command in ("switch-off", "switch-off", "switch-on", "switch-on"):
        done = vending("client", command, SHOP)
        assert done.code == 0
        told.append((done.err.strip(), rows(tmp_path, "client", "is_active")[0][0]))
    assert told == [
        (f"{SHOP} is switched off now.", 0),
        (f"{SHOP} is switched off already.", 0),
        (f"{SHOP} is switched on now.", 1),
        (f"{SHOP} is switched on already.", 1),
    ]
