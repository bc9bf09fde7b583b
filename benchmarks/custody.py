"""What it costs that the keys have a process of their own: a token there, and the same one here.

    python benchmarks/custody.py [--tokens N] [--json]

A security module is started as `vending serve` starts it, and asked for groups of credit tokens, as
the sales of one transaction are. The same groups are asked of a module in this process, in turn,
so that the difference is what the socket and the other process cost. Clock time, medians.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import time
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Final

from rich.console import Console
from rich.table import Table

sys.path.insert(0, str(Path(__file__).parents[1]))  # runs without being installed

from sts.security_module import InProcessSecurityModule, IssueRequest
from sts.token_identifier import TokenIdentifier
from sts.tokens.codec import TokenCodec
from sts.tokens.credit import Resource, TransferCredit
from sts.units import TransferAmount
from vending_api.custody.client import SecurityModuleElsewhere
from vending_api.custody.start import ModuleProcess
from vending_api.kit.garbage import LOADING
from vending_api.sandbox.demo_data import demo_meter_configuration
from vending_api.sandbox.example_keys import example_keys

if TYPE_CHECKING:
    from sts.security_module import SecurityModule

_MODULE: Final = f"{LOADING}from vending_api.security_module import main; main()"
_SIZES: Final = (1, 16, 32, 64)
_METERS: Final = 8


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--tokens", type=int, default=6_400, help="tokens of each size of group")
    parser.add_argument("--json", action="store_true", help="print a line of JSON as well")
    options = parser.parse_args()
    os.environ["VENDING_DEMO"] = "true"  # the example keys
    module = ModuleProcess(_MODULE, "", may_ask=False)
    module.wait_until_begun()
    here = InProcessSecurityModule(example_keys(), TokenCodec())
    try:
        with closing(SecurityModuleElsewhere(module.path)) as elsewhere:
            figures = {size: _compare(here, elsewhere, size, options.tokens) for size in _SIZES}
    finally:
        module.stop()
    table = Table("tokens of a group", "here", "elsewhere", "cost", title="microseconds a token")
    for size, (near, far) in figures.items():
        table.add_row(str(size), f"{near:.0f}", f"{far:.0f}", f"{far - near:.0f}")
    for column in table.columns:
        column.justify = "right"
    Console().print(table)
    if options.json:
        print(
            json.dumps(
                {
                    f"group_of_{size}": {"here_us": round(near, 1), "elsewhere_us": round(far, 1)}
                    for size, (near, far) in figures.items()
                }
            )
        )


def _compare(
    here: SecurityModule, elsewhere: SecurityModule, size: int, tokens: int
) -> tuple[float, float]:
    """Return the medians of both, in microseconds a token."""
    requests = [_request(number) for number in range(size)]
    assert here.issue(requests) == elsewhere.issue(requests)
    near, far = [], []
    for _ in range(tokens // size):
        near.append(_seconds(here, requests))
        far.append(_seconds(elsewhere, requests))
    return statistics.median(near) / size * 1e6, statistics.median(far) / size * 1e6


def _seconds(module: SecurityModule, requests: list[IssueRequest]) -> float:
    began = time.perf_counter()
    module.issue(requests)
    return time.perf_counter() - began


def _request(number: int) -> IssueRequest:
    token = TransferCredit(
        resource=Resource.ELECTRICITY,
        amount=TransferAmount(100 + number),
        token_identifier=TokenIdentifier(6_000_000 + number),
        random=5,
    )
    return IssueRequest(demo_meter_configuration(1 + number % _METERS), token)


if __name__ == "__main__":
    main()
