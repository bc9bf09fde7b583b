"""Answers get lost and sessions run out: nothing is made twice, and nothing is sold unproven."""

from __future__ import annotations

import threading
from contextlib import closing
from dataclasses import replace

import pytest
from thriftpy2.thrift import TClient

from sts.errors import (
    AlgorithmRefused,
)
from sts.key_data import (
    EncryptionAlgorithm,
    KeyRevisionNumber,
    SupplyGroupCode,
    TariffIndex,
)
from sts.security_module import (
    IssueRequest,
    KeyChangeRequest,
    VerifyRequest,
)
from tests.custody.conftest import HERE
from tests.custody.prism.asked import REQUEST, digits_here, tokens
from tests.custody.prism.conftest import QUICK, access
from tests.custody.prism.fake import Listening, TokenService, Trouble, serving
from tests.custody.test_elsewhere import METER, credit
from vending_api.custody.prism.client import PrismSecurityModule
from vending_api.kit.errors import SecurityModuleUnavailable


@pytest.mark.parametrize(
    "operation", ["issue_credit", "issue_management", "issue_meter_test", "issue_key_change"]
)
def test_a_lost_answer_is_fetched_and_the_token_is_made_once(
    hardware: PrismSecurityModule, service: TokenService, operation: str
) -> None:
    service.troubles.append(Trouble(operation, is_lost_after=True))
    if operation == "issue_key_change":
        changes = [
            KeyChangeRequest(
                METER, METER.supply_group_code, KeyRevisionNumber(1), TariffIndex("02")
            )
        ]
        assert isinstance(hardware.change_key(changes)[0], tuple)
    else:
        kinds = {"issue_credit": (0, 0), "issue_management": (2, 5), "issue_meter_test": (1, 0)}
        token = next(one for one in tokens() if (one.token_class, one.subclass) == kinds[operation])
        requests = [IssueRequest(METER, token)]
        assert hardware.issue(requests) == HERE.issue(requests)
    assert [one for one, _ in service.made] == [operation]
    assert service.calls.count(operation) == 1
    assert service.calls.count("fetch_result") == 1


def test_an_error_whose_answer_is_lost_is_fetched_too(
    hardware: PrismSecurityModule, service: TokenService
) -> None:
    ea11 = EncryptionAlgorithm.EA11
    meter = replace(METER, supply_group_code=SupplyGroupCode("000001"), encryption_algorithm=ea11)
    service.troubles.append(Trouble("issue_credit", is_lost_after=True))
    (outcome,) = hardware.issue([IssueRequest(meter, credit())])
    assert isinstance(outcome, AlgorithmRefused)
    assert service.calls.count("fetch_result") == 1


def test_an_answer_that_is_too_late_is_fetched(listening: Listening, service: TokenService) -> None:
    is_over = threading.Event()
    service.troubles.append(Trouble("issue_credit", wait=is_over))
    patience = replace(QUICK, answer=0.3)
    with closing(PrismSecurityModule(access(listening.port), HERE.facts(), patience)) as hardware:
        assert hardware.issue(REQUEST) == HERE.issue(REQUEST)
    is_over.set()
    assert len(service.made) == 1


def test_a_result_that_is_not_there_yet_is_looked_for_again(
    hardware: PrismSecurityModule, service: TokenService
) -> None:
    service.troubles += [
        Trouble("issue_credit", is_lost_after=True),
        Trouble("fetch_result", decline="result_not_found"),
        Trouble("fetch_result", is_lost_before=True),
    ]
    assert hardware.issue(REQUEST) == HERE.issue(REQUEST)
    assert service.calls.count("fetch_result") == QUICK.fetches
    assert len(service.made) == 1


def test_a_request_that_got_lost_is_never_made_a_second_time(
    hardware: PrismSecurityModule, service: TokenService
) -> None:
    service.troubles.append(Trouble("issue_credit", is_lost_before=True))
    with pytest.raises(SecurityModuleUnavailable):
        hardware.issue(REQUEST)
    assert service.calls.count("fetch_result") == QUICK.fetches
    assert service.made == []
    assert hardware.issue(REQUEST) == HERE.issue(REQUEST)  # a new sale
    assert len(service.made) == 1


def test_each_message_has_an_id_of_its_own(
    hardware: PrismSecurityModule, service: TokenService
) -> None:
    hardware.issue(REQUEST * 5)
    assert len({message_id for _, message_id in service.made}) == 5


def test_a_session_that_runs_out_is_renewed(
    hardware: PrismSecurityModule, service: TokenService
) -> None:
    assert hardware.issue(REQUEST) == HERE.issue(REQUEST)
    service.sessions.clear()
    assert hardware.issue(REQUEST) == HERE.issue(REQUEST)
    assert service.calls.count("sign_in") == 2
    assert len(service.made) == 2


def test_a_session_that_is_never_good_is_no_endless_loop(
    hardware: PrismSecurityModule, service: TokenService
) -> None:
    service.troubles += [Trouble("issue_credit", decline="session_expired")] * 2
    with pytest.raises(SecurityModuleUnavailable):
        hardware.issue(REQUEST)
    assert service.calls.count("issue_credit") == 2
    assert service.made == []


def test_a_lost_reading_is_read_again(hardware: PrismSecurityModule, service: TokenService) -> None:
    service.troubles.append(Trouble("verify", is_lost_after=True))
    assert hardware.verify([VerifyRequest(METER, digits_here())]) == [credit()]
    service.troubles += [Trouble("verify", is_lost_after=True)] * 2
    with pytest.raises(SecurityModuleUnavailable):
        hardware.verify([VerifyRequest(METER, digits_here())])


@pytest.mark.parametrize(("idle", "pings"), [(0.0, 1), (60.0, 0)])
def test_a_connection_that_nobody_used_is_tried_before_it_is_trusted(
    listening: Listening, service: TokenService, idle: float, pings: int
) -> None:
    patience = replace(QUICK, idle=idle)
    with closing(PrismSecurityModule(access(listening.port), HERE.facts(), patience)) as hardware:
        hardware.sign_in()
        hardware.sign_in()
        assert service.calls.count("ping") == pings
        service.troubles.append(Trouble("ping", is_lost_before=True))
        if pings:
            assert hardware.issue(REQUEST) == HERE.issue(REQUEST)
            assert "fetch_result" not in service.calls
            assert service.calls.count("sign_in") == 2


def test_an_answer_that_nobody_waited_for_is_not_taken_for_the_next(
    hardware: PrismSecurityModule, service: TokenService, monkeypatch: pytest.MonkeyPatch
) -> None:
    hardware.sign_in()

    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(TClient, "_recv", interrupted)
        with pytest.raises(KeyboardInterrupt):
            hardware.issue([IssueRequest(METER, credit(tenths=1))])
    assert hardware.issue(REQUEST) == HERE.issue(REQUEST)
    assert service.calls.count("sign_in") == 2


def test_a_service_that_is_gone_is_named_unavailable_and_found_again(
    service: TokenService,
) -> None:
    with serving(service) as listening:
        module = PrismSecurityModule(access(listening.port), HERE.facts(), QUICK)
        assert module.issue(REQUEST) == HERE.issue(REQUEST)
    with pytest.raises(SecurityModuleUnavailable):
        module.issue(REQUEST)
    with pytest.raises(SecurityModuleUnavailable):
        module.sign_in()
    module.close()
