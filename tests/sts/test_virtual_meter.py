"""What a meter does with tokens, and what it says when it refuses."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sts.key_data import (
    KeyExpiryNumber,
    KeyType,
)
from sts.meter_number import ManufacturerCode
from sts.token_identifier import TokenIdentifier
from sts.tokens.credit import Resource
from sts.tokens.currency_credit import CurrencyCredit
from sts.tokens.digits import to_digits
from sts.tokens.management import (
    ALL_REGISTERS,
    ClearCredit,
    ClearTamperCondition,
    SetMaximumPhasePowerUnbalanceLimit,
    SetMaximumPowerLimit,
    SetTariffRate,
    SetWaterMeterFactor,
)
from sts.tokens.meter_test import InitiateMeterTest
from sts.units import CurrencyAmount, PowerLimit
from sts.virtual_meter import Accepted, RefusalReason, Refused, VirtualMeter
from tests.support.sts_tokens import EA07_KEY, EA11_KEY, KEYS, KINDS, digits_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from sts.keys.decoder_key import DecoderKey


from tests.support.sts_meter import CODEC, NEW_EA07_KEY, credit, dated, enter, meter_with, reason


@pytest.mark.parametrize("key", KEYS, ids=lambda key: f"EA{key.algorithm}")
def test_credit_is_added_and_its_token_returned(key: DecoderKey) -> None:
    meter = meter_with(key)
    outcome = enter(meter, credit(10))
    assert outcome == Accepted(credit(10), "credit: 25.6 kWh of electricity")
    assert isinstance(enter(meter, credit(11)), Accepted)
    assert meter.credit_tenths[Resource.ELECTRICITY] == 512


def test_digits_may_be_typed_in_groups() -> None:
    outcome = meter_with().enter("5104 3465 4434 2085 6213")
    assert isinstance(outcome, Accepted)


@pytest.mark.parametrize("resource", Resource)
def test_each_resource_has_its_register(resource: Resource) -> None:
    meter = meter_with()
    enter(meter, credit(10, 7, resource))
    assert meter.credit_tenths == {r: 7 if r is resource else 0 for r in Resource}


@pytest.mark.parametrize("resource", Resource)
def test_currency_goes_to_a_register_of_its_own_and_may_be_negative(resource: Resource) -> None:
    meter = meter_with()
    for minutes, amount in ((10, "0.12"), (11, "-0.02")):
        enter(
            meter,
            CurrencyCredit(
                resource=resource,
                amount=CurrencyAmount.parse(amount),
                token_identifier=TokenIdentifier(minutes),
            ),
        )
    assert meter.credit_hundred_thousandths[resource] == 10_000
    assert not any(meter.credit_tenths.values())


@pytest.mark.parametrize("text", ["", "123", "9" * 20, "abc"])
def test_digits_that_are_no_token_are_refused_as_malformed(text: str) -> None:
    assert reason(meter_with().enter(text)) is RefusalReason.MALFORMED


def test_a_token_of_another_meter_is_refused_by_its_checksum() -> None:
    outcome = meter_with().enter(CODEC.encode(credit(10), NEW_EA07_KEY))
    assert isinstance(outcome, Refused)
    assert outcome.reason is RefusalReason.NOT_FOR_THIS_METER
    assert outcome.words.startswith("not for this meter: the checksum is wrong")


@pytest.mark.parametrize(("token_class", "subclass"), [(0, 8), (1, 2), (2, 10), (3, 0)])
def test_reserved_tokens_are_refused(token_class: int, subclass: int) -> None:
    outcome = meter_with().enter(digits_of(token_class, subclass, 0, EA07_KEY))
    assert reason(outcome) is RefusalReason.RESERVED


def test_a_token_is_taken_once() -> None:
    meter = meter_with()
    enter(meter, credit(10))
    outcome = enter(meter, credit(10))
    assert isinstance(outcome, Refused)
    assert outcome.reason is RefusalReason.USED
    assert outcome.words == "used: a token with this identifier has been entered before"
    assert meter.credit_tenths[Resource.ELECTRICITY] == 256


def test_credit_and_management_share_one_memory() -> None:
    meter = meter_with()
    enter(meter, credit(10))
    assert reason(enter(meter, ClearTamperCondition(**dated(10)))) is RefusalReason.USED


def test_older_tokens_are_taken_until_fifty_newer_ones_are_known() -> None:
    meter = meter_with()
    for minutes in range(100, 149):
        enter(meter, credit(minutes))
    assert isinstance(enter(meter, credit(50)), Accepted)  # the fiftieth
    assert reason(enter(meter, credit(49))) is RefusalReason.OLD
    assert isinstance(enter(meter, credit(51)), Accepted)  # newer than 50, which is dropped
    assert reason(enter(meter, credit(50))) is RefusalReason.OLD
    assert reason(enter(meter, credit(51))) is RefusalReason.USED


def test_a_refused_token_is_not_remembered() -> None:
    meter = meter_with(resources=frozenset({Resource.ELECTRICITY}))
    assert reason(enter(meter, credit(10, 1, Resource.WATER))) is RefusalReason.OTHER_RESOURCE
    assert isinstance(enter(meter, credit(10)), Accepted)


def test_a_token_from_the_future_is_taken_because_a_meter_has_no_clock() -> None:
    assert isinstance(enter(meter_with(), credit((1 << 24) - 1)), Accepted)


@pytest.mark.parametrize(
    "token",
    [
        credit(5636096),
        ClearTamperCondition(**dated(5636096)),
        CurrencyCredit(
            resource=Resource.GAS,
            amount=CurrencyAmount.covering(1),
            token_identifier=TokenIdentifier(5636096),
        ),
    ],
)
def test_the_key_expires_at_its_high_byte_for_every_dated_token(token: Any) -> None:
    meter = meter_with(key_expiry_number=KeyExpiryNumber(85))
    assert reason(enter(meter, token)) is RefusalReason.KEY_EXPIRED
    last = replace(token, token_identifier=TokenIdentifier(5636095))
    assert isinstance(enter(meter, last), Accepted)


def test_key_expiry_255_never_comes() -> None:
    meter = meter_with(key_expiry_number=KeyExpiryNumber(255))
    assert isinstance(enter(meter, credit(16711426)), Accepted)


def test_a_meter_with_its_default_key_takes_no_credit_but_takes_orders() -> None:
    meter = meter_with(key_type=KeyType.DEFAULT)
    outcome = enter(meter, credit(10))
    assert isinstance(outcome, Refused)
    assert outcome.reason is RefusalReason.DEFAULT_KEY
    assert outcome.words.startswith("DDTK error")
    assert isinstance(enter(meter, ClearTamperCondition(**dated(10))), Accepted)


@pytest.mark.parametrize("kind", ["SetMaximumPowerLimit", "SetMaximumPhasePowerUnbalanceLimit"])
@given(data=st.data())
def test_power_limits_are_watts_whatever_their_exponent(kind: str, data: st.DataObject) -> None:
    meter = meter_with()
    token = data.draw(KINDS[kind])
    assert isinstance(token, SetMaximumPowerLimit | SetMaximumPhasePowerUnbalanceLimit)
    enter(meter, token)
    limit = meter.power_limit or meter.phase_power_unbalance_limit
    assert limit == token.power


def test_settings_are_set_each_in_its_place() -> None:
    meter = meter_with()
    words = [
        outcome.words
        for outcome in (
            enter(meter, SetMaximumPowerLimit(power=PowerLimit(5000), **dated(1))),
            enter(meter, SetMaximumPhasePowerUnbalanceLimit(power=PowerLimit(300), **dated(2))),
            enter(meter, SetTariffRate(rate=12, **dated(3))),
            enter(meter, SetWaterMeterFactor(factor=34, **dated(4))),
        )
    ]
    assert words == [
        "power limit: 5000 W",
        "phase unbalance limit: 300 W",
        "tariff rate: 12",
        "water meter factor: 34",
    ]
    assert meter.power_limit == PowerLimit(5000)
    assert meter.phase_power_unbalance_limit == PowerLimit(300)
    assert meter.tariff_rate == 12
    assert meter.water_meter_factor == 34


def test_a_tampered_meter_is_mended_by_a_token() -> None:
    meter = meter_with()
    meter.tamper()
    assert meter.is_tampered
    enter(meter, ClearTamperCondition(**dated()))
    assert not meter.is_tampered


def full_meter() -> VirtualMeter:
    meter = meter_with()
    meter.credit_tenths = dict.fromkeys(Resource, 1)
    meter.credit_hundred_thousandths = dict.fromkeys(Resource, 1)
    return meter


@pytest.mark.parametrize("register", range(8))
def test_one_register_can_be_cleared(register: int) -> None:
    meter = full_meter()
    outcome = enter(meter, ClearCredit(register=register, **dated()))
    assert outcome.words == f"credit cleared: register {register}"
    values = [*meter.credit_tenths.values(), *meter.credit_hundred_thousandths.values()]
    assert values == [0 if number == register else 1 for number in range(8)]


def test_all_registers_can_be_cleared_at_once() -> None:
    meter = full_meter()
    outcome = enter(meter, ClearCredit(register=ALL_REGISTERS, **dated()))
    assert outcome.words == "credit cleared: all"
    assert not any(meter.credit_tenths.values())
    assert not any(meter.credit_hundred_thousandths.values())


@pytest.mark.parametrize("register", [8, 0xFFFE])
def test_a_register_that_no_meter_has_is_refused(register: int) -> None:
    outcome = enter(full_meter(), ClearCredit(register=register, **dated()))
    assert reason(outcome) is RefusalReason.UNKNOWN_REGISTER


def test_a_test_token_works_any_number_of_times_in_any_meter() -> None:
    token = InitiateMeterTest(control=4, manufacturer_code=ManufacturerCode("00"))
    for meter in (meter_with(), meter_with(EA11_KEY)):
        for _ in range(2):
            assert isinstance(meter.enter(CODEC.encode(token, None)), Accepted)
        assert meter.last_test == token


ORDER_OF_CHECKS: list[tuple[Callable[[VirtualMeter], str], RefusalReason]] = [
    (lambda _: "123", RefusalReason.MALFORMED),
    (lambda _: CODEC.encode(credit(10), NEW_EA07_KEY), RefusalReason.NOT_FOR_THIS_METER),
    (lambda _: to_digits(3, 0), RefusalReason.RESERVED),
    (
        lambda meter: CODEC.encode(credit(86 << 16, 1, Resource.WATER), meter.decoder_key),
        RefusalReason.KEY_EXPIRED,
    ),
    (
        lambda meter: CODEC.encode(credit(10, 1, Resource.WATER), meter.decoder_key),
        RefusalReason.DEFAULT_KEY,
    ),
]


@pytest.mark.parametrize(("digits", "expected"), ORDER_OF_CHECKS)
def test_of_several_faults_the_first_in_the_fixed_order_is_told(
    digits: Callable[[VirtualMeter], str], expected: RefusalReason
) -> None:
    meter = meter_with(
        key_type=KeyType.DEFAULT,
        key_expiry_number=KeyExpiryNumber(85),
        resources=frozenset({Resource.ELECTRICITY}),
    )
    enter(meter, ClearTamperCondition(**dated(10)))
    assert reason(meter.enter(digits(meter))) is expected


def test_another_resource_is_told_before_a_used_identifier() -> None:
    meter = meter_with(resources=frozenset({Resource.ELECTRICITY, Resource.GAS}))
    enter(meter, credit(10))
    outcome = enter(meter, credit(10, 1, Resource.WATER))
    assert isinstance(outcome, Refused)
    assert outcome.words == (
        "other resource: the token is for water, this meter sells electricity, gas"
    )


@given(st.integers(0, (1 << 66) - 1))
def test_a_meter_answers_any_digits(number: int) -> None:
    assert isinstance(meter_with().enter(f"{number:020}"), Accepted | Refused)


@given(st.text())
def test_a_meter_answers_any_text(text: str) -> None:
    assert isinstance(meter_with().enter(text), Refused)


def test_a_meter_does_not_print_its_key() -> None:
    assert "0abc12def3456789" not in repr(meter_with()).lower()
    assert str(EA07_KEY.number) not in repr(meter_with())
