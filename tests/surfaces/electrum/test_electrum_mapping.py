"""What the surface asks of the service, and what it says of the outcome."""

from __future__ import annotations

from typing import Any

import pytest

from sts.id_record import IdRecord
from tests.surfaces.electrum.full_message import FULL_CONFIRMATION
from tests.surfaces.electrum.goods import (
    CHARGED_METER_ID,
    KEY_CHANGE_METER_ID,
    METER_ID,
    PAN,
    TRACK_2,
)
from tests.surfaces.electrum.sent import (
    EVERY_OPERATION,
    Sent,
    confirmation,
    event,
    fault,
    key_change,
    lookup,
    purchase,
    reprint,
    reversal,
)
from tests.surfaces.electrum.shop import Shop, point_of_sale
from vending_api.domain.advices.types import AdviceKind, Advise, NoteSale
from vending_api.domain.faults.types import ReportFault
from vending_api.domain.issuing.types import TokenKind
from vending_api.domain.reprints.types import ReprintTokens
from vending_api.domain.sales.types import ChangeKey, LookUpMeter, SellCredit, TryCredit
from vending_api.surfaces.electrum.mapping.answers import in_units
from vending_api.surfaces.electrum.mapping.commands import masked
from vending_api.surfaces.electrum.operations import FAULT_REPORT, PURCHASE_EVENT


def _command_of(path: str, message: dict[str, Any]) -> Any:
    """Send a message, and return the one command that it becomes."""
    shop = Shop()
    point_of_sale(shop).post(path, json=message)
    (command,) = shop.commands
    assert command.client.user_name == "test"
    assert command.received_at < shop.now()
    return command


def test_a_lookup_becomes_a_command() -> None:
    command = _command_of("/meterLookups/lookup-1", lookup())
    assert isinstance(command, LookUpMeter)
    assert (command.lookup_id, command.external_meter_id) == ("lookup-1", METER_ID)


def test_a_purchase_becomes_a_command_under_its_own_id() -> None:
    command = _command_of("/tokenPurchases/purchase-1", purchase())
    assert isinstance(command, SellCredit)
    assert (command.purchase_id, command.message_id) == ("purchase-1", "purchase-1")
    assert (command.amount_minor, command.currency) == (11_500, "710")
    assert (command.external_meter_id, command.terminal_id) == (METER_ID, "TERM0001")


def test_a_retry_becomes_a_command_under_the_id_of_the_path() -> None:
    command = _command_of("/tokenPurchases/first/retry", purchase("second"))
    assert isinstance(command, SellCredit)
    assert (command.purchase_id, command.message_id) == ("first", "second")


def test_a_trial_becomes_a_command_that_sells_nothing() -> None:
    command = _command_of("/tokenPurchases/trial-1/trial", purchase("trial-1"))
    assert isinstance(command, TryCredit)
    assert (command.trial_id, command.external_meter_id) == ("trial-1", METER_ID)
    assert (command.amount_minor, command.currency) == (11_500, "710")
    assert command.terminal_id == "TERM0001"


@pytest.mark.parametrize(
    ("changes", "reference"),
    [({}, None), ({"originalRef": ""}, None), ({"originalRef": "17-000042"}, "17-000042")],
)
def test_a_reprint_becomes_a_command(changes: dict[str, str], reference: str | None) -> None:
    command = _command_of("/tokenReprints/reprint-1", reprint(**changes))
    assert isinstance(command, ReprintTokens)
    assert (command.reprint_id, command.external_meter_id) == ("reprint-1", METER_ID)
    assert (command.original_reference, command.terminal_id) == (reference, "TERM0001")


def test_a_key_change_request_becomes_a_command() -> None:
    command = _command_of("/keyChangeTokenRequests/key-change-1", key_change())
    assert isinstance(command, ChangeKey)
    assert (command.request_id, command.terminal_id) == ("key-change-1", "TERM0001")
    assert command.external_meter_id == KEY_CHANGE_METER_ID


@pytest.mark.parametrize(
    ("changes", "description"), [({}, ""), ({"faultDescription": "dark"}, "dark")]
)
def test_a_fault_report_becomes_a_command(changes: dict[str, str], description: str) -> None:
    command = _command_of("/faultReports/fault-1", fault(**changes))
    assert isinstance(command, ReportFault)
    assert (command.report_id, command.external_meter_id) == ("fault-1", METER_ID)
    assert (command.contact_number, command.fault_type) == ("0215551234", "MeterDead")
    assert (command.fault_description, command.terminal_id) == (description, "TERM0001")
    assert command.reported_at == "2017-07-28T12:06:18.303Z"


