"""The world outside as an installation configures it: Paystack, messengers, meters, chance.

A gateway is loaded where it is configured: what they speak with takes a thirtieth of a start.
"""

from __future__ import annotations

import asyncio
import secrets
import string
import time
from contextlib import asynccontextmanager
from datetime import timedelta
from importlib import import_module
from typing import TYPE_CHECKING, Final
from uuid import uuid4

from vending_api.domain.consumers.types import API_KEY_CHARACTERS
from vending_api.domain.notifications.types import Channel
from vending_api.domain.payments.types import PaymentPolicy
from vending_api.kit.signatures import SigningKey, SigningKeyInvalid, read_signing_key
from vending_api.online.world import Look, Terms, World
from vending_api.sandbox.meter_gateway import SimulatedMeters
from vending_api.settings import SettingsInvalid

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping
    from datetime import datetime
    from types import ModuleType

    from sqlalchemy import Engine

    from vending_api.domain.notifications.types import Messenger
    from vending_api.gateways.paystack.client import PaystackGateway
    from vending_api.gateways.sms import SmsMessenger
    from vending_api.gateways.smtp import SmtpMessenger
    from vending_api.settings import Settings

_LETTERS_AND_DIGITS: Final = string.ascii_letters + string.digits
_REFERENCES: Final = 10**15


class Outside:
    """What is called, and on what terms; open it while it is used."""

    def __init__(
        self,
        settings: Settings,
        engine: Engine,
        *,
        now: Callable[[], datetime],
        on_call: Callable[[str, str, float], None],
        signs: bool = True,
        look: Look | None = None,
    ) -> None:
        """`on_call` is told of each call of Paystack: which, its outcome, its seconds.

        `signs` says whether checkpoints of the token log are made here, `look` what looks through
        a day somewhere else. Raises SettingsInvalid for a sender that is no address, and a signing
        key that cannot be read.
        """
        self._gateway = _paystack(settings, on_call)
        self._smtp = _smtp(settings, now)
        self._sms = _sms(settings)
        messengers: dict[Channel, Messenger] = {}
        if self._smtp is not None:
            messengers[Channel.EMAIL] = self._smtp
        if self._sms is not None:
            messengers[Channel.SMS] = self._sms
        self.world = World(
            gateway=self._gateway,
            meters=SimulatedMeters(engine, now=now) if settings.demo else None,
            messengers=messengers,
            now=now,
            new_reference=lambda: f"T{secrets.randbelow(_REFERENCES):015}",
            new_api_key=_new_api_key,
            new_task_no=lambda: str(uuid4()),
            signer=log_signer(settings) if signs else None,
            look=look,
        )
        self.terms = _terms(settings, messengers)

    @asynccontextmanager
    async def open(self) -> AsyncIterator[None]:
        """Hold connections until the end of the block."""
        try:
            yield
        finally:
            if self._gateway is not None:
                await self._gateway.aclose()
            if self._sms is not None:
                await self._sms.aclose()
            if self._smtp is not None:
                await asyncio.to_thread(self._smtp.stop)


def log_signer(settings: Settings) -> SigningKey | None:
    """Return what signs checkpoints of the token log, if anything does; raises SettingsInvalid."""
    if settings.log_key_file is None:
        return None
    try:
        return read_signing_key(settings.log_key_file)
    except SigningKeyInvalid as error:
        raise SettingsInvalid(f"VENDING_LOG_KEY_FILE: {error}") from None


def _terms(settings: Settings, messengers: Mapping[Channel, Messenger]) -> Terms:
    policy = PaymentPolicy(
        mode=settings.payment_mode or "test",
        refund_after=timedelta(minutes=settings.refund_after_minutes),
        channels=frozenset(messengers),
    )
    return Terms(
        policy=policy,
        callback_url=f"{settings.public_url}/paystack/return" if settings.public_url else "",
        api_key_days=settings.api_key_days,
    )


def _paystack(
    settings: Settings, on_call: Callable[[str, str, float], None]
) -> PaystackGateway | None:
    if settings.paystack_secret_key is None:
        return None
    gateway: PaystackGateway = _gateway("paystack.client").PaystackGateway(
        secret_key=settings.paystack_secret_key,
        url=settings.paystack_url,
        on_call=on_call,
        seconds=time.perf_counter,
    )
    return gateway


def _smtp(settings: Settings, now: Callable[[], datetime]) -> SmtpMessenger | None:
    if settings.smtp_host is None:
        return None
    try:
        messenger: SmtpMessenger = _gateway("smtp").SmtpMessenger(
            host=settings.smtp_host,
            port=settings.smtp_port,
            security=settings.smtp_security,
            user=settings.smtp_user,
            password=settings.smtp_password,
            sender=settings.smtp_sender or "",
            now=now,
        )
    except ValueError as error:
        raise SettingsInvalid(f"VENDING_SMTP_SENDER: {error}") from None
    return messenger


def _sms(settings: Settings) -> SmsMessenger | None:
    if settings.sms_url is None:
        return None
    messenger: SmsMessenger = _gateway("sms").SmsMessenger(
        url=settings.sms_url,
        authorization=settings.sms_authorization,
        body=settings.sms_body,
    )
    return messenger


def _gateway(name: str) -> ModuleType:
    return import_module(f"vending_api.gateways.{name}")


def _new_api_key() -> str:
    return "".join(secrets.choice(_LETTERS_AND_DIGITS) for _ in range(API_KEY_CHARACTERS))
