"""Whoever cuts, alters or forges the log is found out, though every chain by itself may hold.

Each attack is first shown to pass without its defence (`_chains_hold`: the chains alone).
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import delete, select, update

from tests.domain.sealing import HOUR, append, found, seal
from tests.domain.test_token_log import ENTRY
from tests.support.service import NOON, writing
from vending_api.domain.token_log import checkpoints, service
from vending_api.domain.token_log.canonical import NO_DIGEST, digest_of_checkpoint, digest_of_row
from vending_api.domain.token_log.proving import LATE
from vending_api.domain.token_log.repository import all_checkpoints
from vending_api.domain.token_log.tables import TOKEN_LOG, TOKEN_LOG_CHECKPOINT, TOKEN_LOG_HEAD
from vending_api.domain.token_log.types import CHECKPOINTS, Break

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine

    from vending_api.kit.signatures import SigningKey


def _chains_hold(engine: Engine) -> bool:
    with engine.connect() as connection:
        return list(service.breaks(connection)) == []


def _run(engine: Engine, *statements: Any) -> None:
    with writing(engine) as connection, connection.begin():
        for statement in statements:
            connection.execute(statement)


def _cut(writer: str, beyond: int) -> Any:
    return delete(TOKEN_LOG).where(TOKEN_LOG.c.writer == writer, TOKEN_LOG.c.sequence > beyond)


def _rehash(connection: Connection, writer: str) -> str:
    """Write a chain anew from its first row on, as an insider would; return its last digest."""
    digest = NO_DIGEST
    of_writer = select(TOKEN_LOG).where(TOKEN_LOG.c.writer == writer)
    for stored in connection.execute(of_writer.order_by(TOKEN_LOG.c.sequence)).mappings().all():
        row = {**stored, "previous_digest": digest}
        digest = digest_of_row(row)
        connection.execute(
            update(TOKEN_LOG)
            .where(TOKEN_LOG.c.writer == writer, TOKEN_LOG.c.sequence == row["sequence"])
            .values(previous_digest=row["previous_digest"], digest=digest)
        )
    return digest


def test_checkpoints_are_joined_and_know_the_chains_that_have_grown(
    sealed: Engine, signer: SigningKey
) -> None:
    with sealed.connect() as connection:
        first, second = all_checkpoints(connection)
    assert [(head.writer, head.sequence) for head in first.heads] == [("v", 2), ("w", 3)]
    assert [(head.writer, head.sequence) for head in second.heads] == [("w", 5), ("x", 1)]
    assert (first.number, second.number) == (1, 2)
    assert first.previous_digest == NO_DIGEST
    assert second.previous_digest == digest_of_checkpoint(first)
    assert {one.key_id for one in (first, second)} == {signer.public.id}


def test_where_nothing_was_logged_there_is_no_checkpoint_to_make(
    sealed: Engine, signer: SigningKey
) -> None:
    assert seal(sealed, signer) is not None
    assert seal(sealed, signer) is None


def test_of_two_that_make_one_checkpoint_the_database_takes_the_first(
    sealed: Engine, signer: SigningKey
) -> None:
    with sealed.connect() as connection:
        drafts = [checkpoints.draft(connection, signer.public.id, NOON + HOUR) for _ in range(2)]
    append(sealed, "v", 3)
    stored = []
    for one in drafts:
        assert one is not None
        with writing(sealed) as connection, connection.begin():
            stored.append(checkpoints.store(connection, checkpoints.signed(one, signer)))
    assert stored == [True, False]
    assert found(sealed, signer) == []
    again = seal(sealed, signer)
    assert again is not None
    assert (again.number, [head.writer for head in again.heads]) == (4, ["v"])
    assert found(sealed, signer) == []


@pytest.mark.parametrize(
    ("after", "is_due"),
    [
        (timedelta(minutes=59, seconds=59), False),
        (HOUR, True),
        (timedelta(hours=11, minutes=59), True),
    ],
)
def test_a_checkpoint_is_due_after_an_hour(
    engine: Engine, signer: SigningKey, after: timedelta, *, is_due: bool
) -> None:
    with engine.connect() as connection:
        assert checkpoints.is_due(connection, NOON)
    append(engine, "w", 1)
    seal(engine, signer)
    with engine.connect() as connection:
        assert checkpoints.is_due(connection, NOON + after) is is_due


def test_a_checkpoint_is_due_on_a_new_day(engine: Engine, signer: SigningKey) -> None:
    append(engine, "w", 1)
    late = NOON + timedelta(hours=11, minutes=59, seconds=59)
    seal(engine, signer, late)
    with engine.connect() as connection:
        assert not checkpoints.is_due(connection, late + timedelta(milliseconds=999))
        assert checkpoints.is_due(connection, late + timedelta(seconds=1))


def test_a_truncated_end_isfound(sealed: Engine, signer: SigningKey) -> None:
    _run(sealed, _cut("w", 4))
    assert _chains_hold(sealed)
    assert found(sealed, signer) == [
        Break("w", 4, "the row after it is gone; checkpoint 2 knows the end")
    ]
    _run(sealed, _cut("w", 1))
    assert found(sealed, signer) == [
        Break("w", 1, "4 rows after it are gone; checkpoint 2 knows the end")
    ]


def test_a_truncated_end_that_no_checkpoint_has_seen_is_only_counted(
    sealed: Engine, signer: SigningKey
) -> None:
    _run(sealed, _cut("w", 5))
    assert found(sealed, signer) == []


@pytest.mark.parametrize(("writer", "last", "number"), [("v", 2, 1), ("w", 5, 2), ("x", 1, 2)])
def test_a_chain_that_is_gone_isfound(
    sealed: Engine, signer: SigningKey, writer: str, last: int, number: int
) -> None:
    _run(sealed, _cut(writer, 0))
    assert _chains_hold(sealed)
    assert found(sealed, signer) == [
        Break(writer, last, f"the whole chain is gone; checkpoint {number} knows it")
    ]


def test_an_altered_row_isfound(sealed: Engine, signer: SigningKey) -> None:
    row = (TOKEN_LOG.c.writer == "w") & (TOKEN_LOG.c.sequence == 2)
    _run(sealed, update(TOKEN_LOG).where(row).values(warrant="client 1: paid 1 710"))
    assert found(sealed, signer) == [Break("w", 2, "was changed")]


def test_a_row_removed_from_the_middle_isfound(sealed: Engine, signer: SigningKey) -> None:
    row = (TOKEN_LOG.c.writer == "w") & (TOKEN_LOG.c.sequence == 2)
    _run(sealed, delete(TOKEN_LOG).where(row))
    assert found(sealed, signer) == [Break("w", 3, "the row before it is missing")]


def test_rows_that_an_insider_has_written_anew_arefound(sealed: Engine, signer: SigningKey) -> None:
    row = (TOKEN_LOG.c.writer == "w") & (TOKEN_LOG.c.sequence == 2)
    with writing(sealed) as connection, connection.begin():
        connection.execute(update(TOKEN_LOG).where(row).values(meter_key=99))
        _rehash(connection, "w")
    assert _chains_hold(sealed)
    assert found(sealed, signer) == [
        Break("w", 3, "is not the row that checkpoint 1 knows"),
        Break("w", 5, "is not the row that checkpoint 2 knows"),
    ]


def test_an_insider_who_writes_heads_anew_too_breaks_the_signatures(
    sealed: Engine, signer: SigningKey
) -> None:
    row = (TOKEN_LOG.c.writer == "x") & (TOKEN_LOG.c.sequence == 1)
    with writing(sealed) as connection, connection.begin():
        connection.execute(update(TOKEN_LOG).where(row).values(meter_key=99))
        digest = _rehash(connection, "x")
        head = TOKEN_LOG_HEAD.c.writer == "x"
        connection.execute(update(TOKEN_LOG_HEAD).where(head).values(digest=digest))
    assert _chains_hold(sealed)
    fits = Break(CHECKPOINTS, 2, "was changed: its signature does not fit")
    assert found(sealed, signer) == [fits]


def _sign_anew(engine: Engine, number: int, key: SigningKey, *, key_id: str | None = None) -> None:
    """Sign a checkpoint as it stands now with another key, and say so or not."""
    with writing(engine) as connection, connection.begin():
        (one,) = (one for one in all_checkpoints(connection) if one.number == number)
        forged = checkpoints.signed(replace(one, key_id=key_id or key.public.id), key)
        connection.execute(
            update(TOKEN_LOG_CHECKPOINT)
            .where(TOKEN_LOG_CHECKPOINT.c.number == number)
            .values(signature=forged.signature, key_id=forged.key_id)
        )


def test_a_checkpoint_that_another_key_has_signed_isfound(
    sealed: Engine, signer: SigningKey, insider: SigningKey
) -> None:
    _sign_anew(sealed, 2, insider)
    assert found(sealed, insider, signer) == []  # who trusts the insider's key sees nothing
    problem = f"is signed by key {insider.public.id}, which is not trusted"
    assert found(sealed, signer) == [Break(CHECKPOINTS, 2, problem)]


def test_a_checkpoint_that_another_key_has_signed_under_the_real_name_isfound(
    sealed: Engine, signer: SigningKey, insider: SigningKey
) -> None:
    _sign_anew(sealed, 2, insider, key_id=signer.public.id)
    fits = Break(CHECKPOINTS, 2, "was changed: its signature does not fit")
    assert found(sealed, signer) == [fits]


@pytest.mark.parametrize("signature", ["", "0" * 128, "0" * 127, "zz" * 64, "AB" * 64])
def test_what_is_no_signature_isfound(sealed: Engine, signer: SigningKey, signature: str) -> None:
    of_second = TOKEN_LOG_CHECKPOINT.c.number == 2
    _run(sealed, update(TOKEN_LOG_CHECKPOINT).where(of_second).values(signature=signature))
    fits = Break(CHECKPOINTS, 2, "was changed: its signature does not fit")
    assert found(sealed, signer) == [fits]


def _remove_checkpoint(engine: Engine, number: int) -> None:
    _run(
        engine,
        delete(TOKEN_LOG_HEAD).where(TOKEN_LOG_HEAD.c.checkpoint_number == number),
        delete(TOKEN_LOG_CHECKPOINT).where(TOKEN_LOG_CHECKPOINT.c.number == number),
    )


def test_a_removed_checkpoint_isfound(sealed: Engine, signer: SigningKey) -> None:
    _remove_checkpoint(sealed, 1)
    assert found(sealed, signer) == [Break(CHECKPOINTS, 2, "1 before it missing")]


def test_a_removed_checkpoint_whose_gap_was_closed_isfound(
    sealed: Engine, signer: SigningKey
) -> None:
    _remove_checkpoint(sealed, 1)
    # The heads go with it: SQLite and PostgreSQL hold them to their checkpoint.
    with writing(sealed) as connection, connection.begin():
        (one,) = all_checkpoints(connection)
        connection.execute(delete(TOKEN_LOG_HEAD))
        connection.execute(update(TOKEN_LOG_CHECKPOINT).values(number=1))
        heads = [{**head._asdict(), "checkpoint_number": 1} for head in one.heads]
        connection.execute(TOKEN_LOG_HEAD.insert(), heads)
    assert found(sealed, signer) == [
        Break(CHECKPOINTS, 1, "does not follow the checkpoint before it"),
        Break(CHECKPOINTS, 1, "was changed: its signature does not fit"),
    ]


def test_the_newest_checkpoint_taken_away_is_found_once_its_rows_are_old(
    sealed: Engine, signer: SigningKey
) -> None:
    _remove_checkpoint(sealed, 2)
    made_at = ENTRY.made_at
    assert found(sealed, signer, now=made_at + LATE) == []
    (late,) = found(sealed, signer, now=made_at + LATE + timedelta(microseconds=1))
    assert (late.writer, late.sequence) == (CHECKPOINTS, 2)
    assert late.problem.startswith("is missing: 5 rows have none, the oldest of 2026-11-21T12:00")


def test_the_newest_checkpoint_taken_away_with_its_rows_is_found_by_who_expects_it(
    sealed: Engine, signer: SigningKey
) -> None:
    with sealed.connect() as connection:
        first, second = all_checkpoints(connection)
    known = {1: digest_of_checkpoint(first), 2: digest_of_checkpoint(second)}
    assert found(sealed, signer, expected=known) == []
    _remove_checkpoint(sealed, 2)
    _run(sealed, _cut("w", 3), _cut("x", 0))
    assert found(sealed, signer) == []  # without what was kept elsewhere nothing shows
    gone = Break(CHECKPOINTS, 2, "was expected and is not there")
    assert found(sealed, signer, expected=known) == [gone]
    other = Break(CHECKPOINTS, 1, "is not the one that was expected")
    assert found(sealed, signer, expected={1: known[2]}) == [other]


def test_without_a_public_key_signatures_are_not_taken_for_good(sealed: Engine) -> None:
    problem = "its signature is not proven: no public key is given"
    assert found(sealed) == [Break(CHECKPOINTS, number, problem) for number in (1, 2)]


def test_a_row_without_a_warrant_in_a_new_chain_is_found_once_there_is_a_checkpoint(
    sealed: Engine, signer: SigningKey
) -> None:
    """A service's role may insert: a chain of an insider's own begins well, but says nothing."""
    append(sealed, "ghost", 1)
    with writing(sealed) as connection, connection.begin():
        ghost = TOKEN_LOG.c.writer == "ghost"
        connection.execute(update(TOKEN_LOG).where(ghost).values(warrant=None))
        _rehash(connection, "ghost")
    assert _chains_hold(sealed)
    assert found(sealed, signer) == [Break("ghost", 1, "nobody ordered it: it has no warrant")]


def test_rows_from_before_warrants_hold_as_far_as_the_first_checkpoint_found_them(
    engine: Engine, signer: SigningKey
) -> None:
    append(engine, "old", 1, 2)
    with writing(engine) as connection, connection.begin():
        connection.execute(update(TOKEN_LOG).values(warrant=None))
        _rehash(connection, "old")
    assert found(engine, signer) == []
    seal(engine, signer)
    assert found(engine, signer) == []
    append(engine, "old", 3)
    with writing(engine) as connection, connection.begin():
        connection.execute(update(TOKEN_LOG).where(TOKEN_LOG.c.sequence == 3).values(warrant=None))
        _rehash(connection, "old")
    assert found(engine, signer) == [Break("old", 3, "nobody ordered it: it has no warrant")]
