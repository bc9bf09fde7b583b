"""Who may ask."""

from __future__ import annotations

import base64

import pytest

from tests.surfaces.electrum.sent import lookup
from tests.surfaces.electrum.shop import Shop, basic, point_of_sale
from vending_api.domain.clients.errors import CredentialsRejected
from vending_api.surfaces.electrum.auth import credentials_of


def _basic_of(octets: bytes) -> str:
    return "Basic " + base64.b64encode(octets).decode()


def test_user_name_and_password_are_read() -> None:
    assert credentials_of("Basic dGVzdDp0ZXN0") == ("test", "test")


def test_the_scheme_is_written_in_any_case() -> None:
    assert credentials_of("bAsIc dGVzdDp0ZXN0") == ("test", "test")


def test_credentials_are_utf_8() -> None:
    assert credentials_of(basic("tést", "пароль")) == ("tést", "пароль")


def test_only_the_first_colon_divides() -> None:
    assert credentials_of(basic("test", "a:b:")) == ("test", "a:b:")


def test_a_password_may_be_empty() -> None:
    assert credentials_of(basic("test", "")) == ("test", "")


@pytest.mark.parametrize(
    "header",
    [
        "",
        "Basic",
        "Basic ",
        "Bearer dGVzdDp0ZXN0",
        "dGVzdDp0ZXN0",
        "Basic dGVzdDp0ZXN",  # too little padding
        "Basic dGVz*DpOZXN0",
        "Basic dGVzdDp0ZXN0é",
        _basic_of(b"test"),  # no colon
        _basic_of(b":test"),  # nobody
        _basic_of(b"test:\xff"),  # no UTF-8
        _basic_of(b"te\x00st:test"),
        _basic_of(b"test:te\x1fst"),
        _basic_of(b"test:te\x7fst"),
    ],
)
def test_a_malformed_header_is_rejected(header: str) -> None:
    with pytest.raises(CredentialsRejected) as caught:
        credentials_of(header)
    assert caught.value.__cause__ is None


@pytest.mark.parametrize(
    ("header", "status"),
    [
        (basic("test", "test"), 201),
        (basic("tést", "test"), 201),
        (basic("test", "wrong"), 401),
        ("Bearer x", 401),
    ],
)
def test_only_the_known_are_served(header: str, status: int) -> None:
    client = point_of_sale(Shop(), authorization=header)
    answer = client.post("/meterLookups/lookup-1", json=lookup())
    assert answer.status_code == status
    assert ("www-authenticate" in answer.headers) == (status == 401)


def test_nothing_is_looked_at_before_the_credentials() -> None:
    shop = Shop()
    client = point_of_sale(shop, authorization="Bearer x")
    answer = client.post("/tokenPurchases/1", content=b"no JSON at all")
    assert answer.status_code == 401
    assert answer.json()["requestType"] == "TOKEN_PURCHASE_REQUEST"
    assert answer.json()["id"] == "1"
    assert shop.commands == []
