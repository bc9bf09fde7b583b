"""Every token is tied to a payment or an approval: no path makes one without."""

from __future__ import annotations

import ast
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import pytest
from sqlalchemy import select, text

from sts.key_data import TariffIndex
from sts.security_module import InProcessSecurityModule
from sts.tokens.codec import TokenCodec
from tests.house_rules.tree import ROOT
from tests.support.selling import MAKER, sell
from tests.support.service import NOON, key_change, purchase, writing
from vending_api.domain.issuing.errors import TokenNotWarranted
from vending_api.domain.issuing.service import order_tokens
from vending_api.domain.issuing.types import Payer, TokenKind, TokenOrder
from vending_api.domain.meters.service import lock_meter, order_key_change
from vending_api.domain.meters.types import KeyData
from vending_api.domain.pricing.types import FREE_OF_CHARGE
from vending_api.domain.reconciling.service import differences, token_differences
from vending_api.domain.reconciling.types import Difference
from vending_api.domain.sales.types import Sale
from vending_api.domain.selling import service as selling
from vending_api.domain.token_log.service import digest_of_token
from vending_api.domain.token_log.tables import TOKEN_LOG
from vending_api.domain.token_queue.service import queue_token
from vending_api.domain.token_queue.types import NewQueuedToken, QueuedKind
from vending_api.sandbox.example_keys import example_keys

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from sqlalchemy import Connection, Engine

    from sts.errors import StsError
    from sts.security_module import IssuedToken, IssueRequest, KeyChangeRequest

MAKING: Final = frozenset({"issue", "begin_issue", "change_key", "change_key_of"})
"""What a security module makes tokens by."""
CALLS: Final = {
    "vending_api/domain/issuing/columns.py": {"begin_issue"},
    "vending_api/domain/issuing/service.py": {"change_key"},
    # The process with the keys, and what asks it, pass on what issuing asks.
    "vending_api/custody/client.py": {"begin_issue"},
    "vending_api/custody/server.py": {"issue", "change_key"},
    "vending_api/custody/kernels.py": {"change_key", "change_key_of"},
    "vending_api/custody/prism/client.py": {"issue"},
    # These have an operation of the same name: a request for a key change.
    "vending_api/main.py": {"change_key"},
    "vending_api/teller.py": {"change_key"},
    "vending_api/surfaces/electrum/routes.py": {"change_key"},
}
"""Every use of such a name in the service, by file."""
IMPORTS: Final = {
    ("vending_api.domain.issuing.service", "order_tokens"): {"selling", "campaigns"},
    ("vending_api.domain.issuing.service", "make_key_change_tokens"): {"selling"},
    ("vending_api.domain.issuing.service", "make_key_changes"): {"campaigns"},
    ("vending_api.domain.issuing.service", "record_tokens"): {"selling", "campaigns"},
    ("vending_api.domain.token_log.service", "append"): {"issuing"},
    ("sts.security_module", "InProcessSecurityModule"): {"custody"},
    ("sts.tokens.codec", "TokenCodec"): {"sandbox", "custody"},
}
"""Who may import what the way of a token consists of; sandbox and hardware's client only decode."""


def _trees() -> dict[str, ast.Module]:
    return {
        path.relative_to(ROOT).as_posix(): ast.parse(path.read_text(encoding="utf-8"))
        for path in sorted((ROOT / "vending_api").rglob("*.py"))
    }


def test_nobody_but_issuing_has_tokens_made() -> None:
    found: dict[str, set[str]] = {}
    for path, tree in _trees().items():
        for node in ast.walk(tree):
            if isinstance(node, ast.Attribute) and node.attr in MAKING:
                found.setdefault(path, set()).add(node.attr)
    assert found == CALLS


def test_nobody_but_selling_orders_tokens_and_all_that_issuing_makes_is_logged() -> None:
    found: dict[tuple[str, str], set[str]] = {one: set() for one in IMPORTS}
    for path, tree in _trees().items():
        parts = path.removeprefix("vending_api/").removeprefix("domain/").split("/")
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom):
                for name in node.names:
                    found.get((node.module or "", name.name), set()).add(parts[0])
    assert found == IMPORTS


