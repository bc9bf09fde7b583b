"""Checkpoints: the ends of all chains, signed, each joined to the one before.

To make one takes two steps, so that the signing key stays with who has it: `draft` reads, and
`store` writes in a transaction, maybe in another process. The database decides who is first:
the number is the primary key, so of two drafts with one number one is dropped, and nothing is lost.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

from vending_api.domain.token_log import repository
from vending_api.domain.token_log.canonical import NO_DIGEST, digest_of_checkpoint, signed_words
from vending_api.domain.token_log.types import Checkpoint, Draft

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Connection

    from vending_api.domain.token_log.types import Signer

BETWEEN: Final = timedelta(hours=1)
"""A checkpoint is due after this time, and on a new day of UTC."""


def is_due(connection: Connection, now: datetime) -> bool:
    """Tell whether the newest checkpoint is an hour old or of another day of UTC, or there is none.

    Whether anything has been logged since, only `draft` tells.
    """
    last = repository.newest_checkpoint_at(connection)
    return last is None or now - last >= BETWEEN or now.date() != last.date()


def draft(connection: Connection, key_id: str, now: datetime) -> Draft | None:
    """Return the next checkpoint, unsigned; None where no chain has grown since the last."""
    last = repository.newest_checkpoint(connection)
    heads = tuple(sorted(repository.grown_chains(connection)))
    if not heads:
        return None
    return Draft(
        number=1 if last is None else last.number + 1,
        made_at=now,
        previous_digest=NO_DIGEST if last is None else digest_of_checkpoint(last),
        heads=heads,
        key_id=key_id,
    )


def signed(one: Draft, signer: Signer) -> Checkpoint:
    """Return a draft with its signature."""
    return Checkpoint(
        number=one.number,
        made_at=one.made_at,
        previous_digest=one.previous_digest,
        heads=one.heads,
        key_id=one.key_id,
        signature=signer.sign(signed_words(one)).hex(),
    )


def store(connection: Connection, one: Checkpoint) -> bool:
    """Store a checkpoint, unless another has its number; return whether it was stored."""
    return repository.add_checkpoint(connection, one)
