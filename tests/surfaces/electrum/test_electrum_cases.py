"""Every recorded exchange of `cases/` happens as recorded; each file says what it shows."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.surfaces.electrum.shop import Shop, point_of_sale

CASES = sorted((Path(__file__).parent / "cases").glob("*.json"))


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_the_recorded_exchanges_happen_again(path: Path) -> None:
    case = json.loads(path.read_text(encoding="utf-8"))
    client = point_of_sale(Shop())
    del client.headers["Authorization"]
    for exchange in case["exchanges"]:
        request, expected = exchange["request"], exchange["response"]
        answer = client.request(
            request["method"],
            request["path"],
            headers=request["headers"],
            json=request.get("body"),
        )
        assert answer.status_code == expected["status"]
        assert (answer.json() if answer.content else None) == expected.get("body")
        assert answer.headers.get("content-type") == (
            "application/json" if answer.content else None
        )
        assert _contains(answer.headers, expected.get("headers", {}))


def test_there_are_cases() -> None:
    assert len(CASES) >= 35


def _contains(headers: Any, expected: dict[str, str]) -> bool:
    return all(headers[name] == value for name, value in expected.items())
