"""Metrics, as Prometheus reads them: what the client library lacks, and no metric of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from prometheus_client import CollectorRegistry, Metric

BUCKETS_SECONDS = (
    *(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05),
    *(0.1, 0.25, 0.5, 1.0, 2.5, 10.0),
)
"""Upper bounds for how long something took, from quick to given up."""


class Readings(Collector):
    """A gauge of which all values are replaced at once, so that none outlives what it is about."""

    def __init__(
        self, registry: CollectorRegistry, name: str, documentation: str, labels: Sequence[str] = ()
    ) -> None:
        self._name = name
        self._documentation = documentation
        self._labels = tuple(labels)
        self._values: Mapping[tuple[str, ...], float] = {}
        registry.register(self)

    def replace(self, values: Mapping[tuple[str, ...], float]) -> None:
        """Let these be the values, by the texts of their labels."""
        self._values = values

    def collect(self) -> Iterable[Metric]:
        """Return the values that were read last."""
        family = GaugeMetricFamily(self._name, self._documentation, labels=self._labels)
        for texts, value in self._values.items():
            family.add_metric(texts, value)
        return [family]


class Labelled(Collector):
    """All metrics of a registry, each with one label more: which process they are of."""

    def __init__(self, registry: CollectorRegistry, label: str, text: str) -> None:
        self._registry = registry
        self._labels = {label: text}

    def collect(self) -> Iterable[Metric]:
        """Return the metrics with the label; the registry's own stay as they are."""
        for metric in self._registry.collect():
            metric.samples = [
                sample._replace(labels={**sample.labels, **self._labels})
                for sample in metric.samples
            ]
            yield metric
