"""A busy machine fails no property, and CI repeats itself."""

from __future__ import annotations

import os

from hypothesis import settings


def test_no_property_has_a_deadline() -> None:
    assert settings.default is not None
    assert settings.default.deadline is None


def test_only_ci_is_derandomised() -> None:
    assert settings.default is not None
    assert settings.default.derandomize == bool(os.environ.get("CI"))
