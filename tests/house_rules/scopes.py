"""Which rule holds where, and every exception with its reason."""

from __future__ import annotations

from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Final

from tests.house_rules import effect_rules, number_rules, secret_rules, shape_rules, text_rules
from tests.house_rules.tree import ROOT, text_files

if TYPE_CHECKING:
    from tests.house_rules.findings import Finding, Rule

_PACKAGES: Final = ("sts/*.py", "tariffs/*.py", "vending_api/*.py")
EDGES: Final = {
    "sts/cli/*": "the `sts` command works here and now, for whoever types it",
    "vending_api/main.py": "wires the service, and hands the clock to everything below",
    "vending_api/vending.py": "hands clock and chance to the memory of credentials",
    "vending_api/database.py": "gives the vault its chance",
    "vending_api/outside.py": "hands them to what is called",
    "vending_api/teller.py": "is a process of its own, likewise",
    "vending_api/looking.py": "likewise; it measures how long it has to rest",
    "vending_api/security_module.py": "likewise; it counts by the day",
    "vending_api/custody/client.py": "waits for that process to begin",
    "vending_api/custody/prism/link.py": "names each message by chance, and waits for answers",
    "vending_api/beside.py": "tells processes of the service where that one is asked",
    "vending_api/kit/environment.py": "takes secrets out of the environment",
    "vending_api/kit/far_process.py": "starts that process, and tells it the number of its socket",
    "vending_api/cli/*": "the `vending` command, likewise",
}
"""Who may read the clock, draw random numbers and see the environment; `*` crosses folders."""
PUBLISHED: Final = {
    "keys.example": "keys that everybody has, and that the service refuses outside a demo",
    "tests/vectors/*.jsonl": "vectors name the key that they were made with",
    "tests/sts/cli_support.py": "keys of keys.example",
    "tests/kit/test_signatures.py": "a key of RFC 8032, which shows what it signs",
    "tests/sts/test_codec.py": "the decoder key of a meter of STS 531",
    "tests/sts/test_key_file.py": "made up, so as to be looked for in errors",
    "tests/sts/test_misty1.py": "the key of RFC 2994",
    "tests/support/sealed_keys.py": "made up: a file is sealed with it that opens nothing",
    "tests/support/sts_meter.py": "the next decoder key of that meter",
    "tests/support/sts_tokens.py": "the decoder key of the worked example of IEC 62055-41",
    "tests/cli/test_import_*.py": "the made-up key of sealed_keys.py",
    "tests/leaks/test_leaks.py": "likewise, planted so as to be found",
}
"""Where something looks like a secret and opens nothing."""


@dataclass(frozen=True)
class Scope:
    """A rule and the files it holds for: those of `within`, less those of `excused`."""

    rule: Rule
    within: tuple[str, ...]
    excused: dict[str, str] = field(default_factory=dict)

    def holds_for(self, path: str) -> bool:
        """Tell whether the rule applies to a file."""
        return _matches(path, self.within) and not _matches(path, tuple(self.excused))


SCOPES: Final = (
    Scope(
        number_rules.no_float,
        ("sts/*.py", "tariffs/*.py", "vending_api/domain/*/tables.py"),
    ),
    Scope(effect_rules.no_clock_chance_or_environment, _PACKAGES, EDGES),
    Scope(effect_rules.no_commit, _PACKAGES, {"vending_api/kit/*": "the committer is there"}),
    Scope(effect_rules.no_print, _PACKAGES),
    Scope(shape_rules.short_functions, ("*.py",)),
    Scope(shape_rules.short_file, ("*.py",)),
    Scope(
        shape_rules.documented,
        _PACKAGES,
        {"vending_api/migrations/versions/*": "upgrade and downgrade are alembic's words"},
    ),
    Scope(text_rules.no_machine_path, ("*",)),
    Scope(text_rules.no_registry_address, ("*",)),
    Scope(text_rules.no_workshop_talk, ("*",)),
    Scope(secret_rules.no_secret, ("*",), PUBLISHED),
    Scope(
        secret_rules.no_equality_of_secrets,
        (
            *("vending_api/kit/credentials.py", "vending_api/kit/second_factor.py"),
            *("vending_api/domain/operators/*.py", "vending_api/domain/approvals/*.py"),
            *("vending_api/domain/actions/*.py", "vending_api/cli/login.py"),
            *("vending_api/cli/admission.py", "vending_api/cli/importing/proposed.py"),
        ),
    ),
    Scope(text_rules.names_its_source, ("tests/vectors/*.jsonl", "tests/vectors/*.txt")),
)


def broken(scope: Scope) -> list[str]:
    """Return every finding of a scope's rule in the tree, as `path:line: problem`."""
    return [
        f"{path}:{finding.line}: {finding.problem}"
        for path in text_files()
        if scope.holds_for(path)
        for finding in _findings(scope.rule, path)
    ]


def idle_excuses(scope: Scope) -> list[str]:
    """Return the exceptions of a scope that no file needs."""
    return [
        excuse
        for excuse in scope.excused
        if not any(
            _findings(scope.rule, path)
            for path in text_files()
            if _matches(path, (excuse,)) and _matches(path, scope.within)
        )
    ]


def _findings(rule: Rule, path: str) -> list[Finding]:
    return rule((ROOT / path).read_text(encoding="utf-8"))


def _matches(path: str, patterns: tuple[str, ...]) -> bool:
    return any(fnmatchcase(path, pattern) for pattern in patterns)
