"""What a meter card says of its meter, and what is no card at all."""

from __future__ import annotations

import pytest

from sts.errors import CheckDigitWrong, InvalidField
from sts.id_record import IdRecord

PAN = "600727010000000164"
TRACK_2 = f"{PAN}=9912" + "02" + "123456" + "07" + "3"


def test_track_2_names_the_meter_and_the_key_that_it_had() -> None:
    record = IdRecord.parse(TRACK_2)
    assert record.pan.digits == PAN
    assert record.supply_group_code.digits == "123456"
    assert record.tariff_index.digits == "07"
    assert record.key_revision_number.value == 3


@pytest.mark.parametrize(
    "track_2",
    [
        "",
        TRACK_2[:-1],
        TRACK_2 + "1",
        TRACK_2.replace("=", "0"),
        TRACK_2.replace("9912", "99A2"),
        TRACK_2.replace("123456", "12345٦"),
        TRACK_2 + "\n",
    ],
)
def test_anything_else_is_no_id_record(track_2: str) -> None:
    with pytest.raises(InvalidField, match="track 2"):
        IdRecord.parse(track_2)


def test_a_meter_number_with_a_wrong_check_digit_is_refused() -> None:
    with pytest.raises(CheckDigitWrong):
        IdRecord.parse(TRACK_2.replace(PAN, "600727010000000165"))


def test_revision_0_does_not_exist() -> None:
    with pytest.raises(InvalidField, match="key revision number"):
        IdRecord.parse(TRACK_2[:-1] + "0")
