"""The import directions in pyproject.toml hold, and each of them notices when it is broken."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tomllib
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.house_rules.tree import ROOT

PACKAGES = ("sts", "tariffs", "vending_api")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
CONTRACTS = [contract["name"] for contract in PROJECT["tool"]["importlinter"]["contracts"]]


@dataclass(frozen=True)
class Planted:
    """An import that a contract forbids, as a new file in a copy of the project."""

    contract: str
    file: str
    source: str

    @property
    def report(self) -> str:
        """What its contract says of it and of nothing else that is planted."""
        module = self.file.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
        if not self.source:
            return f"not listed as layers: - {module} "
        if self.contract == "No cycles":  # only one of its imports is named
            return f"No cycles are allowed in {module.partition('.')[0]}. "
        return f"- {module} -> {self.source.split()[1]} ("


PLANTED = [
    Planted(
        "main, worker -> surfaces, gateways -> domain -> kit -> sts, tariffs",
        "vending_api/kit/planted.py",
        "import vending_api.domain.meters.types",
    ),
    Planted(
        "main, worker -> surfaces, gateways -> domain -> kit -> sts, tariffs",
        "tariffs/planted.py",
        "import sts.units",
    ),
    Planted(
        "main, worker -> surfaces, gateways -> domain -> kit -> sts, tariffs",
        "vending_api/surfaces/electrum/planted.py",
        "import vending_api.monitoring.metrics",
    ),
    Planted(
        "main, worker -> surfaces, gateways -> domain -> kit -> sts, tariffs",
        "vending_api/surfaces/paystack/planted.py",
        "import vending_api.gateways",
    ),
    Planted(
        "main, worker -> surfaces, gateways -> domain -> kit -> sts, tariffs",
        "vending_api/domain/payments/planted.py",
        "import vending_api.gateways",
    ),
    Planted(
        "Every module of the service has its place in the order",
        "vending_api/planted.py",
        "",
    ),
    Planted(
        "Surfaces do not know one another",
        "vending_api/surfaces/planted/__init__.py",
        "import vending_api.surfaces.electrum.routes",
    ),
    Planted(
        "Surfaces, gateways and monitoring reach the database only through services",
        "vending_api/surfaces/electrum/planted.py",
        "import vending_api.domain.sales.repository",
    ),
    Planted(
        "Surfaces, gateways and monitoring reach the database only through services",
        "vending_api/surfaces/electrum/planted.py",
        "import sqlalchemy",
    ),
    Planted(
        "Surfaces, gateways and monitoring reach the database only through services",
        "vending_api/monitoring/planted.py",
        "import vending_api.domain.credit.repository",
    ),
    Planted(
        "Surfaces, gateways and monitoring reach the database only through services",
        "vending_api/gateways/planted.py",
        "import vending_api.domain.payments.tables",
    ),
    Planted(
        "Features build on one another in this order",
        "vending_api/domain/meters/planted.py",
        "import vending_api.domain.sales.types",
    ),
    Planted(
        "Features build on one another in this order",
        "vending_api/domain/planted/__init__.py",
        "",
    ),
    Planted(
        "Within a feature: service -> repository -> tables -> errors, types",
        "vending_api/domain/sales/types.py",
        "import vending_api.domain.sales.service",
    ),
    Planted(
        "Raw ciphers stay behind keys and tokens",
        "sts/planted.py",
        "import sts.hazmat.des",
    ),
    Planted(
        "Raw ciphers stay behind keys and tokens",
        "vending_api/domain/issuing/planted.py",
        "import sts.hazmat.sta",
    ),
    Planted(
        "Compiled ciphers stay behind the functions over columns",
        "sts/cli/planted.py",
        "import sts.batch.kernels.sta",
    ),
    Planted(
        "The engine runs without the extra that columns need",
        "sts/tokens/planted.py",
        "import sts.batch",
    ),
    Planted("Only columns know NumPy, Numba and Arrow", "sts/planted.py", "import numpy"),
    Planted(
        "Only the module in hardware knows Thrift",
        "vending_api/custody/planted.py",
        "import thriftpy2",
    ),
    Planted("The engine and the tariffs know no framework", "sts/planted.py", "import pydantic"),
    Planted(
        "The engine and the tariffs know no framework", "tariffs/planted.py", "import sqlmodel"
    ),
    Planted(
        "The domain knows no HTTP",
        "vending_api/domain/sales/planted.py",
        "from fastapi import Request",
    ),
    Planted("Nobody imports an edge", "vending_api/sandbox/planted.py", "import sts.cli"),
    Planted("No cycles", "tariffs/planted_one.py", "import tariffs.planted_two"),
    Planted("No cycles", "tariffs/planted_two.py", "import tariffs.planted_one"),
]


def _lint(folder: Path) -> subprocess.CompletedProcess[str]:
    """Run `lint-imports`, the script that stands beside the Python in use."""
    return subprocess.run(
        [Path(sys.executable).with_name("lint-imports"), "--no-cache", "--no-logo"],
        cwd=folder,
        check=False,
        capture_output=True,
        text=True,
    )


@pytest.fixture(scope="module")
def reported(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Give what each contract reports of a copy of the project in which everything is planted."""
    copy = tmp_path_factory.mktemp("planted")
    for package in PACKAGES:
        shutil.copytree(ROOT / package, copy / package)
    shutil.copy(ROOT / "pyproject.toml", copy)
    for planted in PLANTED:
        path = copy / planted.file
        path.parent.mkdir(exist_ok=True)
        with path.open("a", encoding="utf-8") as file:
            file.write(f"\n{planted.source}\n")
    run = _lint(copy)
    assert run.returncode == 1
    parts = re.split(r"^(.+)\n-{3,}\n", run.stdout, flags=re.MULTILINE)
    return {
        name: " ".join(part.split()) for name, part in zip(parts[1::2], parts[2::2], strict=True)
    }


def test_all_contracts_are_kept() -> None:
    run = _lint(ROOT)
    assert run.returncode == 0, run.stdout + run.stderr
    assert f"Contracts: {len(CONTRACTS)} kept, 0 broken." in run.stdout


@pytest.mark.parametrize(
    "planted", PLANTED, ids=lambda planted: f"{planted.file}: {planted.source}"
)
def test_a_forbidden_import_is_reported(planted: Planted, reported: dict[str, str]) -> None:
    assert planted.report in reported[planted.contract]


def test_every_contract_has_been_seen_to_break() -> None:
    assert {planted.contract for planted in PLANTED} == set(CONTRACTS)
