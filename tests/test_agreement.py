"""Points of sale do everything at once over real HTTP, and then all records agree.

What is asked is drawn at random from a fixed seed; what comes first is up to the machine. So
nothing is known beforehand, but everything follows from the answers: which sales there are, what
is left of the client's credit, what each meter owes, and what its tokens bring.
"""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import select

from sts.base_date import BaseDate
from sts.virtual_meter import Accepted, Refused
from tariffs.account import Account, Debt
from tests.domain.advising import balance, on_terms, set_rule
from tests.support.http import async_point_of_sale, message, serving
from tests.support.selling import FLAT, account, set_account
from tests.support.service import AdvancingClock, prepared_engine, writing
from vending_api.domain.credit.tables import SPENDING
from vending_api.domain.issuing.tables import TOKEN
from vending_api.domain.meters.service import register_meter, register_tariff
from vending_api.domain.meters.tables import METER
from vending_api.domain.meters.types import Customer, NewMeter, PurchaseLimits, ServiceType
from vending_api.domain.reconciling.service import differences
from vending_api.domain.reprints.tables import REPRINT
from vending_api.kit.db import open_database
from vending_api.sandbox.demo_data import demo_meter_configuration
from vending_api.sandbox.virtual_meters import demo_virtual_meter

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator

    import httpx2
    from sqlalchemy import Engine

    Script = Callable[["Till", str], Awaitable[object]]

_SEED: Final = 20_261_121
_CUSTOMERS: Final = 108
_SERIALS: Final = range(201, 207)
_METERS: Final = {f"AGREE{serial}": serial for serial in _SERIALS}
_SUMS: Final = (5_000, 10_000, 20_000)
_DEPOSIT_MINOR: Final = 400_000
"""Not enough for all that is asked for, so some of it is refused."""
_DEBT_MINOR: Final = 300_000
_DEBT_SHARE: Final = 5
"""A fifth of each sum pays off debt; the rest buys units at R1."""
_TARIFF: Final = FLAT + '[version.debt]\nshare_percent = "20"\n'
_FINAL: Final = {200, 201, 202, 400, 404}


@dataclass
class Till:
    """A point of sale that remembers what it was answered."""

    http: httpx2.AsyncClient
    chance: random.Random
    amounts: dict[str, int] = field(default_factory=dict)
    meters: dict[str, str] = field(default_factory=dict)
    tokens: dict[str, list[tuple[str, ...]]] = field(default_factory=dict)
    """For each purchase, the digits of each answer that had tokens."""
    accepted: Counter[tuple[str, str]] = field(default_factory=Counter)
    """How many advices of each kind were accepted for each purchase."""
    statuses: Counter[int] = field(default_factory=Counter)
    errors: Counter[str] = field(default_factory=Counter)
    reprints: int = 0

    def new_id(self) -> str:
        return f"{self.chance.getrandbits(128):032x}"

    def ask_for(self, purchase_id: str, message_id: str | None = None) -> dict[str, Any]:
        amount = {"amount": self.amounts[purchase_id], "currency": "710"}
        body = message(id=message_id or purchase_id, purchaseAmount=amount)
        body["meter"] = {"meterId": self.meters[purchase_id]}
        body["originator"]["terminalId"] = f"TILL000{self.amounts[purchase_id] % 3}"
        return body

    async def buy(self, purchase_id: str) -> None:
        body = self.ask_for(purchase_id)
        self._keep(purchase_id, await self._post(f"/tokenPurchases/{purchase_id}", body))

    async def retry(self, purchase_id: str) -> None:
        body = self.ask_for(purchase_id, self.new_id())
        self._keep(purchase_id, await self._post(f"/tokenPurchases/{purchase_id}/retry", body))

    async def confirm(self, purchase_id: str, advice_id: str | None = None) -> None:
        await self._advise("confirmations", purchase_id, advice_id or self.new_id(), tenders=[])

    async def reverse(self, purchase_id: str, advice_id: str | None = None) -> None:
        advice_id = advice_id or self.new_id()
        await self._advise("reversals", purchase_id, advice_id, reversalReason="TIMEOUT")

    async def reprint(self, purchase_id: str) -> None:
        body = self.ask_for(purchase_id, self.new_id()) | {"originalRef": purchase_id}
        answer = await self._post(f"/tokenReprints/{body['id']}", body)
        self.reprints += self._keep(purchase_id, answer)

    async def try_out(self, purchase_id: str) -> None:
        body = self.ask_for(purchase_id, self.new_id())
        answer = await self._post(f"/tokenPurchases/{body['id']}/trial", body)
        assert "tokens" not in answer.json()

    async def _advise(self, kind: str, purchase_id: str, advice_id: str, **more: Any) -> None:
        body = {
            "id": advice_id,
            "requestId": purchase_id,
            "time": "2026-11-21T12:00:00.123Z",
            "thirdPartyIdentifiers": [],
        } | more
        answer = await self._post(f"/tokenPurchases/{purchase_id}/{kind}/{advice_id}", body)
        self.accepted[purchase_id, kind] += answer.status_code == 202

    async def _post(self, path: str, body: dict[str, Any]) -> httpx2.Response:
        answer = await self.http.post(path, json=body)
        self.statuses[answer.status_code] += 1
        if answer.is_error:
            self.errors[answer.json()["errorType"]] += 1
        return answer

    def _keep(self, purchase_id: str, answer: httpx2.Response) -> bool:
        if answer.is_error:
            return False
        digits = tuple(token["token"] for token in answer.json()["tokens"])
        self.tokens.setdefault(purchase_id, []).append(digits)
        return True


