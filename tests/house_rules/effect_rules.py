"""What a module may do to the world: read the clock, draw random numbers, commit, print."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Final

from tests.house_rules.findings import Finding
from tests.house_rules.names import used_names
from tests.house_rules.tree import nodes_of

if TYPE_CHECKING:
    from collections.abc import Callable

_CLOCKS: Final = frozenset(
    {
        *("time.time", "time.time_ns", "time.monotonic", "time.monotonic_ns"),
        *("time.perf_counter", "time.perf_counter_ns", "time.process_time"),
        *("time.localtime", "time.gmtime", "datetime.date.today"),
        *("datetime.datetime.now", "datetime.datetime.utcnow", "datetime.datetime.today"),
    }
)
_ENVIRONMENT: Final = frozenset({"os.environ", "os.environb", "os.getenv"})
_RANDOM: Final = frozenset(
    {
        *("os.urandom", "os.getrandom", "uuid.uuid1", "uuid.uuid4", "uuid.uuid7"),
        "Crypto.Protocol.SecretSharing.Shamir.split",
    }
)
_RANDOM_MODULES: Final = ("random", "secrets", "Crypto.Random")

_REMEDY: Final = "take it as an argument; only the edges read clock, chance and environment"


def no_clock_chance_or_environment(source: str) -> list[Finding]:
    """Find every use of a clock, of randomness and of environment variables."""
    found = {
        Finding(getattr(node, "lineno", 0), f"{name}: {_REMEDY}")
        for node, name in used_names(nodes_of(source))
        if _is_effect(name)
    }
    return sorted(found)


def _is_effect(name: str) -> bool:
    if name in _CLOCKS | _ENVIRONMENT | _RANDOM:
        return True
    return any(name == module or name.startswith(f"{module}.") for module in _RANDOM_MODULES)


def no_commit(source: str) -> list[Finding]:
    """Find calls of a method `commit`; the committer in `kit` is the only one who commits."""

    def commits(call: ast.Call) -> bool:
        return isinstance(call.func, ast.Attribute) and call.func.attr == "commit"

    return _calls(source, commits, "only vending_api/kit commits; flush, or return and let it")


def no_print(source: str) -> list[Finding]:
    """Find calls of `print`; commands write to their console, services log."""

    def prints(call: ast.Call) -> bool:
        return isinstance(call.func, ast.Name) and call.func.id == "print"

    return _calls(source, prints, "no print; use the command's console or the log")


def _calls(source: str, is_meant: Callable[[ast.Call], bool], problem: str) -> list[Finding]:
    return [
        Finding(node.lineno, problem)
        for node in nodes_of(source)
        if isinstance(node, ast.Call) and is_meant(node)
    ]
