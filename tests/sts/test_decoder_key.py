"""Decoder keys by DKGA02 and DKGA04, with the compliance tests' numbers step by step."""

from __future__ import annotations

import copy
import hmac
import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sts.errors import AlgorithmRefused, InvalidField
from sts.key_data import (
    EncryptionAlgorithm,
    KeyRevisionNumber,
    KeyType,
    SupplyGroupCode,
    TariffIndex,
)
from sts.keys.decoder_key import (
    DecoderKey,
    control_block,
    derive_decoder_key,
    dkga04_message,
    pan_block,
)
from sts.meter_number import MeterPan
from tests.sts.published_keys import HMAC_OCTETS, LONG_DRN, SHORT_DRN, TARIFF_01, vending_key

EA07, EA09, EA11 = EncryptionAlgorithm


def derived(  # the meter of CTSA01
    algorithm: str, encryption: EncryptionAlgorithm, *, pan: MeterPan = SHORT_DRN
) -> DecoderKey:
    group = "123456" if algorithm == "02" else "123457"
    return derive_decoder_key(
        vending_key(algorithm=algorithm, group=group),
        pan=pan,
        tariff_index=TARIFF_01,
        encryption_algorithm=encryption,
    )


@pytest.mark.parametrize(
    ("pan", "key_type", "block"),
    [
        (SHORT_DRN, KeyType.UNIQUE, "0072700000000000"),
        (LONG_DRN, KeyType.UNIQUE, "0000100000000008"),
        (MeterPan.parse("600727121234567876"), KeyType.UNIQUE, "0072712123456787"),
        (MeterPan.parse("600727121234567876"), KeyType.DEFAULT, "0072712123456787"),
        (MeterPan.parse("600727121234567876"), KeyType.INITIALISATION, "0072712123456787"),
        (MeterPan.parse("600727121234567876"), KeyType.COMMON, "0072700000000000"),
        (MeterPan.parse("000012341234567869"), KeyType.UNIQUE, "0001234123456786"),
        (MeterPan.parse("000012341234567869"), KeyType.COMMON, "0000000000000000"),
    ],
)
def test_the_pan_block_is_16_digits_of_the_meter_number(
    pan: MeterPan, key_type: KeyType, block: str
) -> None:
    assert pan_block(pan, key_type).hex() == block


@pytest.mark.parametrize(
    ("key_type", "group", "tariff", "revision", "block"),
    [
        (KeyType.UNIQUE, "123456", "01", 1, "2123456011ffffff"),
        (KeyType.INITIALISATION, "000000", "00", 9, "0000000009ffffff"),
        (KeyType.COMMON, "999999", "99", 9, "3999999999ffffff"),
    ],
)
def test_the_control_block_is_type_group_tariff_revision_and_six_f(
    key_type: KeyType, group: str, tariff: str, revision: int, block: str
) -> None:
    made = control_block(
        key_type=key_type,
        supply_group_code=SupplyGroupCode(group),
        tariff_index=TariffIndex(tariff),
        key_revision_number=KeyRevisionNumber(revision),
    )
    assert made.hex() == block


@pytest.mark.parametrize(
    ("algorithm", "encryption", "pan", "octets"),
    [
        ("02", EA07, SHORT_DRN, "e653341f9d5bf36f"),  # CTSA01_02 step 1
        ("02", EA07, LONG_DRN, "e94023262e9993c2"),
        ("04", EA07, SHORT_DRN, "aa4baa8749c10d27"),
        ("04", EA11, SHORT_DRN, "f94b6ed353c3bfdb113e2d3a7ea3c41d"),  # CTSA01_04
    ],
)
def test_the_decoder_keys_of_sts_531_are_derived(
    algorithm: str, encryption: EncryptionAlgorithm, pan: MeterPan, octets: str
) -> None:
    key = derived(algorithm, encryption, pan=pan)
    assert key.octets.hex() == octets
    assert key.algorithm is encryption


def test_dkga02_does_not_depend_on_the_encryption_algorithm() -> None:
    assert derived("02", EA07).octets == derived("02", EA09).octets


