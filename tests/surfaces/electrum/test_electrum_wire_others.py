"""Every limit of the contract, on both of its sides: fault reports, advices, events, the rest."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import pytest
from pydantic import ValidationError

from tests.surfaces.electrum.full_message import (
    ABSENT,
    FULL_CONFIRMATION,
    FULL_EVENT,
    FULL_FAULT,
    parse_as,
    refused_at,
    with_value,
)
from tests.surfaces.electrum.sent import confirmation, key_change, lookup, reprint, reversal
from vending_api.surfaces.electrum.wire.advices import (
    BasicAdviceResponse,
    ConfirmationAdvice,
    KeyChangeConfirmation,
    ReversalAdvice,
)
from vending_api.surfaces.electrum.wire.messages import (
    FaultReportRequest,
    FaultReportResponse,
    KeyChangeTokenRequest,
    KeyChangeTokenResponse,
    PurchaseResponse,
    TokenReprintRequest,
)

if TYPE_CHECKING:
    from vending_api.surfaces.electrum.wire.base import Message

MODELS: Final[dict[str, type[Message]]] = {
    "fault": FaultReportRequest,
    "fault answer": FaultReportResponse,
    "reprint": TokenReprintRequest,
    "key change": KeyChangeTokenRequest,
    "key change answer": KeyChangeTokenResponse,
    "confirmation": ConfirmationAdvice,
    "reversal": ReversalAdvice,
    "key change confirmation": KeyChangeConfirmation,
    "advice answer": BasicAdviceResponse,
    "event": PurchaseResponse,
}
FULL: Final[dict[str, dict[str, Any]]] = {
    "fault": FULL_FAULT,
    "fault answer": lookup(reference="r", description="d"),
    "reprint": reprint(originalRef="17-000042"),
    "key change": key_change(),
    "key change answer": key_change(tokens=FULL_EVENT["tokens"]),
    "confirmation": FULL_CONFIRMATION,
    "reversal": reversal(),
    "key change confirmation": confirmation(),
    "advice answer": confirmation(amounts=FULL_CONFIRMATION["amounts"]),
    "event": FULL_EVENT,
}


def _read(kind: str, message: dict[str, Any]) -> Message:
    return parse_as(MODELS[kind], message)


def _refused_at(kind: str, path: str, value: object) -> set[str]:
    return refused_at(with_value(FULL[kind], path, value), MODELS[kind])


@pytest.mark.parametrize("kind", MODELS)
def test_a_message_with_every_field_is_accepted_and_keeps_its_words(kind: str) -> None:
    read = _read(kind, FULL[kind]).model_dump(mode="json", exclude_none=True, exclude_unset=True)
    # What this kind of message has no field for is ignored.
    known = {field.alias for field in MODELS[kind].model_fields.values()}
    assert read == {name: value for name, value in FULL[kind].items() if name in known}


ADDRESS: Final = FULL_FAULT["customer"]["addressDetails"]
REQUIRED: Final = [
    *(("fault", name) for name in ("meter", "contactNumber", "faultType")),
    *(("fault answer", name) for name in ("reference", "description")),
    *(("reprint", name) for name in ("id", "time", "originator", "client", "meter")),
    *(("key change", name) for name in ("thirdPartyIdentifiers", "meter")),
    ("key change answer", "meter"),
    *(("confirmation", name) for name in ("id", "requestId", "time", "thirdPartyIdentifiers")),
    *(("confirmation", f"thirdPartyIdentifiers.0.{name}") for name in ("institutionId",)),
    *(("confirmation", f"tenders.0.{name}") for name in ("amount", "tenderType")),
    *(("confirmation", f"amounts.approvedAmount.{name}") for name in ("amount", "currency")),
    ("reversal", "reversalReason"),
    *(("key change confirmation", name) for name in ("id", "requestId", "time")),
    *(("event", name) for name in ("meter", "customer", "utility")),
    *(("event", f"tokens.0.{name}") for name in ("tokenType", "units", "amount", "token")),
    *(("event", f"tokens.0.tariffCalc.0.{name}") for name in ("units", "rate")),
    *(("event", f"debtRecoveryCharges.0.{name}") for name in ("amount", "description", "balance")),
    *(("event", f"serviceCharges.0.{name}") for name in ("amount", "description")),
]


@pytest.mark.parametrize(("kind", "path"), REQUIRED)
@pytest.mark.parametrize("value", [ABSENT, None], ids=["absent", "null"])
def test_a_required_field_must_be_there(kind: str, path: str, value: object) -> None:
    assert _refused_at(kind, path, value) == {path}


OPTIONAL: Final = [
    *(("fault", name) for name in ("customer", "faultDescription")),
    *(("fault", f"customer.{name}") for name in FULL_FAULT["customer"]),
    *(
        ("fault", f"customer.addressDetails.{name}")
        for name in FULL_FAULT["customer"]["addressDetails"]
    ),
    ("reprint", "originalRef"),
    ("key change answer", "tokens"),
    *(("confirmation", name) for name in ("stan", "rrn", "amounts", "tenders")),
    *(("confirmation", f"amounts.{name}") for name in FULL_CONFIRMATION["amounts"]),
    ("confirmation", "thirdPartyIdentifiers.0.transactionIdentifier"),
    *(("event", f"utility.{name}") for name in FULL_EVENT["utility"]),
    *(("event", name) for name in FULL_EVENT.keys() - lookup().keys() - {"customer", "utility"}),
    *(("event", f"tokens.0.{name}") for name in ("receiptNum", "tariffCalc")),
    *(("event", f"tokens.0.amount.{name}") for name in ("tax", "taxType", "taxRate")),
    ("event", "debtRecoveryCharges.0.receiptNum"),
]


@pytest.mark.parametrize(("kind", "path"), sorted(OPTIONAL, key=str))
def test_null_of_an_optional_field_is_its_absence(kind: str, path: str) -> None:
    without = _read(kind, with_value(FULL[kind], path, ABSENT))
    assert _read(kind, with_value(FULL[kind], path, None)) == without
    assert without != _read(kind, FULL[kind])


LENGTHS: Final = [
    ("fault", "contactNumber", 0, 20),
    ("fault", "faultDescription", 0, 160),
    ("fault", "customer.firstName", 0, 40),
    ("fault", "customer.lastName", 0, 40),
    ("fault", "customer.address", 0, 80),
    ("fault", "customer.addressDetails.addressLine1", 1, 100),
    ("fault", "customer.addressDetails.addressLine2", 1, 100),
    ("fault", "customer.addressDetails.city", 1, 30),
    ("fault answer", "description", 0, 160),
    ("confirmation", "id", 1, 255),
    ("confirmation", "requestId", 1, 255),
    ("confirmation", "tenders.0.reference", 0, 40),
    ("event", "utility.name", 0, 40),
    ("event", "utility.address", 0, 80),
    ("event", "utility.vatRegNum", 0, 10),
    ("event", "utility.clientId", 0, 20),
    ("event", "utility.message", 0, 80),
    ("event", "tokens.0.amount.taxType", 0, 10),
    ("event", "serviceCharges.0.description", 0, 40),
    ("event", "debtRecoveryCharges.0.description", 0, 40),
    ("event", "debtRecoveryCharges.0.receiptNum", 0, 30),
]


@pytest.mark.parametrize(("kind", "path", "shortest", "longest"), LENGTHS)
def test_a_text_has_its_length(kind: str, path: str, shortest: int, longest: int) -> None:
    _read(kind, with_value(FULL[kind], path, "é" * shortest))
    _read(kind, with_value(FULL[kind], path, "é" * longest))
    assert _refused_at(kind, path, "é" * (longest + 1)) == {path}
    if shortest:
        assert _refused_at(kind, path, "é" * (shortest - 1)) == {path}


PATTERNS: Final = [
    ("customer.msisdn", ["1", "1" * 15, "+27821234567"], ["", "0821234567", "1" * 16, "++1"]),
    ("customer.emailAddress", ["a@b"], ["", "a", "a@", "@b", "a b@c", "a@b@c"]),
    ("customer.dateOfBirth", ["1990-01-01T00:00:00Z"], ["1990-01-01", "1990-02-30T00:00:00Z"]),
    ("customer.addressDetails.region", ["WC"], ["W", "WCP", "wc", "12"]),
    ("customer.addressDetails.country", ["ZA"], ["Z", "ZAF", "za"]),
    ("customer.addressDetails.postalCode", ["8", "SW1A 1AA-9" * 2], ["", "8" * 21, "8001/2"]),
]


@pytest.mark.parametrize(("path", "good", "bad"), PATTERNS)
def test_a_text_fits_its_pattern_as_a_whole(path: str, good: list[str], bad: list[str]) -> None:
    for text in good:
        _read("fault", with_value(FULL_FAULT, path, text))
    for text in (*bad, f"{good[-1]}\n", f"\n{good[-1]}"):
        assert _refused_at("fault", path, text) == {path}


FAULT_TYPES: Final = """
    SeriousBoxDamage FireWaterDamage MeterDead KeepsTripping NoTrip DisplayLightsButtons
    NetworkFaultReport IncorrectSGC IncorrectTI ConvertedFrmConventional MeterChangedOut
    NewInstallation
