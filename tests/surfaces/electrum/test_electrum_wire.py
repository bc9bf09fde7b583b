"""Every limit of the contract, on both of its sides."""

from __future__ import annotations

import copy
import json

import pytest
from pydantic import ValidationError

from tests.surfaces.electrum.full_message import ABSENT, FULL, parse, refused_at, with_value
from tests.surfaces.electrum.sent import lookup, purchase
from vending_api.surfaces.electrum.wire.faults import ErrorDetail, ErrorType, RequestType
from vending_api.surfaces.electrum.wire.messages import (
    MeterLookupRequest,
)
from vending_api.surfaces.electrum.wire.tokens import TokenType


def test_a_message_with_every_field_is_accepted_and_keeps_its_words() -> None:
    kept = json.loads(parse(FULL).model_dump_json(exclude_none=True))
    assert kept == FULL


REQUIRED = [
    *("id", "time", "originator", "client", "thirdPartyIdentifiers", "meter", "purchaseAmount"),
    *("originator.institution", "originator.terminalId", "originator.merchant"),
    *("originator.institution.id", "originator.institution.name"),
    *("originator.merchant.merchantType", "originator.merchant.merchantId"),
    *("originator.merchant.merchantName", "originator.merchant.merchantName.name"),
    *("originator.merchant.merchantName.city", "originator.merchant.merchantName.region"),
    "originator.merchant.merchantName.country",
    *("client.id", "client.name", "settlementEntity.id", "receiver.name"),
    *("thirdPartyIdentifiers.0.institutionId", "meter.meterId"),
    *("transactionLabels.0.name", "transactionLabels.0.value"),
    *("slipData.messageLines.0.text", "slipData.messageLines.0.barcode.data"),
    *("purchaseAmount.amount", "purchaseAmount.currency"),
    *("tenders.0.amount", "tenders.0.tenderType", "tenders.0.amount.currency"),
    *("paymentMethods.0.pan", "paymentMethods.1.token", "paymentMethods.2.cardNumber"),
    *("paymentMethods.4.rewardCode", "paymentMethods.5.walletId", "paymentMethods.6.tranId"),
    *("paymentMethods.0.pin.pinBlock", "paymentMethods.0.pin.accountNumber"),
    *("paymentMethods.3.pin.pin", "paymentMethods.4.pin.hash"),
    "paymentMethods.4.pin.hashedPinParameters.name",
    "paymentMethods.5.walletPocket.pocketName",
    "paymentMethods.0.posInfo.entryMode.panEntryMode",
    "paymentMethods.0.posInfo.entryMode.pinEntryCapability",
]
OPTIONAL = [
    *("settlementEntity", "receiver", "slipData", "basketRef", "tranType", "srcAccType"),
    *("destAccType", "stan", "rrn", "transactionLabels", "utilityType", "msisdn", "tenders"),
    *("paymentMethods", "originator.operatorId", "originator.channelId"),
    *("thirdPartyIdentifiers.0.transactionIdentifier", "slipData.slipWidth"),
    *("slipData.messageLines", "slipData.issuerReference", "slipData.messageLines.0.barcode"),
    *("slipData.messageLines.0.fontWidthScaleFactor", "slipData.messageLines.0.line"),
    *("slipData.messageLines.0.fontHeightScaleFactor", "slipData.messageLines.0.cut"),
    "slipData.messageLines.0.barcode.encoding",
    *("meter.track2Data", "meter.serviceType", "meter.supplyGroupCode", "meter.keyRevisionNum"),
    *("meter.tariffIndex", "meter.tokenTechCode", "meter.algorithmCode", "meter.keyChangeData"),
    *("meter.keyChangeData.newSupplyGroupCode", "meter.keyChangeData.newKeyRevisionNumber"),
    "meter.keyChangeData.newTariffIndex",
    *("tenders.0.cardNumber", "tenders.0.reference", "tenders.0.amount.ledgerIndicator"),
    *("paymentMethods.0.name", "paymentMethods.0.amount", "paymentMethods.0.issuer"),
    *("paymentMethods.0.pin", "paymentMethods.0.proxy", "paymentMethods.0.proxyType"),
    *("paymentMethods.0.expiryDate", "paymentMethods.0.posInfo", "paymentMethods.0.encryptedPin"),
    *("paymentMethods.0.pin.keyIndex", "paymentMethods.0.posInfo.entryMode"),
    *("paymentMethods.3.srcAccountId", "paymentMethods.6.partnerPaymentToken"),
    *("paymentMethods.5.walletPocket", "paymentMethods.5.walletPocket.pocketId"),
    "paymentMethods.4.pin.hashedPinParameters",
]


