"""`.env.template` names every setting of the service, each with a comment, and no other."""

from __future__ import annotations

import re
from itertools import pairwise
from typing import Final

from tests.house_rules.tree import ROOT
from vending_api.settings import PREFIX, Settings

LINES: Final = (ROOT / ".env.template").read_text(encoding="utf-8").splitlines()
VARIABLE: Final = re.compile(r"(?:# )?([A-Z_]+)=")
SET_BY_THE_COMMAND: Final = {"demo"}


def test_the_template_names_every_setting() -> None:
    named = {match[1] for line in LINES if (match := VARIABLE.match(line))}
    assert named == {
        PREFIX + name.upper() for name in Settings.model_fields.keys() - SET_BY_THE_COMMAND
    }


def test_each_setting_has_a_comment() -> None:
    for before, line in pairwise(LINES):
        if VARIABLE.match(line):
            assert before.startswith("# ")
            assert before.endswith(".")
