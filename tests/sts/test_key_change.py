"""What a key change tells a meter, and that all of it is about the new key."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from sts.errors import AlgorithmRefused
from sts.key_data import EncryptionAlgorithm, KeyType, TariffIndex
from sts.keys.decoder_key import derive_decoder_key
from sts.keys.key_change import KeyChange, key_change_to
from tests.sts.published_keys import LONG_DRN, SHORT_DRN, TARIFF_01, vending_key

if TYPE_CHECKING:
    from sts.keys.vending_key import VendingKey


def change(
    new: VendingKey,
    *,
    current: VendingKey | None = None,
    encryption: EncryptionAlgorithm = EncryptionAlgorithm.EA11,
) -> KeyChange:
    return key_change_to(
        new,
        current=current or vending_key(algorithm="04", group="123457"),
        pan=SHORT_DRN,
        tariff_index=TARIFF_01,
        encryption_algorithm=encryption,
    )


def test_the_new_key_of_ctsa19_splits_into_four_words() -> None:
    made = change(vending_key(algorithm="04", group="123461"))
    assert [f"{word:08x}" for word in made.key_words] == [
        "62c1f3b0", "f96eac42", "ad670f20", "f52d7746",
    ]  # fmt: skip


def test_a_64_bit_key_splits_into_two_words() -> None:
    made = change(vending_key(), current=vending_key(), encryption=EncryptionAlgorithm.EA07)
    assert [f"{word:08x}" for word in made.key_words] == ["e653341f", "9d5bf36f"]


def test_everything_told_is_of_the_new_key() -> None:
    new = vending_key(algorithm="04", group="999999", revision=9, key_type=1, base=2014, expiry=85)
    current = vending_key(algorithm="04", group="123457", revision=1, expiry=255)
    made = key_change_to(
        new,
        current=current,
        pan=LONG_DRN,
        tariff_index=TariffIndex("42"),
        encryption_algorithm=EncryptionAlgorithm.EA11,
    )
    assert made == KeyChange(
        new_key=derive_decoder_key(
            new,
            pan=LONG_DRN,
            tariff_index=TariffIndex("42"),
            encryption_algorithm=EncryptionAlgorithm.EA11,
        ),
        supply_group_code=new.supply_group_code,
        tariff_index=TariffIndex("42"),
        key_revision_number=new.key_revision_number,
        key_expiry_number=new.key_expiry_number,
        key_type=KeyType.DEFAULT,
        rollover=True,
    )


@pytest.mark.parametrize(
    ("current", "new", "rollover"),
    [(1993, 1993, False), (1993, 2014, True), (2014, 2035, True), (2035, 2035, False)],
)
def test_the_meter_forgets_its_tokens_exactly_when_the_base_date_changes(
    current: int, new: int, *, rollover: bool
) -> None:
    made = change(
        vending_key(algorithm="04", revision=2, base=new),
        current=vending_key(algorithm="04", base=current),
    )
    assert made.rollover is rollover


def test_a_new_key_that_the_meter_cannot_use_is_refused() -> None:
    with pytest.raises(AlgorithmRefused, match="DKGA02 makes no decoder keys for EA11"):
        change(vending_key(algorithm="02"))


def test_a_key_change_does_not_show_the_key() -> None:
    made = change(vending_key(algorithm="04", group="123461"))
    assert "62c1f3b0" not in repr(made)
    assert str(made.key_words[0]) not in repr(made)
