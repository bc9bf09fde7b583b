"""Long columns are made by kernels once these are loaded, and always the same."""

from __future__ import annotations

import time
from contextlib import closing
from typing import TYPE_CHECKING
from unittest.mock import patch

import pytest
from structlog.testing import capture_logs

from sts.batch import BatchSecurityModule
from sts.errors import BatchExtraMissing, VendingKeyNotFound
from sts.key_data import TariffIndex
from sts.keys.sta_tables import SAMPLE_TABLES
from sts.security_module import KeyChangeRequest
from tests.custody.conftest import HERE, serving
from tests.custody.test_elsewhere import EA11, METER, NO_KEY
from vending_api.custody import kernels
from vending_api.custody.client import SecurityModuleElsewhere
from vending_api.custody.kernels import LONG, SecurityModuleWithKernels
from vending_api.sandbox.example_keys import example_keys

if TYPE_CHECKING:
    from pathlib import Path


def change(number: int) -> KeyChangeRequest:
    meter = (METER, EA11, NO_KEY)[number % 3]
    group, revision = meter.supply_group_code, meter.key_revision_number
    return KeyChangeRequest(meter, group, revision, TariffIndex(f"{number % 100:02}"))


COLUMN = [change(number) for number in range(LONG)]
SAME = HERE.change_key(COLUMN)


@pytest.fixture
def module() -> SecurityModuleWithKernels:
    return SecurityModuleWithKernels(example_keys(), SAMPLE_TABLES)


def told(outcomes: object) -> str:
    return repr(outcomes)  # of an error its kind and text, of a set its digits


def _wait_for_kernels(module: SecurityModuleWithKernels) -> None:
    while module._kernels is None:
        time.sleep(0.01)


def test_long_columns_are_made_by_kernels_once_the_first_has_come(
    module: SecurityModuleWithKernels,
) -> None:
    with patch.object(BatchSecurityModule, "change_key_of", autospec=True) as by_kernels:
        by_kernels.return_value = SAME
        assert told(module.change_key(COLUMN)) == told(SAME)  # as they are made meanwhile
        _wait_for_kernels(module)
        assert not by_kernels.called
        assert module.change_key(COLUMN) is SAME
        assert by_kernels.call_count == 1
        assert told(module.change_key(COLUMN[:-1])) == told(SAME[:-1])
        assert by_kernels.call_count == 1


def test_short_columns_have_nothing_loaded(module: SecurityModuleWithKernels) -> None:
    with patch.object(SecurityModuleWithKernels, "_try_to_load") as loads:
        assert told(module.change_key(COLUMN[1:])) == told(SAME[1:])
        assert not loads.called
        for _ in range(2):
            assert told(module.change_key(COLUMN)) == told(SAME)
        assert loads.call_count == 1


def test_what_kernels_make_is_what_is_made_without_them(
    path: Path, module: SecurityModuleWithKernels
) -> None:
    assert {type(one) for one in SAME} == {tuple, VendingKeyNotFound}
    with (
        serving(path, module=module),
        closing(SecurityModuleElsewhere(path)) as elsewhere,
    ):
        assert told(elsewhere.change_key(COLUMN)) == told(SAME)
        _wait_for_kernels(module)
        assert told(elsewhere.change_key(COLUMN)) == told(SAME)


def test_without_their_libraries_all_goes_on_and_the_log_says_what_would_help(
    module: SecurityModuleWithKernels,
) -> None:
    missing = BatchExtraMissing("numba")
    with capture_logs() as logged, patch.object(kernels, "import_module", side_effect=missing):
        assert told(module.change_key(COLUMN)) == told(SAME)
        while not logged:
            time.sleep(0.01)
        assert told(module.change_key(COLUMN)) == told(SAME)
    assert [line["event"] for line in logged] == ["kernels_missing"]
    assert "pip install 'sts-vending[batch]'" in logged[0]["mend"]