"""


@pytest.mark.parametrize(
    ("kind", "path", "words"),
    [
        ("fault", "faultType", FAULT_TYPES),
        ("reversal", "reversalReason", "TIMEOUT CANCELLED RESPONSE_NOT_FINAL"),
        ("event", "tokens.0.tokenType", "STD BSST REFUND KC PWRLMT"),
    ],
)
def test_a_word_is_one_of_its_list(kind: str, path: str, words: str) -> None:
    for word in words.split():
        _read(kind, with_value(FULL[kind], path, word))
    for wrong in ("", "NO_SUCH_WORD", words.split(maxsplit=1)[0].swapcase(), 1):
        assert _refused_at(kind, path, wrong) == {path}


@pytest.mark.parametrize(
    "given", [0, 1, 40.3, -1.5, "40.3", "7", "-0.5", "9" * 15 + ".1"], ids=repr
)
def test_a_decimal_may_be_quoted(given: object) -> None:
    _read("event", with_value(FULL_EVENT, "tokens.0.units", given))


@pytest.mark.parametrize(
    "given",
    [True, "", " 1", "1 ", "1_0", "1e3", "+1", ".5", "1.", "1,5", "NaN", "9" * 16],
    ids=repr,
)
def test_a_decimal_is_nothing_else(given: object) -> None:
    assert _refused_at("event", "tokens.0.units", given) == {"tokens.0.units"}


def test_further_amounts_have_any_name_and_are_sums() -> None:
    path = "amounts.additionalAmounts.tip"
    assert _refused_at("confirmation", path, 1) == {path}


def test_nobody_prints_who_a_customer_is_or_what_a_token_is() -> None:
    printed = repr(
        [
            parse_as(FaultReportRequest, FULL_FAULT),
            parse_as(FaultReportRequest, FULL_FAULT).customer,
            parse_as(PurchaseResponse, FULL_EVENT),
            parse_as(PurchaseResponse, FULL_EVENT).customer,
            parse_as(ConfirmationAdvice, FULL_CONFIRMATION),
        ]
    )
    secrets = ("Nomsa", "Dube", "12 Long", "021 555", "+2782", "12345678901234567890", "123456*")
    assert not [secret for secret in secrets if secret in printed]


def test_an_error_does_not_print_what_was_sent() -> None:
    with pytest.raises(ValidationError) as caught:
        _read("fault", with_value(FULL_FAULT, "contactNumber", "SECRET" * 4))
    assert "SECRET" not in str(caught.value)
