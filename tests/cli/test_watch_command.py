"""`vending watch` prints the sums of a day and its alerts, and fails where there are any."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING

from sqlalchemy import delete

from tests.domain.advising import on_terms, other_client
from tests.domain.paying import CREDIT, in_state
from tests.support.selling import sell
from tests.support.service import NOON, purchase, writing
from vending_api.domain.payments.types import OrderState
from vending_api.domain.token_log.tables import TOKEN_LOG
from vending_api.main import utc_now

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from tests.support.vending_command import VendingCommand

DATE = NOON.date().isoformat()


def test_a_day_that_agrees_is_success(vending: VendingCommand, engine: Engine) -> None:
    client = on_terms(engine, deposit_minor=100_000, is_prepaid=True)
    for _ in range(2):
        sell(engine, purchase(client=client))
    sell(engine, purchase(client=other_client(engine)))
    in_state(engine, OrderState.VENDED)
    done = vending("watch", "--date", DATE)
    assert done.code == 0
    assert "Nothing is out of the ordinary." in done.err
    shown = {line.split()[0]: line.split()[1:] for line in done.out.splitlines()}
    assert {"test", "other", ":online"} <= shown.keys()
    sums = ["200.00", "200.00", "200.00"]
    assert shown["test"] == ["2", "200.00", "ZAR", *sums, "2", "2", "200.00"]
    assert shown["other"] == [one.replace("2", "1") for one in shown["test"][:-1]]
    assert shown[":online"][-1] == "5,000.00"


def test_a_day_without_sales(vending: VendingCommand) -> None:
    done = vending("watch")
    assert (done.code, done.out) == (0, "")
    assert "Nothing was sold." in done.err
    assert "Nothing is out of the ordinary." in done.err


def test_an_alert_is_a_failure_and_names_what_it_is_about(
    vending: VendingCommand, engine: Engine
) -> None:
    sell(engine, purchase())
    with writing(engine) as connection, connection.begin():
        connection.execute(delete(TOKEN_LOG))
    done = vending("watch", "--date", DATE)
    assert done.code == 1
    assert "difference" in done.out
    assert "the log has 0" in " ".join(done.out.split())
    assert "Nothing" not in done.err
    the_day_before = (NOON - timedelta(days=1)).date().isoformat()
    assert "Nothing was sold." in vending("watch", "--date", the_day_before).err


def test_json_says_the_same_and_ends_the_same(vending: VendingCommand, engine: Engine) -> None:
    in_state(engine, OrderState.VENDED)
    told = json.loads(vending("watch", "--date", DATE, "--json").out)
    assert told == {
        "date": DATE,
        "sums": [
            {
                "client": ":online",
                "currency": "566",
                "sales": 1,
                "sold_minor": CREDIT,
                "billed_minor": CREDIT,
                "for_tokens_minor": CREDIT,
                "charged_minor": CREDIT,
                "without_token": 0,
                "tokens": 1,
                "logged": 1,
                "due_minor": None,
                "drawn_minor": 0,
                "paid_minor": CREDIT,
            }
        ],
        "alerts": [],
    }
    with writing(engine) as connection, connection.begin():
        connection.execute(delete(TOKEN_LOG))
    done = vending("watch", "--date", DATE, "--json")
    assert done.code == 1
    assert json.loads(done.out)["alerts"] == [
        {
            "kind": "difference",
            "subject": "token and log of :online 566",
            "detail": f"{DATE}: there are 1 tokens, but the log has 0",
            "count": 1,
        }
    ]


def test_without_a_date_it_is_today(vending: VendingCommand, engine: Engine) -> None:
    # Around midnight the days of the zones are not the same.
    now = utc_now().replace(hour=12)
    sell(engine, purchase(received_at=now))
    assert json.loads(vending("watch", "--json").out)["sums"][0]["sales"] == 1


def test_a_date_that_is_none_is_used_wrongly(vending: VendingCommand) -> None:
    assert vending("watch", "--date", "yesterday").code == 2


def test_help_tells_what_the_exit_code_means(vending: VendingCommand) -> None:
    assert "Exit code 1" in vending("watch", "--help").out
