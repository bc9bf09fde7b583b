"""A stand-in for Paystack: an ASGI application with its calls, its webhook, and its bad days.

Nothing in it is left to chance, and it serves loopback alone. What it does goes by the contract:
references are used once, a whole refund is given once, events come signed, twice, late, in any
order, or never.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import socket
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

import httpx2
import uvicorn

from vending_api.sandbox.paystack_app import CALLS, LOOPBACK, Fault, build_app
from vending_api.sandbox.paystack_ledger import (
    Ledger,
    dispute_event,
    refund_event,
    told,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator, Sequence
    from datetime import datetime

    from starlette.types import Receive, Scope, Send

    from vending_api.sandbox.paystack_ledger import Refund, Transaction

_UNANSWERED: Final = 0


@dataclass(frozen=True, slots=True)
class Event:
    """A webhook: the octets that are signed and sent."""

    reference: str
    body: bytes


class PaystackSandbox:
    """An account at Paystack, with the knobs of a bad day."""

    def __init__(
        self,
        secret_key: str,
        *,
        webhook_url: str = "",
        now: Callable[[], datetime],
        transport: httpx2.AsyncBaseTransport | None = None,
    ) -> None:
        """`webhook_url` may be set later; `transport` carries webhooks without a socket."""
        self.webhook_url = webhook_url
        self.hold_seconds: float = 1
        """How long an answer is held back by the fault "timeout"."""
        self.lose = 0
        """How many of the next waiting events never arrive."""
        self.duplicate = 0
        """How often each waiting event is sent on top."""
        self.reorder = False
        """Whether waiting events are sent with the newest first."""
        self.retries = 0
        """How often a waiting event is sent again that was not answered with 200."""
        self.tells_requested_amount = True
        """Whether transactions say what was asked for."""
        self.waiting: list[Event] = []
        """What happened and was not sent yet."""
        self.sent: list[Event] = []
        """What was sent, lost ones included."""
        domain = "live" if secret_key.startswith("sk_live_") else "test"
        self._ledger = Ledger(domain=domain, now=now)
        self._secret_key = secret_key
        self._now = now
        self._transport = transport
        self._faults: dict[str, list[Fault]] = {}
        self._background: set[asyncio.Task[list[int]]] = set()
        self.app = build_app(self)

    @property
    def ledger(self) -> Ledger:
        """All transactions and refunds."""
        return self._ledger

    @property
    def transactions(self) -> Sequence[Transaction]:
        """All transactions, in the order in which they were announced."""
        return list(self._ledger.transactions.values())

    @property
    def refunds(self) -> Sequence[Refund]:
        """All refunds, in the order in which they were asked for."""
        return list(self._ledger.refunds)

    def money_in(self) -> int:
        """Return all that customers ever paid, whatever was given back since."""
        return sum(one.charged for one in self.transactions)

    def money_back(self) -> int:
        """Return all that customers have back."""
        return sum(one.given_back for one in self.transactions)

    def is_key(self, authorization: str) -> bool:
        """Tell whether a header proves that the account's owner calls."""
        return hmac.compare_digest(authorization.encode(), f"Bearer {self._secret_key}".encode())

    # What happens to the money.

    def pay(
        self,
        reference: str,
        *,
        amount: int | None = None,
        requested: int | None = None,
        currency: str | None = None,
        domain: str | None = None,
        status: str = "success",
    ) -> Transaction:
        """Let a payment come to an end; only a success has an event, which waits to be sent.

        Each sum is as it was announced unless it is given; `domain` is that of the key. Raises
        ValueError for what is paid already.
        """
        paid = self._ledger.found_or_new(reference, amount=amount)
        if paid.paid_at is not None:
            raise ValueError(f"{reference} is paid, and no transaction is paid twice")
        paid.amount = paid.amount if amount is None else amount
        paid.requested_amount = paid.requested_amount if requested is None else requested
        paid.currency = currency or paid.currency
        paid.domain = domain or paid.domain
        paid.status = status
        if status == "success":
            paid.paid_at = self._now()
            self._happened(paid, {"event": "charge.success", "data": self.told(paid)})
        return paid

    def reverse(self, reference: str) -> None:
        """Let the bank take a payment back; there is no event of it."""
        taken = self._ledger.find(reference)
        taken.status = "reversed"
        taken.is_reversed_by_bank = True

    def finish_refund(self, reference: str, state: str = "processed") -> None:
        """Take the newest refund of a transaction to a state; its event waits to be sent."""
        paid = self._ledger.find(reference)
        refund = paid.refunds[-1]
        self._ledger.move_refund(refund, state)
        self._happened(paid, refund_event(refund, paid))

    def refund_elsewhere(self, reference: str, amount: int | None = None) -> None:
        """Give money back from the dashboard: queued and done, with two events that wait."""
        self.queued(self._ledger.refund(reference, amount))
        self.finish_refund(reference)

    def queued(self, refund: Refund) -> None:
        """Tell that a refund is queued; its event waits to be sent."""
        paid = self._ledger.find(refund.reference)
        self._happened(paid, refund_event(refund, paid))

    def dispute(
        self, reference: str, step: str = "create", *, status: str = "awaiting-merchant-feedback"
    ) -> None:
        """Let a customer complain at the bank; the event waits to be sent."""
        paid = self._ledger.find(reference)
        number = self._ledger.new_dispute()
        at = self._now()
        self._happened(paid, dispute_event(number, paid, step=step, status=status, at=at))

    def told(self, transaction: Transaction) -> dict[str, Any]:
        """Return a transaction as the calls and the webhook tell of it."""
        return told(transaction, requested=self.tells_requested_amount)

    # What the webhook brings.

    def sign(self, body: bytes) -> str:
        """Return the signature of a body."""
        return hmac.new(self._secret_key.encode(), body, hashlib.sha512).hexdigest()

    def body_of(self, reference: str) -> bytes:
        """Return the octets of the newest event of a transaction."""
        return [one.body for one in (*self.sent, *self.waiting) if one.reference == reference][-1]

    async def deliver(
        self,
        reference: str,
        *,
        times: int = 1,
        body: bytes | None = None,
        signature: str | None = None,
        delay: float = 0,
    ) -> list[int]:
        """Send the newest event of a transaction, so many times at once, and return the statuses.

        Body and signature are theirs unless they are given; 0 stands for no answer.
        """
        octets = self.body_of(reference) if body is None else body
        await asyncio.sleep(delay)
        self._take([one for one in self.waiting if one.body == octets])
        return await asyncio.gather(*(self._post(octets, signature) for _ in range(times)))

    async def deliver_waiting(self) -> list[int]:
        """Send all events that wait, one after the other, as the knobs say."""
        events = list(self.waiting)
        self._take(events)
        lost, self.lose = min(self.lose, len(events)), max(0, self.lose - len(events))
        events = events[lost:] * (1 + self.duplicate)
        return [await self._insist(one) for one in (events[::-1] if self.reorder else events)]

    def deliver_later(self) -> None:
        """Send all events that wait, while the caller goes on."""
        task = asyncio.create_task(self.deliver_waiting())
        self._background.add(task)
        task.add_done_callback(self._background.discard)

    async def _insist(self, event: Event) -> int:
        """Send an event until it is answered with 200, or often enough."""
        status = await self._post(event.body, None)
        for _ in range(self.retries):
            if status == HTTPStatus.OK:
                break
            status = await self._post(event.body, None)
        return status

    async def _post(self, body: bytes, signature: str | None) -> int:
        headers = {
            "Content-Type": "application/json",
            "X-Paystack-Signature": self.sign(body) if signature is None else signature,
        }
        async with httpx2.AsyncClient(
            transport=self._transport, trust_env=False, timeout=30
        ) as client:
            try:
                answer = await client.post(self.webhook_url, content=body, headers=headers)
            except httpx2.HTTPError:
                return _UNANSWERED
        return answer.status_code

    def _happened(self, transaction: Transaction, event: dict[str, Any]) -> None:
        # Not as other programs would write it, so that a signature over rewritten JSON fails.
        body = json.dumps(event, ensure_ascii=False, separators=(",", ":")).encode()
        self.waiting.append(Event(transaction.reference, body))

    def _take(self, events: Sequence[Event]) -> None:
        self.waiting = [one for one in self.waiting if one not in events]
        self.sent += events

    # What goes wrong with calls.

    def fail(self, call: str, times: int = 1, how: Fault = 503) -> None:
        """Let a call go wrong the next times; raises ValueError for a call that there is not."""
        if call not in CALLS:
            raise ValueError(f"{call} is none of {', '.join(CALLS)}")
        self._faults.setdefault(call, []).extend([how] * times)

    def heal(self) -> None:
        """Let no call go wrong any more."""
        self._faults.clear()

    def next_fault(self, call: str) -> Fault | None:
        """Return how a call goes wrong this time; None if it does not."""
        planned = self._faults.get(call)
        return planned.pop(0) if planned else None

    # How it is reached.

    def transport(self) -> httpx2.ASGITransport:
        """Return what carries calls without a socket; faults then end at once."""

        async def app(scope: Scope, receive: Receive, send: Send) -> None:
            scope["state"] = {"without_socket": True}
            await self.app(scope, receive, send)

        return httpx2.ASGITransport(app)

    @asynccontextmanager
    async def serving(self, port: int = 0) -> AsyncIterator[str]:
        """Serve on loopback until the end of the block, and give the address."""
        listener = socket.create_server((LOOPBACK, port))
        config = uvicorn.Config(
            self.app, log_config=None, log_level="critical", access_log=False, lifespan="off"
        )
        server = _Server(config)
        task = asyncio.create_task(server.serve(sockets=[listener]))
        try:
            await server.is_up.wait()
            yield f"http://{LOOPBACK}:{listener.getsockname()[1]}"
        finally:
            server.should_exit = True
            await task
            listener.close()
            await asyncio.gather(*self._background)


class _Server(uvicorn.Server):
    """A server that says when it is up, and leaves the signals to the program around it."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.is_up = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.is_up.set()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield
