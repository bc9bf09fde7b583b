"""What each stage of a sale costs: microseconds of one thread, beside nobody.

    python benchmarks/stages.py [--sales N] [--group N] [--json]

The stages are those of the service, on a database of its own, but in this process and without
HTTP: groups of purchases are read, sold in one transaction, and answered. A stage's time is its
own; what it calls of another stage counts there.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import gc
import json
import math
import secrets
import sys
import tempfile
import time
from collections import defaultdict
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from unittest.mock import patch
from uuid import uuid4

from rich.console import Console
from rich.table import Table

sys.path.insert(0, str(Path(__file__).parents[1]))  # runs without being installed

from benchmarks import shop
from benchmarks.opening import open_database
from sts.keys.key_file import load_key_file
from sts.security_module import InProcessSecurityModule
from sts.tokens.codec import TokenCodec
from vending_api.domain.clients.service import check_again
from vending_api.domain.issuing.service import OrderedTokens
from vending_api.domain.offers import service as offers
from vending_api.domain.selling import service as selling
from vending_api.kit.credentials import Checked, CredentialMemory
from vending_api.kit.frames import Frames, frame
from vending_api.kit.lanes import Command, Lanes
from vending_api.kit.statements import Statement
from vending_api.surfaces.electrum.auth import credentials_of
from vending_api.surfaces.electrum.mapping import answers, commands
from vending_api.surfaces.electrum.wire.messages import PurchaseRequest
from vending_api.teller import Asked, Teller

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from sqlalchemy import Engine

    from vending_api.domain.clients.types import Client

_COLUMNS: Final = 40
_WARM_UP: Final = 5
"""Groups that are sold before any is measured."""


class Stages:
    """How long each stage took, less what others took within it."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = defaultdict(float)
        self._within: list[float] = []

    def of(self, stage: str, function: Callable[..., Any]) -> Callable[..., Any]:
        """Return a function that counts as a stage."""

        def timed(*args: Any, **kwargs: Any) -> Any:
            self._within.append(0.0)
            began = time.perf_counter()
            try:
                return function(*args, **kwargs)
            finally:
                took = time.perf_counter() - began
                self.seconds[stage] += took - self._within.pop()
                if self._within:
                    self._within[-1] += took

        return timed