class Watched(InProcessSecurityModule):
    """A module that keeps the digits of all that it makes."""

    def __init__(self) -> None:
        super().__init__(example_keys(), TokenCodec())
        self.made: list[str] = []

    def issue(self, requests: Sequence[IssueRequest]) -> list[IssuedToken | StsError]:
        outcomes = super().issue(requests)
        self.made += [one.digits for one in outcomes if not isinstance(one, Exception)]
        return outcomes

    def begin_issue(
        self, requests: Sequence[IssueRequest]
    ) -> Callable[[], list[IssuedToken | StsError]]:
        return partial(self.issue, requests)

    def change_key(self, requests: Sequence[KeyChangeRequest]) -> list[Any]:
        outcomes = super().change_key(requests)
        for one in outcomes:
            if not isinstance(one, Exception):
                self.made += one
        return outcomes


@pytest.fixture
def used(engine: Engine) -> tuple[Engine, Watched]:
    """Give a database in which tokens of every kind were made, and what made them."""
    module = Watched()
    maker = replace(MAKER, security_module=module)
    refund = NewQueuedToken(
        kind=QueuedKind.REFUND,
        value=738,
        amount_minor=5_000,
        reason="fault",
        ordered_by="Zoe \u00fc",
    )
    with writing(engine) as connection, connection.begin():
        meter = lock_meter(connection, "TST009")
        for kind, value in (("refund", 738), ("power_limit", 4_000), ("clear_tamper", 0)):
            amount_minor = 5_000 if kind == "refund" else 0
            order = replace(refund, kind=QueuedKind(kind), value=value, amount_minor=amount_minor)
            queue_token(connection, meter, order, NOON)
        for meter_id in ("TST001", "TST004"):
            meter = lock_meter(connection, meter_id)
            held = KeyData.of(meter.configuration)
            order_key_change(connection, meter, held._replace(tariff_index=TariffIndex("07")))
    for purchase_id, meter_id, amount_minor in (
        ("paid", "TST001", 10_000),
        ("free", "TST002", 0),
        ("both", "TST003", 10_000),
        ("queued", "TST009", 20_000),
    ):
        named = {"purchase_id": purchase_id, "message_id": purchase_id}
        command = purchase(external_meter_id=meter_id, amount_minor=amount_minor, **named)
        sell(engine, command, maker)
    with writing(engine) as connection, connection.begin():
        asked = key_change(external_meter_id="TST004", request_id="changed")
        assert isinstance(selling.change_key(connection, maker, asked), Sale)
    return engine, module


def test_every_token_that_was_made_is_logged_with_its_warrant(
    used: tuple[Engine, Watched],
) -> None:
    engine, module = used
    with engine.connect() as connection:
        rows = connection.execute(select(TOKEN_LOG).order_by(TOKEN_LOG.c.sequence)).all()
        assert differences(connection) == []
    assert sorted(row.token_digest for row in rows) == sorted(map(digest_of_token, module.made))
    assert {(row.reference, row.kind, row.warrant) for row in rows} == {
        ("paid", "key_change", "client 1: key change to 000001 1 07"),
        ("paid", "standard", "client 1: paid 10000 710"),
        ("free", "free", "client 1: free units of demo"),
        ("both", "standard", "client 1: paid 10000 710"),
        ("both", "free", "client 1: free units of demo"),
        ("queued", "standard", "client 1: paid 20000 710"),
        ("queued", "refund", "client 1: order 2 by Zoe \u00fc"),
        ("queued", "power_limit", "client 1: order 3 by Zoe \u00fc"),
        ("queued", "clear_tamper", "client 1: order 4 by Zoe \u00fc"),
        ("changed", "key_change", "client 1: key change to 000001 1 07"),
    }


PAYER: Final = Payer(client_key=1, amount_minor=10_000, currency="710")


