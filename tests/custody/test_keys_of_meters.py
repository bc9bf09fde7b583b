"""The key that a key change gives a meter is told to the meter alone."""

from __future__ import annotations

import re
import socket
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest

from sts.errors import TokenNotAllowed
from sts.key_data import TariffIndex
from sts.security_module import KeyChangeRequest, VerifyRequest
from sts.tokens.key_change import KeyChangeToken
from tests.custody.conftest import HERE, serving
from tests.custody.test_elsewhere import EA11, METER
from vending_api.custody import wire
from vending_api.custody.client import SecurityModuleElsewhere

if TYPE_CHECKING:
    from pathlib import Path

    from sts.security_module import MeterConfiguration

TI = TariffIndex("02")
BOTH = pytest.mark.parametrize("meter", [METER, EA11], ids=["EA07", "EA11"])


def digits_of(meter: MeterConfiguration) -> tuple[str, ...]:
    request = KeyChangeRequest(meter, meter.supply_group_code, meter.key_revision_number, TI)
    (digits,) = HERE.change_key([request])
    assert isinstance(digits, tuple)
    return digits


def sections_of(meter: MeterConfiguration) -> list[KeyChangeToken]:
    read = HERE.verify([VerifyRequest(meter, one) for one in digits_of(meter)])
    sections = [one for one in read if isinstance(one, KeyChangeToken)]
    assert len(sections) == len(read) == meter.encryption_algorithm.key_octets // 4
    return sections


def answer(path: Path, do: str, *rows: list[Any]) -> Any:
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(str(path))
        wire.send(connection, {"number": 1, "do": do, "rows": rows})
        return wire.receive(connection)["rows"]


@BOTH
def test_no_word_of_it_is_said(path: Path, meter: MeterConfiguration) -> None:
    digits, named = digits_of(meter), wire.meter_row(meter)
    new = [meter.supply_group_code.digits, meter.key_revision_number.value, TI.digits]
    with serving(path):
        made = answer(path, "change_key", [*named, *new])
        read = answer(path, "verify", *([*named, one] for one in digits))
    assert made == [list(digits)]
    said = {int(one) & 0xFFFF_FFFF for one in re.findall(r"\d+", repr(read))}
    assert not said & {section.key_word for section in sections_of(meter)}


@BOTH
def test_a_section_is_not_read_and_its_neighbour_is(path: Path, meter: MeterConfiguration) -> None:
    wrong = "7" * 20
    asked = [VerifyRequest(meter, one) for one in (digits_of(meter)[0], wrong)]
    with serving(path), closing(SecurityModuleElsewhere(path)) as elsewhere:
        section, other = elsewhere.verify(asked)
    assert isinstance(section, TokenNotAllowed)
    assert type(other) is type(HERE.verify(asked[1:])[0])
