"""A virtual meter for tests, tokens to type into it, and what it answered."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sts.key_data import (
    EncryptionAlgorithm,
    KeyRevisionNumber,
    SupplyGroupCode,
    TariffIndex,
)
from sts.keys.decoder_key import DecoderKey
from sts.meter_number import MeterPan
from sts.token_identifier import TokenIdentifier
from sts.tokens.codec import TokenCodec
from sts.tokens.credit import Resource, TransferCredit
from sts.units import TransferAmount
from sts.virtual_meter import Accepted, RefusalReason, Refused, VirtualMeter
from tests.support.sts_tokens import EA07_KEY

if TYPE_CHECKING:
    from sts.tokens.kinds import Token

CODEC = TokenCodec()
NEW_EA07_KEY = DecoderKey(bytes.fromhex("e653341f9d5bf36f"), EncryptionAlgorithm.EA07)
NEW_EA11_KEY = DecoderKey(
    bytes.fromhex("9ca924e05d4d647026b55a4bbba54bdf"), EncryptionAlgorithm.EA11
)


def meter_with(key: DecoderKey = EA07_KEY, **changed: Any) -> VirtualMeter:
    """Make a meter in supply group 123456 with key revision 1 and tariff index 01."""
    settings: dict[str, Any] = {
        "pan": MeterPan.parse("600727000000000009"),
        "codec": CODEC,
        "decoder_key": key,
        "supply_group_code": SupplyGroupCode("123456"),
        "key_revision_number": KeyRevisionNumber(1),
        "tariff_index": TariffIndex("01"),
    }
    return VirtualMeter(**settings | changed)


def credit(minutes: int, tenths: int = 256, resource: Resource = Resource.ELECTRICITY) -> Token:
    """Make a credit token; its identifier is what most tests turn on."""
    return TransferCredit(
        resource=resource,
        amount=TransferAmount.covering(tenths),
        token_identifier=TokenIdentifier(minutes),
        random=5,
    )


def dated(minutes: int = 1000) -> dict[str, Any]:
    """Return identifier and random bits of a management token."""
    return {"token_identifier": TokenIdentifier(minutes), "random": 5}


def enter(meter: VirtualMeter, token: Token) -> Accepted | Refused:
    """Encode a token under the meter's key of the moment and type it in."""
    return meter.enter(CODEC.encode(token, meter.decoder_key))


def reason(outcome: Accepted | Refused) -> RefusalReason:
    assert isinstance(outcome, Refused)
    return outcome.reason
