"""Nine mistakes of other implementations, each as a claim that it is not made here."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta

import pytest

from sts.base_date import BaseDate
from sts.describe import describe
from sts.errors import InvalidField, KeyExpired, TokenIdentifierOutOfRange
from sts.hazmat.sta import StaTables
from sts.key_data import (
    DecoderKeyGenerationAlgorithm,
    KeyExpiryNumber,
    KeyRevisionNumber,
    KeyType,
    SupplyGroupCode,
    TariffIndex,
)
from sts.keys.key_change import key_change_to
from sts.keys.vending_key import VendingKey
from sts.meter_number import MeterPan
from sts.token_identifier import TokenIdentifier, next_token_identifier
from sts.tokens.codec import TokenCodec
from sts.tokens.credit import Resource, TransferCredit
from sts.tokens.key_change import (
    Set1stSectionDecoderKey,
    Set2ndSectionDecoderKey,
    key_change_tokens,
)
from sts.tokens.management import SetMaximumPhasePowerUnbalanceLimit, SetMaximumPowerLimit
from sts.units import PowerLimit, TransferAmount
from tests.support.sts_tokens import EA07_KEY, EA11_KEY

CODEC = TokenCodec()


def credit_at(moment: datetime, base_date: BaseDate) -> TransferCredit:
    return TransferCredit(
        resource=Resource.ELECTRICITY,
        amount=TransferAmount(256),
        token_identifier=TokenIdentifier.at(moment, base_date),
        random=5,
    )


def vending_key(revision: int, expiry: int) -> VendingKey:
    return VendingKey(
        octets=bytes.fromhex("abababababababab"),
        supply_group_code=SupplyGroupCode("123456"),
        key_revision_number=KeyRevisionNumber(revision),
        key_type=KeyType.UNIQUE,
        base_date=BaseDate.YEAR_1993,
        key_expiry_number=KeyExpiryNumber(expiry),
        algorithm=DecoderKeyGenerationAlgorithm.DKGA02,
    )


@pytest.mark.parametrize("base_date", BaseDate)
def test_1_a_decoded_identifier_counts_from_the_base_date_of_its_key(base_date: BaseDate) -> None:
    moment = base_date.moment + timedelta(days=3000, hours=5)
    decoded = CODEC.decode(CODEC.encode(credit_at(moment, base_date), EA11_KEY), EA11_KEY)
    assert isinstance(decoded, TransferCredit)
    assert decoded.token_identifier.issued_at(base_date) == moment
    assert f"{moment:%Y-%m-%d %H:%M}" in dict(describe(decoded, base_date))["issued"]


def test_1_a_decoded_identifier_in_the_reserved_minute_stays_there() -> None:
    reserved_minute = TransferCredit(
        resource=Resource.ELECTRICITY,
        amount=TransferAmount(1),
        token_identifier=TokenIdentifier(1440 + 1),
        random=0,
    )
    decoded = CODEC.decode(CODEC.encode(reserved_minute, EA11_KEY), EA11_KEY)
    assert isinstance(decoded, TransferCredit)
    assert decoded.token_identifier.minutes == 1441
    assert " 00:01 " in dict(describe(decoded, BaseDate.YEAR_1993))["issued"]


@pytest.mark.parametrize("watts", [16383, 16384, 20004, 180224, 1818624, 18201624])
def test_2_power_limits_are_decoded_with_their_exponent(watts: int) -> None:
    limit = PowerLimit(watts)
    for kind in (SetMaximumPowerLimit, SetMaximumPhasePowerUnbalanceLimit):
        token = kind(power=limit, token_identifier=TokenIdentifier(1), random=0)
        decoded = CODEC.decode(CODEC.encode(token, EA07_KEY), EA07_KEY)
        assert isinstance(decoded, SetMaximumPowerLimit | SetMaximumPhasePowerUnbalanceLimit)
        assert decoded.power.watts == watts


def test_3_an_amount_too_large_is_refused_before_it_reaches_other_bits() -> None:
    assert TransferAmount.covering(18201624).bits == 0xFFFF
    with pytest.raises(InvalidField):
        TransferAmount.covering(18201625)


@pytest.mark.parametrize(
    ("units", "tenths"), [("1.82", 19), ("18981.349", 189814), ("1897.345", 18974)]
)
def test_3_amounts_are_rounded_for_the_customer_also_above_one_unit(
    units: str, tenths: int
) -> None:
    assert TransferAmount.parse(units) == TransferAmount.covering(tenths)


@pytest.mark.parametrize(
    "moment",
    [
        datetime(2024, 11, 24, 20, 16, tzinfo=UTC),  # one minute after the last of base 1993
        datetime(1992, 12, 31, 23, 59, tzinfo=UTC),
    ],
)
def test_4_an_identifier_that_does_not_fit_raises(moment: datetime) -> None:
    with pytest.raises(TokenIdentifierOutOfRange):
        credit_at(moment, BaseDate.YEAR_1993)


def test_4_the_last_identifier_fits() -> None:
    last = credit_at(datetime(2024, 11, 24, 20, 15, tzinfo=UTC), BaseDate.YEAR_1993)
    assert last.token_identifier.minutes == 0xFFFFFF


@pytest.mark.parametrize(
    ("expiry", "last_good", "first_bad"), [(85, 5636095, 5636096), (255, 16777215, None)]
)
def test_5_a_key_expires_by_the_high_byte(
    expiry: int, last_good: int, first_bad: int | None
) -> None:
    key = vending_key(1, expiry)
    key.require_valid_for(TokenIdentifier(last_good))
    if first_bad is not None:
        with pytest.raises(KeyExpired):
            key.require_valid_for(TokenIdentifier(first_bad))


def test_6_key_change_tokens_speak_of_the_new_key_high_half_first() -> None:
    change = key_change_to(
        vending_key(7, 0x5A),
        current=vending_key(1, 255),
        pan=MeterPan.parse("600727000000000009"),
        tariff_index=TariffIndex("42"),
        encryption_algorithm=EA07_KEY.algorithm,
    )
    first, second = key_change_tokens(change)
    assert isinstance(first, Set1stSectionDecoderKey)
    assert isinstance(second, Set2ndSectionDecoderKey)
    assert (first.key_expiry_number_high, second.key_expiry_number_low) == (5, 0xA)
    assert first.key_revision_number.value == 7
    assert second.tariff_index.digits == "42"


def test_7_tokens_of_one_minute_get_identifiers_of_their_own() -> None:
    now = datetime(2020, 5, 5, 0, 0, 30, tzinfo=UTC)
    issued: list[TokenIdentifier] = []
    for _ in range(5):
        newest = issued[-1] if issued else None
        issued.append(next_token_identifier(now, BaseDate.YEAR_2014, newest))
    assert len(set(issued)) == 5
    assert all(identifier.minutes % 1440 != 1 for identifier in issued)


def test_8_decryption_swaps_the_substitution_tables() -> None:
    shuffler = random.Random(62055)  # noqa: S311 (tables for a test, the same at each run)
    tables = StaTables(
        substitution_1=tuple(shuffler.sample(range(16), 16)),
        substitution_2=tuple(shuffler.sample(range(16), 16)),
        permutation=tuple(shuffler.sample(range(64), 64)),
    )
    codec = TokenCodec(tables)
    token = credit_at(datetime(1996, 3, 25, 13, 55, 22, tzinfo=UTC), BaseDate.YEAR_1993)
    digits = codec.encode(token, EA07_KEY)
    assert not codec.uses_sample_tables
    assert digits != CODEC.encode(token, EA07_KEY)
    assert codec.decode(digits, EA07_KEY) == token


def test_9_any_issuer_number_keeps_its_six_digits() -> None:
    pan = MeterPan.parse("600727000000000009")
    assert pan.issuer.digits == "600727"
    other = MeterPan.parse("123456000000000009")
    assert other.issuer.digits == "123456"
    assert other.decoder.digits == "00000000000"
