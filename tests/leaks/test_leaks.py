"""After a day of sales and failures, no secret stands where it does not belong."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.leaks import resident, till
from tests.leaks.day import NEW_PASSWORD, PASSPHRASE, TILL_PASSWORD, Day, begun
from tests.leaks.forms import Secret, credentials, found, octets, text, token
from tests.support.http import get
from tests.support.processes import is_lasting

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="module")
def day(tmp_path_factory: pytest.TempPathFactory) -> Day:
    with begun(tmp_path_factory.mktemp("day")) as day:
        day.command("client", "password", "test", said=f"{TILL_PASSWORD}\n")
        day.command("client", "password", "nobody", said=f"{TILL_PASSWORD}\n")
        day.command("client", "password", "test", said=f"{TILL_PASSWORD}\nx\n")
        till.sells(day)
        till.is_guessed(day)
        resident.buys(day)
        resident.goes_wrong(day)
        till.sells_in_trouble(day)
        metrics = get(f"{day.address}/metrics")
        day.shown["the metrics"] = day.answered(metrics).content
        day.look_at_processes()
    return day


def test_the_day_was_as_full_as_it_should_be(day: Day) -> None:
    statuses = {place.split(": ")[1][:3] for place in (*day.answers, *day.refusals)}
    assert statuses >= {"200", "201", "202", "400", "401", "404", "413", "422", "503"}
    assert len(day.keys) >= 4
    assert len(day.tokens) >= 10
    assert len(day.api_keys) == 2
    commands = [said for place, said in day.shown.items() if place.startswith("cmdline")]
    assert sum(map(is_lasting, commands)) == 3
    log = day.shown["the log"]
    for event in (b"request_failed", b"webhook_signature_wrong", b"Error"):
        assert event in log


def test_nothing_secret_is_logged_or_measured(day: Day) -> None:
    written = {place: octets for place, octets in day.shown.items() if "process" not in place}
    assert written.keys() >= {"the log", "the metrics"}
    assert found([*day.passwords, *day.configured, *day.given_out], written) == []


def test_no_refusal_tells_a_secret(day: Day) -> None:
    assert len(day.refusals) >= 50
    assert found([*day.passwords, *day.configured, *day.given_out], day.refusals) == []


def test_answers_give_tokens_and_api_keys_and_no_other_secret(day: Day) -> None:
    assert found([*day.passwords, *day.configured], day.answers) == []
    with_keys = {place for place in day.answers if "/api/login" not in place}
    others = {place: day.answers[place] for place in with_keys}
    assert found(day.api_keys, others) == []


def test_processes_show_what_configures_them_and_no_other_secret(day: Day) -> None:
    processes = {place: octets for place, octets in day.shown.items() if "process" in place}
    assert found([*day.passwords, *day.given_out], processes) == []
    arguments = {place: octets for place, octets in processes.items() if "cmdline" in place}
    assert found(day.configured, arguments) == []


def _planted() -> Iterator[tuple[Secret, bytes]]:
    key = bytes.fromhex("0badc0de5eed1234")
    yield octets("key", key), key
    yield octets("key", key), b"x0badc0de5eed1234"
    yield octets("key", key), b"0BADC0DE5EED1234"
    yield octets("key", key), b"C63A3l7tEjQ"
    yield octets("key", key), repr({"key": key}).encode()
    yield octets("key", key), str(list(key)).encode()
    yield text("passphrase", PASSPHRASE), f"x={PASSPHRASE};".encode()
    yield text("passphrase", PASSPHRASE), PASSPHRASE.replace(" ", "%20").encode()
    (_, basic) = credentials("till", "test", TILL_PASSWORD)
    yield basic, b"Authorization: Basic dGVzdDp0aWxsIVVtYnJlbGxhOjc3"
    yield text("password", NEW_PASSWORD), NEW_PASSWORD.encode().hex().encode()
    for written in (b"12345678901234567890", b"1234 5678 9012 3456 7890"):
        yield token("12345678901234567890"), b'{"t": "' + written + b'"}'


@pytest.mark.parametrize(("secret", "written"), list(_planted()))
def test_a_planted_secret_is_found(secret: Secret, written: bytes) -> None:
    assert found([secret], {"here": written, "there": b"nothing"}) == [f"{secret.name} in here"]
    assert found([secret], {"here": written[:-9]}) == []
