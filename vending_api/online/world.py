"""What selling online takes from outside: gateways, clock, chance, and the terms to sell on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Awaitable, Mapping
    from datetime import datetime

    from vending_api.domain.notifications.types import Channel, Messenger
    from vending_api.domain.payments.gateway import PaymentGateway
    from vending_api.domain.payments.types import PaymentPolicy
    from vending_api.domain.readings.types import MeterGateway
    from vending_api.domain.token_log.types import Signer
    from vending_api.domain.watching.types import Alert

Look = Callable[["datetime", "datetime"], "Awaitable[list[Alert]]"]
"""Gives what is out of the ordinary now, and on days that have ended since the first moment."""


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """What is called, and what cannot be computed."""

    gateway: PaymentGateway | None
    """Paystack; None where nothing is sold online."""
    meters: MeterGateway | None
    """What reads meters; None where nothing does."""
    messengers: Mapping[Channel, Messenger]
    """What carries messages to customers, by channel."""
    now: Callable[[], datetime]
    """The time, aware."""
    new_reference: Callable[[], str]
    """`T` and 15 digits that nobody can guess."""
    new_api_key: Callable[[], str]
    """API_KEY_CHARACTERS letters and digits that nobody can guess."""
    new_task_no: Callable[[], str]
    """A new UUID."""
    signer: Signer | None = None
    """What signs checkpoints of the token log; None where nothing does."""
    look: Look | None = None
    """What looks through a day somewhere else; None where a thread of this process does."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """How this installation sells online."""

    policy: PaymentPolicy
    callback_url: str
    """Where customers come back to after a payment."""
    api_key_days: int
    """How long a consumer stays logged in."""
