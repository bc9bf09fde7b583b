"""Every error of the service has its answer on every surface, as the golden file shows.

Reviewers read `errors_golden.json`: code by code, what each surface says.
"""

from __future__ import annotations

import json
import pkgutil
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest

import vending_api
from vending_api.kit.errors import DomainError
from vending_api.surfaces.electrum.errors import ANSWERS

if TYPE_CHECKING:
    from collections.abc import Iterator

GOLDEN: Final = Path(__file__).with_name("errors_golden.json")


def _error_modules() -> Iterator[str]:
    for module in pkgutil.walk_packages(vending_api.__path__, "vending_api."):
        if module.name.endswith(".errors"):
            yield module.name


def _subclasses(kind: type[DomainError]) -> Iterator[type[DomainError]]:
    for subclass in kind.__subclasses__():
        yield from _subclasses(subclass)
        if subclass.__module__.startswith("vending_api.") and hasattr(subclass, "code"):
            yield subclass


for _name in _error_modules():
    import_module(_name)
ERRORS: Final = sorted(_subclasses(DomainError), key=lambda error: error.code)


def _electrum(code: str) -> str:
    answer = ANSWERS[code]
    insisted = answer.status_if_insisted
    status = answer.status if insisted is None else f"{answer.status} (retry, advice: {insisted})"
    return f"{status} {answer.error_type}: {answer.message}"


SURFACES: Final = {"electrum": _electrum}


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: error.code)
def test_every_error_is_answered_as_the_golden_file_says(error: type[DomainError]) -> None:
    golden = json.loads(GOLDEN.read_text(encoding="utf-8"))
    answers = {surface: told(error.code) for surface, told in SURFACES.items()}
    assert golden[error.code] == {"fault": error.fault.name, **answers}


def test_no_answer_is_kept_for_an_error_that_is_gone() -> None:
    codes = [error.code for error in ERRORS]
    golden = json.loads(GOLDEN.read_text(encoding="utf-8"))
    assert list(golden) == codes == sorted(ANSWERS)


def test_no_two_errors_share_a_code() -> None:
    codes = [error.code for error in ERRORS]
    assert len(codes) == len(set(codes))
