"""Credentials that fitted before are checked again without argon2, unless they were changed."""

from __future__ import annotations

from typing import TYPE_CHECKING
from unittest.mock import patch

import pytest

from tests.support.service import DEMO_CLIENT, writing
from vending_api.domain.clients import service
from vending_api.domain.clients.errors import CredentialsRejected
from vending_api.sandbox.demo_data import DEMO_PASSWORD

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine

USER, KEY = DEMO_CLIENT.user_name, DEMO_CLIENT.key


def _fitted(connection: Connection) -> str:
    return service.check_again(connection, USER, DEMO_PASSWORD, None).password_hash


def test_argon2_is_asked_once_while_the_stored_hash_is_the_same(engine: Engine) -> None:
    with writing(engine) as connection:
        fitted = _fitted(connection)
        with patch.object(service, "password_fits", side_effect=AssertionError):
            again = service.check_again(connection, USER, DEMO_PASSWORD, fitted)
            assert (again.who.key, again.password_hash) == (KEY, fitted)
            with pytest.raises(AssertionError):
                service.check_again(connection, USER, DEMO_PASSWORD, f"{fitted}x")


def test_a_password_that_fitted_before_it_was_changed_is_rejected(engine: Engine) -> None:
    with writing(engine) as connection:
        fitted = _fitted(connection)
        service.change_password(connection, KEY, "another password")
        with pytest.raises(CredentialsRejected):
            service.check_again(connection, USER, DEMO_PASSWORD, fitted)
        assert service.check_again(connection, USER, "another password", fitted).who.key == KEY


def test_a_client_that_was_switched_off_is_rejected(engine: Engine) -> None:
    with writing(engine) as connection:
        fitted = _fitted(connection)
        service.set_active(connection, KEY, is_active=False)
        with pytest.raises(CredentialsRejected):
            service.check_again(connection, USER, DEMO_PASSWORD, fitted)
