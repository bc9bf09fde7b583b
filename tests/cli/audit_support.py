"""Tokens that somebody found, and the command that audits them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import text

from sts.keys.key_file import parse_key_file
from sts.meter_number import ManufacturerCode
from sts.security_module import InProcessSecurityModule, IssueRequest
from sts.token_identifier import TokenIdentifier
from sts.tokens.codec import TokenCodec
from sts.tokens.credit import Resource, TransferCredit
from sts.tokens.meter_test import InitiateMeterTest
from sts.units import TransferAmount
from tests.support.sealed_keys import OWN_KEYS
from tests.support.service import writing
from tests.support.vending_command import VendingCommand
from vending_api.sandbox.demo_data import demo_meter_configuration
from vending_api.sandbox.example_keys import example_keys

if TYPE_CHECKING:
    import pytest
    from sqlalchemy import Engine


AUDIT: Final = ("audit", "tokens")


def audit_command(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    folder: Path,
    engine: Engine,
) -> VendingCommand:
    """Return the command, for the database of the test, with the keys of the demo."""
    url = engine.url.render_as_string(hide_password=False)
    monkeypatch.setenv("VENDING_DATABASE_URL", url)
    monkeypatch.setenv("VENDING_DEMO", "true")
    return VendingCommand(monkeypatch, capsys, folder)


_GHOST: Final = InProcessSecurityModule(example_keys(), TokenCodec())
"""What somebody has who got hold of the keys."""


def ghost(
    *,
    tenths: int = 1_000,
    minutes: int = 6_700_000,
    rnd: int = 7,
    module: InProcessSecurityModule = _GHOST,
) -> str:
    token = TransferCredit(
        resource=Resource.ELECTRICITY,
        amount=TransferAmount(tenths),
        token_identifier=TokenIdentifier(minutes),
        random=rnd,
    )
    (made,) = module.issue([IssueRequest(demo_meter_configuration(1), token)])
    digits: str = made.digits  # type: ignore[union-attr]  # the demo's keys make it
    return digits


def own_ghost() -> str:
    """Return a token under the key of the sealed file."""
    module = InProcessSecurityModule(parse_key_file(OWN_KEYS, path="test"), TokenCodec())
    return ghost(module=module)


def meter_test() -> str:
    """Return a token that any meter takes."""
    test = InitiateMeterTest(control=1, manufacturer_code=ManufacturerCode("00"))
    (made,) = _GHOST.issue([IssueRequest(demo_meter_configuration(1), test)])
    digits: str = made.digits  # type: ignore[union-attr]  # it needs no key
    return digits


def mistyped(digits: str) -> str:
    return digits[:-1] + ("0" if digits[-1] != "0" else "1")


def found_in(vending: VendingCommand, *lines: str) -> list[dict[str, Any]]:
    """Return the findings of a file of meters and tokens."""
    file = vending_file(lines)
    done = vending(*AUDIT, file, "--json")
    listed: list[dict[str, Any]] = json.loads(done.out)["list"]
    assert done.code == (1 if listed else 0)
    return listed


def vending_file(lines: tuple[str, ...]) -> str:
    """Write a file in the folder of the command."""
    Path("found.csv").write_text("\n".join(["meter,token", *lines, ""]), encoding="utf-8")
    return "found.csv"


def execute(engine: Engine, statement: str) -> None:
    with writing(engine) as connection, connection.begin():
        connection.execute(text(statement))
