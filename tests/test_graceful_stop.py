"""A service that is told to stop finishes what it has accepted, and a failure leaves one line."""

from __future__ import annotations

import json
import signal
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

import httpx2
import psutil  # type: ignore[import-untyped]  # it ships no types
import pytest
from sqlalchemy import func, select, text

from tests.support.http import CREDENTIALS, message, point_of_sale
from tests.support.metrics import ask, scrape
from tests.support.processes import WEB, free_port, name_of
from tests.support.service import writing
from tests.support.warm import WarmVending, begin_vending
from vending_api.domain.sales.tables import SALE
from vending_api.kit.db import open_database
from vending_api.main import ELECTRUM_PATH

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

_BUYERS: Final = 12
_SCRAPES: Final = 6
_SECONDS: Final = 60


@contextmanager
def _serving(folder: Path, *arguments: str, **settings: str) -> Iterator[tuple[WarmVending, str]]:
    """Run `vending serve --demo`, and give the process and the address of the interface."""
    port = free_port()
    command = ("serve", "--demo", "--port", str(port), *arguments)
    process = begin_vending(folder, *command, errors=folder / "log", **settings)
    address = f"http://127.0.0.1:{port}{ELECTRUM_PATH}"
    try:
        _until(lambda: _is_ready(address))
        yield process, address
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(_SECONDS)


def _is_ready(address: str) -> bool:
    try:
        return ask(address, "/readyz").status_code == 200
    except httpx2.TransportError:
        return False


def _is_heard(address: str) -> bool:
    try:
        ask(address, "/healthz", seconds=1)
    except httpx2.TransportError:
        return False
    return True


def _until(is_so: Callable[[], bool]) -> None:
    deadline = time.monotonic() + _SECONDS
    while not is_so():
        assert time.monotonic() < deadline, "it did not come to that in time"
        time.sleep(0.05)


def _buy(address: str, **changes: Any) -> httpx2.Response:
    body = message(**changes)
    with point_of_sale(address) as pos:
        return pos.post(f"/tokenPurchases/{body['id']}", json=body)


@pytest.mark.parametrize(
    ("fixture", "workers"), [("sqlite_url", 1), ("postgres_url", 1), ("postgres_url", 2)]
)
def test_what_was_accepted_before_sigterm_is_sold_and_answered(
    fixture: str, workers: int, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    url: str = request.getfixturevalue(fixture)
    engine = open_database(url, connections=2)
    waiting: dict[str, float] = {}

    def all_wait() -> bool:
        # Each scrape is answered by one of the workers; several at once meet them all.
        with ThreadPoolExecutor(_SCRAPES) as scrapers:
            for samples in scrapers.map(scrape, [address] * _SCRAPES):
                waiting.update(
                    (sample.labels["process"], sample.value)
                    for sample in samples
                    if sample.name == "vending_commands_waiting"
                )
        return sum(waiting.values()) == _BUYERS

    with (
        _serving(tmp_path, "--workers", str(workers), VENDING_DATABASE_URL=url) as served,
        ThreadPoolExecutor(_BUYERS) as buyers,
    ):
        process, address = served
        with writing(engine) as connection, connection.begin():
            if engine.dialect.name == "postgresql":
                connection.execute(text("LOCK TABLE message IN EXCLUSIVE MODE"))
            asked = [buyers.submit(_buy, address) for _ in range(_BUYERS)]
            _until(all_wait)
            process.send_signal(signal.SIGTERM)
            # Several workers are told by the process that started them, which looks twice a second.
            _until(lambda: not _is_heard(address))
            assert process.poll() is None, "it ended before it had finished"
            assert not any(one.done() for one in asked)
        answers = [one.result(_SECONDS) for one in asked]
        code, errors = process.wait(_SECONDS), (tmp_path / "log").read_text()
    assert {answer.status_code for answer in answers} == {201}, [one.text for one in answers]
    assert "Traceback" not in errors
    assert code in {0, -signal.SIGTERM}
    with engine.connect() as connection:
        assert connection.execute(select(func.count()).select_from(SALE)).scalar() == _BUYERS
    engine.dispose()


def test_a_failed_request_leaves_one_line_without_names_and_tokens(tmp_path: Path) -> None:
    with _serving(tmp_path, VENDING_DEMO_TIMEOUT_SECONDS="0.1") as (process, address):
        assert _buy(address).status_code == 201
        assert _buy(address, meter={"meterId": "9999"}).status_code == 400
        body = message(meter={"meterId": "TST011"})
        failed = httpx2.post(
            f"{address}/tokenPurchases/{body['id']}",
            json=body,
            auth=CREDENTIALS,
            headers={"X-Request-Id": "till-4.7"},
            trust_env=False,
        )
        assert failed.status_code == 504
        process.send_signal(signal.SIGTERM)
        process.wait(_SECONDS)
    errors = (tmp_path / "log").read_text()
    lines = [json.loads(line) for line in errors.splitlines() if line.startswith("{")]
    (line,) = [line for line in lines if line["event"] != "sample_sta_tables"]
    assert line.pop("milliseconds") >= 100
    assert line.pop("timestamp")
    assert line == {
        "event": "request_failed",
        "level": "info",
        "request_id": "till-4.7",
        "operation": "createTokenPurchaseRequest",
        "status": 504,
    }


def test_workers_end_when_what_supervises_them_is_killed(tmp_path: Path, postgres_url: str) -> None:
    """Or they would keep the port, and nothing that replaces it could begin."""
    database = {"VENDING_DATABASE_URL": postgres_url}
    with _serving(tmp_path, "--workers", "2", **database) as (process, address):
        first = psutil.Process(process.pid)
        family = first.children(recursive=True)
        names = Counter(map(name_of, family))  # and whoever looks through the day just now
        assert (names["vending-module"], names["vending-teller"], names[WEB]) == (1, 2, 2)
        first.kill()
        _, alive = psutil.wait_procs(family, timeout=_SECONDS)
        assert alive == []
        with pytest.raises(httpx2.ConnectError):
            ask(address, "/readyz")