@pytest.mark.parametrize(
    ("kind", "approval", "payer"),
    [
        (TokenKind.STANDARD, "", PAYER._replace(amount_minor=0)),
        (TokenKind.STANDARD, "order 1 by ann", PAYER._replace(amount_minor=-1)),
        *[(kind, "", PAYER) for kind in TokenKind if kind is not TokenKind.STANDARD],
    ],
)
def test_a_token_that_nobody_paid_for_or_approved_is_not_asked_for(
    engine: Engine, kind: TokenKind, approval: str, payer: Payer
) -> None:
    module = Watched()
    maker = replace(MAKER, security_module=module)
    order = TokenOrder(kind=kind, units_tenths=1, charge=FREE_OF_CHARGE, approval=approval)
    with writing(engine) as connection, connection.begin():
        meter = lock_meter(connection, "TST001")
        with pytest.raises(TokenNotWarranted):
            order_tokens(connection, maker, meter, [order], payer=payer, now=NOON)
    assert module.made == []


_GONE: Final = "a token was made for {!r}, and nothing says so any more"


@pytest.mark.parametrize(
    ("attack", "found"),
    [
        pytest.param(
            "UPDATE sale SET client_key = 2 WHERE purchase_id = 'free'",
            {("free", "client 1: free units of demo")},
            id="the sale is another's",
        ),
        pytest.param(
            "UPDATE sale SET amount_minor = 1 WHERE purchase_id = 'both'",
            {("both", "client 1: paid 10000 710")},
            id="the sum is another",
        ),
        pytest.param(
            "UPDATE sale SET currency = '840' WHERE purchase_id = 'both'",
            {("both", "client 1: paid 10000 710")},
            id="the money is another",
        ),
        pytest.param(
            "UPDATE tariff SET name = 'other' WHERE name = 'demo'",
            {(one, "client 1: free units of demo") for one in ("free", "both")},
            id="the tariff was never there",
        ),
        pytest.param(
            "UPDATE queued_token SET ordered_by = 'ann' WHERE key = 2",
            {("queued", "client 1: order 2 by Zoe \u00fc")},
            id="another has ordered it",
        ),
        pytest.param(
            "DELETE FROM queued_token WHERE key = 3",
            {("queued", "client 1: order 3 by Zoe \u00fc")},
            id="the order is gone",
        ),
        pytest.param(
            "UPDATE sale SET key_data = NULL WHERE purchase_id = 'changed'",
            {("changed", "client 1: key change to 000001 1 07")},
            id="no key was changed",
        ),
    ],
)
def test_a_warrant_that_nothing_bears_out_is_found(
    used: tuple[Engine, Watched], attack: str, found: set[tuple[str, str]]
) -> None:
    assert _warrants_not_kept(used[0], attack) >= {
        Difference("token and warrant", reference, _GONE.format(warrant))
        for reference, warrant in found
    }


def test_a_sale_that_was_given_to_another_client_shows_in_nothing_but_its_warrants(
    used: tuple[Engine, Watched],
) -> None:
    attack = "UPDATE sale SET client_key = 2 WHERE purchase_id = 'paid'"
    with writing(used[0]) as connection, connection.begin():
        _spoil(connection, attack)
        checks = {one.check for one in differences(connection)}
        connection.rollback()
    assert checks == {"token and warrant"}


def test_a_token_of_a_sale_that_nobody_paid_for_is_found(used: tuple[Engine, Watched]) -> None:
    attack = (
        "UPDATE sale SET amount_minor = 0 WHERE purchase_id = 'paid'; "
        "DELETE FROM token_log WHERE reference = 'paid'"
    )
    problem = "nobody has paid for its standard token"
    assert Difference("token and warrant", "paid", problem) in _warrants_not_kept(used[0], attack)


def _warrants_not_kept(engine: Engine, attack: str) -> set[Difference]:
    with writing(engine) as connection, connection.begin():
        _spoil(connection, attack)
        found = set(token_differences(connection))
        connection.rollback()
    return {one for one in found if one.check == "token and warrant"}


def _spoil(connection: Connection, attack: str) -> None:
    with_keys = connection.dialect.name == "sqlite"
    guard = (
        "PRAGMA defer_foreign_keys = ON"
        if with_keys
        else ("SET LOCAL session_replication_role = replica")
    )
    for statement in (guard, *attack.split(";")):
        connection.execute(text(statement))
