"""Clocks, chance, environment, commits and prints are found under every name they go by."""

from __future__ import annotations

import pytest

from tests.house_rules.effect_rules import (
    no_clock_chance_or_environment,
    no_commit,
    no_print,
)
from tests.house_rules.samples import lines_found

USES = {
    "now": "from datetime import datetime\ndatetime.now()",
    "now in a zone": "from datetime import UTC, datetime\ndatetime.now(UTC)",
    "now, handed on": "from datetime import datetime\nfield(default_factory=datetime.now)",
    "utcnow": "import datetime\ndatetime.datetime.utcnow()",
    "today": "from datetime import date as day\nday.today()",
    "a module by another name": "import datetime as dt\ndt.datetime.now()",
    "a class by another name": "from datetime import datetime as moment\nmoment.now()",
    "seconds": "import time\ntime.time()",
    "seconds by another name": "import time as t\nt.time()",
    "a stopwatch": "import time\ntime.monotonic()",
    "the environment": "import os\nos.environ['KEY']",
    "a variable": "import os\nos.getenv('KEY')",
    "random octets": "import os\nos.urandom(8)",
    "a random id": "import uuid\nuuid.uuid4()",
    "shares": "from Crypto.Protocol.SecretSharing import Shamir\nShamir.split(2, 3, secret)",
    "in a function": "import time\ndef f(): return time.time_ns()",
}
IMPORTS = {
    "of chance": "import random",
    "of chance within a function": "def f():\n    import random",
    "of secrets": "import secrets",
    "from secrets": "from secrets import token_bytes",
    "from the cipher package": "from Crypto.Random import get_random_bytes",
    "of the environment": "from os import environ",
    "of a clock": "from time import time",
    "of a random id": "from uuid import uuid4",
}
PASSING = {
    "a clock handed in": "def f(now): return now()",
    "a time handed in": "from datetime import datetime\ndatetime(2026, 1, 1)",
    "a time parsed": "from datetime import datetime\ndatetime.fromisoformat(text)",
    "an attribute of another thing": "self.datetime.now()",
    "a field that is called random": "def f(random: int): return random.bit_length()",
    "waiting": "import time\ntime.sleep(1)",
    "an id from its text": "import uuid\nuuid.UUID(text)",
    "a path": "import os\nos.path",
    "shares put together": "from Crypto.Protocol.SecretSharing import Shamir\nShamir.combine([])",
    "the words in a text": "'datetime.now() and os.environ'",
    "the result of a call": "clock().now()",
    "an import of our own": "from . import random_numbers",
}


@pytest.mark.parametrize("source", USES.values(), ids=USES)
def test_a_use_is_found(source: str) -> None:
    assert lines_found(no_clock_chance_or_environment, source) == [2]


@pytest.mark.parametrize("source", IMPORTS.values(), ids=IMPORTS)
def test_an_import_is_found(source: str) -> None:
    assert lines_found(no_clock_chance_or_environment, source) == [len(source.splitlines())]


@pytest.mark.parametrize("source", PASSING.values(), ids=PASSING)
def test_what_is_handed_in_passes(source: str) -> None:
    assert no_clock_chance_or_environment(source) == []


@pytest.mark.parametrize(
    "source", ["session.commit()", "self._connection.commit()", "a.b().commit()"]
)
def test_a_commit_is_found(source: str) -> None:
    assert lines_found(no_commit, source) == [1]


@pytest.mark.parametrize("source", ["session.flush()", "commit()", "'x.commit()'", "a.committed()"])
def test_what_is_no_commit_passes(source: str) -> None:
    assert no_commit(source) == []


def test_a_print_is_found() -> None:
    assert lines_found(no_print, "def f():\n    print('x')") == [2]


@pytest.mark.parametrize("source", ["console.print('x')", "'print(x)'", "printed(x)"])
def test_what_is_no_print_passes(source: str) -> None:
    assert no_print(source) == []
