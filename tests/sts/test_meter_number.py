"""Meter numbers: their parts, their two check digits, and both lengths of DRN."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sts.checksums import luhn_check_digit
from sts.errors import CheckDigitWrong, InvalidField
from sts.meter_number import (
    DecoderReferenceNumber,
    DecoderSerialNumber,
    IssuerIdentificationNumber,
    ManufacturerCode,
    MeterPan,
)

if TYPE_CHECKING:
    from collections.abc import Callable

serials = st.integers(0, 99_999_999).map(lambda n: DecoderSerialNumber(f"{n:08}"))
short_codes = st.integers(0, 99).map(lambda n: ManufacturerCode(f"{n:02}"))
long_codes = st.integers(0, 9999).map(lambda n: ManufacturerCode(f"{n:04}"))
short_issuers = (
    st.integers(0, 999_999)
    .map(lambda n: f"{n:06}")
    .filter(lambda digits: not digits.startswith("0000"))
    .map(IssuerIdentificationNumber)
)

PANS = [
    ("600727000000000009", "600727", "00000000000"),
    ("000001000000000082", "0000", "0100000000008"),
    ("600727121234567876", "600727", "12123456787"),
    ("000012341234567869", "0000", "1234123456786"),
]


@pytest.mark.parametrize(("pan", "issuer", "drn"), PANS)
def test_published_pans_split_into_issuer_and_drn(pan: str, issuer: str, drn: str) -> None:
    parsed = MeterPan.parse(pan)
    assert parsed.issuer.digits == issuer
    assert str(parsed.decoder) == drn
    assert parsed.has_long_drn == (len(drn) == 13)
    assert str(parsed) == parsed.digits == pan


@given(short_issuers, short_codes, serials)
def test_a_pan_with_an_11_digit_drn_comes_back(
    issuer: IssuerIdentificationNumber, code: ManufacturerCode, serial: DecoderSerialNumber
) -> None:
    pan = MeterPan(issuer, DecoderReferenceNumber.of(code, serial))
    assert MeterPan.parse(pan.digits) == pan
    assert not pan.has_long_drn


@given(long_codes, serials)
def test_a_pan_with_a_13_digit_drn_comes_back(
    code: ManufacturerCode, serial: DecoderSerialNumber
) -> None:
    pan = MeterPan(IssuerIdentificationNumber("0000"), DecoderReferenceNumber.of(code, serial))
    assert MeterPan.parse(pan.digits) == pan
    assert pan.has_long_drn


@given(short_codes | long_codes, serials)
def test_a_drn_gives_back_manufacturer_and_serial(
    code: ManufacturerCode, serial: DecoderSerialNumber
) -> None:
    drn = DecoderReferenceNumber.of(code, serial)
    assert drn.manufacturer_code == code
    assert drn.serial_number == serial


@pytest.mark.parametrize(
    ("code", "serial", "drn"),
    [("12", "12345678", "12123456787"), ("1234", "12345678", "1234123456786")],
)
def test_a_drn_ends_in_its_check_digit(code: str, serial: str, drn: str) -> None:
    made = DecoderReferenceNumber.of(ManufacturerCode(code), DecoderSerialNumber(serial))
    assert made.digits == drn


def test_an_issuer_other_than_600727_keeps_all_its_digits() -> None:
    """A known fault of others is to read every other prefix as `0000`."""
    body = "123456" + "12123456787"
    parsed = MeterPan.parse(body + luhn_check_digit(body))
    assert parsed.issuer.digits == "123456"
    assert parsed.decoder.digits == "12123456787"


@pytest.mark.parametrize(("pan", "_issuer", "_drn"), PANS)
def test_every_other_check_digit_of_a_pan_is_refused(pan: str, _issuer: str, _drn: str) -> None:
    for digit in set("0123456789") - {pan[-1]}:
        with pytest.raises(CheckDigitWrong, match=rf"meter PAN: .* expected check digit {pan[-1]}"):
            MeterPan.parse(pan[:-1] + digit)


def test_every_other_check_digit_of_a_drn_is_refused() -> None:
    for digit in "012345689":
        with pytest.raises(CheckDigitWrong, match=r"decoder reference number: .* check digit 7"):
            DecoderReferenceNumber("1212345678" + digit)


def test_a_right_pan_around_a_wrong_drn_is_refused() -> None:
    body = "600727" + "12123456788"
    with pytest.raises(CheckDigitWrong, match="decoder reference number"):
        MeterPan.parse(body + luhn_check_digit(body))


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (ManufacturerCode, "1"),
        (ManufacturerCode, "123"),
        (ManufacturerCode, "12345"),
        (ManufacturerCode, "1a"),
        (DecoderSerialNumber, "1234567"),
        (DecoderSerialNumber, "123456789"),
        (DecoderSerialNumber, "1234567x"),
        (IssuerIdentificationNumber, "60072"),
        (IssuerIdentificationNumber, "6007277"),
        (IssuerIdentificationNumber, "000"),
        (DecoderReferenceNumber, "1212345678"),
        (DecoderReferenceNumber, "121234567871"),
        (DecoderReferenceNumber, "12341234567860"),
        (DecoderReferenceNumber, "1212345678x"),
        (MeterPan.parse, "60072700000000000"),
        (MeterPan.parse, "6007270000000000090"),
        (MeterPan.parse, "60072700000000000x"),
        (MeterPan.parse, ""),
    ],
)
def test_a_number_of_another_shape_is_refused(make: Callable[[str], object], text: str) -> None:
    with pytest.raises(InvalidField, match="decimal digits"):
        make(text)


@pytest.mark.parametrize("digits", ["0001", "6007", "9999"])
def test_an_issuer_of_four_digits_is_0000(digits: str) -> None:
    with pytest.raises(InvalidField, match=f"{digits} has 4 digits; expected 6 digits, or 0000"):
        IssuerIdentificationNumber(digits)
    assert IssuerIdentificationNumber("0000").digits == "0000"


@pytest.mark.parametrize(("issuer", "drn"), [("0000", "12123456787"), ("600727", "1234123456786")])
def test_an_issuer_that_does_not_go_with_the_drn_is_refused(issuer: str, drn: str) -> None:
    with pytest.raises(InvalidField, match="expected 6 with 11, or 4 with 13"):
        MeterPan(IssuerIdentificationNumber(issuer), DecoderReferenceNumber(drn))


@pytest.mark.parametrize("digits", ["12", "1234"])
def test_a_manufacturer_code_keeps_its_digits(digits: str) -> None:
    assert str(ManufacturerCode(digits)) == digits
