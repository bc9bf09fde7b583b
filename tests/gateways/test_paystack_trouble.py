"""What breaks off, hangs or makes no sense is no answer; only what is safe is asked again."""

from __future__ import annotations

import asyncio
import json
import traceback
from typing import TYPE_CHECKING, Any, Final

import httpx2
import pytest
from structlog.testing import capture_logs

from tests.gateways.called import (
    CHECKOUT,
    KEY,
    NEW,
    REFERENCE,
    REFUNDED,
    VERIFIED,
    Called,
    no,
    yes,
)
from tests.support.service import NOON
from vending_api.domain.payments.errors import PaymentGatewayRefused, PaymentGatewayUnavailable
from vending_api.gateways.paystack.client import MOST_OCTETS, Patience

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from vending_api.gateways.paystack.client import PaystackGateway

    Ask = Callable[[PaystackGateway], Awaitable[Any]]

GETS: Final[dict[str, tuple[Ask, Any]]] = {
    "verify": (lambda gateway: gateway.verify(REFERENCE), VERIFIED),
    "find_refund": (lambda gateway: gateway.find_refund("1"), REFUNDED),
    "payments": (lambda gateway: gateway.payments(NOON, NOON), []),
}
POSTS: Final[dict[str, tuple[Ask, Any]]] = {
    "initialize": (lambda gateway: gateway.initialize(NEW), CHECKOUT),
    "refund": (lambda gateway: gateway.refund(1, note=""), REFUNDED),
}
ALL: Final = {**GETS, **POSTS}
NOT_SENT: Final = {
    "no connection": httpx2.ConnectError("hunter2"),
    "no connection in time": httpx2.ConnectTimeout("hunter2"),
}
MAYBE_SENT: Final = {
    "no answer in time": httpx2.ReadTimeout("hunter2"),
    "slow to take it": httpx2.WriteTimeout("hunter2"),
    "broken off": httpx2.ReadError("hunter2"),
    "ended too early": httpx2.RemoteProtocolError("hunter2"),
    "busy": httpx2.Response(429, json={"status": False}),
    "down": httpx2.Response(500, json={"status": False, "message": "hunter2"}),
    "behind a proxy": httpx2.Response(502, text="<html>hunter2</html>"),
}
UNUSABLE: Final = {
    "no JSON": httpx2.Response(200, text="<html>hunter2</html>"),
    "nothing": httpx2.Response(200),
    "a list": httpx2.Response(200, json=[]),
    "deep": httpx2.Response(200, content=b"[" * 100_000),
    "a status that is a text": httpx2.Response(200, json={"status": "true", "data": VERIFIED}),
    "a status of false": httpx2.Response(200, json={"status": False, "data": VERIFIED}),
    "elsewhere": httpx2.Response(302, headers={"Location": "https://evil.test/"}),
    "a no of somebody else": httpx2.Response(403, text="<html>blocked</html>"),
    "too long": httpx2.Response(
        200, json={"status": True, "data": VERIFIED, "more": "x" * (8 * MOST_OCTETS)}
    ),
}


@pytest.mark.parametrize("name", GETS)
@pytest.mark.parametrize(
    "trouble", [*NOT_SENT.values(), *MAYBE_SENT.values()], ids=[*NOT_SENT, *MAYBE_SENT]
)
def test_what_changes_nothing_is_asked_three_times(
    name: str, trouble: httpx2.Response | Exception
) -> None:
    ask, data = GETS[name]
    called = Called([trouble, trouble, yes(data)])
    called.ask(ask)
    assert len(called.requests) == 3
    called = Called([trouble] * 4)
    with pytest.raises(PaymentGatewayUnavailable):
        called.ask(ask)
    assert len(called.requests) == 3


@pytest.mark.parametrize("name", POSTS)
@pytest.mark.parametrize("trouble", NOT_SENT.values(), ids=NOT_SENT)
def test_what_surely_did_not_arrive_is_sent_again(name: str, trouble: Exception) -> None:
    ask, data = POSTS[name]
    called = Called([trouble, trouble, yes(data)])
    called.ask(ask)
    assert len(called.requests) == 3


@pytest.mark.parametrize("name", POSTS)
@pytest.mark.parametrize("trouble", MAYBE_SENT.values(), ids=MAYBE_SENT)
def test_what_may_have_arrived_is_never_sent_again(
    name: str, trouble: httpx2.Response | Exception
) -> None:
    ask, data = POSTS[name]
    called = Called([trouble, yes(data)])
    with pytest.raises(PaymentGatewayUnavailable):
        called.ask(ask)
    assert len(called.requests) == 1


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize("answer", UNUSABLE.values(), ids=UNUSABLE)
def test_what_makes_no_sense_is_no_answer(name: str, answer: httpx2.Response) -> None:
    called = Called([answer])
    with pytest.raises(PaymentGatewayUnavailable) as raised:
        called.ask(ALL[name][0])
    assert len(called.requests) == 1
    assert raised.value.call == name
    assert [told[:2] for told in called.told] == [(name, "unavailable")]