def test_a_confirmation_becomes_a_command_with_what_was_paid() -> None:
    path = "/tokenPurchases/purchase-1/confirmations/advice-1"
    command = _command_of(path, FULL_CONFIRMATION)
    assert isinstance(command, Advise)
    assert command.kind is AdviceKind.CONFIRMATION
    assert (command.advice_id, command.request_id) == ("advice-1", "purchase-1")
    assert (command.approved_minor, command.currency, command.reason) == (1, "710", "")
    assert list(command.tenders) == [
        {
            "accountType": "SAVINGS",
            "amount": {"amount": 1, "currency": "710", "ledgerIndicator": "DEBIT"},
            "cardNumber": "123456" + "*" * 13,
            "reference": "r",
            "tenderType": "ROUNDING",
        }
    ]


@pytest.mark.parametrize("changes", [{}, {"amounts": {}}, {"tenders": []}, {"tenders": None}])
def test_an_advice_may_leave_all_but_its_ids_out(changes: dict[str, Any]) -> None:
    path = "/tokenPurchases/purchase-1/confirmations/advice-1"
    command = _command_of(path, confirmation(**changes))
    assert (command.approved_minor, command.currency) == (None, None)
    assert list(command.tenders) == []


def test_a_final_amount_of_nothing_is_an_amount() -> None:
    amounts = {"approvedAmount": {"amount": 0, "currency": "710"}}
    path = "/tokenPurchases/purchase-1/confirmations/advice-1"
    assert _command_of(path, confirmation(amounts=amounts)).approved_minor == 0


def test_a_reversal_becomes_a_command_with_its_reason() -> None:
    path = "/tokenPurchases/purchase-1/reversals/advice-1"
    command = _command_of(path, reversal(reversalReason="CANCELLED"))
    assert isinstance(command, Advise)
    assert (command.kind, command.reason) == (AdviceKind.REVERSAL, "CANCELLED")
    assert (command.advice_id, command.request_id) == ("advice-1", "purchase-1")
    assert list(command.tenders) == []


def test_a_confirmation_of_a_key_change_is_of_its_own_kind() -> None:
    path = "/keyChangeTokenRequests/key-change-1/confirmations/advice-1"
    command = _command_of(path, confirmation(requestId="key-change-1"))
    assert isinstance(command, Advise)
    assert command.kind is AdviceKind.KEY_CHANGE_CONFIRMATION
    assert (command.advice_id, command.request_id) == ("advice-1", "key-change-1")


def test_an_event_becomes_a_command_about_the_id_of_its_query() -> None:
    command = _command_of("/events/tokenPurchases?purchaseId=a%2Fb", event())
    assert isinstance(command, NoteSale)
    assert (command.purchase_id, command.message_id) == ("a/b", "event-1")


@pytest.mark.parametrize("query", ["", "?purchaseId=", "?purchaseID=1", "?purchaseId=%00"])
def test_an_event_of_no_purchase_is_a_format_error(query: str) -> None:
    shop = Shop()
    answer = point_of_sale(shop).post(f"/events/tokenPurchases{query}", json=event())
    assert answer.status_code == 400
    assert answer.json()["errorType"] == "FORMAT_ERROR"
    assert shop.commands == []


WITH_A_CARD = [
    sent
    for sent in EVERY_OPERATION
    if "meter" in sent.message and sent.operation not in {FAULT_REPORT, PURCHASE_EVENT}
]


@pytest.mark.parametrize("sent", WITH_A_CARD, ids=lambda sent: sent.operation.operation_id)
def test_a_card_is_read_beside_the_number_that_was_sent(sent: Sent) -> None:
    meter = {"meterId": KEY_CHANGE_METER_ID, "track2Data": TRACK_2}
    command = _command_of(sent.path, sent.message | {"meter": meter})
    assert command.card == IdRecord.parse(TRACK_2)
    assert command.external_meter_id == KEY_CHANGE_METER_ID


@pytest.mark.parametrize(
    "track_2",
    [
        None,
        "=" * 34,
        f"{PAN}=30120712345601A",
        f"{PAN}=301207123456010",  # no key has revision 0
        TRACK_2.replace("9=", "8="),  # the check digit of the meter is wrong
    ],
)
@pytest.mark.parametrize("sent", WITH_A_CARD, ids=lambda sent: sent.operation.operation_id)
def test_what_is_no_card_of_a_meter_does_not_count(sent: Sent, track_2: str | None) -> None:
    meter = {"meterId": KEY_CHANGE_METER_ID, "track2Data": track_2}
    command = _command_of(sent.path, sent.message | {"meter": meter})
    assert command.card is None
    assert command.external_meter_id == KEY_CHANGE_METER_ID


