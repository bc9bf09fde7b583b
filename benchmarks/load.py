"""Drives a server with purchases: by `wrk` where it is installed, else from Python.

Each request has a fresh id, the next meter in a scattered order, another sum, and the next of a
handful of terminals.
"""

from __future__ import annotations

import asyncio
import base64
import json
import random
import shutil
import subprocess
import time
from dataclasses import dataclass, field
from itertools import count
from typing import TYPE_CHECKING, Final
from uuid import uuid4

import httpx2

from benchmarks.shop import PASSWORD, TERMINALS, USER, purchase

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from benchmarks.servers import Server
    from benchmarks.shop import Shop

_STRIDE: Final = 7919
"""A prime: the meters come in an order in which none is near the one before."""
_LEAST_MINOR: Final = 150_000
_SUMS: Final = 100_000
"""Sums from R1,500.00 to R2,499.99: a month's first purchase reaches into every block."""
_GRACE_SECONDS: Final = 30
_TIMEOUT_SECONDS: Final = 10

_SCRIPT: Final = """
local meters, terminals = {}, {@TERMINALS@}
for meter in io.lines(@METERS@) do meters[#meters + 1] = meter end
local seed = assert(io.open("/dev/urandom", "rb")):read(4)
math.randomseed(seed:byte(1) + seed:byte(2) * 2^8 + seed:byte(3) * 2^16 + seed:byte(4) * 2^24)
local random, format = math.random, string.format
local place, sent = random(0, #meters - 1), 0

request = function()
    local id = format("%08x-%04x-4%03x-%04x-%06x%06x", random(0, 2^32 - 1), random(0, 2^16 - 1),
        random(0, 2^12 - 1), random(2^15, 2^15 + 2^14 - 1),
        random(0, 2^24 - 1), random(0, 2^24 - 1))
    place = (place + @STRIDE@) % #meters
    sent = sent + 1
    local sum = @LEAST@ + random(0, @SUMS@ - 1)
    return format(@REQUEST@, id, id, terminals[sent % #terminals + 1], meters[place + 1], sum, sum)
end

@PACE@
done = function(summary, latency, requests)
    local errors = summary.errors
    io.write(format('\\n{"requests": %d, "micros": %d, "refused": %d, "broken": %d, "late": %d, ',
        summary.requests, summary.duration, errors.status,
        errors.connect + errors.read + errors.write, errors.timeout))
    io.write(format('"p50": %d, "p95": %d, "p99": %d, "worst": %d}\\n', latency:percentile(50),
        latency:percentile(95), latency:percentile(99), latency.max))
end
"""

_PACE: Final = """
local ffi = require("ffi")
ffi.cdef("typedef struct {long s, ns;} moment; int clock_gettime(int, moment *);")
local moment, due = ffi.new("moment"), nil

-- The milliseconds until the next of all connections may ask; up to a second is made up for.
function delay()
    ffi.C.clock_gettime(1, moment)
    local now = tonumber(moment.s) + tonumber(moment.ns) / 1e9
    due = math.max(due or now, now - 1) + 1 / @RATE@
    return math.max(0, math.floor((due - now) * 1e3))
end
"""


class DriverFailed(Exception):
    """The load did not come about; the text says why."""


@dataclass(frozen=True, kw_only=True)
class Driven:
    """What came of some seconds of load."""

    answered: int
    """Purchases answered 201."""
    refused: int
    """Answers of any other kind."""
    broken: int
    """Connections that were."""
    late: int
    """Requests that went unanswered for too long."""
    seconds: float
    p50_ms: float
    p95_ms: float
    p99_ms: float
    worst_ms: float

    @property
    def rate(self) -> float:
        """Return the answers 201 a second."""
        return self.answered / self.seconds

    @property
    def errors(self) -> int:
        """Return how often something other than an answer 201 came about."""
        return self.refused + self.broken + self.late


@dataclass(frozen=True)
class Driver:
    """Buys from a server over so many connections."""

    shop: Shop
    folder: Path
    connections: int
    wrk: str | None = field(default_factory=lambda: shutil.which("wrk"))

    @property
    def name(self) -> str:
        """Return what makes the load."""
        return "wrk -t1" if self.wrk else "httpx2 on asyncio, as wrk is not installed"

    def drive(self, server: Server, seconds: float, *, rate: float | None = None) -> Driven:
        """Buy for whole seconds, as fast as the server answers or so often a second at most.

        Raises DriverFailed.
        """
        whole = max(1, round(seconds))
        if self.wrk is None:
            return asyncio.run(self._from_python(server, whole, rate))
        script = self.folder / f"purchases-{rate}.lua"
        if not script.exists():
            meters = self.folder / "meters"
            meters.write_text("\n".join(self.shop.meters), encoding="utf-8")
            script.write_text(_script(self.shop, meters, rate), encoding="utf-8")
        load = ("-t1", f"-c{self.connections}", f"-d{whole}s", f"--timeout={_TIMEOUT_SECONDS}s")
        options = (*load, "--latency", "-s", str(script))
        done = subprocess.run(  # noqa: S603 (our own command)
            [self.wrk, *options, server.address],
            check=False,
            capture_output=True,
            text=True,
            timeout=whole + _GRACE_SECONDS,
        )
        last = (done.stdout.strip().splitlines() or [""])[-1]
        if done.returncode != 0 or not last.startswith("{"):
            raise DriverFailed(f"wrk: {done.stdout[-500:]}{done.stderr[-500:]}")
        return _as_told(json.loads(last))

    async def _from_python(self, server: Server, seconds: int, rate: float | None) -> Driven:
        tally = _Tally(self.connections / rate if rate else 0)
        started = time.perf_counter()
        orders = scattered(self.shop)
        async with httpx2.AsyncClient(
            base_url=server.address,
            auth=(USER, PASSWORD),
            timeout=_TIMEOUT_SECONDS,
            trust_env=False,
            limits=httpx2.Limits(max_connections=self.connections),
        ) as http:
            await asyncio.gather(
                *(tally.buy(http, orders, started + seconds) for _ in range(self.connections))
            )
        return tally.total(time.perf_counter() - started)