def test_an_answer_may_be_so_long_and_no_longer() -> None:
    empty = json.dumps({"status": True, "data": VERIFIED, "more": ""})
    longest = empty.replace('"more": ""', f'"more": "{"x" * (MOST_OCTETS - len(empty))}"')
    assert len(longest) == MOST_OCTETS
    called = Called([httpx2.Response(200, text=longest), httpx2.Response(200, text=f"{longest} ")])
    assert called.ask(lambda gateway: gateway.verify(REFERENCE)) is not None
    with pytest.raises(PaymentGatewayUnavailable):
        called.ask(lambda gateway: gateway.verify(REFERENCE))


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize("status", [400, 401, 403, 422])
def test_a_no_is_final_and_asked_once(name: str, status: int) -> None:
    called = Called([no(status, "Not like this", code="some_code")])
    with pytest.raises(PaymentGatewayRefused) as refused:
        called.ask(ALL[name][0])
    assert (refused.value.call, refused.value.status) == (name, status)
    assert refused.value.reason_code == "some_code"
    assert len(called.requests) == 1
    assert [told[:2] for told in called.told] == [(name, "refused")]


@pytest.mark.parametrize("answer", [no(401, "Invalid key"), httpx2.Response(401)])
def test_a_refused_key_is_logged_for_whoever_can_mend_it(answer: httpx2.Response) -> None:
    called = Called([answer])
    with capture_logs() as logs, pytest.raises(PaymentGatewayRefused):
        called.ask(lambda gateway: gateway.verify(REFERENCE))
    assert logs == [{"event": "paystack_key_refused", "call": "verify", "log_level": "error"}]


@pytest.fixture
def waited(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Give the seconds that were waited; nobody waits."""
    pauses: list[float] = []

    async def sleep(seconds: float) -> None:
        pauses.append(seconds)

    monkeypatch.setattr("vending_api.gateways.paystack.client.asyncio.sleep", sleep)
    return pauses


def _busy(retry_after: str) -> httpx2.Response:
    return httpx2.Response(429, json={"status": False}, headers={"Retry-After": retry_after})


@pytest.mark.parametrize(
    ("retry_after", "pauses"),
    [("3", [3, 3]), ("5", [5, 5]), ("0", [0.5, 1]), ("soon", [0.5, 1]), ("-9", [0.5, 1])],
)
def test_who_asks_to_be_asked_later_is_asked_later(
    waited: list[float], retry_after: str, pauses: list[float]
) -> None:
    called = Called([_busy(retry_after), _busy(retry_after), yes(VERIFIED)])

    async def ask() -> None:
        async with called.gateway(Patience()) as gateway:
            await gateway.verify(REFERENCE)

    asyncio.run(ask())
    assert waited == pauses


def test_who_asks_for_longer_than_there_is_time_is_left_to_the_schedule(
    waited: list[float],
) -> None:
    called = Called([_busy("6")])
    with pytest.raises(PaymentGatewayUnavailable):
        called.ask(lambda gateway: gateway.verify(REFERENCE))
    assert (waited, len(called.requests)) == ([], 1)


def test_a_call_ends_when_its_time_is_up() -> None:
    async def ask() -> None:
        called = Called()

        async def never(_: httpx2.Request) -> httpx2.Response:
            await asyncio.Event().wait()
            raise AssertionError

        called.answer = never  # type: ignore[assignment,method-assign]  # the transport takes both
        async with called.gateway(Patience(total=0.01)) as gateway:
            with pytest.raises(PaymentGatewayUnavailable):
                await gateway.verify(REFERENCE)
        assert called.told == [("verify", "unavailable", 1)]

    asyncio.run(ask())


def test_each_call_is_told_once_with_how_long_it_took() -> None:
    called = Called([httpx2.ReadTimeout(""), yes(VERIFIED)])
    called.ask(lambda gateway: gateway.verify(REFERENCE))
    assert called.told == [("verify", "answered", 1)]


TROUBLE: Final = {
    **NOT_SENT,
    **MAYBE_SENT,
    **UNUSABLE,
    "a no": no(400, "Not like this"),
    "a refused key": no(401, "Invalid key"),
}


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize("trouble", TROUBLE.values(), ids=TROUBLE)
def test_no_secret_stands_in_an_error_or_a_log(
    name: str, trouble: httpx2.Response | Exception, caplog: pytest.LogCaptureFixture
) -> None:
    called = Called([trouble] * 3)
    with (
        caplog.at_level(0),
        capture_logs() as logs,
        pytest.raises((PaymentGatewayUnavailable, PaymentGatewayRefused)) as raised,
    ):
        called.ask(ALL[name][0])
    said = "".join(traceback.format_exception(raised.value))
    said += repr(raised.value) + repr(logs) + caplog.text
    for secret in (KEY, "hunter2", "tenant@example.org"):
        assert secret not in said


def test_no_secret_stands_in_a_repr() -> None:
    async def shown() -> str:
        async with Called().gateway() as gateway:
            return repr(gateway) + repr(gateway._client) + repr(gateway._client.headers)

    assert KEY not in asyncio.run(shown())
    assert "tenant@example.org" not in repr(NEW)
