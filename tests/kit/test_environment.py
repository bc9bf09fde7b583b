"""A secret of the environment that was taken is nowhere to be seen."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from vending_api.kit.environment import taken_from_environment

_SECRET = "correct horse battery staple"
_PROGRAM = """
import os, sys
from vending_api.kit.environment import taken_from_environment
assert taken_from_environment("VENDING_TEST_SECRET") == sys.stdin.read()
assert "VENDING_TEST_SECRET" not in os.environ
assert os.environ["VENDING_TEST_OTHER"] == "kept"
sys.stdout.buffer.write(open("/proc/self/environ", "rb").read())
"""


def test_what_was_not_there_is_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("VENDING_TEST_SECRET", raising=False)
    assert taken_from_environment("VENDING_TEST_SECRET") == ""


def test_what_is_set_later_is_taken_as_well(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VENDING_TEST_SECRET", _SECRET)
    assert taken_from_environment("VENDING_TEST_SECRET") == _SECRET
    assert "VENDING_TEST_SECRET" not in os.environ


@pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="needs Linux")
def test_a_process_shows_no_more_what_was_taken() -> None:
    shown = subprocess.run(
        [sys.executable, "-c", _PROGRAM],
        env=os.environ | {"VENDING_TEST_SECRET": _SECRET, "VENDING_TEST_OTHER": "kept"},
        input=_SECRET.encode(),
        capture_output=True,
        check=True,
    ).stdout
    assert b"VENDING_TEST_OTHER=kept" in shown
    assert _SECRET.encode() not in shown
