"""Tokens as they are sold."""

from enum import StrEnum

from pydantic import Field

from vending_api.surfaces.electrum.wire.base import ExactNumber, Text, WireModel
from vending_api.surfaces.electrum.wire.money import TaxableAmount


class TokenType(StrEnum):
    """What a token is for."""

    STD = "STD"
    """Credit that was paid for."""
    BSST = "BSST"
    """Free basic service."""
    REFUND = "REFUND"
    KC = "KC"
    """Key change."""
    PWRLMT = "PWRLMT"
    """Maximum power limit."""


class TariffBlock(WireModel):
    """A part of the units, and the price of each of them."""

    units: ExactNumber
    rate: ExactNumber
    """Minor units per unit, tax included."""


class Token(WireModel):
    """Digits to key in, and what they are worth."""

    token_type: TokenType
    units: ExactNumber
    amount: TaxableAmount
    token: Text = Field(repr=False)
    """Whoever reads the digits can use them, so they do not print."""
    receipt_num: Text | None = None
    tariff_calc: list[TariffBlock] | None = None
