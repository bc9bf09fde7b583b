"""Audits of found tokens keep no digits on disk, and know meters and key data by their values."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
import pyarrow as pa

from sts.keys.sta_tables import SAMPLE_TABLES
from tests.support.selling import sell
from tests.support.service import purchase
from vending_api.domain.audits.field_file import FieldFile
from vending_api.domain.audits.found import audit_found
from vending_api.domain.audits.key_data import KeyDataNumbers
from vending_api.domain.audits.opening import module_of
from vending_api.domain.audits.readings import HeldBefore
from vending_api.domain.audits.register import NO_METER, Register
from vending_api.domain.audits.types import FindingKind, Tally
from vending_api.sandbox.example_keys import example_keys

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pytest
    from sqlalchemy import Engine

_IDS: Final = ("TST001", "Zähler-7", "7")
_PANS: Final = tuple(f"60072700000000000{serial}" for serial in range(3))


def meters(**changes: Sequence[object]) -> pa.Table:
    columns = {
        "meter_key": [30, 10, 20],
        "external_id": list(_IDS),
        "pan": list(_PANS),
        "service_type": ["electricity", "water", "gas"],
        "supply_group_code": ["000001"] * 3,
        "key_revision_number": [1, 1, 2],
        "tariff_index": ["01"] * 3,
        "encryption_algorithm": ["07"] * 3,
        "base_date": [2014] * 3,
    }
    return pa.table(columns | changes)


def texts(*values: str | None) -> pa.Array:
    return pa.array(values, pa.string())


def test_passing_files_hold_no_digits_and_go(
    engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (token,) = sell(engine, purchase()).tokens
    wrong = token.digits[::-1]
    (tmp_path / "in.csv").write_text(f"meter,token\nTST001,{token.digits}\nTST001,{wrong}\n")
    passing = tmp_path / "passing"
    passing.mkdir()
    module, tally = module_of(example_keys(), SAMPLE_TABLES), Tally()
    kept: list[bytes] = []
    unlink = Path.unlink

    def read_and_unlink(path: Path, *, missing_ok: bool = False) -> None:
        if path.exists():
            kept.append(path.read_bytes())
        unlink(path, missing_ok=missing_ok)

    monkeypatch.setattr(Path, "unlink", read_and_unlink)
    file = FieldFile(tmp_path / "in.csv")
    with engine.connect() as connection:
        found = [*audit_found(connection, module, file, passing, tally=tally, told=_not_told)]
    assert (tally.tokens, tally.right, len(found)) == (2, 1, 1)
    assert wrong not in repr(found)
    written = b"".join(kept)
    assert written
    for digits in (token.digits, wrong):
        assert digits.encode() not in written
        assert int(digits).to_bytes(9, "little")[:8] not in written
    assert [*passing.iterdir()] == []


def test_a_meter_is_found_by_its_whole_number_alone() -> None:
    register = Register([meters()], KeyDataNumbers())
    asked = texts("TST001", "Zähler-7", "7", "TST00", "TST0011", "Zähler-77777777777", "", None)
    places = register.named(asked, texts(*[None] * len(asked)))
    assert register.keys[places[:3]].tolist() == [30, 10, 20]
    assert places[3:].tolist() == [NO_METER] * 5
    assert register.pans(places[:4]).to_pylist() == [*_PANS, None]
    assert register.places(np.array([20, 25, 31])).tolist() == [1, NO_METER, NO_METER]


def test_a_number_and_a_pan_must_be_of_one_meter() -> None:
    register = Register([meters()], KeyDataNumbers())
    asked = texts("TST001", "TST001", None, "nobody", "TST001")
    places = register.named(asked, texts(_PANS[0], _PANS[1], _PANS[2], _PANS[0], "1"))
    assert [*places] == [2, NO_METER, 1, NO_METER, NO_METER]


def test_a_register_may_be_empty() -> None:
    register = Register([], KeyDataNumbers())
    assert register.named(texts("TST001"), texts(None)).tolist() == [NO_METER]
    assert register.places(np.array([1])).tolist() == [NO_METER]


def test_the_same_key_data_has_the_same_number_in_every_table() -> None:
    numbers = KeyDataNumbers()
    first = numbers.of(meters())
    turned = numbers.of(meters().take([2, 1, 0]))
    assert first[0] == first[1] != first[2]
    assert turned.tolist() == first[::-1].tolist()
    other = numbers.of(meters(base_date=[2035, 2014, None]))
    assert other[0] not in first
    assert numbers.base_dates(other).tolist() == [2035, 2014, -1]
    assert numbers.columns(first)["key_revision_number"].to_pylist() == [1, 1, 2]


def test_key_data_of_before_is_that_which_the_register_does_not_say() -> None:
    numbers = KeyDataNumbers()
    register = Register([meters()], numbers)
    held = HeldBefore(register, numbers)
    for revisions in ([1, 4, 5], [3, 4, 2], [1, 1, 6]):
        held.note(np.array([30, 10, 20]), meters(key_revision_number=revisions))
    held.note(np.array([99, 98, 97]), meters(key_revision_number=[7, 8, 9]))
    which, key_data, turn = held.of(register.places(np.array([20, 30, 10, 20])))
    revisions = numbers.columns(key_data)["key_revision_number"].to_pylist()
    assert [*zip(which.tolist(), revisions, turn.tolist(), strict=True)] == [
        (0, 5, 1),
        (0, 6, 2),
        (1, 3, 1),
        (2, 4, 1),
        (3, 5, 1),
        (3, 6, 2),
    ]


def test_every_finding_about_a_file_has_a_number() -> None:
    assert len(FindingKind) < np.iinfo(np.int8).max


def _not_told(_stage: str, _done: int, _total: int) -> None:
    """Nobody looks."""
