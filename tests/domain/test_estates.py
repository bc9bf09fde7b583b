"""Estates are utilities that sell online, on terms that operators set."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from tests.support.service import NOON, writing
from vending_api.domain.estates import service
from vending_api.domain.estates.errors import EstateUnknown
from vending_api.kit.entries import EntryInvalid
from vending_api.sandbox.demo_data import UTILITY
from vending_api.sandbox.estate import ensure_demo_estate

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from vending_api.domain.estates.types import Estate

LATER = NOON + timedelta(days=1)


def _set(
    engine: Engine,
    name: str = UTILITY.name,
    *,
    code: str = "ACCT_abc",
    charge: int = 200,
    at: object = NOON,
) -> Estate:
    with writing(engine) as connection, connection.begin():
        return service.set_estate(
            connection,
            name,
            account_code=code,
            transaction_charge_minor=charge,
            at=at,  # type: ignore[arg-type]  # always a moment
        )


def test_a_utility_is_an_estate_once_it_is_set(engine: Engine) -> None:
    with engine.connect() as connection:
        assert service.all_estates(connection) == []
        assert service.estate_of_utility(connection, UTILITY.name) is None
    estate = _set(engine)
    assert (estate.name, estate.currency, estate.time_zone) == (
        UTILITY.name,
        UTILITY.currency,
        UTILITY.time_zone,
    )
    assert (estate.account_code, estate.transaction_charge_minor) == ("ACCT_abc", 200)
    with engine.connect() as connection:
        assert service.all_estates(connection) == [estate]
        assert service.find_estate(connection, estate.key) == estate
        assert service.estate_of_utility(connection, UTILITY.name) == estate


def test_to_set_it_again_changes_the_terms_and_nothing_else(engine: Engine) -> None:
    first = _set(engine)
    second = _set(engine, code="", charge=0, at=LATER)
    assert second == replace(first, account_code="", transaction_charge_minor=0, updated_at=LATER)


def test_estates_are_listed_by_their_numbers(engine: Engine) -> None:
    with writing(engine) as connection, connection.begin():
        ensure_demo_estate(connection)
    _set(engine)
    with engine.connect() as connection:
        names = [estate.name for estate in service.all_estates(connection)]
    assert names == ["Demo Estate", UTILITY.name]


@pytest.mark.parametrize("key", [-1, 0, 2, (1 << 63) - 1, 1 << 63, 10**40])
def test_any_other_number_is_unknown(engine: Engine, key: int) -> None:
    assert _set(engine).key == 1
    with engine.connect() as connection, pytest.raises(EstateUnknown):
        service.find_estate(connection, key)


@pytest.mark.parametrize(
    ("terms", "field"),
    [
        ({"name": "Nowhere"}, "utility"),
        ({"code": "acct_abc"}, "account_code"),
        ({"code": "ACCT_"}, "account_code"),
        ({"code": "ACCT_a b"}, "account_code"),
        ({"code": "ACCT_" + 60 * "x"}, "estate.account_code"),
        ({"charge": -1}, "transaction_charge_minor"),
    ],
)
def test_terms_that_cannot_be_are_refused(
    engine: Engine, terms: dict[str, object], field: str
) -> None:
    with pytest.raises(EntryInvalid) as refused:
        _set(engine, **terms)  # type: ignore[arg-type]  # tests name real terms
    assert refused.value.field == field
    with engine.connect() as connection:
        assert service.all_estates(connection) == []


def test_an_account_code_may_be_as_long_as_its_column(engine: Engine) -> None:
    assert _set(engine, code="ACCT_" + 59 * "x").account_code == "ACCT_" + 59 * "x"
