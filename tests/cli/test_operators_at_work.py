"""With operators each command asks who gives it, and what has value takes two."""

from __future__ import annotations

import json
from hashlib import sha256
from typing import TYPE_CHECKING, Final

import pytest

from tests.cli.site_support import NUMBERS, PASSWORD, rows, station, write_site
from tests.support.sealed_keys import OWN_KEYS, sealed
from tests.support.staff import Staff
from vending_api.cli import all_commands
from vending_api.cli import station as station_module
from vending_api.cli.command import RUNNING, Command
from vending_api.cli.needs import NEEDS
from vending_api.cli.pass_file import session_file
from vending_api.domain.operators.errors import PassRejected

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.vending_command import VendingCommand

METER: Final = NUMBERS[0]


@pytest.fixture
def vending(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> VendingCommand:
    return station(monkeypatch, capsys, tmp_path, has_meters=True)


@pytest.fixture
def staff(vending: VendingCommand, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Staff:
    monkeypatch.setenv("COLUMNS", "250")
    return Staff(vending, monkeypatch, tmp_path)


def test_every_command_says_what_it_needs() -> None:
    assert sorted(NEEDS) == sorted(all_commands())


DEPOSIT: Final = ("client", "deposit", "corner-shop", "5000", "--reference", "EFT-1")
QUEUE: Final = ("token", "queue", METER, "refund", "--units", "5", "--reason", "swap")
MAY_NOT: Final = {
    "an auditor proposes nothing": ("aisha", DEPOSIT),
    "an auditor blocks nothing": ("aisha", ("meter", "block", METER)),
    "support proposes nothing": ("themba", QUEUE),
    "support does not read the trail": ("themba", ("audit-trail",)),
    "a clerk adds no operators": ("pieter", ("operator", "add", "x", "--role", "clerk")),
    "a clerk gives no passwords": ("pieter", ("client", "switch-on", "corner-shop")),
    "a clerk sees no tokens": ("pieter", ("sale", "show", "x")),
    "a clerk decides nothing": ("pieter", ("approvals", "approve", "1")),
    "a custodian deposits nothing": ("naledi", DEPOSIT),
}
MAY: Final = {
    "an auditor reads the trail": ("aisha", ("audit-trail",)),
    "an auditor reconciles": ("aisha", ("reconcile",)),
    "an auditor verifies the log": ("aisha", ("log", "verify")),
    "an auditor sees proposals": ("aisha", ("approvals", "list", "--all")),
    "a clerk blocks": ("pieter", ("meter", "block", METER)),
    "support looks at meters": ("themba", ("meter", "show", METER)),
    "a supervisor adds operators": ("thandi", ("operator", "add", "x", "--role", "clerk")),
    "anybody sees own sessions": ("aisha", ("sessions", "list")),
}


@pytest.mark.parametrize(("name", "command"), MAY_NOT.values(), ids=MAY_NOT)
def test_who_may_not_is_refused_and_noted(
    staff: Staff, tmp_path: Path, name: str, command: tuple[str, ...]
) -> None:
    done = staff(name, *command)
    assert done.code == 1
    assert f"the roles of {name} do not include to" in done.err
    assert rows(tmp_path, "audit_trail", "who, outcome") == [
        (name, "refused: operator_not_allowed")
    ]
    assert rows(tmp_path, "proposal") == []


@pytest.mark.parametrize(("name", "command"), MAY.values(), ids=MAY)
def test_who_may_is_let(staff: Staff, name: str, command: tuple[str, ...]) -> None:
    done = staff(name, *command)
    assert done.code == 0, done.err


@pytest.mark.parametrize("path", ["of no table", "sale show", None])
def test_a_command_that_may_change_nothing_cannot(staff: Staff, path: str | None) -> None:
    assert staff("thandi", "client", "list").code == 0
    RUNNING.set(None if path is None else Command(path, {}))
    with pytest.raises(PassRejected), station_module.writing():
        pytest.fail("it was let")


def test_reading_tokens_again_is_noted(staff: Staff, tmp_path: Path) -> None:
    assert staff("themba", "payments", "list").code == 0
    assert rows(tmp_path, "audit_trail") == []
    RUNNING.set(Command("sale show", {"purchase": "x"}))
    with station_module.reading():
        pass
    kept = rows(tmp_path, "audit_trail", "who, command, subject, outcome")
    assert kept == [("themba", "sale show", '{"purchase": "x"}', "done")]


def test_who_is_not_logged_in_may_nothing(
    staff: Staff, vending: VendingCommand, tmp_path: Path
) -> None:
    for command in (("meter", "show", METER), DEPOSIT, ("operator", "list")):
        session_file().unlink(missing_ok=True)
        done = vending(*command)
        assert done.code == 1
        assert "not logged in" in done.err
        assert staff("unheard of", *command).code == 1
    assert rows(tmp_path, "audit_trail", "DISTINCT outcome") == [
        ("refused: operator_pass_rejected",)
    ]


def test_without_operators_commands_act_alone_and_are_noted(
    vending: VendingCommand, tmp_path: Path
) -> None:
    assert vending(*DEPOSIT).code == 0
    assert rows(tmp_path, "credit", "balance_minor") == [(5000,)]
    assert rows(tmp_path, "proposal") == []
    ((who, known_by, command, outcome),) = rows(
        tmp_path, "audit_trail", "who, known_by, command, outcome"
    )
    assert who
    assert (known_by, command, outcome) == ("no login", "client deposit", "done")


def test_a_deposit_takes_two(staff: Staff, tmp_path: Path) -> None:
    done = staff("pieter", *DEPOSIT, "--json")
    assert json.loads(done.out) == {"proposal": 1, "kind": "client-deposit"}
    assert "`vending approvals approve 1`" in done.err
    assert rows(tmp_path, "credit") == []
    shown = staff("thandi", "approvals", "show", "1").out
    assert "corner-shop" in shown
    assert "5,000" in shown
    assert staff("thandi", "approvals", "approve", "1").code == 0
    assert rows(tmp_path, "credit", "balance_minor") == [(5000,)]
    assert [one[:3] for one in rows(tmp_path, "audit_trail", "who, command, outcome")] == [
        ("pieter", "client deposit", "proposal 1"),
        (
            "thandi",
            "approvals approve",
            "approved proposal 1: 5,000 added to the credit of corner-shop",
        ),
    ]


def test_what_cannot_be_done_is_not_even_proposed(staff: Staff, tmp_path: Path) -> None:
    wrong = staff("pieter", "client", "deposit", "nobody", "5", "--reference", "x")
    assert wrong.code == 1
    assert rows(tmp_path, "proposal") == []
    assert staff("pieter", *DEPOSIT).code == 0
    assert staff("thandi", "approvals", "approve", "1").code == 0
    again = staff("pieter", *DEPOSIT)
    assert again.code == 1
    assert len(rows(tmp_path, "proposal")) == 1


def test_an_ordered_token_names_both(staff: Staff, tmp_path: Path) -> None:
    assert staff("pieter", *QUEUE).code == 0
    assert rows(tmp_path, "queued_token") == []
    assert rows(tmp_path, "meter", "has_queued_tokens")[0] == (0,)
    assert staff("lindiwe", "approvals", "approve", "1").code == 0
    kept = rows(tmp_path, "queued_token", "value, reason, ordered_by, approved_by")
    assert kept == [(50, "swap", "pieter", "lindiwe")]
    assert "pieter, lindiwe" in staff("pieter", "token", "list", METER).out


def test_engineering_tokens_and_key_changes_and_estates_take_two(
    staff: Staff, tmp_path: Path
) -> None:
    commands = (
        ("token", "queue", METER, "clear-tamper", "--reason", "opened"),
        ("meter", "key-change", METER, "--tariff-index", "08", "--reason", "another tariff"),
        ("estate", "set", "Riverside", "--charge", "100"),
    )
    for command in commands:
        assert staff("pieter", *command).code == 0
    assert rows(tmp_path, "proposal", "kind") == [
        ("engineering-token",),
        ("key-change",),
        ("estate",),
    ]
    for table in ("queued_token", "estate"):
        assert rows(tmp_path, table) == []
    assert "08" not in staff("pieter", "meter", "show", METER).out
    for number in (1, 2, 3):
        assert staff("thandi", "approvals", "approve", number).code == 0
    assert len(rows(tmp_path, "queued_token")) == len(rows(tmp_path, "estate")) == 1
    assert "08" in staff("pieter", "meter", "show", METER).out


def test_an_import_takes_two_who_have_the_same_file(staff: Staff, tmp_path: Path) -> None:
    higher = ("sale_maximum_minor = 200000", "sale_maximum_minor = 900000")
    write_site(tmp_path, higher)
    done = staff("pieter", "import", "site.toml", "--reason", "bigger shop")
    assert done.code == 0
    assert "`vending approvals approve 1 --file FILE`" in done.err
    assert rows(tmp_path, "client", "sale_maximum_minor") == [(200000,)]
    assert "sale_maximum_minor: 200000 -> 900000" in staff("thandi", "approvals", "show", "1").out
    for file in ([], ["--file", "other.toml"]):
        (tmp_path / "other.toml").write_text(
            (tmp_path / "site.toml").read_text().replace("900000\nday", "900001\nday")
        )
        refused = staff("thandi", "approvals", "approve", "1", *file)
        assert refused.code == 1
        assert "--file" in refused.err
    assert staff("thandi", "approvals", "approve", "1", "--file", "site.toml").code == 0
    assert rows(tmp_path, "client", "sale_maximum_minor") == [(900000,)]


def test_a_new_client_gets_its_password_from_who_approves(staff: Staff, tmp_path: Path) -> None:
    site = (tmp_path / "site.toml").read_text()
    more = '[[client]]\nuser_name = "kiosk"\nname = "Kiosk"\nprepaid = true\n'
    more += 'password_file = "kiosk.password"\n'
    (tmp_path / "site.toml").write_text(site + more)
    assert staff("pieter", "import", "site.toml").code == 0
    refused = staff("thandi", "approvals", "approve", "1", "--file", "site.toml")
    assert refused.code == 1
    assert "kiosk is new" in refused.err
    (tmp_path / "kiosk.password").write_text(PASSWORD)
    assert staff("thandi", "approvals", "approve", "1", "--file", "site.toml").code == 0
    assert ("kiosk",) in rows(tmp_path, "client", "user_name")


def test_a_list_of_meters_takes_two_who_have_the_same_file(staff: Staff, tmp_path: Path) -> None:
    file = tmp_path / "meters.csv"
    # The third meter gets limits of its own.
    file.write_text(file.read_text().replace("no,no,YES,,,", "no,yes,YES,500,99000,"))
    assert staff("pieter", "import-meters", "meters.csv", "--dry-run").code == 0
    assert rows(tmp_path, "proposal") == []
    assert staff("pieter", "import-meters", "meters.csv").code == 0
    before = rows(tmp_path, "meter", "maximum_purchase_minor")
    assert staff("thandi", "approvals", "approve", "1").code == 1
    good = file.read_text()
    file.write_text(good.replace("99000", "990000"))
    assert staff("thandi", "approvals", "approve", "1", "--file", "meters.csv").code == 1
    assert rows(tmp_path, "meter", "maximum_purchase_minor") == before
    file.write_text(good)
    assert staff("thandi", "approvals", "approve", "1", "--file", "meters.csv").code == 0
    assert (99000,) in rows(tmp_path, "meter", "maximum_purchase_minor")


def test_an_import_of_nothing_new_proposes_nothing(staff: Staff, tmp_path: Path) -> None:
    for command in (("import", "site.toml"), ("import-meters", "meters.csv")):
        assert "Nothing to do" in staff("pieter", *command).err
    assert rows(tmp_path, "proposal") == []


def test_a_key_file_is_approved_by_another_custodian(staff: Staff, tmp_path: Path) -> None:
    file = tmp_path / "keys.sealed"
    file.write_text(sealed(OWN_KEYS))
    command = ("keys", "propose-load", "keys.sealed", "--reason", "first keys")
    assert staff("thandi", *command).code == 1
    assert staff("naledi", *command).code == 0
    for name in ("thandi", "naledi"):
        assert staff(name, "approvals", "approve", "1").code == 1
    assert json.loads(staff("aisha", "keys", "list", "--json").out) == []
    assert staff("sipho", "approvals", "approve", "1").code == 0
    (listed,) = json.loads(staff("aisha", "keys", "list", "--json").out)
    assert listed["sha256"] == sha256(file.read_bytes()).hexdigest()
    assert (listed["proposed_by"], listed["approved_by"]) == ("naledi", "sipho")
    assert listed["keys"] == ["000001 revision 1 type 2"]
    assert "keys.sealed" in staff("aisha", "keys", "list").out
    file.write_text(OWN_KEYS)
    assert "is not sealed" in staff("naledi", *command).err


def test_proposals_are_refused_and_withdrawn(staff: Staff, tmp_path: Path) -> None:
    for _ in range(2):
        assert staff("pieter", *QUEUE).code == 0
    assert "swap" in staff("thandi", "approvals", "list").out
    assert staff("thandi", "approvals", "refuse", "1", "--note", "no").code == 0
    assert staff("thandi", "approvals", "withdraw", "2").code == 1
    assert staff("pieter", "approvals", "withdraw", "2").code == 0
    assert "Nothing waits" in staff("thandi", "approvals", "list").err
    states = [
        one["state"]
        for one in json.loads(staff("aisha", "approvals", "list", "--all", "--json").out)
    ]
    assert states == ["refused", "withdrawn"]
    assert rows(tmp_path, "queued_token") == []


def test_a_campaign_takes_two_operators_who_are_known_by_their_login(
    staff: Staff, tmp_path: Path
) -> None:
    propose = (
        *("campaign", "refund", "outage", "--supply-group", "100001", "--units", "5"),
        *("--reason", "outage"),
    )
    assert "leave --by out" in staff("pieter", *propose, "--by", "lindiwe").err
    assert staff("aisha", *propose).code == 1
    assert staff("pieter", *propose).code == 0
    assert staff("pieter", "campaign", "approve", "outage").code == 1
    own = (*propose[:2], "own", *propose[3:], "--again")
    assert staff("thandi", *own).code == 0
    assert "somebody else must approve it" in staff("thandi", "campaign", "approve", "own").err
    assert staff("lindiwe", "campaign", "approve", "outage").code == 0
    shown = json.loads(staff("aisha", "campaign", "show", "outage", "--json").out)
    assert (shown["proposed_by"], shown["approved_by"]) == ("pieter", "lindiwe")
    assert staff("aisha", "campaign", "pause", "outage").code == 1
    trail = rows(tmp_path, "audit_trail", "who, command, outcome")
    assert ("lindiwe", "campaign approve", "done") in trail
