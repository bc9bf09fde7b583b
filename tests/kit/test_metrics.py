"""Gauges whose values are replaced at once, and a label that tells processes apart."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter
from prometheus_client.exposition import generate_latest

from vending_api.kit.metrics import Labelled, Readings


def _lines(registry: CollectorRegistry | Labelled) -> list[str]:
    text = generate_latest(registry).decode()
    return [line for line in text.splitlines() if not line.startswith("#")]


def test_new_values_replace_all_that_were_there() -> None:
    registry = CollectorRegistry()
    days = Readings(registry, "days", "Days left.", ("shop",))
    assert _lines(registry) == []
    days.replace({("a",): 1, ("b",): 2})
    assert _lines(registry) == ['days{shop="a"} 1.0', 'days{shop="b"} 2.0']
    days.replace({("b",): 3})
    assert _lines(registry) == ['days{shop="b"} 3.0']


def test_every_metric_gets_the_label_and_keeps_its_own() -> None:
    registry = CollectorRegistry()
    seen = Counter("seen", "Seen.", ("kind",), registry=registry)
    seen.labels('a "b"').inc()
    Readings(registry, "left", "Left.").replace({(): 7})
    labelled = Labelled(registry, "process", "12")
    for _ in range(2):  # asking changes nothing
        lines = [line for line in _lines(labelled) if "_created" not in line]
        assert lines == ['seen_total{kind="a \\"b\\"",process="12"} 1.0', 'left{process="12"} 7.0']
    assert "left 7.0" in _lines(registry)
