"""Of several refunds of an order, the one that is under way is asked about."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from vending_api.domain.payments.types import RefundState
from vending_api.online import settling


def _refunds(*refunds: tuple[RefundState, str | None]) -> list[Any]:
    return [SimpleNamespace(state=state, refund_id=one) for state, one in refunds]


@pytest.mark.parametrize(
    ("refunds", "asked"),
    [
        ([], None),
        ([(RefundState.PENDING, "1")], "1"),
        ([(RefundState.PENDING, None)], None),
        ([(RefundState.FAILED, "1")], None),
        ([(RefundState.FAILED, "1"), (RefundState.PENDING, None)], None),
        ([(RefundState.PROCESSED, "1"), (RefundState.PROCESSING, "2")], "2"),
        ([(RefundState.NEEDS_ATTENTION, "1"), (RefundState.FAILED, "2")], "1"),
    ],
)
def test_a_refund_that_has_ended_is_not_asked_about(
    monkeypatch: pytest.MonkeyPatch,
    refunds: list[tuple[RefundState, str | None]],
    asked: str | None,
) -> None:
    monkeypatch.setattr(
        "vending_api.domain.payments.service.refunds_of", lambda *_: _refunds(*refunds)
    )
    connection: Any = None
    order: Any = None
    assert settling._refund_id(connection, order) == asked
