"""A token service with the example keys, and a module that asks it."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

import pytest
from pydantic import SecretStr

from tests.custody.conftest import HERE
from tests.custody.prism.fake import PASSWORD, REALM, USER, Listening, TokenService, serving
from vending_api.custody.prism.client import PrismSecurityModule
from vending_api.custody.prism.link import Access, Patience

if TYPE_CHECKING:
    from collections.abc import Iterator
    from ssl import SSLContext

QUICK = Patience(answer=5.0, fetches=3, pause=0.01)


def access(port: int, *, password: str = PASSWORD, tls: SSLContext | None = None) -> Access:
    return Access(
        host="127.0.0.1",
        port=port,
        tls=tls,
        realm=REALM,
        user=USER,
        password=SecretStr(password),
    )


@pytest.fixture
def service() -> TokenService:
    return TokenService(HERE)


@pytest.fixture
def listening(service: TokenService) -> Iterator[Listening]:
    with serving(service) as listening:
        yield listening


@pytest.fixture
def hardware(listening: Listening) -> Iterator[PrismSecurityModule]:
    with closing(PrismSecurityModule(access(listening.port), HERE.facts(), QUICK)) as module:
        yield module