@pytest.mark.parametrize("path", REQUIRED)
@pytest.mark.parametrize("value", [ABSENT, None], ids=["absent", "null"])
def test_a_required_field_must_be_there(path: str, value: object) -> None:
    assert refused_at(with_value(FULL, path, value)) == {path}


@pytest.mark.parametrize("path", OPTIONAL)
def test_null_of_an_optional_field_is_its_absence(path: str) -> None:
    assert parse(with_value(FULL, path, None)) == parse(with_value(FULL, path, ABSENT))


@pytest.mark.parametrize(
    ("path", "default"),
    [
        ("tenders.0.accountType", "DEFAULT"),
        ("paymentMethods.0.pin.pinBlockFormat", "ISO_9564_FORMAT_0"),
    ],
)
@pytest.mark.parametrize("value", [ABSENT, None], ids=["absent", "null"])
def test_an_absent_word_has_its_default(path: str, default: str, value: object) -> None:
    assert parse(with_value(FULL, path, value)) == parse(with_value(FULL, path, default))


LENGTHS = [
    ("id", 1, 255),
    ("originator.terminalId", 8, 8),
    ("originator.operatorId", 0, 30),
    ("originator.channelId", 0, 50),
    ("originator.institution.name", 0, 40),
    ("originator.merchant.merchantId", 15, 15),
    ("originator.merchant.merchantName.name", 0, 23),
    ("originator.merchant.merchantName.city", 0, 13),
    ("originator.merchant.merchantName.region", 0, 2),
    ("originator.merchant.merchantName.country", 0, 2),
    ("tenders.0.reference", 0, 40),
    ("paymentMethods.0.proxy", 0, 40),
    ("paymentMethods.3.pin.pin", 0, 20),
    ("paymentMethods.4.rewardCode", 0, 40),
    ("paymentMethods.4.pin.hashedPinParameters.name", 0, 20),
]


@pytest.mark.parametrize(("path", "shortest", "longest"), LENGTHS)
def test_a_text_has_its_length(path: str, shortest: int, longest: int) -> None:
    parse(with_value(FULL, path, "é" * shortest))
    parse(with_value(FULL, path, "é" * longest))
    assert refused_at(with_value(FULL, path, "é" * (longest + 1))) == {path}
    if shortest:
        assert refused_at(with_value(FULL, path, "é" * (shortest - 1))) == {path}


PATTERNS = [
    ("originator.merchant.merchantType", ["5411"], ["541", "54111", "541a", "٥٤١١"]),
    ("meter.meterId", ["", "aZ09" * 5], ["a" * 21, "a-b", "a b", "é"]),
    ("meter.track2Data", ["aZ0=" * 8 + "=="], ["=" * 33, "=" * 35, "-" * 34]),
    ("meter.serviceType", ["", "a" * 12], ["a" * 13, "hot water"]),
    ("meter.supplyGroupCode", ["000001"], ["00001", "0000001", "00000a"]),
    ("meter.keyRevisionNum", ["0", "9"], ["", "10", "x"]),
    ("meter.tariffIndex", ["00", "99"], ["1", "001", "0x"]),
    ("meter.tokenTechCode", ["02"], ["2", "002"]),
    ("meter.algorithmCode", ["07"], ["7", "007"]),
    ("meter.keyChangeData.newSupplyGroupCode", ["000001"], ["1"]),
    ("meter.keyChangeData.newKeyRevisionNumber", ["1"], ["11"]),
    ("meter.keyChangeData.newTariffIndex", ["01"], ["1"]),
    ("purchaseAmount.currency", ["710"], ["71", "7100", "ZAR"]),
    (
        "msisdn",
        ["12", "1" * 15, "+27821234567", "0821234567"],
        ["1", "1" * 16, "+0821234567", "082123456", "08212345678", "", "++12", "x12"],
    ),
    ("tenders.0.cardNumber", ["123456", "123456" + "9*" * 6 + "*"], ["12345", "1" * 20, "12345*"]),
    ("paymentMethods.0.pan", ["1", "1" * 19], ["", "1" * 20, "1*"]),
    ("paymentMethods.0.expiryDate", ["3012"], ["301", "30123"]),
    ("paymentMethods.0.pin.pinBlock", ["0123456789abCDEF"], ["0" * 15, "0" * 17, "g" * 16]),
    ("paymentMethods.0.pin.accountNumber", ["1" * 12], ["1" * 11, "1" * 13]),
    ("paymentMethods.1.token", ["aZ09" * 8], ["a" * 31, "a" * 33, "-" * 32]),
    ("paymentMethods.2.cardNumber", ["1" * 16], ["1" * 15, "1" * 17]),
    ("slipData.issuerReference", ["A", "Z9" * 20], ["", "A" * 41, "a"]),
]


