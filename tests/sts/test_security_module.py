"""The security module with real keys: columns of requests, and what comes of each row."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from sts.base_date import BaseDate
from sts.errors import (
    AlgorithmRefused,
    CrcMismatch,
    StsError,
    TokenMalformed,
    TokenNotAllowed,
    VendingKeyNotFound,
)
from sts.key_data import (
    DecoderKeyGenerationAlgorithm,
    EncryptionAlgorithm,
    KeyExpiryNumber,
    KeyRevisionNumber,
    KeyType,
    SupplyGroupCode,
    TariffIndex,
)
from sts.keys.decoder_key import derive_decoder_key
from sts.security_module import (
    IssuedToken,
    IssueRequest,
    KeyChangeRequest,
    MeterConfiguration,
    VendingKeyFacts,
    VerifyRequest,
)
from sts.tokens.codec import TokenCodec
from sts.tokens.credit import TransferCredit
from sts.tokens.key_change import (
    Set1stSectionDecoderKey,
    Set2ndSectionDecoderKey,
)
from sts.tokens.reserved import ReservedToken
from tests.sts.published_keys import LONG_DRN, SHORT_DRN
from tests.sts.security_module_support import (
    EA09,
    EA11,
    METER_TEST,
    STORE,
    change_one,
    clear_tamper,
    credit,
    currency,
    issue_one,
    meter,
    module,
    sections_of,
)

if TYPE_CHECKING:
    from sts.keys.decoder_key import DecoderKey
    from sts.keys.vending_key import VendingKey
    from sts.meter_number import MeterPan
    from sts.tokens.kinds import Token


@pytest.mark.parametrize(
    "token",
    [credit(), currency(), clear_tamper(), METER_TEST],
    ids=lambda token: type(token).__name__,
)
@pytest.mark.parametrize(
    "at",
    [
        meter(),
        meter(pan=LONG_DRN),
        meter(encryption=EA09),
        meter("123457"),
        meter("123457", encryption=EA11),
    ],
    ids=["DKGA02 EA07", "long DRN", "DKGA02 EA09", "DKGA04 EA07", "DKGA04 EA11"],
)
def test_what_is_issued_says_to_its_meter_what_was_asked_for(
    at: MeterConfiguration, token: Token
) -> None:
    issued = issue_one(at, token)
    assert isinstance(issued, IssuedToken)
    assert issued.token == token
    assert module().verify([VerifyRequest(at, issued.digits)]) == [token]


def test_the_digits_are_those_of_the_codec_under_the_derived_key() -> None:
    at = meter("123457", encryption=EA11)
    key = derive_decoder_key(
        STORE.find(at.supply_group_code, at.key_revision_number),
        pan=at.pan,
        tariff_index=at.tariff_index,
        encryption_algorithm=EA11,
    )
    issued = issue_one(at, credit())
    assert isinstance(issued, IssuedToken)
    assert issued.digits == TokenCodec().encode(credit(), key)


def test_a_column_keeps_its_order_and_an_error_stops_no_other_row() -> None:
    outcomes = module().issue(
        [
            IssueRequest(meter("999999"), credit()),
            IssueRequest(meter(), credit(tenths=1)),
            IssueRequest(meter(encryption=EA11), credit()),
            IssueRequest(meter(), credit(tenths=2)),
            IssueRequest(meter(revision=3), credit()),
            IssueRequest(meter(pan=LONG_DRN), credit(tenths=3)),
        ]
    )
    said = [row.token if isinstance(row, IssuedToken) else type(row) for row in outcomes]
    assert said == [
        VendingKeyNotFound,
        credit(tenths=1),
        AlgorithmRefused,
        credit(tenths=2),
        TokenNotAllowed,
        credit(tenths=3),
    ]


def test_an_empty_column_has_no_outcomes() -> None:
    assert module().issue([]) == module().change_key([]) == module().verify([]) == []


def test_what_is_begun_is_what_is_issued() -> None:
    column = [IssueRequest(meter("999999"), credit()), IssueRequest(meter(), credit(tenths=1))]
    begun, issued = module().begin_issue(column)(), module().issue(column)
    assert [str(one) for one in begun] == [str(one) for one in issued]


def test_rows_of_a_meter_that_stand_together_share_its_key(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    derived: list[MeterPan] = []

    def counting(
        key: VendingKey,
        *,
        pan: MeterPan,
        tariff_index: TariffIndex,
        encryption_algorithm: EncryptionAlgorithm,
    ) -> DecoderKey:
        derived.append(pan)
        return derive_decoder_key(
            key, pan=pan, tariff_index=tariff_index, encryption_algorithm=encryption_algorithm
        )

    monkeypatch.setattr("sts.security_module.derive_decoder_key", counting)
    requests = [IssueRequest(meter(), credit(minutes)) for minutes in range(2, 7)]
    requests.append(IssueRequest(meter(pan=LONG_DRN), credit()))
    assert all(isinstance(outcome, IssuedToken) for outcome in module().issue(requests))
    assert derived == [SHORT_DRN, LONG_DRN]


def test_meters_that_take_turns_get_tokens_under_their_own_keys() -> None:
    meters = [meter(), meter(pan=LONG_DRN), meter("999999"), meter(), meter(revision=2)]
    outcomes = module().issue([IssueRequest(at, credit()) for at in meters])
    assert isinstance(outcomes.pop(2), VendingKeyNotFound)
    del meters[2]
    issued = [outcome for outcome in outcomes if isinstance(outcome, IssuedToken)]
    requests = [VerifyRequest(at, one.digits) for at, one in zip(meters, issued, strict=True)]
    assert module().verify(requests) == [credit()] * 4


def test_a_meter_test_needs_no_key() -> None:
    outcome = issue_one(meter("999999"), METER_TEST)
    assert isinstance(outcome, IssuedToken)
    assert module().verify([VerifyRequest(meter("999999"), outcome.digits)]) == [METER_TEST]


def test_the_key_change_of_ctsa19_has_its_published_digits() -> None:
    """STS 531 CTSA19_04 step 4: to supply group 123461; its section 3 is published."""
    at = meter("123457", encryption=EA11)
    issued = change_one(at, "123461", 1)
    assert isinstance(issued, tuple)
    assert [section.subclass for section in sections_of(at, issued)] == [3, 8, 9, 4]
    assert issued[1] == "38603700611597183668"


def test_a_64_bit_key_change_has_two_tokens() -> None:
    issued = change_one(meter(), "123456", 2)
    assert isinstance(issued, tuple)
    first, second = sections_of(meter(), issued)
    assert isinstance(first, Set1stSectionDecoderKey)
    assert first.key_revision_number == KeyRevisionNumber(2)
    assert first.rollover
    assert isinstance(second, Set2ndSectionDecoderKey)
    assert second.tariff_index == TariffIndex("01")


def test_key_change_tokens_are_read_under_the_current_key() -> None:
    at = meter("123457", encryption=EA11)
    issued = change_one(at, "123457", 2)
    assert isinstance(issued, tuple)
    assert len(sections_of(at, issued)) == 4
    after = meter("123457", 2, encryption=EA11)
    for outcome in module().verify([VerifyRequest(after, digits) for digits in issued]):
        assert isinstance(outcome, CrcMismatch)


@pytest.mark.parametrize(
    ("at", "group", "revision", "error"),
    [
        (meter("999999"), "123456", 1, VendingKeyNotFound),
        (meter(), "999999", 1, VendingKeyNotFound),
        (meter(), "123456", 9, VendingKeyNotFound),
        (meter(encryption=EA11), "123457", 1, AlgorithmRefused),  # the current key is DKGA02
        (meter("123457", encryption=EA11), "123456", 1, AlgorithmRefused),  # the new one is
    ],
    ids=["no current group", "no new group", "no new revision", "current", "new"],
)
def test_a_key_change_from_or_to_a_key_that_is_not_there_is_refused(
    at: MeterConfiguration, group: str, revision: int, error: type[StsError]
) -> None:
    assert isinstance(change_one(at, group, revision), error)


def test_a_key_change_that_fails_stops_no_other_row() -> None:
    requests = [
        KeyChangeRequest(meter(), SupplyGroupCode(group), KeyRevisionNumber(2), TariffIndex("01"))
        for group in ("999999", "123456")
    ]
    refused, issued = module().change_key(requests)
    assert isinstance(refused, VendingKeyNotFound)
    assert isinstance(issued, tuple)


def test_verify_tells_why_a_token_says_nothing() -> None:
    issued = issue_one(meter(), credit())
    assert isinstance(issued, IssuedToken)
    outcomes = module().verify(
        [
            VerifyRequest(meter(), "1234"),
            VerifyRequest(meter(), "9" * 20),
            VerifyRequest(meter(pan=LONG_DRN), issued.digits),
            VerifyRequest(meter("999999"), issued.digits),
            VerifyRequest(meter(encryption=EA11), issued.digits),
            VerifyRequest(meter(), issued.digits),
        ]
    )
    assert [type(outcome) for outcome in outcomes] == [
        TokenMalformed,
        TokenMalformed,
        CrcMismatch,
        VendingKeyNotFound,
        AlgorithmRefused,
        TransferCredit,
    ]


def test_verify_reports_a_reserved_token_raw() -> None:
    digits = str(3 << 27).zfill(20)
    (outcome,) = module().verify([VerifyRequest(meter(), digits)])
    assert isinstance(outcome, ReservedToken)
    assert outcome.token_class == 3


def test_facts_tell_everything_but_the_key() -> None:
    facts = module().facts()
    assert len(facts) == len(STORE)
    assert facts[0] == VendingKeyFacts(
        SupplyGroupCode("123456"),
        KeyRevisionNumber(1),
        KeyType.UNIQUE,
        BaseDate.YEAR_1993,
        KeyExpiryNumber(255),
        DecoderKeyGenerationAlgorithm.DKGA02,
        "C33F45",
    )
    assert "ababab" not in repr(facts)


def test_the_facts_of_one_key_are_found_by_group_and_revision() -> None:
    found = module().vending_key_for(SupplyGroupCode("123457"), KeyRevisionNumber(2))
    assert found.base_date is BaseDate.YEAR_2014
    with pytest.raises(VendingKeyNotFound):
        module().vending_key_for(SupplyGroupCode("123457"), KeyRevisionNumber(9))
