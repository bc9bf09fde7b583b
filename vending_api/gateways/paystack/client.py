"""The calls of Paystack: each has a time limit, and says whether it was answered, and how."""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass
from datetime import UTC
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final, TypeVar
from urllib.parse import quote

import httpx2
import structlog

from vending_api.domain.payments.errors import PaymentGatewayRefused, PaymentGatewayUnavailable
from vending_api.gateways.paystack.reading import read_checkout, read_payment, read_refund
from vending_api.kit.foreign_json import members, parse, text, whole_number

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from pydantic import SecretStr

    from vending_api.domain.payments.gateway import AskedRefund, Checkout, NewPayment
    from vending_api.domain.payments.types import Payment

T = TypeVar("T")

CONNECTIONS: Final = 8
MOST_OCTETS: Final = 1 << 20
"""Of an answer about one thing; a page of the list may have more."""
_MOST_OCTETS_OF_A_PAGE: Final = 8 << 20
PAGE_SIZE: Final = 100
MOST_PAGES: Final = 1_000
ALREADY_REFUNDED: Final = "already_refunded"
"""The reason code where Paystack says, in whatever words, that all is given back already."""
NO_TRANSACTION: Final = "transaction_not_found"

_ANSWERED: Final = "answered"
_REFUSED: Final = "refused"
_UNAVAILABLE: Final = "unavailable"
_NOT_NOW: Final = frozenset({408, 425, 429})
"""Statuses of the four hundreds that say nothing about what was asked."""
_LONGEST_PAUSE: Final = 5
"""Seconds; who is asked to wait for longer comes back by the schedule of the order."""
_ALL_GIVEN_BACK: Final = re.compile(
    r"(?i)(already|fully|(?<!not )been)\b.{0,20}\b(refunded|reversed)|refund already (exists|made)"
)
_UNKNOWN_REFERENCE: Final = re.compile(r"(?i)transaction (reference )?not found")

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How long is waited, in seconds."""

    connect: float = 5
    read: float = 10
    total: float = 25
    """For a call, its repetitions included; less than the lease of whoever makes it."""
    pauses: tuple[float, ...] = (0.5, 1)
    """Before each repetition of a call that may be repeated."""


PATIENCE: Final = Patience()


@dataclass(frozen=True, slots=True)
class _Answer:
    """What came back: the status, and the members of the JSON object, if it was one."""

    status: int
    body: dict[str, Any]
    pause: int | None
    """How many seconds to wait until it is asked again, if it said so."""

    @property
    def is_theirs(self) -> bool:
        """Whether it is of Paystack's form, and not of something that stands before it."""
        return isinstance(self.body.get("status"), bool)


class _NoAnswer(Exception):
    """Nothing usable came back; the text is a kind of error."""

    def __init__(self, reason: str, *, was_sent: bool = True) -> None:
        super().__init__(reason)
        self.was_sent = was_sent


