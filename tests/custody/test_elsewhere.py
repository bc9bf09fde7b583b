"""A module behind a socket answers what one in this process answers."""

from __future__ import annotations

import json
import pickle
import socket
import struct
from contextlib import closing, suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from structlog.testing import capture_logs

from sts.errors import (
    AlgorithmRefused,
    CrcMismatch,
    IssueLimitReached,
    KeyExpired,
    StsError,
    VendingKeyNotFound,
)
from sts.key_data import EncryptionAlgorithm, KeyRevisionNumber, SupplyGroupCode, TariffIndex
from sts.meter_number import MeterPan
from sts.security_module import (
    IssuedToken,
    IssueRequest,
    KeyChangeRequest,
    MeterConfiguration,
    VerifyRequest,
)
from sts.token_identifier import TokenIdentifier
from sts.tokens.credit import Resource, TransferCredit
from sts.tokens.currency_credit import CurrencyCredit
from sts.tokens.kinds import READERS
from sts.units import TransferAmount
from tests.custody.conftest import HERE, server_at, serving
from vending_api.custody import wire
from vending_api.custody.client import SecurityModuleElsewhere
from vending_api.custody.counters import Limits
from vending_api.kit.errors import SecurityModuleUnavailable
from vending_api.sandbox.example_keys import example_keys

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from sts.tokens.kinds import Token

METER = MeterConfiguration(
    MeterPan.parse("600727000000000009"),
    SupplyGroupCode("123457"),
    KeyRevisionNumber(1),
    TariffIndex("01"),
    EncryptionAlgorithm.EA07,
)
NO_KEY = MeterConfiguration(
    METER.pan, SupplyGroupCode("999999"), METER.key_revision_number, METER.tariff_index,
    METER.encryption_algorithm,
)  # fmt: skip


EA11 = replace(
    METER, key_revision_number=KeyRevisionNumber(2), encryption_algorithm=EncryptionAlgorithm.EA11
)


def credit(tenths: int = 256, minutes: int = 5_000_000) -> TransferCredit:
    return TransferCredit(
        resource=Resource.ELECTRICITY,
        amount=TransferAmount(tenths),
        token_identifier=TokenIdentifier(minutes),
        random=5,
    )


def _facts(outcome: Any) -> Any:
    if isinstance(outcome, StsError):
        return type(outcome), str(outcome), vars(outcome)
    return outcome


def _one_of(reader: Callable[[int], Token]) -> Token:
    for number in range(10_000):
        with suppress(StsError):
            return reader(number * 0x9E3779B97F4A7C15 % (1 << 44))
    raise AssertionError(reader)


def test_every_kind_of_token_is_issued_as_it_is_here(elsewhere: SecurityModuleElsewhere) -> None:
    requests = [IssueRequest(METER, token) for token in map(_one_of, READERS.values())]
    assert len(requests) == len(READERS)
    here = HERE.issue(requests)
    assert [_facts(one) for one in elsewhere.issue(requests)] == [_facts(one) for one in here]
    assert sum(isinstance(one, IssuedToken) for one in here) > 10


def test_each_row_has_its_own_error_of_the_same_kind(elsewhere: SecurityModuleElsewhere) -> None:
    ea11 = MeterConfiguration(
        METER.pan, METER.supply_group_code, METER.key_revision_number, METER.tariff_index,
        EncryptionAlgorithm.EA09,
    )  # fmt: skip
    requests = [
        IssueRequest(METER, credit()),
        IssueRequest(NO_KEY, credit()),
        IssueRequest(ea11, credit()),
        IssueRequest(METER, credit(minutes=(1 << 24) - 1)),
    ]
    here = HERE.issue(requests)
    assert [_facts(one) for one in elsewhere.issue(requests)] == [_facts(one) for one in here]
    kinds = {type(one) for one in here}
    assert kinds >= {IssuedToken, VendingKeyNotFound}
    assert kinds & {AlgorithmRefused, KeyExpired}


def test_key_changes_are_those_of_here(elsewhere: SecurityModuleElsewhere) -> None:
    requests = [
        KeyChangeRequest(meter, SupplyGroupCode(group), KeyRevisionNumber(1), TariffIndex("02"))
        for meter in (METER, NO_KEY)
        for group in ("123457", "123456", "999999")
    ]
    here = HERE.change_key(requests)
    assert any(isinstance(one, tuple) for one in here)
    assert [_facts(one) for one in elsewhere.change_key(requests)] == [_facts(one) for one in here]


