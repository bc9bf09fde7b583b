"""Tokens are stored encrypted, handed out as they were sold, and forgotten when it is time."""

from __future__ import annotations

from datetime import timedelta
from secrets import token_bytes
from typing import TYPE_CHECKING, Final
from uuid import uuid4

import pytest
from sqlalchemy import select, update

from tests.support.selling import refusal, retry, sell
from tests.support.service import DEMO_CLIENT, NOON, purchase, writing
from vending_api.domain.issuing import service as issuing
from vending_api.domain.issuing.digits import digest_of_stored, digits_of
from vending_api.domain.issuing.tables import TOKEN
from vending_api.domain.receipts.repository import keyed_tokens
from vending_api.domain.reconciling.service import differences
from vending_api.domain.reprints.service import reprint
from vending_api.domain.reprints.types import Reprint, ReprintTokens
from vending_api.domain.sales.errors import TokensForgotten
from vending_api.domain.sales.service import find_sale
from vending_api.domain.token_log.service import digest_of_token
from vending_api.kit.errors import Refusal
from vending_api.kit.vault import OPEN, VAULT, NotOpened, Vault

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import Connection, Engine

    from vending_api.domain.sales.types import Sale

OLD: Final = Vault({"0001": b"o" * 32}, token_bytes)
BOTH: Final = Vault({"0001": b"o" * 32, "0002": b"n" * 32}, token_bytes)
NEW: Final = Vault({"0002": b"n" * 32}, token_bytes)


def _with(engine: Engine, vault: Vault) -> Engine:
    return engine.execution_options(**{VAULT: vault})


def _stored(engine: Engine) -> list[str]:
    with engine.connect() as connection:
        return list(connection.scalars(select(TOKEN.c.digits).order_by(TOKEN.c.key)))


def _digits(sale: Sale) -> list[str]:
    return [token.digits for token in sale.tokens]


def _reprint(engine: Engine) -> Reprint | Refusal:
    asked = ReprintTokens(
        reprint_id=str(uuid4()),
        client=DEMO_CLIENT,
        terminal_id="TILL0001",
        external_meter_id="TST001",
        original_reference=None,
        received_at=NOON,
    )
    with writing(engine) as connection, connection.begin():
        return reprint(connection, asked)


def _through(engine: Engine, step: Callable[[Connection, int], int | None]) -> int:
    """Take a step until there is nothing left, and return how many had something."""
    count, after = 0, 0
    while True:
        with writing(engine) as connection, connection.begin():
            last = step(connection, after)
        if last is None:
            return count
        count, after = count + 1, last


def _forget(engine: Engine, **ago: float) -> int:
    before = NOON + timedelta(seconds=1) - timedelta(**ago)
    return _through(
        engine,
        lambda connection, after: issuing.forget_tokens(
            connection, after=after, before=before, most=2
        ),
    )


def _seal(engine: Engine) -> int:
    return _through(
        engine, lambda connection, after: issuing.seal_tokens(connection, after=after, most=2)
    )


def test_digits_are_stored_encrypted_and_handed_out_as_they_were_sold(engine: Engine) -> None:
    sealed = _with(engine, OLD)
    command = purchase()
    sold = sell(sealed, command)
    (stored,) = _stored(engine)
    assert stored.startswith("0001.")
    assert not any(digits in stored for digits in _digits(sold))
    assert _digits(retry(sealed, command)) == _digits(sold)
    copy = _reprint(sealed)
    assert isinstance(copy, Reprint)
    assert _digits(copy.sale) == _digits(sold)
    with sealed.connect() as connection:
        assert [one.digits for one in keyed_tokens(connection, sold.meter.key)] == _digits(sold)
        assert differences(connection) == []


def test_without_the_key_nothing_is_handed_out_and_no_record_agrees(engine: Engine) -> None:
    command = purchase()
    sell(_with(engine, OLD), command)
    with pytest.raises(NotOpened, match="no key 0001"):
        retry(engine, command)
    with engine.connect() as connection:
        assert {one.check for one in differences(connection)} == {"token and log"}


