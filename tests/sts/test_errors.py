"""The tree of errors: one root, one stable code each, facts as attributes."""

from __future__ import annotations

import pytest

from sts import errors
from sts.errors import (
    CheckDigitWrong,
    FileInvalid,
    InvalidField,
    KeyExpired,
    KeyFileInvalid,
    StaTablesInvalid,
    StsError,
    TokenError,
    TokenIdentifierOutOfRange,
    TokenMalformed,
    VendingKeyNotFound,
)

EVERY_ERROR = [
    kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, StsError)
]


def test_every_error_descends_from_one_root() -> None:
    raised = [kind for kind in vars(errors).values() if isinstance(kind, type)]
    assert [kind for kind in raised if issubclass(kind, Exception)] == EVERY_ERROR


def test_every_error_has_a_code_of_its_own_that_is_its_name() -> None:
    for kind in EVERY_ERROR:
        words = "".join(f"_{c.lower()}" if c.isupper() else c for c in kind.__name__)
        assert kind.code == words.removeprefix("_")
    assert len({kind.code for kind in EVERY_ERROR}) == len(EVERY_ERROR)


def test_every_error_says_what_it_is_for() -> None:
    assert all(kind.__doc__ for kind in EVERY_ERROR)


@pytest.mark.parametrize(
    ("kind", "builtin"),
    [
        (InvalidField, ValueError),
        (CheckDigitWrong, InvalidField),
        (TokenIdentifierOutOfRange, ValueError),
        (TokenMalformed, ValueError),
        (TokenMalformed, TokenError),
        (VendingKeyNotFound, LookupError),
        (FileInvalid, ValueError),
        (KeyFileInvalid, FileInvalid),
        (StaTablesInvalid, FileInvalid),
    ],
)
def test_callers_may_catch_the_wider_kind(kind: type[Exception], builtin: type[Exception]) -> None:
    assert issubclass(kind, builtin)


def test_an_invalid_field_tells_field_problem_and_what_is_expected() -> None:
    error = InvalidField("tariff index", "'1' is not it", "2 decimal digits")
    assert str(error) == "tariff index: '1' is not it; expected 2 decimal digits"
    assert (error.field, error.problem, error.expected) == (
        "tariff index",
        "'1' is not it",
        "2 decimal digits",
    )


def test_an_expired_key_tells_identifier_and_expiry_number() -> None:
    error = KeyExpired(5_636_096, 85)
    assert (error.token_identifier_minutes, error.key_expiry_number) == (5_636_096, 85)
    assert str(error) == (
        "key expired: token identifier 5636096 has high byte 86, the key expiry number is 85"
    )


def test_an_invalid_file_tells_its_path_and_problem() -> None:
    error = KeyFileInvalid("keys.toml", "it is empty")
    assert str(error) == "keys.toml: it is empty"
    assert (error.path, error.problem) == ("keys.toml", "it is empty")
