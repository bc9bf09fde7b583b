"""Webhook bodies with the right signature, so that what reads them is reached."""

from __future__ import annotations

import hashlib
import hmac
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from tests.fuzz.service import SECRET_KEY, serving
from vending_api.main import PAYSTACK_PATH

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

BEFORE_JSON: Final = 0
"""Octets of an input that come before its JSON."""
WORDS: Final = (
    *('"event":', '"charge.success"', '"refund.processed"', '"refund.failed"', '"data":', "null"),
    *('"charge.dispute.create"', '"reference":', '"transaction":', '"transaction_reference":'),
    *('"id":', '"amount":', '"requested_amount":', '"fees":', '"status":', '"currency":'),
    *('"refund_amount":', '"paid_at":', '"dueAt":', '"domain":', '"T123456789012345"', "1e999"),
    *("{", "}", "[", "]", ",", "\\u0000", "\\ud800", "1.0", "-1", "9223372036854775808"),
)


@contextmanager
def opened() -> Iterator[Callable[[bytes], None]]:
    """Give what delivers one input as a body."""
    with serving() as (runner, service):

        def deliver(body: bytes) -> None:
            signature = hmac.new(SECRET_KEY.encode(), body, hashlib.sha512).hexdigest().encode()
            headers = [
                (b"content-type", b"application/json"),
                (b"x-paystack-signature", signature),
            ]
            answer = runner.run(service.post(f"{PAYSTACK_PATH}/webhook", body, headers))
            assert answer.status == 200, answer

        yield deliver