@pytest.mark.parametrize(
    ("card_number", "kept"),
    [
        ("1234567890123456", "123456******3456"),
        ("1234567890123456789", "123456*********6789"),
        ("1234567890123", "123456***0123"),
        ("123456789012", "************"),
        ("123456", "******"),
        ("123456******3456", "123456******3456"),
        ("123456" + "*" * 13, "123456" + "*" * 13),
    ],
)
def test_of_a_card_number_six_digits_and_four_are_kept(card_number: str, kept: str) -> None:
    assert masked(card_number) == kept
    tender = {"tenderType": "CREDIT_CARD", "amount": {"amount": 1, "currency": "710"}}
    path = "/tokenPurchases/purchase-1/confirmations/advice-1"
    command = _command_of(path, confirmation(tenders=[{**tender, "cardNumber": card_number}]))
    assert command.tenders == [{"accountType": "DEFAULT", **tender, "cardNumber": kept}]


@pytest.mark.parametrize("kind", TokenKind)
def test_every_kind_of_token_has_its_word(kind: TokenKind) -> None:
    shop = Shop()
    shop.token_kind = kind
    answer = point_of_sale(shop).post("/tokenPurchases/purchase-1", json=purchase())
    (token,) = answer.json()["tokens"]
    assert token["tokenType"] == {
        TokenKind.STANDARD: "STD",
        TokenKind.FREE: "BSST",
        TokenKind.REFUND: "REFUND",
        TokenKind.KEY_CHANGE: "KC",
        TokenKind.POWER_LIMIT: "PWRLMT",
        TokenKind.CLEAR_TAMPER: "PWRLMT",
        TokenKind.CLEAR_CREDIT: "PWRLMT",
    }.get(kind)


def test_no_answer_has_a_null_or_a_meter_pan() -> None:
    client = point_of_sale(Shop())
    for sent in (*EVERY_OPERATION, *EVERY_OPERATION):
        text = client.post(sent.path, json=sent.message).text
        assert "null" not in text
        assert PAN not in text


def test_units_and_rates_leave_as_json_numbers() -> None:
    text = point_of_sale(Shop()).post("/tokenPurchases/purchase-1", json=purchase()).text
    assert '"units":40.3,' in text
    assert '"taxRate":15.0}' in text


@pytest.mark.parametrize(
    ("tenths", "text"),
    [(0, "0.0"), (1, "0.1"), (10, "1.0"), (403, "40.3"), (18_201_624, "1820162.4")],
)
def test_tenths_become_the_nearest_float(tenths: int, text: str) -> None:
    assert repr(in_units(tenths)) == text


def test_what_was_paid_is_the_sum_of_what_the_answer_lists() -> None:
    message = purchase(
        meter={"meterId": CHARGED_METER_ID}, purchaseAmount={"amount": 20_000, "currency": "710"}
    )
    body = point_of_sale(Shop()).post("/tokenPurchases/purchase-1", json=message).json()
    charges = [one["amount"]["amount"] for one in body["serviceCharges"]]
    debts = [one["amount"]["amount"] for one in body["debtRecoveryCharges"]]
    listed = body["purchaseTotal"]["amount"] + body["taxTotal"]["amount"] + sum(charges + debts)
    assert listed == body["amounts"]["approvedAmount"]["amount"] == 20_000
    assert body["amounts"]["requestAmount"] == {"amount": 20_000, "currency": "710"}


def test_a_trial_has_everything_of_the_sale_but_its_tokens_and_numbers() -> None:
    client = point_of_sale(Shop())
    meter = {"meterId": KEY_CHANGE_METER_ID}
    trial = client.post("/tokenPurchases/1/trial", json=purchase("1", meter=meter)).json()
    sale = client.post("/tokenPurchases/1", json=purchase("1", meter=meter)).json()
    for told in (trial, sale):
        del told["id"], told["slipData"]
    units = trial["amounts"].pop("additionalAmounts")
    assert {name: sum_["amount"] for name, sum_ in units.items()} == {
        "unitsTenths": 403,
        "freeUnitsTenths": 500,
    }
    assert trial == {
        name: value for name, value in sale.items() if name not in {"tokens", "vatInvoiceNumber"}
    }


def test_a_reprint_is_the_sale_again_but_for_its_id_and_its_slip() -> None:
    client = point_of_sale(Shop())
    meter = {"meterId": KEY_CHANGE_METER_ID}
    sale = client.post("/tokenPurchases/1", json=purchase("1", meter=meter)).json()
    answer = client.post("/tokenReprints/2", json=reprint("2", meter=meter))
    copy = answer.json()
    assert answer.status_code == 200
    assert copy.pop("slipData")["messageLines"][0]["text"] == "COPY"
    assert sale.pop("slipData")["messageLines"][0]["text"] == "PURCHASE"
    assert copy == sale | {"id": "2"}


def test_a_key_change_can_be_printed_again() -> None:
    client = point_of_sale(Shop())
    first = client.post("/keyChangeTokenRequests/key-change-1", json=key_change()).json()
    again = client.post("/tokenReprints/1", json=reprint("1", meter=key_change()["meter"])).json()
    assert (again["tokens"], again["meter"]) == (first["tokens"], first["meter"])
    assert [token["tokenType"] for token in again["tokens"]] == ["KC", "KC"]
