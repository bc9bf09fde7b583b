"""Whoever changes the log of tokens, takes rows out or moves them is found out."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import delete, select, update

from tests.support.service import NOON, writing
from tests.support.statements import first_words
from vending_api.domain.token_log import service
from vending_api.domain.token_log.canonical import canonical_row, digest_of_row
from vending_api.domain.token_log.service import digest_of_token
from vending_api.domain.token_log.tables import TOKEN_LOG
from vending_api.domain.token_log.types import Break, LogEntry

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Engine

DIGITS = "01234567890123456789"
ENTRY = LogEntry(
    reference="c8b5b6f2-0d1e-4d0a-9b3e-1f2a3b4c5d6e",
    meter_key=1,
    kind="standard",
    base_date=2014,
    token_identifier=6_777_360,
    digits=DIGITS,
    made_at=NOON + timedelta(microseconds=1),
    warrant="client 1: paid 10000 710",
)
SECTION = replace(ENTRY, kind="key_change", token_identifier=None)


def _append(engine: Engine, *entries: LogEntry, writer: str = "w") -> None:
    with writing(engine) as connection, connection.begin():
        service.append(connection, writer, entries)


def _log(engine: Engine, rows: int) -> None:
    """Log tokens in two chains, one of `rows` and one that nobody tampers with."""
    _append(engine, ENTRY, SECTION, writer="v")
    _append(engine, ENTRY)
    _append(engine, *[replace(ENTRY, token_identifier=number) for number in range(1, rows)])
    _append(engine, SECTION, ENTRY, writer="x")


def _breaks(engine: Engine) -> list[Break]:
    with engine.connect() as connection:
        return list(service.breaks(connection))


def _rows(engine: Engine, writer: str = "w") -> Sequence[Any]:
    statement = select(TOKEN_LOG).where(TOKEN_LOG.c.writer == writer).order_by(TOKEN_LOG.c.sequence)
    with engine.connect() as connection:
        return connection.execute(statement).all()


def _change(engine: Engine, sequence: int, /, **values: object) -> None:
    with writing(engine) as connection, connection.begin():
        connection.execute(
            update(TOKEN_LOG)
            .where(TOKEN_LOG.c.writer == "w", TOKEN_LOG.c.sequence == sequence)
            .values(**values)
        )


def _remove(engine: Engine, *sequences: int) -> None:
    with writing(engine) as connection, connection.begin():
        connection.execute(
            delete(TOKEN_LOG).where(TOKEN_LOG.c.writer == "w", TOKEN_LOG.c.sequence.in_(sequences))
        )


def test_a_token_is_logged_without_its_digits(engine: Engine) -> None:
    _append(engine, ENTRY)
    (row,) = _rows(engine)
    assert (row.writer, row.sequence, row.previous_digest) == ("w", 1, "0" * 64)
    assert (row.reference, row.meter_key, row.kind) == (ENTRY.reference, 1, "standard")
    assert (row.base_date, row.token_identifier) == (2014, 6_777_360)
    assert row.made_at == ENTRY.made_at
    assert row.token_digest == digest_of_token(DIGITS)
    assert DIGITS not in repr(row) + repr(ENTRY)


def test_the_digest_of_a_row_never_changes_its_meaning(engine: Engine) -> None:
    _append(engine, ENTRY, replace(SECTION, made_at=NOON.astimezone(timezone(timedelta(hours=3)))))
    assert digest_of_token(DIGITS) == (
        "4e76ad8354461437c04ef9b9b242540b6406d782ff2c3fb28afdab5b423f88fe"
    )
    digests = [
        "0384614d1ece4757d9f77e144df0226890664cf1353d191a1ac10d3d9e597258",
        "0dcd1dcabe731728a6c2054156fc644d8d0ade550f56fb313653fe26d9370a8c",
    ]
    assert [row.digest for row in _rows(engine)] == digests
    assert _breaks(engine) == []


def test_rows_from_before_warrants_keep_their_digests_and_hold(engine: Engine) -> None:
    _append(engine, ENTRY, replace(SECTION, made_at=NOON.astimezone(timezone(timedelta(hours=3)))))
    first, second = (
        "1d238451b2db0e205d16e7b6f00c0d970971044d5a3b0366b36be443f88a7c4c",
        "ce896f607a675bdf2cfa4a3e8a161c62cf8506a1475d45b0051c136d054c5dfd",
    )
    _change(engine, 1, warrant=None, digest=first)
    _change(engine, 2, warrant=None, previous_digest=first, digest=second)
    assert _breaks(engine) == []
    _append(engine, ENTRY)
    assert _breaks(engine) == []


def test_a_row_without_a_warrant_after_one_with_it_is_found(engine: Engine) -> None:
    _append(engine, ENTRY, ENTRY)
    row = dict(_rows(engine)[1]._mapping) | {"warrant": None}
    _change(engine, 2, warrant=None, digest=digest_of_row(row))
    assert _breaks(engine) == [Break("w", 2, "nobody ordered it: it has no warrant")]


def test_a_token_without_a_warrant_is_not_logged(engine: Engine) -> None:
    with pytest.raises(ValueError, match="has no warrant"):
        _append(engine, ENTRY, replace(ENTRY, warrant=""))
    assert _rows(engine) == []


A_ROW = st.fixed_dictionaries(
    {
        **dict.fromkeys(
            ("writer", "previous_digest", "reference", "kind", "token_digest"), st.text()
        ),
        **dict.fromkeys(("sequence", "meter_key", "base_date"), st.integers()),
        "token_identifier": st.none() | st.integers(),
        "warrant": st.none() | st.text(),
        "made_at": st.datetimes(
            min_value=datetime(1993, 1, 1),  # noqa: DTZ001 (the strategy puts the zone in)
            timezones=st.sampled_from([UTC, timezone(timedelta(hours=3))]),
        ),
    }
)


@given(A_ROW)
def test_a_row_is_digested_as_any_encoder_of_json_writes_it(row: dict[str, Any]) -> None:
    """Chains that were begun with the encoder of the library go on, whatever their rows hold."""
    made_at = row["made_at"].astimezone(UTC).isoformat(timespec="microseconds")
    written = {**row, "made_at": made_at}
    if row["warrant"] is None:  # the form of rows from before warrants
        del written["warrant"]
    by_library = json.dumps(written, sort_keys=True, separators=(",", ":"))
    assert canonical_row(row) == by_library


def test_a_digest_covers_every_column_but_itself(engine: Engine) -> None:
    _append(engine, ENTRY)
    row = dict(_rows(engine)[0]._mapping)
    assert json.loads(canonical_row(row)).keys() == {*TOKEN_LOG.c.keys()} - {"digest"}


def test_each_writer_has_a_chain_that_goes_on(engine: Engine) -> None:
    _log(engine, rows=4)
    rows = _rows(engine)
    assert [row.sequence for row in rows] == [1, 2, 3, 4]
    assert [row.previous_digest for row in rows] == ["0" * 64, *(row.digest for row in rows[:-1])]
    assert [row.sequence for row in _rows(engine, "v")] == [1, 2]
    assert _rows(engine, "v")[0].previous_digest == "0" * 64
    assert _breaks(engine) == []


def test_what_is_rolled_back_leaves_no_gap(engine: Engine) -> None:
    with writing(engine) as connection, connection.begin():
        service.append(connection, "w", [ENTRY])
        savepoint = connection.begin_nested()
        service.append(connection, "w", [SECTION, SECTION])
        savepoint.rollback()
        service.append(connection, "w", [ENTRY])
    assert [row.kind for row in _rows(engine)] == ["standard", "standard"]
    assert _breaks(engine) == []


def test_the_tokens_of_a_sale_are_logged_in_two_statements(engine: Engine) -> None:
    with writing(engine) as connection, connection.begin():
        with first_words(engine) as sent:
            service.append(connection, "w", [])
        assert sent == []
        with first_words(engine) as sent:
            service.append(connection, "w", [SECTION, SECTION, SECTION, ENTRY])
        assert sent == ["SELECT", "INSERT"]


def test_a_log_of_many_rows_holds(engine: Engine) -> None:
    _log(engine, rows=2_500)
    assert _breaks(engine) == []
    _change(engine, 1_777, meter_key=2)
    assert _breaks(engine) == [Break("w", 1_777, "was changed")]


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("reference", "another"),
        ("meter_key", 2),
        ("kind", "free"),
        ("base_date", 2035),
        ("token_identifier", 7),
        ("token_identifier", None),
        ("token_digest", digest_of_token("9" * 20)),
        ("made_at", NOON),
        ("warrant", "client 2: paid 10000 710"),
    ],
)
def test_a_changed_row_is_found(engine: Engine, column: str, value: object) -> None:
    _log(engine, rows=4)
    _append(engine, ENTRY)
    _change(engine, 5, **{column: value})
    assert _breaks(engine) == [Break("w", 5, "was changed")]


def test_a_changed_digest_is_found_twice(engine: Engine) -> None:
    _log(engine, rows=4)
    _change(engine, 3, digest="f" * 64)
    assert _breaks(engine) == [
        Break("w", 3, "was changed"),
        Break("w", 4, "does not follow the row before it"),
    ]


def test_a_changed_row_whose_digest_was_made_anew_is_found_by_the_next(engine: Engine) -> None:
    _log(engine, rows=4)
    _change(engine, 3, meter_key=2)
    row = dict(_rows(engine)[2]._mapping)
    del row["digest"]
    _change(engine, 3, digest=digest_of_row(row))
    assert _breaks(engine) == [Break("w", 4, "does not follow the row before it")]


def test_a_changed_link_is_found(engine: Engine) -> None:
    _log(engine, rows=4)
    _change(engine, 3, previous_digest="f" * 64)
    assert _breaks(engine) == [
        Break("w", 3, "does not follow the row before it"),
        Break("w", 3, "was changed"),
    ]


def test_a_removed_row_is_found(engine: Engine) -> None:
    _log(engine, rows=5)
    _remove(engine, 3)
    assert _breaks(engine) == [Break("w", 4, "the row before it is missing")]


def test_removed_rows_at_the_start_are_found(engine: Engine) -> None:
    _log(engine, rows=5)
    _remove(engine, 1, 2)
    assert _breaks(engine) == [Break("w", 3, "2 rows before it are missing")]


def test_a_removed_row_whose_gap_was_closed_is_found(engine: Engine) -> None:
    _log(engine, rows=5)
    _remove(engine, 3)
    _change(engine, 4, sequence=3)
    _change(engine, 5, sequence=4)
    assert [one for one in _breaks(engine) if one.sequence == 3] == [
        Break("w", 3, "does not follow the row before it"),
        Break("w", 3, "was changed"),
    ]


def test_swapped_rows_are_found(engine: Engine) -> None:
    _log(engine, rows=5)
    _change(engine, 2, sequence=99)
    _change(engine, 3, sequence=2)
    _change(engine, 99, sequence=3)
    found = _breaks(engine)
    assert {one.sequence for one in found} == {2, 3, 4}
    assert Break("w", 2, "was changed") in found
    assert Break("w", 3, "was changed") in found


def test_a_row_moved_to_another_writer_is_found(engine: Engine) -> None:
    _log(engine, rows=4)
    _change(engine, 4, writer="y", sequence=1)
    assert [one.writer for one in _breaks(engine)] == ["y", "y"]


def test_a_removed_end_is_out_of_reach_without_checkpoints(engine: Engine) -> None:
    """Newest rows that are taken away leave a shorter chain that holds by itself."""
    _log(engine, rows=5)
    _remove(engine, 4, 5)
    assert _breaks(engine) == []