async def _buy_and_confirm(till: Till, purchase_id: str) -> None:
    await till.buy(purchase_id)
    advice_id = till.new_id()
    await asyncio.gather(*(till.confirm(purchase_id, advice_id) for _ in range(3)))


async def _buy_and_reverse(till: Till, purchase_id: str) -> None:
    await till.buy(purchase_id)
    advice_id = till.new_id()
    await asyncio.gather(*(till.reverse(purchase_id, advice_id) for _ in range(3)))
    await till.retry(purchase_id)


async def _say_both(till: Till, purchase_id: str) -> None:
    await till.buy(purchase_id)
    await asyncio.gather(
        till.confirm(purchase_id), till.reverse(purchase_id), till.confirm(purchase_id)
    )


async def _reverse_while_buying(till: Till, purchase_id: str) -> None:
    await asyncio.gather(till.buy(purchase_id), till.reverse(purchase_id))
    await till.retry(purchase_id)


async def _reverse_while_retrying(till: Till, purchase_id: str) -> None:
    await till.buy(purchase_id)
    await asyncio.gather(
        till.retry(purchase_id), till.reverse(purchase_id), till.retry(purchase_id)
    )


async def _reverse_before_buying(till: Till, purchase_id: str) -> None:
    await till.reverse(purchase_id)
    await till.buy(purchase_id)
    await till.retry(purchase_id)
    assert purchase_id not in till.tokens


async def _retry_at_once(till: Till, purchase_id: str) -> None:
    await asyncio.gather(till.buy(purchase_id), *(till.retry(purchase_id) for _ in range(3)))
    await till.confirm(purchase_id)


async def _buy_twice(till: Till, purchase_id: str) -> None:
    await asyncio.gather(till.buy(purchase_id), till.buy(purchase_id))
    await till.try_out(purchase_id)


async def _reprint_at_once(till: Till, purchase_id: str) -> None:
    await till.retry(purchase_id)
    await asyncio.gather(
        till.reprint(purchase_id), till.reverse(purchase_id), till.reprint(purchase_id)
    )


_SCRIPTS: Final[tuple[Script, ...]] = (
    _buy_and_confirm,
    _buy_and_reverse,
    _say_both,
    _reverse_while_buying,
    _reverse_while_retrying,
    _reverse_before_buying,
    _retry_at_once,
    _buy_twice,
    _reprint_at_once,
)


def test_after_everything_at_once_all_records_agree(database_url: str) -> None:
    _prepare(database_url)
    with serving(database_url, now=AdvancingClock()) as address:
        till = asyncio.run(_trade(address))
    assert set(till.statuses) <= _FINAL, till.statuses
    assert {"INSUFFICIENT_FUNDS", "TRANSACTION_DECLINED"} <= set(till.errors)
    with _opened(database_url) as engine:
        with engine.connect() as connection:
            assert differences(connection) == []
        kept = _kept(till)
        _require_credit(engine, till, kept)
        _require_accounts(engine, till, kept)
        _require_tokens(engine, till)


