"""`vending reconcile` shows operators what they must settle, and fails where records differ."""

from __future__ import annotations

import json
import threading
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from uuid import uuid4

from sqlalchemy import text

from tests.domain.advising import accept, reversal, set_rule
from tests.support.selling import sell
from tests.support.service import purchase, writing

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from tests.support.vending_command import VendingCommand


def test_nothing_open_and_no_difference_is_success(vending: VendingCommand, engine: Engine) -> None:
    sell(engine, purchase())
    done = vending("reconcile")
    assert done.code == 0
    assert done.out.strip() == ""
    assert done.err.splitlines() == ["No reversal is open.", "All records agree."]


def test_open_reversals_are_shown_whole_and_are_no_failure(
    vending: VendingCommand, engine: Engine
) -> None:
    liable = _reversed(engine, ago=timedelta(days=3, hours=5))
    set_rule(engine, reversal_credit_minutes=10**6)
    credited = _reversed(engine, ago=timedelta(minutes=61))
    recent = _reversed(engine, ago=timedelta(seconds=59))
    done = vending("reconcile")
    assert done.code == 0
    shown = [line for line in done.out.splitlines() if "TST001" in line]
    assert [line.split()[:3] for line in shown] == [
        [liable, "3", "d"],
        [credited, "1", "h"],
        [recent, "0", "min"],
    ]
    assert [line.split()[-1] for line in shown] == ["no", "yes", "yes"]
    assert all("100.00" in line for line in shown)
    assert "ZAR" in done.out
    assert "All records agree." in done.err


def test_a_difference_is_shown_and_is_a_failure(vending: VendingCommand, engine: Engine) -> None:
    purchase_id = sell(engine, purchase()).purchase_id
    _spoil(engine)
    done = vending("reconcile")
    assert done.code == 1
    assert "sale and advice" in done.out
    assert "All records agree." not in done.err
    (found,) = json.loads(vending("reconcile", "--json").out)["differences"]
    assert found == {
        "check": "sale and advice",
        "reference": purchase_id,
        "problem": "the sale is confirmed, but no accepted advice says so",
    }


def test_json_says_the_same_and_ends_the_same(vending: VendingCommand, engine: Engine) -> None:
    assert json.loads(vending("reconcile", "--json").out) == {
        "open_reversals": [],
        "differences": [],
    }
    purchase_id = _reversed(engine, ago=timedelta(hours=1))
    done = vending("reconcile", "--json")
    assert done.code == 0
    (case,) = json.loads(done.out)["open_reversals"]
    assert datetime.fromisoformat(case.pop("received_at")) < datetime.now(UTC)
    assert case == {
        "purchase_id": purchase_id,
        "external_meter_id": "TST001",
        "client_name": "Demo point of sale",
        "amount_minor": 10_000,
        "currency": "710",
        "reason": "TIMEOUT",
        "was_credited": False,
    }
    _spoil(engine)
    assert vending("reconcile", "--json").code == 1


def test_a_case_is_closed_with_a_note_and_only_once(
    vending: VendingCommand, engine: Engine
) -> None:
    purchase_id = _reversed(engine, ago=timedelta(hours=1))
    done = vending("reconcile", "--close", purchase_id, "--note", "refunded by hand")
    assert (done.code, done.out) == (0, "")
    assert purchase_id in done.err
    assert "No reversal is open." in vending("reconcile").err
    again = vending("reconcile", "--close", purchase_id, "--note", "once more")
    assert again.code == 1
    assert purchase_id in again.err
    with engine.connect() as connection:
        notes = connection.execute(text("SELECT closing_note FROM advice")).scalars().all()
    assert notes == ["refunded by hand"]


def test_closing_may_answer_in_json(vending: VendingCommand, engine: Engine) -> None:
    purchase_id = _reversed(engine, ago=timedelta(hours=1))
    done = vending("reconcile", "--close", purchase_id, "--note", "paid", "--json")
    assert json.loads(done.out) == {"closed": purchase_id, "note": "paid"}


def test_a_note_and_a_case_go_together(vending: VendingCommand, engine: Engine) -> None:
    purchase_id = _reversed(engine, ago=timedelta(hours=1))
    for wrong in (("--close", purchase_id), ("--note", "paid")):
        done = vending("reconcile", *wrong)
        assert done.code == 2
        assert "--note" in done.err
    for note in ("", "x" * 201):
        done = vending("reconcile", "--close", purchase_id, "--note", note)
        assert done.code == 1
        assert "closing_note" in done.err
    assert len(json.loads(vending("reconcile", "--json").out)["open_reversals"]) == 1


def test_sales_that_go_on_meanwhile_are_no_differences(
    vending: VendingCommand, engine: Engine
) -> None:
    is_enough = threading.Event()

    def keep_selling() -> None:
        while not is_enough.is_set():
            sell(engine, purchase())

    seller = threading.Thread(target=keep_selling)
    seller.start()
    codes = [vending("reconcile").code for _ in range(5)]
    is_enough.set()
    seller.join()
    assert codes == [0] * 5


def test_help_tells_what_the_exit_code_means(vending: VendingCommand) -> None:
    done = vending("reconcile", "--help")
    assert "Exit code 1" in done.out
    assert "exit code 0" in " ".join(done.out.split())


def _reversed(engine: Engine, *, ago: timedelta) -> str:
    """Sell and reverse so long ago, and return the id."""
    when = datetime.now(UTC) - ago
    purchase_id = str(uuid4())
    sell(engine, purchase(purchase_id=purchase_id, message_id=purchase_id, received_at=when))
    accept(engine, reversal(purchase_id, received_at=when))
    return purchase_id


def _spoil(engine: Engine) -> None:
    with writing(engine) as connection, connection.begin():
        connection.execute(text("UPDATE sale SET state = 'confirmed'"))
