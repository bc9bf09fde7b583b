"""What fuzzing has kept is read again, as every change must read it; needs no Atheris."""

from __future__ import annotations

import importlib
import random
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest

from tests.fuzz.mutated_json import mutator

if TYPE_CHECKING:
    from types import ModuleType

_CORPUS: Final = Path(__file__).with_name("corpus")
TARGETS: Final = ("tokens", "vector_files", "key_files", "sealed_key_files", "webhooks", "electrum")


def _target(name: str) -> ModuleType:
    return importlib.import_module(f"tests.fuzz.{name}")


def _kept(name: str) -> list[bytes]:
    return [path.read_bytes() for path in sorted((_CORPUS / name).iterdir())]


def test_every_target_has_a_corpus_and_every_corpus_a_target() -> None:
    assert sorted(path.name for path in _CORPUS.iterdir()) == sorted(TARGETS)
    assert all(_kept(name) for name in TARGETS)


@pytest.mark.parametrize("name", TARGETS)
def test_what_was_kept_is_read_or_refused_as_documented(name: str) -> None:
    with _target(name).opened() as read:
        for data in [b"", *_kept(name)]:
            read(data)


@pytest.mark.parametrize("name", [one for one in TARGETS if hasattr(_target(one), "BEFORE_JSON")])
def test_json_is_changed_in_the_same_way_for_the_same_seed(name: str) -> None:
    target = _target(name)
    change = mutator(target.WORDS, kept=target.BEFORE_JSON)
    inputs = random.Random(1).choices(_kept(name), k=50)  # noqa: S311 (the same each time)
    made = [change(data, 4096, seed) for seed, data in enumerate(inputs)]
    assert made == [change(data, 4096, seed) for seed, data in enumerate(inputs)]
    assert made != inputs
    assert all(len(one) <= 4096 for one in made)
    assert all(len(change(data, 10, 7)) <= 10 for data in inputs)