def test_tokens_are_read_as_they_are_here(elsewhere: SecurityModuleElsewhere) -> None:
    (issued,) = HERE.issue([IssueRequest(METER, credit())])
    assert isinstance(issued, IssuedToken)
    requests = [
        VerifyRequest(METER, issued.digits),
        VerifyRequest(METER, "0" * 20),
        VerifyRequest(METER, "7" * 20),
        VerifyRequest(NO_KEY, issued.digits),
        VerifyRequest(METER, "123"),
    ]
    here = HERE.verify(requests)
    assert here[0] == credit()
    assert any(isinstance(one, CrcMismatch) for one in here)
    assert [_facts(one) for one in elsewhere.verify(requests)] == [_facts(one) for one in here]


def test_what_may_be_known_of_the_keys_is_known(elsewhere: SecurityModuleElsewhere) -> None:
    assert elsewhere.facts() == HERE.facts()
    for facts in HERE.facts():
        place = facts.supply_group_code, facts.key_revision_number
        assert elsewhere.vending_key_for(*place) == facts
    with pytest.raises(VendingKeyNotFound):
        elsewhere.vending_key_for(SupplyGroupCode("999999"), KeyRevisionNumber(1))


def test_answers_that_nobody_waited_for_are_passed_over(elsewhere: SecurityModuleElsewhere) -> None:
    elsewhere.begin_issue([IssueRequest(METER, credit(1))])  # its group was rolled back
    first = elsewhere.begin_issue([IssueRequest(METER, credit(2))])
    second = elsewhere.begin_issue([IssueRequest(METER, credit(3))])
    outcomes = [*first(), *second()]
    here = HERE.issue([IssueRequest(METER, credit(2)), IssueRequest(METER, credit(3))])
    assert outcomes == here


def test_a_limit_ends_what_one_key_makes_and_nothing_else(path: Path) -> None:
    other = MeterConfiguration(
        METER.pan, SupplyGroupCode("123456"), METER.key_revision_number, METER.tariff_index,
        METER.encryption_algorithm,
    )  # fmt: skip
    rows = [
        IssueRequest(METER, credit()),
        IssueRequest(METER, credit()),
        IssueRequest(METER, credit()),
    ]
    with (
        serving(path, limits=Limits(tokens_a_day=2)),
        closing(SecurityModuleElsewhere(path)) as elsewhere,
        closing(SecurityModuleElsewhere(path)) as again,  # who asks cannot set it back
    ):
        outcomes = elsewhere.issue([*rows, IssueRequest(other, credit())])
        kinds = [isinstance(one, IssueLimitReached) for one in outcomes]
        assert kinds == [False, False, True, False]
        assert isinstance(again.issue(rows)[0], IssueLimitReached)
        assert isinstance(
            again.change_key(
                [
                    KeyChangeRequest(
                        METER, METER.supply_group_code, METER.key_revision_number, TariffIndex("02")
                    )
                ]
            )[0],
            IssueLimitReached,
        )
        assert again.verify([VerifyRequest(METER, "7" * 20)])  # reading makes nothing


@pytest.mark.parametrize(("tenths", "is_made"), [(1_000, True), (1_001, False)])
def test_a_token_beyond_the_units_of_a_day_is_not_made(
    path: Path,
    tenths: int,
    is_made: bool,  # noqa: FBT001 (a case)
) -> None:
    with (
        serving(path, limits=Limits(tenths_a_day=1_000)),
        closing(SecurityModuleElsewhere(path)) as elsewhere,
    ):
        (outcome,) = elsewhere.issue([IssueRequest(METER, credit(tenths))])
    assert isinstance(outcome, IssuedToken) is is_made


def test_keys_that_the_module_has_not_are_counted_as_one(path: Path, tmp_path: Path) -> None:
    file = tmp_path / "counters.json"
    strangers = [
        MeterConfiguration(
            METER.pan, SupplyGroupCode(f"77{number:04}"), METER.key_revision_number,
            METER.tariff_index, METER.encryption_algorithm,
        )
        for number in range(3)
    ]  # fmt: skip
    with serving(path, file=file), closing(SecurityModuleElsewhere(path)) as elsewhere:
        outcomes = elsewhere.issue([IssueRequest(one, credit()) for one in [*strangers, METER]])
    assert [isinstance(one, VendingKeyNotFound) for one in outcomes] == [True, True, True, False]
    assert sorted(json.loads(file.read_text())) == ["123457/1", "none"]


def test_what_cannot_be_counted_is_not_made(path: Path, tmp_path: Path) -> None:
    folder = tmp_path / "full"
    with (
        capture_logs() as logs,
        serving(path, file=folder / "counters.json"),
        closing(SecurityModuleElsewhere(path)) as elsewhere,
    ):
        with pytest.raises(SecurityModuleUnavailable):  # there is no such folder
            elsewhere.issue([IssueRequest(METER, credit())])
        folder.mkdir()
        (outcome,) = elsewhere.issue([IssueRequest(METER, credit())])
        assert isinstance(outcome, IssuedToken)
    assert "counters_not_written" in [one["event"] for one in logs]


