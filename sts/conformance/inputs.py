"""What a vector's token is made of: meter number, keys, identifier, from its inputs.

Each function recomputes what the vector also states, compares the two, and returns the
computed value. Where an input is missing it returns what the vector states instead, or None.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from sts.base_date import BaseDate
from sts.errors import InvalidField
from sts.key_data import (
    DecoderKeyGenerationAlgorithm,
    KeyExpiryNumber,
    KeyRevisionNumber,
    KeyType,
    SupplyGroupCode,
    TariffIndex,
)
from sts.keys.decoder_key import DecoderKey, derive_decoder_key
from sts.keys.vending_key import VendingKey
from sts.meter_number import (
    LONG_DRN_IIN,
    DecoderReferenceNumber,
    IssuerIdentificationNumber,
    MeterPan,
)
from sts.token_identifier import TokenIdentifier

if TYPE_CHECKING:
    from sts.conformance.vector import Vector
    from sts.key_data import EncryptionAlgorithm

_NEVER_EXPIRES: Final = 255


def meter_pan(vector: Vector) -> MeterPan | None:
    """Return the meter's PAN, put together from `iin` and `iain` if the vector has both."""
    issuer = vector.text_as("iin", IssuerIdentificationNumber)
    decoder = vector.text_as("iain", DecoderReferenceNumber)
    if issuer is None or decoder is None:
        return vector.text_as("pan", MeterPan.parse)
    pan = vector.attempt("iain", lambda: MeterPan(issuer, decoder))
    if pan is None:
        return None
    vector.check("pan", pan.digits)
    if not _splits_two_ways(pan):
        read_back = MeterPan.parse(pan.digits)
        vector.check("iin", read_back.issuer.digits)
        vector.check("iain", read_back.decoder.digits)
    return pan


def _splits_two_ways(pan: MeterPan) -> bool:
    """Whether 18 digits alone do not say where the IIN ends: a 6-digit IIN that begins 0000."""
    return not pan.has_long_drn and pan.issuer.digits.startswith(LONG_DRN_IIN)


def token_identifier(vector: Vector) -> TokenIdentifier | None:
    """Return the TID, counted from `issue_time` if the vector has it, else as stated."""
    issued = vector.text_as("issue_time", parse_issue_time)
    base = "tid_base_date" if "tid_base_date" in vector else "base_date"
    base_date = vector.number_as(base, BaseDate.parse)
    if issued is None or base_date is None:
        return vector.number_as("tid", TokenIdentifier)
    identifier = vector.attempt("issue_time", lambda: TokenIdentifier.at(issued, base_date))
    if identifier is not None:
        vector.check("tid", identifier.minutes)
    return identifier


def parse_issue_time(text: str) -> datetime:
    """Return a time; one without a zone is in UTC. Raises InvalidField."""
    try:
        moment = datetime.fromisoformat(text)
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError):  # in UTC it may be before the year 1, or after 9999
        raise InvalidField(
            "issue time", f"{text[:40]!r} is not one", "a time as in 2026-03-01T13:55:22"
        ) from None


def decoder_key(
    vector: Vector,
    stated_in: Vector,
    stated_as: str,
    *,
    pan: MeterPan | None,
    algorithm: EncryptionAlgorithm,
) -> DecoderKey | None:
    """Return the key derived from the inputs in `vector`, compared with the stated one.

    Without all the inputs it is the key that `stated_in` states as `stated_as`.
    """
    parent = vending_key(vector)
    tariff_index = vector.text_as("tariff_index", TariffIndex)
    if parent is None or tariff_index is None or pan is None:
        octets = stated_in.octets(stated_as)
        if octets is None:
            return None
        return stated_in.attempt(stated_as, lambda: DecoderKey(octets, algorithm))
    derived = stated_in.attempt(
        stated_as,
        lambda: derive_decoder_key(
            parent, pan=pan, tariff_index=tariff_index, encryption_algorithm=algorithm
        ),
    )
    if derived is not None:
        stated_in.check_key(stated_as, derived.octets)
    return derived


def vending_key(vector: Vector) -> VendingKey | None:
    """Return the vending key of a vector, or None if an input is missing.

    DKGA02 does not use the base date, so vectors of it may leave it out.
    """
    octets = vector.octets("vending_key_hex")
    generation = vector.text_as("dkga", DecoderKeyGenerationAlgorithm.parse)
    supply_group = vector.text_as("sgc", SupplyGroupCode)
    revision = vector.number_as("krn", KeyRevisionNumber)
    key_type = vector.number_as("key_type", KeyType.parse)
    expiry = vector.number_as("ken", KeyExpiryNumber) or KeyExpiryNumber(_NEVER_EXPIRES)
    base_date = vector.number_as("base_date", BaseDate.parse)
    if base_date is None and generation is DecoderKeyGenerationAlgorithm.DKGA02:
        base_date = BaseDate.YEAR_1993
    if (
        octets is None
        or generation is None
        or supply_group is None
        or revision is None
        or key_type is None
        or base_date is None
    ):
        return None
    return vector.attempt(
        "vending_key_hex",
        lambda: VendingKey(
            octets=octets,
            supply_group_code=supply_group,
            key_revision_number=revision,
            key_type=key_type,
            base_date=base_date,
            key_expiry_number=expiry,
            algorithm=generation,
        ),
    )
