"""What no file holds: keys and passwords that open something."""

from __future__ import annotations

import ast
import re
from typing import Final

from tests.house_rules.findings import Finding
from tests.house_rules.tree import nodes_of

_OURS: Final = (
    # A hexadecimal number as long as a vending key, in the value of something that is called one.
    re.compile(
        r"(?i)\b\w*(?:key|secret|passw(?:or)?d|passphrase|share)\w*\b[\"']?"
        r"(?:\s*:\s*[\w.\[\] |]+?)?\s*[:=]\s*(?:\w+\.?\w*\()*[bf]?[\"']?"
        r"(?P<secret>(?:[0-9a-f]{2}[ ]?){7,}[0-9a-f]{2})\b"
    ),
)
# Each after what every match holds: a text without it, as most are, need not be searched.
_OTHERS: Final = (
    ("-----BEGIN ", re.compile(r"(?P<secret>-----BEGIN [A-Z ]*PRIVATE KEY-----)")),
    ("sk_live_", re.compile(r"\b(?P<secret>sk_live_[0-9A-Za-z]{6,})")),  # Paystack
    ("sk_test_", re.compile(r"\b(?P<secret>sk_test_[0-9a-f]{32,})")),
    ("AKIA", re.compile(r"\b(?P<secret>AKIA[0-9A-Z]{16})\b")),  # AWS
    ("ASIA", re.compile(r"\b(?P<secret>ASIA[0-9A-Z]{16})\b")),
    ("gh", re.compile(r"\b(?P<secret>gh[pousr]_[0-9A-Za-z]{20,})")),  # GitHub
    ("xox", re.compile(r"\b(?P<secret>xox[abprs]-[0-9A-Za-z-]{10,})")),  # Slack
    ("eyJ", re.compile(r"\b(?P<secret>eyJ[\w-]{10,}\.eyJ[\w-]{10,}\.)")),  # JSON web tokens
    ("AIza", re.compile(r"\b(?P<secret>AIza[\w-]{35})")),  # Google
    # A password in an address. Words in capitals and {braces} stand for one; hunter2 is nobody's.
    (
        "://",
        re.compile(
            r"\b[a-z][a-z0-9+]*://[^\s/:@\"'{}]+:(?P<secret>(?![A-Z_]+@|hunter2@)[^\s/:@\"'{}]+)@"
        ),
    ),
)


def no_secret(text: str) -> list[Finding]:
    """Find what looks like a key or a password; the finding shows its first digits only."""
    patterns = [*_OURS, *(pattern for part, pattern in _OTHERS if part in text)]
    return [
        Finding(
            number, f"{match['secret'][:4]}...: it looks like a secret; keep it out, or say why"
        )
        for number, line in enumerate(text.splitlines(), start=1)
        for pattern in patterns
        for match in pattern.finditer(line)
    ]


_SECRET_NAME: Final = re.compile(
    r"(^|_)(password|secret|code|digest|hash|passphrase|typed|sealed)s?(_|$)"
)


def no_equality_of_secrets(source: str) -> list[Finding]:
    """Find secrets and digests that are compared with == or !=, which stop at the first difference.

    What SQL compares (`TABLE.c.digest == ...`) is looked up in an index, and passes.
    """
    return [
        Finding(node.lineno, "a secret is compared; use hmac.compare_digest, or look up its digest")
        for node in nodes_of(source)
        if isinstance(node, ast.Compare)
        and any(isinstance(one, ast.Eq | ast.NotEq) for one in node.ops)
        and any(map(_is_secret, (node.left, *node.comparators)))
        and not any(map(_is_column, (node.left, *node.comparators)))
    ]


def _is_secret(side: ast.expr) -> bool:
    """Tell whether one side of a comparison is called like a secret, or made by what is."""
    if isinstance(side, ast.Call):
        return _is_secret(side.func) or any(map(_is_secret, side.args))
    name = side.attr if isinstance(side, ast.Attribute) else getattr(side, "id", "")
    is_of_secret = isinstance(side, ast.Attribute) and _is_secret(side.value)
    return is_of_secret or bool(_SECRET_NAME.search(name))


def _is_column(side: ast.expr) -> bool:
    owner = getattr(side, "value", None)
    return isinstance(owner, ast.Attribute) and owner.attr == "c"