class Counter:
    """Sells groups of purchases as the service does, a stage after the other."""

    def __init__(self, prepared: shop.Shop, engine: Engine, stages: Stages) -> None:
        self._prepared = prepared
        module = InProcessSecurityModule(load_key_file(prepared.keys_file), TokenCodec())
        self._teller = Teller(module)
        self._engine = engine
        self._memory: CredentialMemory[Client] = CredentialMemory(
            self._check, secret=secrets.token_bytes(32), monotonic_seconds=time.monotonic
        )
        basic = base64.b64encode(f"{shop.USER}:{shop.PASSWORD}".encode()).decode()
        self._authorization = f"Basic {basic}"
        self._stages = stages
        self._lanes = Lanes(
            engine, release=_ignore, monotonic_seconds=time.monotonic, foresee=selling.foresee
        )

    def sell(self, size: int) -> None:
        """Read, sell and answer a group of purchases."""
        bodies = [
            json.dumps(
                shop.purchase(
                    str(uuid4()),
                    secrets.choice(self._prepared.meters),
                    150_000 + secrets.randbelow(100_000),
                    secrets.choice(shop.TERMINALS),
                )
            ).encode()
            for _ in range(size)
        ]
        client = asyncio.run(self._who())
        read = self._stages.of("reading the request", _read)
        messages = [read(body) for body in bodies]
        sent = self._stages.of("between the processes", self._sent)(messages, client)
        told = self._carried_out(sent)
        back = self._stages.of("between the processes", _sent_back)(told)
        answered = self._stages.of("answer: echo of the request", answers.answer)
        for message, one in zip(messages, back, strict=True):
            answered(message, one.answer)

    async def _who(self) -> Client:
        user_name, password = credentials_of(self._authorization)
        client = await self._memory.verify(
            user_name, password, "127.0.0.1"
        )  # slow only the first time
        self._stages.of("password, as remembered", credentials_of)(self._authorization)
        return client

    def _sent(self, messages: Sequence[PurchaseRequest], client: Client) -> list[Asked]:
        """Return what is asked of the teller as it arrives there."""
        asked = [
            Asked(
                "sell",
                commands.to_sell(
                    message, purchase_id=message.id, client=client, received_at=datetime.now(UTC)
                ),
                _tell,
                is_new=True,
            )
            for message in messages
        ]
        (arrived,) = Frames().feed(frame(asked))
        return [Asked(*one) for one in arrived]

    def _carried_out(self, asked: Sequence[Asked]) -> list[Any]:
        fields = [self._teller.fields_of(one) for one in asked]
        group = [Command(ticket=number, **one) for number, one in enumerate(fields)]
        group.sort(key=lambda command: (command.foreseen is None, command.order))
        commit = self._lanes._commit  # noqa: SLF001 (it is measured without its thread)
        told = self._stages.of("all the rest of the sale", commit)(group, until=math.inf)
        failed = [one for one in told if isinstance(one, BaseException)]
        if failed:
            raise failed[0]
        in_order = sorted(zip(group, told, strict=True), key=lambda pair: pair[0].ticket)
        return [one for _, one in in_order]

    def _check(self, user_name: str, password: str, fitted: str | None) -> Checked[Client]:
        with self._engine.connect() as connection:
            return check_again(connection, user_name, password, fitted)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description="Measure the stages of a sale.")
    parser.add_argument("--sales", type=int, default=3_200, help="to measure (%(default)s)")
    parser.add_argument("--group", type=int, default=32, help="of sales, at most 64 (%(default)s)")
    parser.add_argument("--json", action="store_true", help="end with one line of JSON")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="stages-") as folder:
        microseconds = _measure(Path(folder), options.sales, options.group)
    table = Table("stage", "microseconds a sale")
    table.columns[1].justify = "right"
    for stage, figure in sorted(microseconds.items(), key=lambda one: -one[1]):
        table.add_row(stage, f"{figure:.0f}")
    table.add_section()
    table.add_row("together", f"{sum(microseconds.values()):.0f}")
    Console().print(table)
    if options.json:
        print(json.dumps({stage: round(figure, 1) for stage, figure in microseconds.items()}))


def _measure(folder: Path, sales: int, size: int) -> dict[str, float]:
    url = f"sqlite:///{folder / 'vending.db'}"
    prepared = shop.prepare(folder, url, meters=5_000)
    engine = open_database(url, connections=2)
    stages = Stages()
    counter = Counter(prepared, engine, stages)
    gc.collect()
    gc.freeze()  # as the service does
    with ExitStack() as patches:
        for place, name, stage in (
            (offers, "price", "tariff"),
            (answers, "tell_sale", "answer: the sale and its slip"),
            (selling, "order_tokens", "tokens, with read-back"),
            (OrderedTokens, "made", "tokens, with read-back"),
            *((Statement, one, "SQL") for one in ("run", "run_now", "row", "rows")),
        ):
            timed = stages.of(stage, getattr(place, name))
            patches.enter_context(patch.object(place, name, timed))
        for _ in range(_WARM_UP):
            counter.sell(size)
        stages.seconds.clear()
        groups = max(sales // size, 1)
        for _ in range(groups):
            counter.sell(size)
    engine.dispose()
    return {stage: taken / (groups * size) * 1e6 for stage, taken in stages.seconds.items()}


def _read(body: bytes) -> PurchaseRequest:
    return PurchaseRequest.model_validate_json(body, by_alias=True, by_name=False)


def _tell(sale: Any) -> bytes:
    return answers.tell_sale(sale, columns=_COLUMNS)


def _sent_back(told: list[Any]) -> list[Any]:
    (arrived,) = Frames().feed(frame(told))
    return list(arrived)


def _ignore(_tickets: list[Any], _outcomes: list[Any]) -> None:
    """Take no notice: the outcomes were returned."""


if __name__ == "__main__":
    main()
