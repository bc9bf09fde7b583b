"""`vending token`: tokens that operators order for a meter's next purchase."""

from __future__ import annotations

import getpass
import json
from typing import TYPE_CHECKING, Any, Final

import pytest

from tests.cli.site_support import NUMBERS, rows, station

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.vending_command import Done, VendingCommand

METER: Final = NUMBERS[0]
ORDER: Final = "kind, value, amount_minor, reason, ordered_by"


@pytest.fixture
def vending(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> VendingCommand:
    monkeypatch.setattr(getpass, "getuser", lambda: "thandi")
    return station(monkeypatch, capsys, tmp_path, has_meters=True)


def _queue(vending: VendingCommand, *arguments: str) -> Done:
    return vending("token", "queue", METER, *arguments, "--reason", "meter swap")


_ORDERS: Final[dict[str, tuple[tuple[str, ...], tuple[str, int, int]]]] = {
    "a refund": (("refund", "--units", "12.5", "--amount", "3594"), ("refund", 125, 3594)),
    "a refund of no worth": (("refund", "--units", "3"), ("refund", 30, 0)),
    "a power limit": (("power-limit", "--watts", "4600"), ("power_limit", 4600, 0)),
    "a tamper condition": (("clear-tamper",), ("clear_tamper", 0, 0)),
    "a register": (("clear-credit", "--register", "7"), ("clear_credit", 7, 0)),
    "the first register": (("clear-credit", "--register", "0"), ("clear_credit", 0, 0)),
    "all registers": (("clear-credit", "--register", "all"), ("clear_credit", 65535, 0)),
}


@pytest.mark.parametrize(("arguments", "kept"), _ORDERS.values(), ids=_ORDERS)
def test_a_token_is_queued_in_the_name_of_whoever_orders_it(
    vending: VendingCommand,
    tmp_path: Path,
    arguments: tuple[str, ...],
    kept: tuple[str, int, int],
) -> None:
    done = _queue(vending, *arguments)
    assert done.code == 0, done.err
    assert f"`vending token withdraw {METER} 1`" in done.err
    assert rows(tmp_path, "queued_token", ORDER) == [(*kept, "meter swap", "thandi")]
    assert rows(tmp_path, "meter", "has_queued_tokens")[0] == (1,)


_WRONG: Final[dict[str, tuple[tuple[str, ...], int, str]]] = {
    "no units": (("refund",), 2, "refund needs it"),
    "0 units": (("refund", "--units", "0"), 2, "0 is not enough"),
    "hundredths": (("refund", "--units", "0.05"), 2, "a token carries tenths"),
    "too many units": (("refund", "--units", "1820162.5"), 1, "queued_token.value"),
    "units between two codes": (("refund", "--units", "1638.5"), 1, "has no code of its own"),
    "no watts": (("power-limit",), 2, "power-limit needs it"),
    "watts of a refund": (("refund", "--units", "1", "--watts", "1"), 2, "to power-limit, not to"),
    "watts below 0": (("power-limit", "--watts", "-1"), 1, "queued_token.value"),
    "no register": (("clear-credit",), 2, "clear-credit needs it"),
    "register 8": (("clear-credit", "--register", "8"), 2, "give 0 to 7, or all"),
    "register 07": (("clear-credit", "--register", "07"), 2, "give 0 to 7, or all"),
    "units of a tamper": (("clear-tamper", "--units", "1"), 2, "to refund, not to clear-tamper"),
    "a worth of a limit": (("power-limit", "--watts", "1", "--amount", "5"), 1, "only a refund"),
    "another kind": (("credit",), 2, "credit"),
}


@pytest.mark.parametrize(("arguments", "code", "words"), _WRONG.values(), ids=_WRONG)
def test_what_no_token_can_say_is_refused(
    vending: VendingCommand, tmp_path: Path, arguments: tuple[str, ...], code: int, words: str
) -> None:
    done = _queue(vending, *arguments)
    assert done.code == code
    assert words in done.err
    assert rows(tmp_path, "queued_token") == []


def test_an_order_needs_a_reason(vending: VendingCommand) -> None:
    assert vending("token", "queue", METER, "clear-tamper").code == 2
    done = vending("token", "queue", METER, "clear-tamper", "--reason", " ")
    assert (done.code, "queued_token.reason: is empty" in done.err) == (1, True)


def test_tokens_that_wait_are_listed(vending: VendingCommand) -> None:
    assert vending("token", "list", METER).err == f"No token waits for meter {METER}.\n"
    for arguments, _ in _ORDERS.values():
        _queue(vending, *arguments)
    table = vending("token", "list", METER).out
    for words in ("refund", "12.5 units", "3,594", "4600 W", "register 7", "all registers"):
        assert words in table
    facts: list[dict[str, Any]] = json.loads(vending("token", "list", METER, "--json").out)
    assert facts[0] == {
        "key": 1,
        "kind": "refund",
        "value": 125,
        "amount_minor": 3594,
        "reason": "meter swap",
        "ordered_by": "thandi",
        "approved_by": "",
    }
    assert [one["key"] for one in facts] == [1, 2, 3, 4, 5, 6, 7]


def test_programs_get_json(vending: VendingCommand) -> None:
    answer = json.loads(_queue(vending, "clear-tamper", "--json").out)
    assert answer == {"meter_number": METER, "key": 1, "kind": "clear-tamper", "value": 0}


def test_a_token_is_withdrawn_once(vending: VendingCommand, tmp_path: Path) -> None:
    _queue(vending, "clear-tamper")
    done = vending("token", "withdraw", METER, 1)
    assert (done.code, done.err) == (0, f"Token 1 of meter {METER} is withdrawn.\n")
    assert rows(tmp_path, "meter", "has_queued_tokens")[0] == (0,)
    again = vending("token", "withdraw", METER, 1)
    assert (again.code, "no token 1 waits" in again.err) == (1, True)
    assert json.loads(vending("token", "list", METER, "--json").out) == []


@pytest.mark.parametrize(
    "command",
    [("queue", "X", "clear-tamper", "--reason", "r"), ("list", "X"), ("withdraw", "X", 1)],
)
def test_an_unknown_meter_is_one_line(vending: VendingCommand, command: tuple[object, ...]) -> None:
    done = vending("token", *command)
    assert (done.code, done.err) == (1, "vending: meter X is not registered here\n")


def test_a_long_name_of_an_operator_is_cut(
    vending: VendingCommand, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(getpass, "getuser", lambda: 41 * "x")
    assert _queue(vending, "clear-tamper").code == 0
    assert rows(tmp_path, "queued_token", "ordered_by") == [(40 * "x",)]
