"""The data block and its two checksums."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sts.checksums import crc16
from sts.errors import CrcMismatch
from sts.tokens.block import open_block, seal


@pytest.mark.parametrize(
    ("token_class", "subclass", "payload", "block"),
    [
        (0, 0, 0xB19EB230100, 0x0B19EB230100C207),  # the worked example of IEC 62055-41
        (0, 0, 0x5C02A552710, 0x05C02A5527101970),  # sts.org.za, page on the checksum
        (1, 0, 0xFFFFFFFFF00, 0x0FFFFFFFFF005EFF),  # STS 531 CTSA02
        (1, 1, 0xFFFFFFF0000, 0x1FFFFFFF00001D9F),  # STS 531 CTSA02
        (0, 4, 0x06D6F5160AA, 0x406D6F5160AA72F9),  # STS 531-1-11 edition 2.2, 1 of currency
        (2, 1, 0x55A2F2BFFFF, 0x155A2F2BFFFF1B64),  # STS 531 CTSA04_04
    ],
)
def test_blocks_match_published_ones(
    token_class: int, subclass: int, payload: int, block: int
) -> None:
    assert seal(token_class, subclass, payload) == block
    assert open_block(token_class, block) == (subclass, payload)


@given(st.integers(0, 3), st.integers(0, 15), st.integers(0, (1 << 44) - 1))
def test_every_block_opens_to_what_was_sealed(
    token_class: int, subclass: int, payload: int
) -> None:
    assert open_block(token_class, seal(token_class, subclass, payload)) == (subclass, payload)


@given(st.integers(0, 3), st.integers(0, 15), st.integers(0, (1 << 44) - 1), st.integers(0, 63))
def test_one_flipped_bit_is_always_noticed(
    token_class: int, subclass: int, payload: int, bit: int
) -> None:
    block = seal(token_class, subclass, payload)
    with pytest.raises(CrcMismatch, match="checksum"):
        open_block(token_class, block ^ 1 << bit)


@given(st.integers(0, 15), st.integers(0, (1 << 44) - 1))
def test_the_class_is_covered_although_it_is_not_in_the_block(subclass: int, payload: int) -> None:
    with pytest.raises(CrcMismatch, match="checksum"):
        open_block(2, seal(1, subclass, payload))


@pytest.mark.parametrize("subclass", range(16))
def test_only_currency_credit_has_the_other_checksum(subclass: int) -> None:
    plain = crc16((subclass << 44).to_bytes(7, "big"))
    assert (seal(0, subclass, 0) & 0xFFFF != plain) == (4 <= subclass <= 7)


@pytest.mark.parametrize(
    ("subclass", "payload"), [(16, 0), (-1, 0), (0, 1 << 44), (0, -1), (0, 1 << 60)]
)
def test_parts_wider_than_their_field_are_refused(subclass: int, payload: int) -> None:
    with pytest.raises(ValueError, match="does not fit"):
        seal(0, subclass, payload)
