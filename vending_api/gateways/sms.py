"""Messages by SMS, over the HTTP interface of whatever provider is configured."""

from __future__ import annotations

import asyncio
import json
import re
from typing import TYPE_CHECKING, Final

import httpx2

from vending_api.domain.notifications.types import NotSent

if TYPE_CHECKING:
    from pydantic import SecretStr

    from vending_api.domain.notifications.types import Message

TOTAL_SECONDS: Final = 20
"""Less than the lease of whoever sends."""
_REPLY: Final = httpx2.Timeout(10, connect=5)
_CONNECTIONS: Final = httpx2.Limits(max_connections=4)
_PHONE: Final = re.compile(r"\+?[0-9]{7,15}")
_PLACE: Final = re.compile(r"\{(to|text)\}")


class SmsMessenger:
    """Carries messages by SMS: each is one POST of a JSON object."""

    def __init__(
        self,
        *,
        url: str,
        authorization: SecretStr | None,
        body: str,
        transport: httpx2.AsyncBaseTransport | None = None,
        total_seconds: float = TOTAL_SECONDS,
    ) -> None:
        """`body` is a JSON object of texts, in which {to} and {text} are put; raises ValueError."""
        self._url = url
        self._body = _texts(body)
        self._total_seconds = total_seconds
        headers = {"Accept-Encoding": "identity", "User-Agent": "vending"}
        if authorization is not None:
            headers["Authorization"] = authorization.get_secret_value()
        self._client = httpx2.AsyncClient(
            headers=headers,
            timeout=_REPLY,
            limits=_CONNECTIONS,
            follow_redirects=False,
            trust_env=False,
            transport=transport,
        )

    async def send(self, recipient: str, message: Message) -> None:
        """Hand a message over to the provider; raises NotSent.

        No answer of a provider says for sure that trying again is in vain: it may speak of the
        number, and as well of our account.
        """
        if _PHONE.fullmatch(recipient) is None:
            raise NotSent("the recipient is no phone number", is_final=True)
        places = {"to": recipient, "text": message.short_text}
        # In one go and after parsing, so that what is put in stays a text and is not looked into.
        body = {
            name: _PLACE.sub(lambda place: places[place[1]], text)
            for name, text in self._body.items()
        }
        try:
            async with (
                asyncio.timeout(self._total_seconds),
                self._client.stream("POST", self._url, json=body) as response,
            ):
                status = response.status_code
        except (httpx2.HTTPError, TimeoutError) as error:
            raise NotSent(type(error).__name__, is_final=False) from None
        if not httpx2.codes.is_success(status):
            raise NotSent(f"status {status}", is_final=False)

    async def aclose(self) -> None:
        """Close the connections."""
        await self._client.aclose()


def _texts(body: str) -> dict[str, str]:
    read = json.loads(body)
    if not isinstance(read, dict) or not all(isinstance(one, str) for one in read.values()):
        raise ValueError("the body of an SMS is no JSON object of texts")
    return read
