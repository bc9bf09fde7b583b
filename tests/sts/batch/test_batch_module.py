"""What the batch module lets out: nothing unread, nothing of a key, and no row stops another."""

from __future__ import annotations

import builtins
import copy
import importlib
import pickle
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from sts.batch import BatchSecurityModule, compiled
from sts.batch.engine import Engine
from sts.batch.kernels import sta
from sts.batch.module import ROWS_AT_ONCE
from sts.batch.vending_keys import VendingKeyColumns
from sts.errors import BatchExtraMissing
from sts.hazmat.sta import SAMPLE_TABLES
from tests.sts.batch.batch_support import BATCH, KEYS, OTHER_TABLES, table_of
from tests.sts.batch.test_plain_kernels import ROWS, row

if TYPE_CHECKING:
    from collections.abc import Callable

SECRETS = [key.octets.hex() for key in KEYS]


def everything_in(answer: Any) -> str:
    return str(answer.to_pydict()).lower()


@pytest.mark.parametrize("name", ["derive", "issue", "change_key", "verify"])
def test_no_answer_holds_a_key(name: str) -> None:
    table = BATCH.issue(table_of(ROWS)) if name == "verify" else table_of(ROWS)
    said = everything_in(getattr(BATCH, name)(table))
    for secret in SECRETS:
        assert secret not in said


@pytest.mark.parametrize("thing", [BATCH, Engine.of(KEYS, OTHER_TABLES)], ids=["module", "engine"])
@pytest.mark.parametrize("leave", [pickle.dumps, copy.copy, copy.deepcopy])
def test_keys_do_not_travel(thing: object, leave: Callable[[Any], object]) -> None:
    with pytest.raises(TypeError, match="it holds a key"):
        leave(thing)


@pytest.mark.parametrize(
    "thing",
    [BATCH, Engine.of(KEYS, OTHER_TABLES), VendingKeyColumns.of(KEYS)],
    ids=["module", "engine", "columns"],
)
def test_nothing_prints_a_key_or_a_table(thing: object) -> None:
    shown = repr(thing)
    assert "array" not in shown
    assert not any(secret in shown for secret in SECRETS)


def test_a_token_that_does_not_read_back_is_made_by_the_scalar_engine(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    right = BATCH.issue(table_of([row(), row("123457", ea="11")]))
    change = BATCH.change_key(table_of([row()]))

    def spoil(*arguments: Any) -> None:
        arguments[-1][:] = np.uint64(0)

    monkeypatch.setattr(sta, "encrypt_column", spoil)
    assert BATCH.issue(table_of([row(), row("123457", ea="11")])).equals(right)
    assert BATCH.change_key(table_of([row()])).equals(change)


def test_a_bad_row_in_a_large_table_stops_no_other() -> None:
    rows = [row(token_identifier_minutes=minute) for minute in range(ROWS_AT_ONCE + 10)]
    rows[5]["pan"] = None
    rows[-1]["random"] = 99
    answer = BATCH.issue(table_of(rows))
    errors = answer["error"].to_pylist()
    assert [place for place, error in enumerate(errors) if error] == [5, len(rows) - 1]
    assert answer["token"].null_count == 2
    assert len(set(answer["token"].to_pylist())) == len(rows) - 1


def test_other_tables_make_other_tokens() -> None:
    with_sample = BatchSecurityModule(KEYS, SAMPLE_TABLES).issue(table_of([row()]))
    assert with_sample["token"] != BATCH.issue(table_of([row()]))["token"]


def test_without_the_extra_one_line_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    real = importlib.import_module

    def without_numba(name: str, *rest: Any) -> Any:
        if name == "numba":
            raise ImportError(name)
        return real(name, *rest)

    monkeypatch.setattr(importlib, "import_module", without_numba)
    monkeypatch.delitem(sys.modules, "sts.batch")
    with pytest.raises(BatchExtraMissing, match=r"numba.*pip install 'sts-vending\[batch\]'"):
        builtins.__import__("sts.batch")


def test_the_engine_itself_needs_none_of_it() -> None:
    script = (
        "import sys, sts, sts.cli, sts.conformance; "
        "print(sorted({'numba', 'numpy', 'pyarrow', 'dask'} & sys.modules.keys()))"
    )
    run = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True)
    assert run.stdout == "[]\n"


def test_kernels_that_cannot_be_kept_are_compiled_all_the_same(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[dict[str, bool]] = []

    def njit(**options: bool) -> Callable[[Callable[..., int]], Callable[..., int]]:
        asked.append(options)
        if options.get("cache"):
            raise RuntimeError("no locator available")
        return lambda function: function

    monkeypatch.setattr(compiled, "njit", njit)
    assert compiled.kernel(lambda: 7)() == 7
    assert [bool(options.get("cache")) for options in asked] == [True, False]
