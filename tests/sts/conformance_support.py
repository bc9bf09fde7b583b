"""Vectors to break in tests: one of each kind, out of the repository's files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from sts.conformance import Conformance, Outcome, Verdict

Fields = dict[str, Any]

VECTORS = Path(__file__).parents[1] / "vectors"
FILES = sorted(VECTORS.glob("*.jsonl"))


def load(name: str) -> list[Fields]:
    return [json.loads(line) for line in (VECTORS / name).read_text().splitlines()]


def every_vector() -> list[Fields]:
    return [vector for path in FILES for vector in load(path.name)]


def find(**wanted: object) -> Fields:
    """Return the first vector with these fields; `ea`, `dkga` and so on."""
    return next(v for v in every_vector() if all(v.get(k) == w for k, w in wanted.items()))


def one_of_each_kind() -> list[Fields]:
    kinds: dict[object, Fields] = {}
    for vector in every_vector():
        if vector["expect"] == "token":
            kind = (vector["class"], vector["subclass"], vector.get("ea"), vector.get("dkga"))
            kinds.setdefault(kind, vector)
    return list(kinds.values())


def name_of(value: object) -> str:
    return str(value["id"]) if isinstance(value, dict) and "id" in value else repr(value)[:40]


def check(fields: object) -> Outcome:
    return Conformance().check(json.dumps(fields).encode(), "vectors.jsonl:1")


def failed_fields(fields: object) -> list[str]:
    outcome = check(fields)
    assert (outcome.verdict is Verdict.FAILED) == bool(outcome.failures)
    return [failure.field for failure in outcome.failures]


KINDS = one_of_each_kind()
CREDIT = find(subclass=0, ea="07", dkga="02", expect="token")
CREDIT_04 = find(subclass=0, ea="11", expect="token", source=load("ea11_random.jsonl")[0]["source"])
CURRENCY = find(currency_amount="1")
METER_TEST = find(manufacturer_code="99")
POWER_LIMIT = find(subclass=0, **{"class": 2}, ea="07")
PHASE = find(subclass=6, ea="11")
SECTION_1 = find(subclass=3, ea="11", dkga="04", ro=1)
SECTION_2 = find(subclass=4, ea="07", dkga="02")
SECTION_3 = find(subclass=8)
EXPIRED = next(v for v in load("reject.jsonl") if v["reject"]["kind"] == "key_expired")
