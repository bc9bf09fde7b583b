"""What hardware declines, and what of it is not believed."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from sts.errors import (
    AlgorithmRefused,
    CrcMismatch,
    KeyExpired,
    ReadBackMismatch,
    StsError,
    TokenIdentifierOutOfRange,
    TokenMalformed,
    TokenNotAllowed,
    TokenReserved,
    VendingKeyNotFound,
)
from sts.key_data import (
    EncryptionAlgorithm,
    KeyExpiryNumber,
    KeyRevisionNumber,
    KeyType,
    TariffIndex,
)
from sts.security_module import (
    IssuedToken,
    IssueRequest,
    KeyChangeRequest,
    VerifyRequest,
)
from sts.tokens.credit import TransferCredit
from sts.tokens.kinds import READERS
from tests.custody.conftest import HERE
from tests.custody.prism.asked import REQUEST, digits_here
from tests.custody.prism.conftest import QUICK, access
from tests.custody.prism.fake import Listening, TokenService, Trouble
from tests.custody.test_elsewhere import METER, NO_KEY, _one_of, credit
from vending_api.custody.prism.client import PrismSecurityModule
from vending_api.custody.prism.link import SERVICE
from vending_api.custody.prism.saying import token_said
from vending_api.kit.errors import SecurityModuleUnavailable

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("key_not_found", VendingKeyNotFound),
        ("key_expired", KeyExpired),
        ("before_base_date", TokenIdentifierOutOfRange),
        ("default_key", TokenNotAllowed),
        ("algorithm_refused", AlgorithmRefused),
        ("malformed", TokenMalformed),
        ("bad_crc", CrcMismatch),
    ],
)
def test_what_the_service_declines_is_an_error_of_ours(
    hardware: PrismSecurityModule, service: TokenService, code: str, kind: type[StsError]
) -> None:
    service.troubles.append(Trouble("issue_credit", decline=code))
    refused, made = hardware.issue(REQUEST * 2)
    assert type(refused) is kind
    assert isinstance(made, IssuedToken)


def test_what_it_declines_in_reading_is_an_error_of_ours(
    hardware: PrismSecurityModule, service: TokenService
) -> None:
    service.troubles += [
        Trouble("verify", decline="key_expired_at_verify"),
        Trouble("verify", decline="key_expired"),
    ]
    request = VerifyRequest(METER, digits_here())
    outcomes = hardware.verify([request] * 3)
    assert [type(one) for one in outcomes] == [TokenNotAllowed, TokenNotAllowed, TransferCredit]


@pytest.mark.parametrize("operation", ["issue_credit", "verify"])
def test_a_code_that_nobody_knows_means_that_nothing_was_sold(
    hardware: PrismSecurityModule, service: TokenService, operation: str
) -> None:
    service.troubles.append(Trouble(operation, decline="licence_used_up"))
    with pytest.raises(SecurityModuleUnavailable):
        hardware.issue(REQUEST)


def _changed(**facts: Any) -> list[Any]:
    return [
        replace(one, **facts) if one.supply_group_code == METER.supply_group_code else one
        for one in HERE.facts()
    ]


@pytest.mark.parametrize(
    ("facts", "kind"),
    [
        ({"key_type": KeyType.DEFAULT}, TokenNotAllowed),
        ({"key_type": KeyType.COMMON}, TokenNotAllowed),
        ({"key_type": KeyType.UNIQUE}, None),
        ({"key_expiry_number": KeyExpiryNumber((5_000_000 >> 16) - 1)}, KeyExpired),
        ({"key_expiry_number": KeyExpiryNumber(5_000_000 >> 16)}, None),
        ({"key_check_value": "000000"}, ReadBackMismatch),
    ],
)
def test_our_own_guards_hold_whatever_the_service_would_do(
    listening: Listening, service: TokenService, facts: dict[str, Any], kind: type[StsError] | None
) -> None:
    with closing(PrismSecurityModule(access(listening.port), _changed(**facts), QUICK)) as hardware:
        (outcome,) = hardware.issue(REQUEST)
    assert isinstance(outcome, kind or IssuedToken)
    is_asked = kind is None or kind is ReadBackMismatch
    assert ("issue_credit" in service.calls) is is_asked


def test_keys_that_nobody_told_us_of_are_not_asked_for(
    hardware: PrismSecurityModule, service: TokenService
) -> None:
    ea09 = replace(METER, encryption_algorithm=EncryptionAlgorithm.EA09)
    outcomes = hardware.issue([IssueRequest(NO_KEY, credit()), IssueRequest(ea09, credit())])
    assert [type(one) for one in outcomes] == [VendingKeyNotFound, AlgorithmRefused]
    assert service.calls == []


def _other_digits(result: Any) -> None:
    (issued,) = HERE.issue([IssueRequest(METER, credit(tenths=257))])
    assert isinstance(issued, IssuedToken)
    result.tokens[0].digits = issued.digits


def _set_digits(digits: str | None) -> Callable[[Any], None]:
    def alter(result: Any) -> None:
        result.tokens[0].digits = digits

    return alter


@pytest.mark.parametrize(
    "alter",
    [
        _other_digits,
        _set_digits("0" * 20),
        _set_digits("1"),
        _set_digits(None),
        lambda result: result.tokens.clear(),
        lambda result: result.tokens.append(result.tokens[0]),
        lambda result: setattr(result, "key_check_value", "ABCDEF"),
    ],
    ids=[
        "another amount",
        "noise",
        "one digit",
        "nothing",
        "no token",
        "a token twice",
        "another key",
    ],
)
def test_a_token_that_does_not_say_what_was_asked_for_is_not_given_out(
    hardware: PrismSecurityModule, service: TokenService, alter: Callable[[Any], None]
) -> None:
    service.troubles.append(Trouble("issue_credit", alter=alter))
    wrong, right = hardware.issue(REQUEST * 2)
    assert isinstance(wrong, ReadBackMismatch)
    assert isinstance(right, IssuedToken)


def test_a_meter_test_that_is_another_is_not_given_out(
    hardware: PrismSecurityModule, service: TokenService
) -> None:
    first, second = (
        IssueRequest(METER, _one_of(READERS[1, 0])),
        IssueRequest(METER, _one_of(READERS[1, 1])),
    )
    (issued,) = HERE.issue([second])
    assert isinstance(issued, IssuedToken)
    service.troubles += [
        Trouble("issue_meter_test", alter=_set_digits(issued.digits)),
        Trouble("issue_meter_test", alter=_set_digits(digits_here())),
    ]
    outcomes = hardware.issue([first, first, first])
    assert [isinstance(one, ReadBackMismatch) for one in outcomes] == [True, True, False]


def test_sections_out_of_order_are_not_given_out(
    hardware: PrismSecurityModule, service: TokenService
) -> None:
    service.troubles.append(
        Trouble("issue_key_change", alter=lambda result: result.tokens.reverse())
    )
    request = KeyChangeRequest(
        METER, METER.supply_group_code, KeyRevisionNumber(1), TariffIndex("02")
    )
    wrong, right = hardware.change_key([request] * 2)
    assert isinstance(wrong, ReadBackMismatch)
    assert isinstance(right, tuple)


@pytest.mark.parametrize(
    ("saying", "kind"),
    [
        ({"subclass": 8}, TokenReserved),
        ({"token_class": 1}, TokenReserved),
        ({"token_class": 2, "subclass": 3}, TokenNotAllowed),
        ({"token_identifier": None}, StsError),
        ({"token_identifier": 1 << 24}, StsError),
        ({"value": None}, StsError),
        ({"value": "1.5"}, StsError),
        ({"value": "-1"}, StsError),
        ({"token_class": 2, "subclass": 1, "value": "65536"}, StsError),
        ({"token_class": 2, "subclass": 1, "random": 16}, StsError),
    ],
)
def test_what_no_token_says_is_an_error(saying: dict[str, Any], kind: type[StsError]) -> None:
    good = {
        "token_class": 0,
        "subclass": 0,
        "token_identifier": 5,
        "value": "256",
        "random": 5,
    }
    assert token_said(SERVICE.Saying(**good))
    assert token_said(SERVICE.Saying(**good | {"token_class": 2, "subclass": 1, "value": "65535"}))
    with pytest.raises(kind):
        token_said(SERVICE.Saying(**good | saying))
