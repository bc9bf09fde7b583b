"""What tests of checkpoints share: to log, to seal, to prove."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from tests.domain.test_token_log import ENTRY
from tests.support.service import NOON, writing
from vending_api.domain.token_log import checkpoints, evidence, service
from vending_api.domain.token_log.proving import Prover

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Engine

    from vending_api.domain.token_log.types import Break, Checkpoint
    from vending_api.kit.signatures import SigningKey

HOUR: Final = timedelta(hours=1)


def append(engine: Engine, writer: str, *identifiers: int) -> None:
    with writing(engine) as connection, connection.begin():
        entries = [replace(ENTRY, token_identifier=one) for one in identifiers]
        service.append(connection, writer, entries)


def seal(engine: Engine, signer: SigningKey, at: datetime = NOON) -> Checkpoint | None:
    with writing(engine) as connection, connection.begin():
        drafted = checkpoints.draft(connection, signer.public.id, at)
        if drafted is None:
            return None
        one = checkpoints.signed(drafted, signer)
        assert checkpoints.store(connection, one)
        return one


def prover(*keys: SigningKey, expected: dict[int, str] | None = None) -> Prover:
    return Prover({one.public.id: one.public for one in keys}, expected)


def found(
    engine: Engine,
    *keys: SigningKey,
    now: datetime = NOON + HOUR,
    expected: dict[int, str] | None = None,
) -> list[Break]:
    proving = prover(*keys, expected=expected)
    with engine.connect() as connection:
        return list(evidence.prove(connection, proving, now, on_row=lambda: None))
