"""A claim is decided by the database."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from tests.support.service import NOON, writing
from vending_api.kit.idempotency import Claim, claim

if TYPE_CHECKING:
    from sqlalchemy import Engine


def _claim(engine: Engine, kind: str, message_id: str, subject: str) -> Claim:
    with writing(engine) as connection, connection.begin():
        return claim(connection, kind=kind, message_id=message_id, subject=subject, at=NOON)


def test_the_first_claim_takes_the_id_for_ever(engine: Engine) -> None:
    assert _claim(engine, "purchase", "a", "sale a") == Claim("sale a", is_new=True)
    assert _claim(engine, "purchase", "a", "sale b") == Claim("sale a", is_new=False)


def test_each_kind_of_message_has_ids_of_its_own(engine: Engine) -> None:
    assert _claim(engine, "purchase", "a", "sale").is_new
    assert _claim(engine, "lookup", "a", "lookup").is_new


def test_an_id_differs_by_case(engine: Engine) -> None:
    assert _claim(engine, "purchase", "a", "sale").is_new
    assert _claim(engine, "purchase", "A", "sale").is_new


def test_a_claim_rolled_back_leaves_the_id_free(engine: Engine) -> None:
    with writing(engine) as connection:
        transaction = connection.begin()
        assert claim(connection, kind="k", message_id="a", subject="a", at=NOON).is_new
        transaction.rollback()
    assert _claim(engine, "k", "a", "b") == Claim("b", is_new=True)


def test_of_sixteen_threads_one_takes_the_id(engine: Engine) -> None:
    together = threading.Barrier(16)
    claims: list[Claim] = []

    def take(number: int) -> None:
        together.wait()
        claims.append(_claim(engine, "purchase", "same", f"thread {number}"))

    threads = [threading.Thread(target=take, args=(number,)) for number in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(one.is_new for one in claims) == 1
    assert len({one.subject for one in claims}) == 1
