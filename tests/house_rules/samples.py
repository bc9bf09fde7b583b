"""How the samples of a rule are written: short sources, each with the lines that are found."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.house_rules.findings import Rule


def lines_found(rule: Rule, source: str) -> list[int]:
    """Return the lines, in order, on which the rule finds something."""
    return sorted(finding.line for finding in rule(source))
