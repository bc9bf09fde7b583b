"""Defence: the UPDATE that decides names the state before (`approvals/repository.py`)."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from tests.cli.site_support import rows
from tests.support.operators import joined
from tests.support.service import NOON, writing
from vending_api.domain.actions.service import approve, propose
from vending_api.domain.actions.types import QueueToken
from vending_api.domain.approvals import service as approvals
from vending_api.domain.approvals.errors import ProposalDecided
from vending_api.domain.meters.service import find_meter
from vending_api.domain.operators.types import Role
from vending_api.domain.token_queue.service import waiting
from vending_api.domain.token_queue.types import QueuedKind

if TYPE_CHECKING:
    from pathlib import Path

    from sqlalchemy import Engine

    from tests.support.staff import Staff

FREE = QueueToken(meter="TST001", token=QueuedKind.REFUND, value=100, reason="swap")


def test_an_approval_that_is_sent_again_does_nothing(staff: Staff, tmp_path: Path) -> None:
    staff("pieter", "client", "deposit", "corner-shop", "5000", "--reference", "EFT-1")
    assert staff("thandi", "approvals", "approve", "1").code == 0
    for name in ("thandi", "lindiwe"):
        again = staff(name, "approvals", "approve", "1")
        assert again.code == 1
        assert "proposal 1 is approved; nothing was done" in again.err
    assert rows(tmp_path, "credit", "balance_minor") == [(5000,)]


def test_free_units_approved_twice_at_once_are_queued_once(engine: Engine) -> None:
    with writing(engine) as connection, connection.begin():
        clerk = joined(connection, "pieter", Role.CLERK)
        deciders = [joined(connection, name, Role.SUPERVISOR) for name in ("thandi", "lindiwe")]
        number = propose(connection, clerk, FREE, "swap", NOON)

    def try_it(place: int) -> bool:
        try:
            with writing(engine) as connection, connection.begin():
                approve(connection, deciders[place % 2], number, NOON)
        except ProposalDecided:
            return False
        return True

    with ThreadPoolExecutor(6) as threads:
        assert sum(threads.map(try_it, range(12))) == 1
    with engine.connect() as connection:
        assert len(waiting(connection, find_meter(connection, "TST001"))) == 1


def test_a_refused_proposal_is_not_approved_after_all(engine: Engine) -> None:
    with writing(engine) as connection, connection.begin():
        clerk = joined(connection, "pieter", Role.CLERK)
        boss = joined(connection, "thandi", Role.SUPERVISOR)
        number = propose(connection, clerk, FREE, "swap", NOON)
        approvals.refuse(connection, boss, number, NOON, note="no")
        with pytest.raises(ProposalDecided):
            approve(connection, boss, number, NOON)
