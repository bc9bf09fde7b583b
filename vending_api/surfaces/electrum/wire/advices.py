"""What a point of sale says became of a sale, and that it was heard.

An advice is no transaction: it has an id of its own, and names the request that it is about.
"""

from typing import Literal

from vending_api.surfaces.electrum.wire.base import Message, MessageId, Text, Timestamp
from vending_api.surfaces.electrum.wire.money import Amounts
from vending_api.surfaces.electrum.wire.parties import ThirdPartyIdentifier
from vending_api.surfaces.electrum.wire.payments import Tender


class BasicAdvice(Message):
    """What every advice says."""

    request_id: MessageId
    """The id of the request that the advice is about."""
    time: Timestamp
    third_party_identifiers: list[ThirdPartyIdentifier]
    stan: Text | None = None
    rrn: Text | None = None
    amounts: Amounts | None = None
    """The final sum is in `approvedAmount`; absent, it is all or nothing."""


class BasicAdviceResponse(BasicAdvice):
    """That an advice was heard: the advice again, without what it said."""


class ConfirmationAdvice(BasicAdvice):
    """Say that the tokens were handed over and paid."""

    tenders: list[Tender] | None = None
    """Documented as required, yet its absence is tolerated."""


class ReversalAdvice(BasicAdvice):
    """Say that the sale was not completed."""

    reversal_reason: Literal["TIMEOUT", "CANCELLED", "RESPONSE_NOT_FINAL"]


class KeyChangeConfirmation(BasicAdvice):
    """Say that the key change tokens were handed over."""
