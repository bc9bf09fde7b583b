"""The dashboard shows what the service measures: all of it, and nothing else."""

from __future__ import annotations

import json
import re
from typing import Any, Final

import pytest

from sts.security_module import InProcessSecurityModule
from sts.tokens.codec import TokenCodec
from tests.house_rules.tree import ROOT
from tests.support.metrics import samples
from tests.support.service import NOON
from vending_api.domain.payments.types import Backlog, OrderState
from vending_api.domain.watching.types import AlertKind
from vending_api.monitoring.metrics import Metrics, Read
from vending_api.sandbox.example_keys import example_keys
from vending_api.surfaces.electrum.operations import OPERATIONS

DASHBOARD: Final[dict[str, Any]] = json.loads(
    (ROOT / ".github/grafana/vending.json").read_text(encoding="utf-8")
)
PANELS: Final = DASHBOARD["panels"]
_SERIES: Final = re.compile(r"\b((?:vending|process)_[a-z_]+)\{([^}]*)\}")
_SUFFIXES: Final = re.compile(r"_(?:bucket|count|sum|total)$")


def _expressions() -> list[str]:
    return [target["expr"] for panel in PANELS for target in panel["targets"]]


def _labels_by_name() -> dict[str, set[str]]:
    """Return the labels of every series that the service can show."""
    metrics = Metrics(InProcessSecurityModule(example_keys(), TokenCodec()).facts(), process="1")
    metrics.answered("createMeterLookup", 201, 0.1)
    metrics.payments.called("verify", "answered", 0.1)
    backlog = Backlog(
        oldest_unvended_at=None,
        orders={OrderState.PAID: 0},
        open_cases=0,
        events_for_review=0,
        notifications_waiting=0,
        notifications_given_up=0,
    )
    alerts = dict.fromkeys(AlertKind, 0)
    read = Read(at=NOON, waiting=0, credit_minor={"shop": 1}, backlog=backlog, alerts=alerts)
    text = metrics.exposed(read).decode()
    shown = {sample.name: set(sample.labels) for sample in samples(text)}
    # What no sale was made for yet is announced, without a value.
    announced = re.findall("# TYPE ([a-z_]+) gauge", text)
    return {name: {"process"} for name in announced} | shown


def test_every_metric_on_the_dashboard_exists_with_its_labels() -> None:
    existing = _labels_by_name()
    for expression in _expressions():
        found = _SERIES.findall(expression)
        assert found, expression
        for name, selectors in found:
            assert name in existing, name
            selected = set(re.findall(r"(\w+)=", selectors))
            assert selected - {"job"} <= existing[name]
        grouped = {
            label
            for group in re.findall(r"by \(([^)]*)\)", expression)
            for label in group.split(", ")
        }
        known = set.union(*(existing[name] for name, _ in found))
        assert grouped - {"instance"} <= known, expression


def test_every_metric_of_ours_is_on_the_dashboard() -> None:
    shown = {
        _SUFFIXES.sub("", name) for text in _expressions() for name, _ in _SERIES.findall(text)
    }
    existing = {
        _SUFFIXES.sub("", name) for name in _labels_by_name() if name.startswith("vending_")
    }
    assert existing <= shown


def test_operations_that_the_dashboard_picks_are_offered() -> None:
    picked = {
        name
        for text in _expressions()
        for names in re.findall(r'operation=~"([^"]*)"', text)
        for name in names.split("|")
    }
    assert picked
    assert picked <= {operation.operation_id for operation in OPERATIONS}


@pytest.mark.parametrize("panel", PANELS, ids=lambda panel: panel["title"])
def test_a_panel_says_what_it_shows_and_has_a_place_of_its_own(panel: dict[str, Any]) -> None:
    assert panel["description"].endswith(".")
    assert [one["gridPos"] for one in PANELS].count(panel["gridPos"]) == 1
    assert [one["id"] for one in PANELS].count(panel["id"]) == 1
