"""Reads what the service shows to monitoring systems."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from prometheus_client.parser import text_string_to_metric_families

from tests.support.http import get

if TYPE_CHECKING:
    import httpx2
    from prometheus_client.samples import Sample


def root_of(address: str) -> str:
    """Return the address of the service, given that of one of its interfaces."""
    parts = urlsplit(address)
    return f"{parts.scheme}://{parts.netloc}"


def ask(address: str, path: str, *, seconds: int = 30) -> httpx2.Response:
    """Return what the service answers at a path of its own."""
    return get(f"{root_of(address)}{path}", seconds=seconds)


def scrape(address: str) -> list[Sample]:
    """Return every sample that the service shows."""
    answer = ask(address, "/metrics")
    assert answer.status_code == 200, answer.text
    return samples(answer.text)


def samples(text: str) -> list[Sample]:
    """Return the samples in a text of metrics."""
    return [sample for family in text_string_to_metric_families(text) for sample in family.samples]


def value(found: list[Sample], name: str, **labels: str) -> float | None:
    """Return the value of the one sample with these labels, or None."""
    values = [
        sample.value
        for sample in found
        if sample.name == name and labels.items() <= sample.labels.items()
    ]
    assert len(values) <= 1, values
    return values[0] if values else None
