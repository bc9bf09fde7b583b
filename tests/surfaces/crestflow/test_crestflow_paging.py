"""Fifteen records on a page, with links to the others."""

from __future__ import annotations

from typing import Any, Final

import pytest

from tests.surfaces.crestflow import goods
from tests.surfaces.crestflow.desk import KEY, Desk, browser

PATHS: Final = ("tokenreceipts", "metertransactions", "remotereadingtasks", "purchases")


def _desk(count: int) -> Desk:
    desk = Desk()
    desk.receipts = [goods.receipt(key=key) for key in range(count)]
    desk.orders = [goods.paid_order(key=key) for key in range(count)]
    desk.tasks = [goods.reading("Power", key=key) for key in range(count)]
    desk.purchases = {
        f"T{key:015}": (goods.order(reference=f"T{key:015}"), None, ()) for key in range(count)
    }
    return desk


def _page(count: int, query: str, path: str = "tokenreceipts") -> dict[str, Any]:
    answer = browser(_desk(count)).get(f"/api/{path}{query}")
    assert answer.status_code == 200
    read: dict[str, Any] = answer.json()
    return read


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(
    ("count", "page", "records", "first", "to", "last"),
    [
        (0, 1, 0, None, None, 1),
        (1, 1, 1, 1, 1, 1),
        (15, 1, 15, 1, 15, 1),
        (16, 1, 15, 1, 15, 2),
        (16, 2, 1, 16, 16, 2),
        (19, 1, 15, 1, 15, 2),
        (19, 2, 4, 16, 19, 2),
        (73, 1, 15, 1, 15, 5),
        (73, 4, 15, 46, 60, 5),
        (73, 5, 13, 61, 73, 5),
        (73, 6, 0, None, None, 5),
        (0, 3, 0, None, None, 1),
    ],
)
def test_pages_tell_which_records_they_hold(
    path: str, count: int, page: int, records: int, first: int | None, to: int | None, last: int
) -> None:
    read = _page(count, f"?page={page}", path)
    url = f"https://vend.example.org/api/{path}"
    assert list(read) == ["data", "links", "meta"]
    assert len(read["data"]) == records
    assert read["links"] == {
        "first": f"{url}?page=1",
        "last": f"{url}?page={last}",
        "prev": f"{url}?page={page - 1}" if page > 1 else None,
        "next": f"{url}?page={page + 1}" if page < last else None,
    }
    assert read["meta"] == {
        "current_page": page,
        "from": first,
        "last_page": last,
        "path": url,
        "per_page": 15,
        "to": to,
        "total": count,
    }


@pytest.mark.parametrize(
    "page",
    [
        "",
        "0",
        "-1",
        "1.5",
        "two",
        "1e1",
        "%201",
        "01",
        "+2",
        "\N{ARABIC-INDIC DIGIT TWO}",
        "9" * 16,
    ],
)
def test_what_is_no_page_is_the_first(page: str) -> None:
    assert _page(40, f"?page={page}")["meta"]["current_page"] == 1


def test_the_largest_page_is_asked_for_as_it_is() -> None:
    assert _page(40, f"?page={'9' * 15}")["meta"]["current_page"] == 10**15 - 1


def test_links_keep_no_key() -> None:
    answer = browser(_desk(40), key=None).get(f"/api/tokenreceipts?api_key={KEY}&page=2")
    assert answer.status_code == 200
    assert KEY not in answer.text
    assert "api_key" not in answer.text


def test_links_keep_what_purchases_are_looked_for_by() -> None:
    links = _page(40, "?from=2026-01-01 00:00:00&to=&x=y&meter_number=47", "purchases")["links"]
    assert links["next"] == (
        "https://vend.example.org/api/purchases?meter_number=47&from=2026-01-01+00%3A00%3A00&page=2"
    )


@pytest.mark.parametrize(
    ("host", "url"),
    [
        ("vend.example.org", "http://vend.example.org"),
        ("127.0.0.1:8080", "http://127.0.0.1:8080"),
        ("[::1]:8080", "http://[::1]:8080"),
        ("a/b", "http://testserver:80"),
        ("a b", "http://testserver:80"),
    ],
)
def test_without_a_public_address_links_are_made_of_the_request(host: str, url: str) -> None:
    client = browser(_desk(1), public_url=None)
    answer = client.get("/api/tokenreceipts", headers={"Host": host})
    assert answer.json()["meta"]["path"] == f"{url}/api/tokenreceipts"
