"""Who takes part: where it started, who sends, who settles, who receives."""

from typing import Annotated

from pydantic import StringConstraints

from vending_api.surfaces.electrum.wire.base import NUMBERS_TOO, Text, Text30, Text40, WireModel


class Institution(WireModel):
    """A bank, retailer, aggregator, provider or utility."""

    id: Text
    name: Text40


class MerchantName(WireModel):
    """A shop's name and place, as card slips print them."""

    name: Annotated[str, StringConstraints(max_length=23), NUMBERS_TOO]
    city: Annotated[str, StringConstraints(max_length=13), NUMBERS_TOO]
    region: Annotated[str, StringConstraints(max_length=2), NUMBERS_TOO]
    country: Annotated[str, StringConstraints(max_length=2), NUMBERS_TOO]


class Merchant(WireModel):
    """The shop that takes the money."""

    merchant_type: Annotated[str, StringConstraints(pattern=r"^[0-9]{4}$"), NUMBERS_TOO]
    merchant_id: Annotated[str, StringConstraints(min_length=15, max_length=15), NUMBERS_TOO]
    merchant_name: MerchantName


class Originator(WireModel):
    """The point of sale where the transaction began."""

    institution: Institution
    terminal_id: Annotated[str, StringConstraints(min_length=8, max_length=8), NUMBERS_TOO]
    merchant: Merchant
    operator_id: Text30 | None = None
    channel_id: Annotated[str, StringConstraints(max_length=50), NUMBERS_TOO] | None = None


class ThirdPartyIdentifier(WireModel):
    """The number of the transaction in the books of one party."""

    institution_id: Text
    transaction_identifier: Text | None = None
    """Documented as required, yet its absence is tolerated."""


class TransactionLabel(WireModel):
    """A label to find or group transactions by; it never steers them."""

    name: Text
    value: Text
