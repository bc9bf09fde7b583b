"""The benchmarks that are over in seconds still run, and end with what programs read."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from tests.house_rules.tree import ROOT
from tests.support.processes import environment


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