def test_dkga04_signs_the_message_of_sts_531() -> None:
    message = dkga04_message(
        vending_key(algorithm="04", group="123457"), SHORT_DRN, TARIFF_01, EA11
    )
    assert message.hex() == (
        "04023034023933023131023031000406313233343537013201311236303037323730303030303030303030303900000080"
    )
    assert hmac.digest(HMAC_OCTETS, message, "sha256")[:16] == derived("04", EA11).octets


@pytest.mark.parametrize(
    ("base", "revision", "group", "octets"),
    [
        # STS 531 CTSA19_04: the new keys of its key changes
        (1993, 2, "123457", "9ca924e05d4d647026b55a4bbba54bdf"),
        (1993, 1, "123461", "62c1f3b0f96eac42ad670f20f52d7746"),
    ],
)
def test_group_and_revision_lead_to_the_keys_of_ctsa19(
    base: int, revision: int, group: str, octets: str
) -> None:
    key = derive_decoder_key(
        vending_key(algorithm="04", group=group, revision=revision, base=base),
        pan=SHORT_DRN,
        tariff_index=TARIFF_01,
        encryption_algorithm=EA11,
    )
    assert key.octets.hex() == octets


def test_every_fact_of_the_vending_key_leads_to_another_dkga04_key() -> None:
    facts = [
        vending_key(algorithm="04"),
        vending_key(algorithm="04", group="123457"),
        vending_key(algorithm="04", revision=2),
        vending_key(algorithm="04", key_type=1),
        vending_key(algorithm="04", base=2014),
        vending_key(algorithm="04", base=2035),
    ]
    keys = {
        derive_decoder_key(key, pan=pan, tariff_index=TariffIndex(tariff), encryption_algorithm=ea)
        for key in facts
        for pan in (SHORT_DRN, LONG_DRN)
        for tariff in ("01", "02")
        for ea in (EA07, EA11)
    }
    assert len(keys) == 6 * 2 * 2 * 2


@pytest.mark.parametrize(("algorithm", "encryption"), [("02", EA11), ("04", EA09)])
def test_pairs_of_algorithms_that_do_not_go_together_are_refused(
    algorithm: str, encryption: EncryptionAlgorithm
) -> None:
    with pytest.raises(AlgorithmRefused) as caught:
        derived(algorithm, encryption)
    assert str(caught.value) == f"DKGA{algorithm} makes no decoder keys for EA{encryption}"


@pytest.mark.parametrize(
    ("encryption", "right", "wrong"),
    [(EA07, 8, (7, 9, 16)), (EA09, 8, (7, 9)), (EA11, 16, (8, 15, 17))],
)
def test_a_decoder_key_has_the_length_that_its_algorithm_needs(
    encryption: EncryptionAlgorithm, right: int, wrong: tuple[int, ...]
) -> None:
    assert DecoderKey(bytes(right), encryption).octets == bytes(right)
    for length in wrong:
        with pytest.raises(InvalidField, match=rf"decoder key: it has {length} octets"):
            DecoderKey(bytes(length), encryption)


@given(st.binary(min_size=8, max_size=8))
def test_the_number_of_a_key_is_its_octets_in_natural_order(octets: bytes) -> None:
    assert DecoderKey(octets, EA07).number.to_bytes(8, "big") == octets


def test_a_decoder_key_shows_its_check_value_only() -> None:
    key = derived("04", EA11)
    assert key.key_check_value == hmac.digest(key.octets, bytes(16), "sha256")[:3].hex().upper()
    assert repr(key) == str(key) == f"DecoderKey(EA11, check value {key.key_check_value})"


@pytest.mark.parametrize("travel", [pickle.dumps, copy.copy, copy.deepcopy])
def test_a_decoder_key_is_not_pickled_or_copied(travel: object) -> None:
    assert callable(travel)
    with pytest.raises(TypeError, match="DecoderKey is not pickled or copied"):
        travel(derived("02", EA07))


def test_decoder_keys_are_equal_by_octets_and_algorithm() -> None:
    key = derived("02", EA07)
    assert key == derived("02", EA07)
    assert hash(key) == hash(derived("02", EA07))
    assert key != derived("02", EA09)
    assert key != derived("04", EA07)
    assert key != key.octets