def test_credit_in_money_counts_as_a_token(path: Path) -> None:
    token = READERS[0, 4](1 << 16 | 1)
    assert isinstance(token, CurrencyCredit)
    with (
        serving(path, limits=Limits(tokens_a_day=1, tenths_a_day=0)),
        closing(SecurityModuleElsewhere(path)) as elsewhere,
    ):
        outcomes = elsewhere.issue([IssueRequest(METER, token)] * 2)
    assert [isinstance(one, IssuedToken) for one in outcomes] == [True, False]


GOOD = [*wire.meter_row(METER), *wire.token_row(credit())]


@pytest.mark.parametrize(
    "row",
    [
        None, 5, "row", {}, [], GOOD[:5], GOOD[:-1], [*GOOD, 1],
        [5, *GOOD[1:]], ["60072", *GOOD[1:]], [GOOD[0], "00000000001", *GOOD[2:]],
        [*GOOD[:2], 123457, *GOOD[3:]], [*GOOD[:3], "1", *GOOD[4:]], [*GOOD[:3], True, *GOOD[4:]],
        [*GOOD[:3], 0, *GOOD[4:]], [*GOOD[:5], "EA07", *GOOD[6:]], [*GOOD[:6], 3, 0, 0],
        [*GOOD[:6], 0, 0, "1"], [*GOOD[:6], 0, 0, -1], [*GOOD[:6], 0, 0, 1 << 44],
        [*GOOD[:6], 0, 0, 1.5],
    ],
)  # fmt: skip
def test_a_row_that_makes_no_sense_is_an_error_in_its_place(
    elsewhere: SecurityModuleElsewhere, row: object
) -> None:
    made, wrong, again = elsewhere._begin("issue", [GOOD, row, GOOD])()  # type: ignore[list-item]
    assert made == again
    assert len(made) == 20
    assert wrong["code"] in {"invalid_field", "check_digit_wrong"}


def _said(path: Path, octets: bytes) -> bytes:
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(10)
        connection.connect(str(path))
        connection.sendall(octets)
        connection.shutdown(socket.SHUT_WR)
        try:
            return connection.recv(1 << 16)
        except ConnectionResetError:  # closed before all was read
            return b""


def _framed(octets: bytes) -> bytes:
    return struct.pack(">I", len(octets)) + octets


@pytest.mark.parametrize(
    "octets",
    [
        b"GET / HTTP/1.1\r\n\r\n", b"\xff" * 64, _framed(b"{"), _framed(b"[]"), _framed(b"{}"),
        _framed(b'{"number": 1, "do": "keys", "rows": []}'),
        _framed(b'{"number": 1, "do": ["issue"], "rows": []}'),
        _framed(b'{"number": 1, "do": "issue", "rows": {}}'),
        _framed(pickle.dumps(print)), struct.pack(">I", wire.LONGEST + 1), b"\x00", b"",
    ],
)  # fmt: skip
def test_what_is_no_message_is_not_answered_and_disturbs_nobody(
    elsewhere: SecurityModuleElsewhere, path: Path, octets: bytes
) -> None:
    assert _said(path, octets) == b""
    assert isinstance(elsewhere.issue([IssueRequest(METER, credit())])[0], IssuedToken)


def test_no_key_is_ever_said(path: Path) -> None:
    said = bytearray()
    with serving(path):
        for do, rows in (
            ("facts", []),
            ("issue", [GOOD, [], [*wire.meter_row(NO_KEY), *wire.token_row(credit())]]),
            ("change_key", [[*wire.meter_row(METER), "123457", 1, "02"]]),
            ("verify", [[*wire.meter_row(METER), "7" * 20]]),
        ):
            with socket.socket(socket.AF_UNIX) as connection:
                connection.connect(str(path))
                wire.send(connection, {"number": 1, "do": do, "rows": rows})
                said += repr(wire.receive(connection)).encode()
    assert b"123457" in said
    for key in example_keys():
        assert key.octets.hex().encode() not in said.lower()
        assert key.octets not in said


def test_a_module_that_comes_back_is_asked_again(path: Path) -> None:
    with serving(path):
        elsewhere = SecurityModuleElsewhere(path)
    request = [IssueRequest(METER, credit())]
    with pytest.raises(SecurityModuleUnavailable):
        elsewhere.issue(request)
    with serving(path), closing(elsewhere):
        assert elsewhere.issue(request) == HERE.issue(request)


def test_a_module_that_is_not_there_is_named_unavailable(path: Path) -> None:
    with pytest.raises(SecurityModuleUnavailable):
        SecurityModuleElsewhere(path)


def test_a_module_that_cannot_listen_any_more_ends_with_the_reason(path: Path) -> None:
    server = server_at(path)
    server._listener.close()
    with pytest.raises(OSError, match="Bad file descriptor"):
        server.serve()
