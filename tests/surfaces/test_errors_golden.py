"""Every error of the service has its answer on every surface that may meet it.

Reviewers read `errors_golden.json`: code by code, what each surface says. A dash stands where a
surface asks for nothing of the room that an error is of.
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
from vending_api.surfaces.crestflow.errors import ANSWERS as CRESTFLOW_ANSWERS
from vending_api.surfaces.electrum.errors import ANSWERS

if TYPE_CHECKING:
    from collections.abc import Iterator

ONLINE_ROOMS: Final = frozenset({"consumers", "estates", "payments", "readings"})
"""What no point of sale asks for anything of."""
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


def _is_online(error: type[DomainError]) -> bool:
    package, room, feature, _ = f"{error.__module__}....".split(".", maxsplit=3)
    return (package, room) == ("vending_api", "domain") and feature in ONLINE_ROOMS


def _electrum(error: type[DomainError]) -> str:
    if _is_online(error):
        return "-"
    answer = ANSWERS[error.code]
    insisted = answer.status_if_insisted
    status = answer.status if insisted is None else f"{answer.status} (retry, advice: {insisted})"
    return f"{status} {answer.error_type}: {answer.message}"


def _crestflow(error: type[DomainError]) -> str:
    answer = CRESTFLOW_ANSWERS[error.code]
    field = f" {answer.field}" if answer.field else ""
    return f"{answer.status}{field}: {' / '.join(filter(None, (answer.message, answer.if_above)))}"


SURFACES: Final = {"electrum": _electrum, "crestflow": _crestflow}


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: error.code)
def test_every_error_is_answered_as_the_golden_file_says(error: type[DomainError]) -> None:
    golden = json.loads(GOLDEN.read_text(encoding="utf-8"))
    answers = {surface: told(error) for surface, told in SURFACES.items()}
    assert golden[error.code] == {"fault": error.fault.name, **answers}


def test_no_answer_is_kept_for_an_error_that_is_gone() -> None:
    golden = json.loads(GOLDEN.read_text(encoding="utf-8"))
    assert list(golden) == [error.code for error in ERRORS]
    assert sorted(ANSWERS) == [error.code for error in ERRORS if not _is_online(error)]
    assert sorted(CRESTFLOW_ANSWERS) == [error.code for error in ERRORS]


def test_no_two_errors_share_a_code() -> None:
    codes = [error.code for error in ERRORS]
    assert len(codes) == len(set(codes))
