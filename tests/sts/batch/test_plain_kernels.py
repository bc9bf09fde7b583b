"""The kernels as plain Python, uncompiled: every line of them runs, and says the same."""

from __future__ import annotations

import importlib
import sys
from typing import TYPE_CHECKING, Any

import numba
import numpy as np
import pytest

import sts
from tests.sts.batch.batch_support import BATCH, KEYS, OTHER_TABLES, Row, table_of
from tests.sts.security_module_support import TID

if TYPE_CHECKING:
    from collections.abc import Iterator

SHORT, LONG = "600727000000000009", "000001000000000082"


@pytest.fixture
def plain(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Give the batch module on kernels that are not compiled, imported for this test alone."""
    monkeypatch.setattr(numba.config, "DISABLE_JIT", True)
    monkeypatch.setattr(sts, "batch", None, raising=False)
    names = [name for name in sys.modules if name.startswith("sts.batch")]
    for name in names:
        monkeypatch.delitem(sys.modules, name)
    module = importlib.import_module("sts.batch.module")
    with np.errstate(over="ignore"):  # a word of plain NumPy warns when it wraps
        yield module.BatchSecurityModule(KEYS, OTHER_TABLES)
    for name in [name for name in sys.modules if name.startswith("sts.batch")]:
        del sys.modules[name]


def row(
    group: str = "123456",
    revision: int = 1,
    ea: str = "07",
    kind: tuple[int, int] = (0, 0),
    **values: Any,
) -> Row:
    return {
        "pan": SHORT,
        "supply_group_code": group,
        "key_revision_number": revision,
        "tariff_index": "01",
        "encryption_algorithm": ea,
        "class": kind[0],
        "subclass": kind[1],
        "token_identifier_minutes": TID,
        "random": 5,
        "amount_tenths": 256,
        "currency_hundred_thousandths": -180_224_00000,
        "power_watts": 180_215,
        "register": 0xFFFF,
        **values,
    }


ROWS = [
    row(),
    row(pan=LONG),
    row(pan=SHORT[:-1] + "8"),
    row(pan=SHORT[:-1]),
    row(pan=None),
    row(pan=SHORT.replace("7", "x")),
    row(supply_group_code="1234567"),
    row(supply_group_code="12345x"),
    row(supply_group_code="999998"),
    row(key_revision_number=0),
    row(revision=4, pan=SHORT, kind=(2, 1)),
    row(revision=4, pan=LONG, kind=(2, 0)),
    row(kind=(0, 5)),
    row(kind=(0, 5), currency_hundred_thousandths=1_638_300_000),
    row(kind=(0, 4), currency_hundred_thousandths=10**20),
    row(kind=(0, 6), currency_hundred_thousandths=2 * 10**18),
    row(kind=(0, 6), currency_hundred_thousandths=-180_220),
    row(amount_tenths=16_384),
    row(amount_tenths=180_215),
    row(amount_tenths=18_201_625),
    row(random=16),
    row("123457", ea="07"),
    row("123457", ea="11"),
    row("999999", 9, "11"),
]


def test_issuing_is_the_same(plain: Any) -> None:
    table = table_of(ROWS)
    assert plain.issue(table).equals(BATCH.issue(table))


def test_key_changes_are_the_same(plain: Any) -> None:
    table = table_of(
        [row(new_tariff_index="99"), row("123457", ea="11", new_key_revision_number=2)]
    )
    answer = plain.change_key(table)
    assert answer.equals(BATCH.change_key(table))
    assert answer["error"].null_count == 2


def test_verifying_is_the_same(plain: Any) -> None:
    issued = BATCH.issue(table_of(ROWS)).to_pylist()
    spoilt = [
        one | {"token": text} for one in issued[:1] for text in ("1" * 19, "x" * 20, "9" * 20)
    ]
    wrong_meter = [issued[0] | {"tariff_index": "02"}]
    # Beyond what the kernels read of currency.
    huge = BATCH.issue(
        table_of([row(kind=(0, 6), currency_hundred_thousandths=10**30)])
    ).to_pylist()
    table = table_of([*issued, *spoilt, *wrong_meter, *huge])
    answer = plain.verify(table)
    assert answer.equals(BATCH.verify(table))
    assert answer["read_kind"].null_count < len(answer)


def test_check_values_are_the_same(plain: Any) -> None:
    table = table_of(ROWS)
    assert plain.derive(table).equals(BATCH.derive(table))
