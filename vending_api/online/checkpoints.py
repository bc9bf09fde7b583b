"""Checkpoints of the token log, made in time by whoever has their signing key."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

import structlog

from vending_api.domain.token_log import checkpoints
from vending_api.domain.token_log.canonical import digest_of_checkpoint
from vending_api.online.records import WORKER

if TYPE_CHECKING:
    from datetime import datetime

    from vending_api.online.records import Records
    from vending_api.online.world import World

_BETWEEN_LOOKS: Final = timedelta(minutes=1)

_log = structlog.get_logger(__name__)


class Checkpoints:
    """Makes a checkpoint every hour and on each new day of UTC, where tokens were made since.

    The key stays in this process: it reads, signs, and has the result stored. Where several do
    so at once, the database takes one.
    """

    def __init__(self, records: Records, world: World) -> None:
        self._records = records
        self._world = world
        self._next_look_at: datetime | None = None

    async def make_if_due(self) -> None:
        """Make a checkpoint if it is time to; raises StorageUnavailable."""
        signer, now = self._world.signer, self._world.now()
        if signer is None or (self._next_look_at is not None and now < self._next_look_at):
            return
        self._next_look_at = now + _BETWEEN_LOOKS
        if not await self._records.read(checkpoints.is_due, now):
            return
        drafted = await self._records.read(checkpoints.draft, signer.public.id, now)
        if drafted is None:
            # Nothing was sold: the chains are not walked every minute of a quiet night.
            self._next_look_at = now + checkpoints.BETWEEN
            return
        one = checkpoints.signed(drafted, signer)
        if await self._records.write(WORKER, checkpoints.store, one):
            # Who keeps the log lines elsewhere can prove that no checkpoint was taken away.
            _log.info("token_log_checkpoint", number=one.number, digest=digest_of_checkpoint(one))