class PaystackGateway:
    """Paystack, as `domain/payments/gateway.py` asks for it.

    What changes something is sent again only if no connection could be made; all else is left to
    the orders' schedule, which is in the database.
    """

    def __init__(
        self,
        *,
        secret_key: SecretStr,
        url: str,
        on_call: Callable[[str, str, float], None],
        seconds: Callable[[], float],
        transport: httpx2.AsyncBaseTransport | None = None,
        patience: Patience = PATIENCE,
    ) -> None:
        """`on_call` is told call, outcome and seconds; `seconds` is a clock that only grows."""
        self._on_call = on_call
        self._seconds = seconds
        self._patience = patience
        self._client = httpx2.AsyncClient(
            base_url=url,
            headers={
                "Authorization": f"Bearer {secret_key.get_secret_value()}",
                "Accept": "application/json",
                # Whatever is small when it arrives and huge when it is read is not asked for.
                "Accept-Encoding": "identity",
                "User-Agent": "vending",
            },
            timeout=httpx2.Timeout(patience.read, connect=patience.connect, pool=patience.total),
            limits=httpx2.Limits(max_connections=CONNECTIONS),
            follow_redirects=False,
            trust_env=False,
            transport=transport,
        )

    async def initialize(self, payment: NewPayment) -> Checkout:
        """Announce a payment; sent again only if it surely did not arrive."""
        body: dict[str, Any] = {
            "email": payment.email,
            "amount": payment.amount_minor,
            "currency": payment.currency,
            "reference": payment.reference,
            "callback_url": payment.callback_url,
            "metadata": payment.metadata,
        }
        if payment.account_code:
            body["subaccount"] = payment.account_code
            body["transaction_charge"] = payment.charge_minor
            body["bearer"] = "account"
        call = _Call("initialize", "POST", "/transaction/initialize", body=body)

        def read(data: Any) -> Checkout:
            _require_same(members(data).get("reference"), payment.reference)
            return read_checkout(data)

        return await self._answer_to(call, read)

    async def verify(self, reference: str) -> Payment | None:
        """Return what is known of a payment; None if Paystack does not know the reference."""
        path = f"/transaction/verify/{quote(reference, safe='')}"

        def read(data: Any) -> Payment:
            payment = read_payment(data)
            _require_same(payment.reference, reference)
            return payment

        try:
            return await self._answer_to(_Call("verify", "GET", path), read)
        except PaymentGatewayRefused as refusal:
            if refusal.reason_code == NO_TRANSACTION:
                return None
            raise

    async def refund(self, transaction_id: int, *, note: str) -> AskedRefund:
        """Ask for all of a payment to be given back; asked twice, Paystack refuses."""
        body = {"transaction": transaction_id, "merchant_note": note}
        return await self._answer_to(_Call("refund", "POST", "/refund", body=body), read_refund)

    async def find_refund(self, refund_id: str) -> AskedRefund:
        """Return where a refund stands."""
        path = f"/refund/{quote(refund_id, safe='')}"
        return await self._answer_to(_Call("find_refund", "GET", path), read_refund)

    async def payments(self, begin: datetime, end: datetime) -> list[Payment]:
        """Return the payments created from one moment to another, of every status.

        One that cannot be read makes the whole list unusable: it may be one that matters.
        """
        period = {"perPage": PAGE_SIZE, "from": _iso(begin), "to": _iso(end)}
        found: dict[int, Payment] = {}
        for page in range(1, MOST_PAGES + 1):
            call = _Call(
                "payments",
                "GET",
                "/transaction",
                query={**period, "page": page},
                most_octets=_MOST_OCTETS_OF_A_PAGE,
            )
            listed, pages = await self._answer_to(call, _read_page, whole=True)
            # Pages shift while new payments come in, and then repeat some.
            found.update((payment.transaction_id, payment) for payment in listed)
            if not listed or (pages is not None and page >= pages):
                return list(found.values())
        raise PaymentGatewayUnavailable("payments", f"more than {MOST_PAGES} pages")

    async def aclose(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    async def _answer_to(self, call: _Call, read: Callable[[Any], T], *, whole: bool = False) -> T:
        """Return what an answer says: its `data`, or all of it; and tell how the call ended."""
        began, outcome = self._seconds(), _UNAVAILABLE
        try:
            async with asyncio.timeout(self._patience.total):
                answer = await self._repeated(call)
            _require_yes(call, answer)
            found = read(answer.body if whole else answer.body.get("data"))
            outcome = _ANSWERED
        except TimeoutError:
            raise PaymentGatewayUnavailable(call.name, "no answer in time") from None
        except _NoAnswer as reason:
            raise PaymentGatewayUnavailable(call.name, str(reason)) from None
        except ValueError as reason:
            raise PaymentGatewayUnavailable(call.name, f"unusable answer, {reason}") from None
        except PaymentGatewayRefused as refusal:
            outcome = _ANSWERED if refusal.reason_code == NO_TRANSACTION else _REFUSED
            if refusal.status == HTTPStatus.UNAUTHORIZED:
                _log.error("paystack_key_refused", call=call.name)
            raise
        finally:
            self._on_call(call.name, outcome, self._seconds() - began)
        return found

    async def _repeated(self, call: _Call) -> _Answer:
        """Return an answer; a call that changes nothing is repeated if there is none."""
        for pause in self._patience.pauses:
            wait = pause
            try:
                answer = await self._sent(call)
            except _NoAnswer as reason:
                if reason.was_sent and call.changes_something:
                    raise
            else:
                if call.changes_something or not _may_be_better_later(answer.status):
                    return answer
                if answer.pause is not None:
                    if answer.pause > _LONGEST_PAUSE:
                        return answer
                    wait = max(wait, answer.pause)
            await asyncio.sleep(wait)
        return await self._sent(call)

    async def _sent(self, call: _Call) -> _Answer:
        try:
            async with self._client.stream(
                call.method, call.path, json=call.body, params=call.query
            ) as response:
                octets = bytearray()
                async for chunk in response.aiter_bytes():
                    octets += chunk
                    if len(octets) > call.most_octets:
                        raise ValueError(f"more than {call.most_octets} octets")
        except httpx2.HTTPError as error:
            # Without its cause, which holds the request and so the key.
            was_sent = not isinstance(
                error, httpx2.ConnectError | httpx2.ConnectTimeout | httpx2.PoolTimeout
            )
            raise _NoAnswer(type(error).__name__, was_sent=was_sent) from None
        try:
            body = members(parse(bytes(octets)))
        except ValueError:
            body = {}  # its status may say enough
        pause = whole_number(response.headers.get("retry-after"))
        return _Answer(response.status_code, body, pause)


@dataclass(frozen=True, slots=True)
class _Call:
    """One thing to ask."""

    name: str
    method: str
    path: str
    body: dict[str, Any] | None = None
    query: dict[str, Any] | None = None
    most_octets: int = MOST_OCTETS

    @property
    def changes_something(self) -> bool:
        return self.method == "POST"


def _may_be_better_later(status: int) -> bool:
    return status in _NOT_NOW or status >= HTTPStatus.INTERNAL_SERVER_ERROR


def _require_yes(call: _Call, answer: _Answer) -> None:
    """Raise PaymentGatewayRefused for a no of Paystack's, _NoAnswer for what is no answer."""
    status = answer.status
    if HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES and answer.body.get("status") is True:
        return
    is_no = HTTPStatus.BAD_REQUEST <= status < HTTPStatus.INTERNAL_SERVER_ERROR
    is_theirs = answer.is_theirs or status == HTTPStatus.UNAUTHORIZED
    if not is_no or status in _NOT_NOW or not is_theirs:
        form = "" if answer.is_theirs else ", not of their form"
        raise _NoAnswer(f"status {status}{form}")
    message = text(answer.body.get("message"), most=200)
    raise PaymentGatewayRefused(
        call.name,
        status=status,
        reason_code=_reason_code(call, status, message, text(answer.body.get("code"), most=40)),
        message=message,
    )


def _reason_code(call: _Call, status: int, message: str, code: str) -> str:
    """Return Paystack's own code, or one of ours where a caller must know the meaning."""
    if call.name == "refund" and _ALL_GIVEN_BACK.search(message):
        return ALREADY_REFUNDED
    if call.name == "verify":
        is_unknown = code == NO_TRANSACTION or _UNKNOWN_REFERENCE.search(message)
        if status == HTTPStatus.NOT_FOUND or (status == HTTPStatus.BAD_REQUEST and is_unknown):
            return NO_TRANSACTION
    return code


def _require_same(told: Any, asked: str) -> None:
    if told != asked:
        raise ValueError("it is about another reference")


def _read_page(body: Any) -> tuple[list[Payment], int | None]:
    """Return the payments of a page, and how many pages there are, if it says so."""
    listed = members(body).get("data")
    if not isinstance(listed, list):
        raise ValueError("data is no list")  # noqa: TRY004 (an answer, not an argument)
    pages = whole_number(members(members(body).get("meta")).get("pageCount"))
    return [read_payment(one) for one in listed], pages


def _iso(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%S}.{at.microsecond // 1000:03}Z"