def test_tokens_that_change_places_do_not_open(engine: Engine) -> None:
    sealed = _with(engine, OLD)
    commands = [purchase(), purchase(external_meter_id="TST004")]
    sales = [sell(sealed, one) for one in commands]
    mine, other = _stored(engine)
    with engine.begin() as connection:
        for sale, digits in zip(sales, (other, mine), strict=True):
            connection.execute(
                update(TOKEN).where(TOKEN.c.sale_key == sale.key).values(digits=digits)
            )
    for one in commands:
        with pytest.raises(NotOpened, match="not what was stored"):
            retry(sealed, one)


def test_tokens_in_the_clear_and_under_older_keys_come_under_the_newest(engine: Engine) -> None:
    commands = [purchase() for _ in range(5)]
    before = [_digits(sell(engine, one)) for one in commands[:2]]
    before += [_digits(sell(_with(engine, OLD), one)) for one in commands[2:]]
    both = _with(engine, BOTH)
    with both.connect() as connection:
        assert issuing.has_tokens_to_seal(connection)
    assert _seal(both) == 3
    assert all(one.startswith("0002.") for one in _stored(engine))
    with both.connect() as connection:
        assert not issuing.has_tokens_to_seal(connection)
    assert _seal(both) == 0
    assert [_digits(retry(_with(engine, NEW), one)) for one in commands] == before


@pytest.mark.parametrize("vault", [OLD, OPEN], ids=["encrypted", "clear"])
def test_what_is_forgotten_is_not_handed_out_and_is_proven_still(
    engine: Engine, vault: Vault
) -> None:
    sealed = _with(engine, vault)
    old, young = purchase(received_at=NOON - timedelta(days=40)), purchase()
    sold = sell(sealed, old)
    sell(sealed, young)
    with sealed.connect() as connection:
        assert issuing.has_tokens_before(connection, NOON - timedelta(days=30))
    assert _forget(sealed, days=30) == 1
    with sealed.connect() as connection:
        assert not issuing.has_tokens_before(connection, NOON - timedelta(days=30))
    assert _stored(engine)[0] == digest_of_token(_digits(sold)[0])
    assert _digits(retry(sealed, young))
    with pytest.raises(TokensForgotten):
        retry(sealed, old)
    with sealed.connect() as connection:
        assert differences(connection) == []
        found = find_sale(connection, None, old.purchase_id)
        assert found is not None
        assert _digits(found) == [""]
        assert len(keyed_tokens(connection, sold.meter.key)) == 1
    assert _forget(sealed, days=30) == 0


def test_a_forgotten_sale_is_not_reprinted(engine: Engine) -> None:
    sell(engine, purchase())
    assert _forget(engine, days=0) == 1
    copy = _reprint(engine)
    assert isinstance(copy, Refusal)
    assert isinstance(copy.reason, TokensForgotten)


def test_a_digest_of_another_token_does_not_agree(engine: Engine) -> None:
    sell(engine, purchase())
    with engine.begin() as connection:
        connection.execute(update(TOKEN).values(digits=digest_of_token("1" * 20)))
    with engine.connect() as connection:
        assert {one.check for one in differences(connection)} == {"token and log"}


def test_a_refusal_stores_no_token(engine: Engine) -> None:
    refusal(_with(engine, OLD), purchase(external_meter_id="9999"))
    assert _stored(engine) == []


def test_leading_zeros_are_kept() -> None:
    for digits in ("0" * 20, "0" * 19 + "1", "9" * 20):
        stored = f"{OLD.seal(int(digits).to_bytes(9), '7')}"
        assert digits_of(OLD, stored, 7) == digits
        assert digest_of_stored(OLD, stored, 7) == digest_of_token(digits)
