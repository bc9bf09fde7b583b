"""The benchmarks that are over in seconds still run, and the least of sales is stored."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
from contextlib import closing
from typing import TYPE_CHECKING

import httpx2
import pytest

from benchmarks import limits, servers, shop
from tests.house_rules.tree import ROOT
from tests.support.processes import environment

if TYPE_CHECKING:
    from pathlib import Path

IDS = ("0d8de1f0-0000-4000-8000-000000000001", "0d8de1f0-0000-4000-8000-000000000002")
METER = "07000000017"


@pytest.mark.parametrize(
    ("command", "figure"),
    [
        (("stages.py", "--sales", "16", "--group", "8"), "tokens, with read-back"),
        (("engine.py", "--seconds", "0.01"), "dkga02_ea07_per_s"),
        (("tariffs.py", "--seconds", "0.01"), "quote_us"),
    ],
    ids=lambda value: value[0] if isinstance(value, tuple) else "",
)
def test_a_benchmark_runs(command: tuple[str, ...], figure: str) -> None:
    file, *options = command
    done = subprocess.run(
        [sys.executable, f"benchmarks/{file}", *options, "--json"],
        cwd=ROOT,
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout.splitlines()[-1])[figure] > 0


@pytest.mark.parametrize("options", [("--rounds", "0"), ("--seconds", "0")])
def test_no_rounds_and_no_time_measure_nothing(
    options: tuple[str, str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["limits.py", *options])
    with pytest.raises(SystemExit, match="2"):
        limits._options()
    assert "--rounds takes 1 or more, --seconds more than 0" in capsys.readouterr().err


def test_one_short_round_is_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["limits.py", "--rounds", "1", "--seconds", "0.1"])
    assert (limits._options().rounds, limits._options().seconds) == (1, 0.1)


def test_a_bare_sale_is_stored_when_it_is_answered(tmp_path: Path) -> None:
    with servers.bare(tmp_path) as bare:
        with httpx2.Client(base_url=bare.address, trust_env=False) as till:
            for one in IDS:
                bought = shop.purchase(one, METER, 100, shop.TERMINALS[0])
                answer = till.post(f"/tokenPurchases/{one}", json=bought)
                assert answer.status_code == 201, answer.text
        (file,) = tmp_path.glob("*/bare.db")
        with closing(sqlite3.connect(file)) as database:
            stored = database.execute("SELECT id, meter, amount FROM sale ORDER BY id").fetchall()
    assert stored == [(one, METER, 100) for one in IDS]
