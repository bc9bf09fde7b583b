"""What gives way is what runs last."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

_PROGRAM = """
import os
from vending_api.kit.priority import give_way
session = os.getsid(0)
give_way()
print(os.nice(0), os.sched_getscheduler(0) == os.SCHED_IDLE, os.getsid(0) == session)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="asks Linux")
def test_a_process_gives_way_and_stays_in_its_session() -> None:
    done = subprocess.run([sys.executable, "-c", _PROGRAM], capture_output=True, check=True)
    assert done.stdout.split() == [b"19", b"True", b"True"]
    assert os.sched_getscheduler(0) != os.SCHED_IDLE
