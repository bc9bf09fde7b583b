"""What becomes of a token between its making and its receipt."""

from __future__ import annotations

from dataclasses import fields, replace

from sts.token_identifier import TokenIdentifier
from vending_api.domain.issuing.service import with_receipts
from vending_api.domain.issuing.types import SoldToken, TokenKind
from vending_api.domain.pricing.types import FREE_OF_CHARGE

TOKEN = SoldToken(
    kind=TokenKind.POWER_LIMIT,
    digits="01234567890123456789",
    units_tenths=256,
    token_identifier=TokenIdentifier(6_777_360),
    charge=FREE_OF_CHARGE._replace(net_minor=100),
    setting=5_000,
)


def test_a_receipt_number_changes_nothing_else_of_a_token() -> None:
    (numbered,) = with_receipts([TOKEN], ["17"])
    assert numbered == replace(TOKEN, receipt_number="17")
    left_out = [one.name for one in fields(SoldToken) if getattr(TOKEN, one.name) == one.default]
    assert left_out == ["receipt_number"]  # a field at its default could get lost unseen


def test_tokens_beyond_the_receipt_numbers_stay_as_they_are() -> None:
    assert with_receipts([TOKEN, TOKEN], ["17"]) == (replace(TOKEN, receipt_number="17"), TOKEN)
    assert with_receipts([TOKEN], []) == (TOKEN,)