async def _trade(address: str) -> Till:
    chance = random.Random(_SEED)  # noqa: S311 (the same each time is what is wanted)
    async with async_point_of_sale(address) as http:
        till = Till(http, chance)
        acts = []
        for number in range(_CUSTOMERS):
            purchase_id = till.new_id()
            till.meters[purchase_id] = chance.choice([*_METERS])
            till.amounts[purchase_id] = chance.choice(_SUMS)
            acts.append(_SCRIPTS[number % len(_SCRIPTS)](till, purchase_id))
        chance.shuffle(acts)
        await asyncio.gather(*acts)
    return till


def _kept(till: Till) -> list[str]:
    """Return the purchases that were sold and not reversed."""
    for purchase_id in till.tokens:
        advices = [till.accepted[purchase_id, kind] for kind in ("confirmations", "reversals")]
        assert sum(advices) <= 1
        assert len(set(till.tokens[purchase_id])) == 1
    return [one for one in till.tokens if not till.accepted[one, "reversals"]]


def _require_credit(engine: Engine, till: Till, kept: list[str]) -> None:
    sold_minor = sum(till.amounts[one] for one in kept)
    assert balance(engine) == _DEPOSIT_MINOR - sold_minor
    with engine.connect() as connection:
        counted = Counter[str]()
        for row in connection.execute(select(SPENDING)):
            counted[row.scope] += row.amount_minor
        assert counted == {"client": sold_minor, "meter": sold_minor}
        assert len(connection.execute(select(REPRINT)).all()) == till.reprints


def _require_accounts(engine: Engine, till: Till, kept: list[str]) -> None:
    for external_id in _METERS:
        sold = [till.amounts[one] for one in kept if till.meters[one] == external_id]
        left = account(engine, external_id)
        paid_off = sum(sold) // _DEBT_SHARE
        assert left.debts == (Debt(name="Old debt", balance_minor=_DEBT_MINOR - paid_off),)
        assert left.paid_this_month_minor == sum(sold)
        assert left.units_this_month == Decimal(sum(sold) - paid_off).scaleb(-2)


def _require_tokens(engine: Engine, till: Till) -> None:
    """Key every token into its meter, in the order of their making: it takes each once."""
    entered: list[str] = []
    for external_id, serial in _METERS.items():
        meter = demo_virtual_meter(serial)
        with engine.connect() as connection:
            made = select(TOKEN.c.digits).join(METER, METER.c.key == TOKEN.c.meter_key)
            ordered = made.where(METER.c.external_id == external_id).order_by(
                TOKEN.c.token_identifier
            )
            digits = connection.execute(ordered).scalars().all()
        for first_time in (Accepted, Refused):
            assert all(isinstance(meter.enter(one), first_time) for one in digits)
        entered += digits
    answered = [one for answers in till.tokens.values() for one in answers[0]]
    assert sorted(answered) == sorted(entered)
    assert len(set(entered)) == len(entered)


def _prepare(database_url: str) -> None:
    """Register the meters, a prepaid client on terms, and the rule that gives money back."""
    engine = prepared_engine(database_url)
    on_terms(engine, deposit_minor=_DEPOSIT_MINOR, is_prepaid=True, day_maximum_minor=10**9)
    set_rule(engine, reversal_credit_minutes=5, meter_day_maximum_minor=10**9, reprints_a_day=999)
    with writing(engine) as connection, connection.begin():
        tariff_key = register_tariff(connection, "agreement", _TARIFF)
        for external_id, serial in _METERS.items():
            meter = NewMeter(
                external_id=external_id,
                configuration=demo_meter_configuration(serial),
                base_date=BaseDate.YEAR_2014,
                service_type=ServiceType.ELECTRICITY,
                token_technology_code="02",
                limits=PurchaseLimits(minimum_minor=0, maximum_minor=10**9),
                customer=Customer(first_name="A", last_name="B", address="C"),
                tariff_key=tariff_key,
            )
            register_meter(connection, meter)
    for external_id in _METERS:
        debt = Debt(name="Old debt", balance_minor=_DEBT_MINOR)
        set_account(engine, Account(debts=(debt,)), external_id)
    engine.dispose()


@contextmanager
def _opened(database_url: str) -> Iterator[Engine]:
    engine = open_database(database_url, connections=1)
    yield engine
    engine.dispose()
