"""A fleet of tills through a month: it peaks when people are paid and free units are due.

    locust -f benchmarks/locustfile.py --headless --html fleet.html

It starts a service of its own, as in production, and compares its records when the month is over;
what does not agree, or fails, makes the exit code 1.
"""

from __future__ import annotations

import base64
import random
import sys
import tempfile
from collections import deque
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from uuid import uuid4

from locust import FastHttpUser, LoadTestShape, between, events, task

sys.path.insert(0, str(Path(__file__).parents[1]))  # runs without being installed

from benchmarks import servers, shop
from benchmarks.agreement import differences_of

if TYPE_CHECKING:
    from locust.argument_parser import LocustArgumentParser
    from locust.env import Environment

_DAYS: Final = ((0.15, 0.25), (0.25, 0.6), (0.45, 1.0), (0.55, 0.6), (1.0, 0.2))
"""Until which part of the month which share of the tills is busy."""
_TILLS_A_SECOND: Final = 50
_CREDENTIALS: Final = base64.b64encode(f"{shop.USER}:{shop.PASSWORD}".encode()).decode()
_RETRIED: Final = 0.03
_REVERSED: Final = 0.02

_resources: Final = ExitStack()
_meters: list[str] = []
_moving: deque[str] = deque()


@events.init_command_line_parser.add_listener
def add_options(parser: LocustArgumentParser) -> None:
    """Add the options of this fleet."""
    parser.add_argument("--month-seconds", type=float, default=90, help="length of the month")
    parser.add_argument("--peak-tills", type=int, default=100, help="tills busy at its start")
    parser.add_argument("--meters", type=int, default=5_000, help="meters registered")


@events.init.add_listener
def open_shop(environment: Environment, **_: Any) -> None:
    """Start a service on a new database."""
    options = environment.parsed_options
    assert options is not None
    folder = Path(_resources.enter_context(tempfile.TemporaryDirectory(prefix="fleet-")))
    opened = shop.prepare(
        folder,
        f"sqlite:///{folder / 'vending.db'}",
        meters=options.meters,
        moving=options.meters // 50,
    )
    _meters.extend(opened.meters[: -len(opened.moving_meters) or None])
    _moving.extend(opened.moving_meters)
    running = ExitStack()
    _resources.callback(running.close)
    environment.host = running.enter_context(servers.vending(opened, folder)).address

    def close_shop(**_: Any) -> None:
        running.close()
        problems = differences_of(opened)
        for problem in problems:
            print(f"does not agree: {problem}", file=sys.stderr)
        if problems or environment.stats.total.num_failures:
            environment.process_exit_code = 1
        _resources.close()

    environment.events.quitting.add_listener(close_shop)


class Till(FastHttpUser):
    """A till: mostly looks a meter up, sells, and confirms."""

    wait_time = between(0.5, 1.5)
    default_headers = {"Authorization": f"Basic {_CREDENTIALS}"}  # noqa: RUF012 (locust's own way)

    def on_start(self) -> None:
        """Take a terminal's name."""
        self._terminal = random.choice(shop.TERMINALS)  # noqa: S311 (no secret)
        self._last_meter: str | None = None

    @task(90)
    def sell(self) -> None:
        """Sell; now and then the answer is lost, or the customer walks away."""
        meter = random.choice(_meters)  # noqa: S311 (no secret)
        self._ask("meterLookups", "look up", meter)
        purchase_id = str(uuid4())
        amount_minor = random.randrange(2_000, 250_000)  # noqa: S311 (no secret)
        body = shop.purchase(purchase_id, meter, amount_minor, self._terminal)
        path = f"/tokenPurchases/{purchase_id}"
        tokens = self._post(path, "purchase", body).get("tokens")
        if not tokens:
            return
        if random.random() < _RETRIED:  # noqa: S311 (no secret)
            with self.client.post(
                f"{path}/retry", json=body, name="retry", catch_response=True
            ) as again:
                if again.status_code != 201 or again.json().get("tokens") != tokens:
                    again.failure("the retry was answered otherwise than the purchase")
        if random.random() < _REVERSED:  # noqa: S311 (no secret)
            self._advise(purchase_id, f"{path}/reversals", "reverse", reversalReason="CANCELLED")
        else:
            self._advise(purchase_id, f"{path}/confirmations", "confirm")
            # Only what stands is printed again: of a reversed sale there is no reprint.
            self._last_meter = meter

    @task(3)
    def reprint(self) -> None:
        """Print the last tokens again."""
        if self._last_meter is not None:
            self._ask("tokenReprints", "reprint", self._last_meter)

    @task(2)
    def change_key(self) -> None:
        """Fetch the key change tokens of a meter that is due for them."""
        if not _moving:
            return
        request_id, answer = self._ask("keyChangeTokenRequests", "change key", _moving.popleft())
        if answer:
            path = f"/keyChangeTokenRequests/{request_id}/confirmations"
            self._advise(request_id, path, "confirm key change")

    def _ask(self, resource: str, name: str, meter: str) -> tuple[str, dict[str, Any]]:
        message_id = str(uuid4())
        body = shop.request(message_id, meter, self._terminal)
        return message_id, self._post(f"/{resource}/{message_id}", name, body)

    def _advise(self, request_id: str, path: str, name: str, **more: str) -> None:
        advice_id = str(uuid4())
        body = {
            "id": advice_id,
            "requestId": request_id,
            "time": "2026-11-21T12:00:30.000+02:00",
            "thirdPartyIdentifiers": [],
        }
        self._post(f"{path}/{advice_id}", name, body | more)

    def _post(self, path: str, name: str, body: dict[str, Any]) -> dict[str, Any]:
        """Return the answer, or an empty one where it is an error; locust counts these."""
        response = self.client.post(path, json=body, name=name)
        answer: dict[str, Any] = response.json() if response.status_code in {200, 201, 202} else {}
        return answer


class Month(LoadTestShape):
    """How many tills are busy."""

    def tick(self) -> tuple[int, float] | None:
        """Return how many tills there are now, None when the month is over."""
        assert self.runner is not None
        options = self.runner.environment.parsed_options
        assert options is not None
        part = self.get_run_time() / options.month_seconds
        for until, share in _DAYS:
            if part < until:
                return max(1, round(options.peak_tills * share)), _TILLS_A_SECOND
        return None
