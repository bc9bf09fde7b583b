"""An SMS is one post to the provider, in whatever JSON it wants, or it is said why not."""

from __future__ import annotations

import asyncio
import json
import traceback
from typing import Any, Final

import httpx2
import pytest
from pydantic import SecretStr

from vending_api.domain.notifications.types import Message, NotSent
from vending_api.gateways.sms import SmsMessenger

MESSAGE: Final = Message(subject="", text="", short_text='Meter 1: 1234 5678 "{to}" \\ {text}')
PHONE: Final = "+2348031234567"
USUAL: Final = '{"to": "{to}", "text": "{text}"}'


def _send(
    answer: httpx2.Response | Exception,
    *,
    body: str = USUAL,
    recipient: str = PHONE,
    authorization: str | None = "Bearer hunter2",
) -> list[httpx2.Request]:
    requests = []

    def answered(request: httpx2.Request) -> httpx2.Response:
        requests.append(request)
        if isinstance(answer, Exception):
            raise answer
        return answer

    async def sent() -> None:
        messenger = SmsMessenger(
            url="https://sms.test/send",
            authorization=None if authorization is None else SecretStr(authorization),
            body=body,
            transport=httpx2.MockTransport(answered),
        )
        try:
            await messenger.send(recipient, MESSAGE)
        finally:
            await messenger.aclose()

    asyncio.run(sent())
    return requests


def test_the_message_is_posted_with_authorization() -> None:
    (request,) = _send(httpx2.Response(202))
    assert (request.method, str(request.url)) == ("POST", "https://sms.test/send")
    assert request.headers["authorization"] == "Bearer hunter2"
    assert request.headers["content-type"] == "application/json"
    assert json.loads(request.content) == {"to": PHONE, "text": MESSAGE.short_text}


def test_a_provider_may_want_no_authorization() -> None:
    (request,) = _send(httpx2.Response(200), authorization=None)
    assert "authorization" not in request.headers


@pytest.mark.parametrize(
    ("body", "sent"),
    [
        ('{"msisdn": "{to}", "sms": "{text}", "from": "Power"}', {"from": "Power"}),
        (
            '{"line": "{to}: {text} {other} {}"}',
            {"line": f"{PHONE}: {MESSAGE.short_text} {{other}} {{}}"},
        ),
        ('{"{to}": "{to}{to}"}', {"{to}": PHONE + PHONE}),
        ("{}", {}),
    ],
)
def test_what_is_put_in_cannot_break_out_of_the_body(body: str, sent: dict[str, Any]) -> None:
    (request,) = _send(httpx2.Response(200), body=body)
    posted = json.loads(request.content)
    assert posted.keys() == json.loads(body).keys()
    assert sent.items() <= posted.items()


@pytest.mark.parametrize("status", [301, 400, 401, 404, 422, 429, 500, 503])
def test_what_is_not_taken_is_tried_again(status: int) -> None:
    with pytest.raises(NotSent) as raised:
        _send(httpx2.Response(status, text=MESSAGE.short_text))
    assert (str(raised.value), raised.value.is_final) == (f"status {status}", False)


@pytest.mark.parametrize(
    "error", [httpx2.ConnectError("hunter2"), httpx2.ReadTimeout("hunter2"), httpx2.ReadError("")]
)
def test_no_answer_is_tried_again(error: Exception) -> None:
    with pytest.raises(NotSent) as raised:
        _send(error)
    assert (str(raised.value), raised.value.is_final) == (type(error).__name__, False)
    assert "hunter2" not in "".join(traceback.format_exception(raised.value))


def test_who_sends_does_not_wait_for_longer_than_a_step_may_take() -> None:
    async def never(_: httpx2.Request) -> httpx2.Response:
        await asyncio.Event().wait()
        raise AssertionError

    async def send() -> None:
        messenger = SmsMessenger(
            url="https://sms.test/",
            authorization=None,
            body=USUAL,
            transport=httpx2.MockTransport(never),
            total_seconds=0.01,
        )
        with pytest.raises(NotSent) as raised:
            await messenger.send(PHONE, MESSAGE)
        assert (str(raised.value), raised.value.is_final) == ("TimeoutError", False)
        await messenger.aclose()

    asyncio.run(send())


@pytest.mark.parametrize("phone", ["1234567", "+123456789012345", "08031234567"])
def test_a_phone_number_has_7_to_15_digits(phone: str) -> None:
    assert len(_send(httpx2.Response(200), recipient=phone)) == 1


@pytest.mark.parametrize(
    "phone", ["", "123456", "1234567890123456", "++2348031234567", "1234567\n", "tel:1234567"]
)
def test_anything_else_is_no_recipient(phone: str) -> None:
    with pytest.raises(NotSent) as raised:
        _send(httpx2.Response(200), recipient=phone)
    assert raised.value.is_final


@pytest.mark.parametrize("body", ["", "[]", '{"to": 5}', '{"to": {"number": "{to}"}}'])
def test_a_body_that_is_no_object_of_texts_is_refused_at_the_start(body: str) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        _send(httpx2.Response(200), body=body)


def test_no_secret_stands_in_a_repr() -> None:
    messenger = SmsMessenger(
        url="https://sms.test/", authorization=SecretStr("Bearer hunter2"), body=USUAL
    )
    assert "hunter2" not in repr(messenger) + repr(vars(messenger)) + repr(
        messenger._client.headers
    )
    asyncio.run(messenger.aclose())