@pytest.mark.parametrize(
    ("path", "good"), [(path, text) for path, good, _ in PATTERNS for text in good], ids=repr
)
def test_a_text_fits_its_pattern(path: str, good: str) -> None:
    parse(with_value(FULL, path, good))


@pytest.mark.parametrize(
    ("path", "bad"),
    [
        (path, text)
        for path, good, bad in PATTERNS
        for text in (*bad, f"{good[-1]}\n", f"\n{good[-1]}")
    ],
    ids=repr,
)
def test_a_pattern_holds_for_the_whole_text(path: str, bad: str) -> None:
    assert refused_at(with_value(FULL, path, bad)) == {path}


@pytest.mark.parametrize(
    "path",
    [
        *("tranType", "srcAccType", "destAccType", "purchaseAmount.ledgerIndicator"),
        *("tenders.0.accountType", "tenders.0.tenderType", "paymentMethods.0.proxyType"),
        "paymentMethods.0.pin.pinBlockFormat",
        "paymentMethods.0.posInfo.posConditionCode",
        "paymentMethods.0.posInfo.entryMode.panEntryMode",
        "paymentMethods.0.posInfo.entryMode.pinEntryCapability",
    ],
)
@pytest.mark.parametrize("word", ["NO_SUCH_WORD", "default", "", 1], ids=repr)
def test_a_word_is_one_of_its_list(path: str, word: object) -> None:
    assert refused_at(with_value(FULL, path, word)) == {path}


def test_a_tender_is_never_in_a_gift_card_account() -> None:
    assert refused_at(with_value(FULL, "tenders.0.accountType", "GIFT_CARD")) == {
        "tenders.0.accountType"
    }


@pytest.mark.parametrize("path", ["paymentMethods.0.type", "paymentMethods.0.pin.type"])
@pytest.mark.parametrize("value", ["NO_SUCH_TYPE", None, ABSENT], ids=["unknown", "null", "absent"])
def test_a_variant_is_one_of_its_list(path: str, value: object) -> None:
    assert refused_at(with_value(FULL, path, value)) == {path.removesuffix(".type")}


def test_our_own_names_are_not_theirs() -> None:
    message = purchase()
    message["purchase_amount"] = message.pop("purchaseAmount")
    assert refused_at(message) == {"purchaseAmount"}


def test_what_is_secret_does_not_print() -> None:
    message = copy.deepcopy(FULL)
    message["paymentMethods"][3]["pin"]["pin"] = "SECRETPIN"
    printed = repr(parse(message))
    secrets = ("4" * 19, "0123456789abCDEF", "SECRETPIN", "123456***", "=" * 34, "a" * 32)
    assert not [secret for secret in secrets if secret in printed]


def test_an_error_does_not_print_what_was_sent() -> None:
    with pytest.raises(ValidationError) as caught:
        parse(with_value(FULL, "paymentMethods.0.pan", "SECRET"))
    assert "SECRET" not in str(caught.value)


def test_a_lookup_asks_for_no_money() -> None:
    MeterLookupRequest.model_validate(lookup())


def test_the_words_of_an_error_are_short() -> None:
    detail = {
        "error_type": ErrorType.GENERAL_ERROR,
        "request_type": RequestType.METER_LOOKUP_REQUEST,
        "id": "",
    }
    ErrorDetail.model_validate({**detail, "error_message": "x" * 20})
    with pytest.raises(ValidationError):
        ErrorDetail.model_validate({**detail, "error_message": "x" * 21})


def test_the_lists_have_the_length_of_the_contract() -> None:
    assert (len(ErrorType), len(RequestType), len(TokenType)) == (26, 10, 5)
    assert all(word.value == word.name for word in (*ErrorType, *RequestType, *TokenType))
