"""Who may ask: keys in the header or in the address, and what they are good for."""

from __future__ import annotations

from typing import Final

import pytest

from tests.surfaces.crestflow.desk import KEY, STAFF_KEY, Desk, browser
from vending_api.domain.consumers.types import Staff
from vending_api.surfaces.crestflow.operations import OPERATIONS, Key, Operation

REJECTED: Final = {"message": "API Key supplied is invalid or has expired"}
KEYED: Final = [one for one in OPERATIONS if one.key in {Key.CONSUMER, Key.CONSUMER_OR_STAFF}]


def _ask(
    desk: Desk, operation: Operation, *, header: str | None = None, query: str | None = None
) -> int:
    path = operation.path.replace("{reference}", "T123456789012345")
    client = browser(desk, key=None)
    answer = client.request(
        operation.method,
        f"/api{path}" + ("" if query is None else f"?api_key={query}"),
        headers={} if header is None else {"x-api-key": header},
        json={} if operation.method == "POST" else None,
    )
    if answer.status_code == 401:
        assert answer.json() == REJECTED
    return answer.status_code


@pytest.mark.parametrize("operation", KEYED, ids=lambda one: one.operation_id)
def test_a_key_is_taken_from_both_places_and_the_header_wins(operation: Operation) -> None:
    let_in = 422 if operation.method == "POST" else operation.success  # their bodies are empty
    assert _ask(Desk(), operation, header=KEY) == let_in
    assert _ask(Desk(), operation, query=KEY) == let_in
    assert _ask(Desk(), operation, header=KEY, query="wrong") == let_in
    assert _ask(Desk(), operation, header="", query=KEY) == let_in
    assert _ask(Desk(), operation, header="wrong", query=KEY) == 401


@pytest.mark.parametrize("operation", KEYED, ids=lambda one: one.operation_id)
@pytest.mark.parametrize("query", [None, "", "wrong", KEY.lower(), KEY[:-1], KEY + " "])
def test_without_a_good_key_nothing_else_is_looked_at(
    operation: Operation, query: str | None
) -> None:
    desk = Desk()
    assert _ask(desk, operation, query=query) == 401
    assert {name for name, *_ in desk.asked} <= {"who"}


@pytest.mark.parametrize("operation", KEYED, ids=lambda one: one.operation_id)
def test_staff_may_only_look_at_purchases(operation: Operation) -> None:
    may = operation.key is Key.CONSUMER_OR_STAFF
    assert _ask(Desk(), operation, header=STAFF_KEY) == (200 if may else 401)


def test_purchases_are_asked_for_in_the_name_of_who_asks() -> None:
    desk = Desk()
    for key in (KEY, STAFF_KEY):
        client = browser(desk, key=key)
        client.get("/api/purchases")
        client.get("/api/purchases/T123456789012345")
    holders = [holder for name, holder, *_ in desk.asked if name.startswith("find_")]
    assert holders == [desk.consumer, desk.consumer, Staff(name="Support"), Staff(name="Support")]


@pytest.mark.parametrize("path", ["options", "dataitems"])
def test_some_lists_are_open(path: str) -> None:
    desk = Desk()
    assert browser(desk, key=None).get(f"/api/{path}").status_code == 200
    assert "who" not in {name for name, *_ in desk.asked}


@pytest.mark.parametrize(
    ("key", "status"), [(KEY, 200), (STAFF_KEY, 200), ("wrong", 401), ("", 200)]
)
def test_a_key_that_is_sent_for_an_open_list_must_be_good(key: str, status: int) -> None:
    desk = Desk()
    assert browser(desk, key=None).get(f"/api/dataitems?api_key={key}").status_code == status
    assert browser(desk, key=key).get("/api/dataitems").status_code == status


@pytest.mark.parametrize("key", ["k" * 256, "cl\u00e9", "\N{LATIN SMALL LETTER DOTLESS I}"])
def test_what_can_be_no_key_is_not_even_looked_up(key: str) -> None:
    desk = Desk()
    answer = browser(desk, key=None).get("/api/user", params={"api_key": key})
    assert (answer.status_code, answer.json()) == (401, REJECTED)
    assert desk.asked == []


def test_the_longest_key_is_looked_up() -> None:
    desk = Desk()
    browser(desk, key=None).get("/api/user", params={"api_key": "k" * 255})
    assert desk.asked == [("who", "k" * 255)]


def test_attempts_are_told_with_the_address_of_who_tries() -> None:
    desk = Desk()
    client = browser(desk)
    client.post("/api/login", json={"email": "a@b.c", "password": " x "})
    client.post("/api/change-password", json={"currentpassword": " x ", "newpassword": " 1234567 "})
    client.post("/api/register", json={})
    attempts = [asked for asked in desk.asked if asked[0] != "who"]
    assert attempts[:2] == [
        ("log_in", "a@b.c", " x ", "testclient"),
        ("change_password", 1, " x ", " 1234567 ", "testclient"),
    ]
    assert (attempts[2][0], attempts[2][2]) == ("registration_problems", "testclient")
