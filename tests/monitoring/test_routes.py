"""Operators and their machines ask over real HTTP: how it goes, and whether it can sell."""

from __future__ import annotations

import asyncio
import threading
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.http import message, point_of_sale, serving
from tests.support.metrics import ask, scrape, value
from tests.support.postgres import PostgresServer
from tests.support.service import DEMO_CLIENT, NOON, AdvancingClock, writing
from vending_api.domain.clients.service import (
    all_clients,
    change_client,
    register_client,
    set_active,
)
from vending_api.domain.clients.types import ClientTerms
from vending_api.domain.credit.service import deposit
from vending_api.domain.watching.service import note
from vending_api.domain.watching.types import Alert, AlertKind
from vending_api.kit.db import open_database
from vending_api.monitoring import health
from vending_api.monitoring.health import ImpatientRead
from vending_api.monitoring.metrics import Metrics
from vending_api.monitoring.routes import Watched, monitoring_routes

if TYPE_CHECKING:
    from collections.abc import Iterator

SOLD = {"outcome": "sold", "code": ""}


@pytest.fixture(autouse=True)
def _patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let reads take what they take on a busy machine; a service of its own waits for a second."""
    monkeypatch.setattr(health, "PATIENCE_SECONDS", 30.0)


@pytest.fixture
def address(database_url: str) -> Iterator[str]:
    with serving(database_url) as address:
        yield address


@pytest.fixture
def address_at_noon(database_url: str) -> Iterator[str]:
    """In one minute of each day identifiers are ahead, as it is reserved for other tokens."""
    with serving(database_url, now=AdvancingClock()) as address:
        yield address


def test_a_sale_and_a_refusal_are_seen(address_at_noon: str) -> None:
    address = address_at_noon
    body = message()
    with point_of_sale(address) as pos:
        assert pos.post(f"/tokenPurchases/{body['id']}", json=body).status_code == 201
        assert pos.post(f"/tokenPurchases/{body['id']}/retry", json=body).status_code == 201
        refused = message(meter={"meterId": "9999"})
        assert pos.post(f"/tokenPurchases/{refused['id']}", json=refused).status_code == 400
        assert pos.post("/nowhere/9999", json={}).status_code == 404
    shown = scrape(address)
    assert value(shown, "vending_sales_total", **SOLD) == 1
    assert value(shown, "vending_sales_total", outcome="repeated") == 1
    assert value(shown, "vending_sales_total", outcome="refused", code="unknown_meter") == 1
    sells = {"operation": "createTokenPurchaseRequest"}
    assert value(shown, "vending_requests_total", status="201", **sells) == 1
    assert value(shown, "vending_requests_total", status="400", **sells) == 1
    assert value(shown, "vending_requests_total", operation="unknown", status="404") == 1
    assert value(shown, "vending_request_seconds_count", **sells) == 2
    assert value(shown, "vending_group_commands_count") == 3
    assert value(shown, "vending_commands_waiting") == 0
    assert value(shown, "vending_token_identifier_lead_minutes") == 0
    labels = {text for sample in shown for text in sample.labels.values()}
    assert not labels & {"9999", body["id"], "TST001", "TILL0001"}


def test_credit_is_read_from_the_database_for_prepaid_clients_that_are_on(
    address: str, database_url: str
) -> None:
    prepaid = ClientTerms(is_prepaid=True)
    engine = open_database(database_url, connections=1)
    with writing(engine) as connection, connection.begin():
        change_client(connection, DEMO_CLIENT.key, name="Demo", terms=prepaid)
        deposit(connection, DEMO_CLIENT.key, 25_000, reference="EFT 1", note="", at=NOON)
        register_client(connection, user_name="on-account", name="A", password="p")
        register_client(connection, user_name="empty", name="B", password="p", terms=prepaid)
    assert _credit(address) == {"test": 25_000, "empty": 0}
    body = message()
    with point_of_sale(address) as pos:
        assert pos.post(f"/tokenPurchases/{body['id']}", json=body).status_code == 201
    assert _credit(address) == {"test": 15_000, "empty": 0}
    with writing(engine) as connection, connection.begin():
        for client in all_clients(connection):
            set_active(connection, client.key, is_active=False)
    engine.dispose()
    assert _credit(address) == {}


def _credit(address: str) -> dict[str, float]:
    return {
        sample.labels["client"]: sample.value
        for sample in scrape(address)
        if sample.name == "vending_client_credit_minor"
    }


def test_a_scrape_ends_its_connection_so_that_the_next_may_meet_another_worker(
    address: str,
) -> None:
    answer = ask(address, "/metrics")
    assert answer.headers["Connection"] == "close"
    assert answer.headers["Content-Type"].startswith("text/plain; version=")


def test_a_service_that_can_sell_says_so(address: str) -> None:
    for path, words in (("/healthz", {"alive": True}), ("/readyz", {"ready": True})):
        answer = ask(address, path)
        assert (answer.status_code, answer.json()) == (200, words)


def test_every_answer_has_a_request_id(address: str) -> None:
    with point_of_sale(address) as pos:
        kept = pos.post("/meterLookups/1", json={}, headers={"X-Request-Id": "till-4.7"})
        made = [pos.post("/nowhere", json={}).headers["X-Request-Id"] for _ in range(2)]
    assert kept.headers["X-Request-Id"] == "till-4.7"
    assert len(set(made)) == 2


def test_a_lost_database_is_named_until_it_is_back() -> None:
    with PostgresServer(durable=False) as server, serving(server.create_database("t")) as address:
        assert ask(address, "/readyz").status_code == 200
        server.kill()
        lost = ask(address, "/readyz")
        assert lost.status_code == 503
        assert lost.json() == {"ready": False, "reasons": {"database": "OperationalError"}}
        assert ask(address, "/healthz").status_code == 200
        assert value(scrape(address), "vending_commands_waiting") == 0
        server.start()
        assert ask(address, "/readyz").json() == {"ready": True}


def _answer(path: str, **watched: Any) -> tuple[int, Any]:
    """Return the status and body of an answer about a service of made-up parts."""
    parts: dict[str, Any] = {
        "check_database": lambda: None,
        "read_credit": dict,
        "waiting": lambda: 0,
        "is_accepting": lambda: True,
    }
    told = Watched(**(parts | watched))
    routes = monitoring_routes(told, Metrics([], process="1"), now=lambda: NOON)
    (route,) = (route for route in routes if route.path == path)
    response = asyncio.run(route.endpoint(None))
    return response.status_code, response.body.decode()


def _raising() -> None:
    raise OSError("password=hunter2")


def test_what_keeps_it_from_selling_is_told_without_secrets() -> None:
    status, body = _answer("/readyz", check_database=_raising, is_accepting=lambda: False)
    assert status == 503
    assert "no more are accepted now" in body
    assert '"database":"OSError"' in body
    assert "hunter2" not in body


def test_metrics_are_shown_also_when_credit_cannot_be_read() -> None:
    status, body = _answer("/metrics", read_credit=_raising)
    assert status == 200
    assert "vending_commands_waiting" in body
    assert "vending_client_credit_minor{" not in body


def test_alerts_of_today_are_read_where_they_can_be(address: str, database_url: str) -> None:
    assert value(scrape(address), "vending_alerts", kind="reprints") == 0
    one = Alert(
        kind=AlertKind.REPRINTS,
        subject="meter TST001",
        trace="meter 1",
        detail="",
        count=6,
        until=datetime(9999, 1, 1, tzinfo=UTC),
    )
    engine = open_database(database_url, connections=1)
    with writing(engine) as connection, connection.begin():
        assert note(connection, [one], NOON) == [one]
    engine.dispose()
    assert value(scrape(address), "vending_alerts", kind="reprints") == 1


def test_metrics_are_shown_also_when_alerts_cannot_be_read() -> None:
    status, body = _answer("/metrics", read_alerts=_raising)
    assert status == 200
    assert "vending_commands_waiting" in body
    assert "vending_alerts{" not in body


def test_a_read_that_takes_long_is_not_waited_for_nor_begun_twice(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(health, "PATIENCE_SECONDS", 0.1)
    may_end = threading.Event()
    begun = []

    def slow() -> str:
        begun.append(1)
        assert may_end.wait(30)
        return "read"

    async def scenario() -> None:
        read = ImpatientRead(slow)
        for outcome in await asyncio.gather(read(), read(), return_exceptions=True):
            assert isinstance(outcome, TimeoutError)
        assert begun == [1]
        may_end.set()
        assert await read() == "read"

    asyncio.run(scenario())


def test_an_error_that_comes_too_late_disturbs_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "PATIENCE_SECONDS", 0.05)
    may_end = threading.Event()

    def slow() -> None:
        assert may_end.wait(30)
        raise OSError("late")

    async def scenario() -> None:
        read = ImpatientRead(slow)
        with pytest.raises(TimeoutError):
            await read()
        may_end.set()
        with pytest.raises(OSError, match="late"):
            await read()

    asyncio.run(scenario())