@dataclass
class _Tally:
    """Counts what the Python driver sees."""

    pause: float
    """Seconds from one purchase of a connection to its next, at least."""
    took: list[float] = field(default_factory=list)
    refused: int = 0
    broken: int = 0
    late: int = 0

    async def buy(
        self, http: httpx2.AsyncClient, orders: Iterator[tuple[str, int, str]], until: float
    ) -> None:
        while (began := time.perf_counter()) < until:
            purchase_id = str(uuid4())
            body = purchase(purchase_id, *next(orders))
            try:
                answer = await http.post(f"/tokenPurchases/{purchase_id}", json=body)
            except httpx2.TimeoutException:
                self.late += 1
            except httpx2.HTTPError:
                self.broken += 1
            else:
                if answer.status_code == httpx2.codes.CREATED:
                    self.took.append((time.perf_counter() - began) * 1e3)
                else:
                    self.refused += 1
            await asyncio.sleep(max(0, began + self.pause - time.perf_counter()))

    def total(self, seconds: float) -> Driven:
        took = sorted(self.took) or [0.0]
        return Driven(
            answered=len(self.took),
            refused=self.refused,
            broken=self.broken,
            late=self.late,
            seconds=seconds,
            p50_ms=took[len(took) * 50 // 100],
            p95_ms=took[len(took) * 95 // 100],
            p99_ms=took[len(took) * 99 // 100],
            worst_ms=took[-1],
        )


def scattered(shop: Shop) -> Iterator[tuple[str, int, str]]:
    """Yield meter, sum and terminal of one purchase after the other."""
    start = random.randrange(len(shop.meters))  # noqa: S311 (no secret)
    for number in count():
        meter = shop.meters[(start + number * _STRIDE) % len(shop.meters)]
        amount_minor = _LEAST_MINOR + number * _STRIDE % _SUMS
        yield meter, amount_minor, TERMINALS[number % len(TERMINALS)]


def _script(shop: Shop, meters: Path, rate: float | None) -> str:
    values = {
        "PACE": _PACE if rate else "",
        "RATE": str(rate),
        "METERS": json.dumps(str(meters)),
        "TERMINALS": ",".join(json.dumps(terminal) for terminal in TERMINALS),
        "STRIDE": str(_STRIDE),
        "REQUEST": json.dumps(_request_format(shop)),
        "LEAST": str(_LEAST_MINOR),
        "SUMS": str(_SUMS),
    }
    script = _SCRIPT
    for name, value in values.items():
        script = script.replace(f"@{name}@", value)
    return script


def _request_format(shop: Shop) -> str:
    """Return a request for Lua's string.format: id in the path, id, terminal, meter, sum twice.

    All of them have one length, and so has the body.
    """
    sample = purchase("@" * 36, shop.meters[0], _LEAST_MINOR, TERMINALS[0])
    body = json.dumps(sample, separators=(",", ":"))
    length = len(body)
    for value in ("@" * 36, TERMINALS[0], shop.meters[0]):
        assert body.count(value) == 1
        body = body.replace(value, "%s")
    assert body.count(str(_LEAST_MINOR)) == 2
    body = body.replace(str(_LEAST_MINOR), "%d")
    credentials = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
    return (
        "POST /prepaidutility/v3/tokenPurchases/%s HTTP/1.1\r\n"
        "Host: 127.0.0.1\r\n"
        f"Authorization: Basic {credentials}\r\n"
        "Content-Type: application/json\r\n"
        f"Content-Length: {length}\r\n\r\n{body}"
    )


def _as_told(told: dict[str, int]) -> Driven:
    return Driven(
        answered=told["requests"] - told["refused"],
        refused=told["refused"],
        broken=told["broken"],
        late=told["late"],
        seconds=told["micros"] / 1e6,
        p50_ms=told["p50"] / 1e3,
        p95_ms=told["p95"] / 1e3,
        p99_ms=told["p99"] / 1e3,
        worst_ms=told["worst"] / 1e3,
    )
