"""The answers of the contract's document come out octet by octet, where our records allow."""

from __future__ import annotations

import json
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest

from tests.surfaces.crestflow import goods
from tests.surfaces.crestflow.desk import Desk, browser, php
from tests.surfaces.crestflow.goods import at
from vending_api.domain.readings.items import ITEMS
from vending_api.domain.readings.types import TaskState

if TYPE_CHECKING:
    from vending_api.domain.readings.types import ReadingTask
    from vending_api.domain.receipts.types import TokenReceipt

SAMPLES: Final = Path(__file__).parent / "samples"
PUBLIC_URL: Final = "https://vendapp.crestflowenergy.com"


def sample(name: str) -> Any:
    document = json.loads((SAMPLES / f"{name}.json").read_text(encoding="utf-8"))
    assert document["source"].startswith("Crestflow Energy Vend API, 6 July 2020")
    return document["answer"]


def got(desk: Desk, path: str) -> bytes:
    answer = browser(desk, public_url=PUBLIC_URL).get(f"/api/{path}")
    assert answer.status_code == 200
    content: bytes = answer.content
    return content


@pytest.fixture
def desk() -> Desk:
    return Desk()


def _shape(document: Any) -> Any:
    """Return the keys of a document in their order, with what kind of value each has."""
    if isinstance(document, dict):
        return [(key, _shape(value)) for key, value in document.items()]
    if isinstance(document, list):
        return [_shape(document[0])] if document else []
    return "number" if isinstance(document, int | float) else type(document).__name__


def test_the_user(desk: Desk) -> None:
    assert got(desk, "user") == php(sample("user"))


def test_the_options(desk: Desk) -> None:
    desk.estates = [
        goods.estate(
            account_code="ACCT_**************",
            created_at=at("2019-10-13 10:18:46"),
            updated_at=at("2020-04-30 05:04:13"),
        ),
        goods.estate(
            key=2,
            name="Estate2",
            created_at=at("2019-10-13 17:06:18"),
            updated_at=at("2020-04-30 05:03:56"),
        ),
    ]
    assert got(desk, "options") == php(sample("options"))


def test_the_data_items_of_which_the_document_shows_five(desk: Desk) -> None:
    items = json.loads(got(desk, "dataitems"))
    assert got(desk, "dataitems") == php(items)
    assert items[:5] == sample("dataitems")
    assert [item["id"] for item in items] == list(range(1, 77))


def test_the_remote_reading(desk: Desk) -> None:
    documented = sample("remotereading")
    desk.read = _read(documented["data"], read_at="2020-07-03 15:01:03")
    assert got(desk, "remotereading") == php(documented)


def test_the_reading_task(desk: Desk) -> None:
    documented = sample("readmeter")
    task = browser(desk).post("/api/readmeter", json={"data_item": "Power"})
    # The document's number is no UUID, and its "unknown" is none of the words that it names.
    documented |= {"task_no": goods.reading("Power").task_no, "status": "pending"}
    assert task.content == php(documented)


def test_the_reading_tasks(desk: Desk) -> None:
    documented = sample("remotereadingtasks")
    shown = documented["data"]
    tasks = [
        goods.reading(
            one["data_item"],
            key=one["id"],
            task_no=one["task_no"],
            state=state,
            asked_at=asked_at,
            ended_at=asked_at,
            created_at=at(one["created_at"]),
            updated_at=at(one["updated_at"]),
        )
        for one, state, asked_at in zip(
            shown,
            (TaskState.FAILED, TaskState.SUCCESSFUL),
            (at("2020-07-03 17:00:23.003"), at("2020-07-03 17:00:21.783")),
            strict=True,
        )
    ]
    desk.tasks = tasks + tasks[1:] * 71
    answered = got(desk, "remotereadingtasks")
    documented["data"] = [
        shown[0] | {"status": "failed"},
        *[shown[1] | {"status": "successful"}] * 14,
    ]
    assert answered == php(documented)


def test_the_token_receipts(desk: Desk) -> None:
    documented = sample("tokenreceipts")
    second = goods.receipt(
        key=2,
        digits="10100011010010000001",
        units_tenths=2_000,
        paid_minor=20_000,
        sold_at=at("2020-06-17 17:27:57"),
        order=None,
    )
    desk.receipts = [goods.receipt(), *[second] * 18]
    answered = got(desk, "tokenreceipts")
    numbers = [one["task_no"] for one in json.loads(answered)["data"][:2]]
    shown = [
        # A receipt and its token are of the same moment here; there they were a second apart.
        one | {"task_no": number, "created_at": moment, "updated_at": moment}
        for one, number, moment in zip(
            documented["data"],
            numbers,
            ("2020-06-18 14:51:54", "2020-06-17 17:27:57"),
            strict=True,
        )
    ]
    documented["data"] = [shown[0], *[shown[1]] * 14]
    assert answered == php(documented)


def _read(documented: dict[str, str | None], *, read_at: str) -> list[ReadingTask]:
    """Return the readings whose values the document shows."""
    return [
        goods.reading(
            item.key,
            value=documented[item.key],
            created_at=at("2019-10-23 02:15:02"),
            read_at=at(read_at),
        )
        for item in ITEMS
        if documented[item.key] is not None
    ]


def _bought(key: int, naira: int, digits: str, ordered_at: str, sold_at: str) -> TokenReceipt:
    """Return a token for a payment without a charge."""
    return goods.receipt(
        key=key,
        digits=digits,
        units_tenths=naira * 10,
        paid_minor=naira * 100,
        price_minor=Decimal(3_500),
        sold_at=at(sold_at),
        order=goods.paid_order(
            key=key, amount_minor=naira * 100, ordered_at=at(ordered_at), updated_at=at(ordered_at)
        ),
    )


def test_the_meter_transactions(desk: Desk) -> None:
    documented = sample("metertransactions")
    desk.consumer = replace(
        desk.consumer, email="test@crestflowenergy.com", updated_at=at("2020-07-03 10:51:08")
    )
    readings = documented["data"][0]["meter"]["remote_reading_data"]
    desk.read = _read(readings, read_at="2020-07-03 16:01:05")
    desk.receipts = [
        _bought(2, 5_000, "00000001000000000100", "2019-12-05 09:18:57", "2019-12-05 09:18:58"),
        _bought(1, 49_999, "0" * 20, "2019-10-23 19:55:13", "2019-10-23 19:55:13"),
    ]
    desk.orders = [one.order for one in desk.receipts if one.order is not None]
    answered = json.loads(got(desk, "metertransactions"))
    assert got(desk, "metertransactions") == php(answered)
    expected = documented["data"][0]["meter"]
    for mine, theirs in zip(
        answered["data"][0]["meter"]["token_receipts"], expected["token_receipts"], strict=True
    ):
        theirs["task_no"] = mine["task_no"]
    assert php(answered["data"][0]["meter"]) == php(expected)
    # The document's outer payment and receipt are of another time than those in its meter.
    assert _shape(answered["data"]) == _shape(documented["data"])
    assert _shape(answered["links"] | {"next": ""}) == _shape(documented["links"])
    assert _shape(answered["meta"]) == _shape(documented["meta"])
