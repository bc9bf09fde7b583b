"""A module in hardware answers what one in this process answers."""

from __future__ import annotations

import ssl
import threading
from contextlib import closing, suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from structlog.testing import capture_logs

from sts.errors import (
    CrcMismatch,
    StsError,
    TokenMalformed,
    TokenNotAllowed,
    VendingKeyNotFound,
)
from sts.key_data import (
    KeyRevisionNumber,
    SupplyGroupCode,
    TariffIndex,
)
from sts.security_module import (
    IssuedToken,
    IssueRequest,
    KeyChangeRequest,
    MeterConfiguration,
    VerifyRequest,
)
from sts.tokens.kinds import READERS
from tests.custody.conftest import HERE
from tests.custody.prism.asked import EA11, REQUEST, digits_here, kind_of, tokens
from tests.custody.prism.conftest import QUICK, access
from tests.custody.prism.fake import PASSWORD, Listening, TokenService, serving
from tests.custody.test_elsewhere import METER, NO_KEY, credit
from tests.support import certificates
from vending_api.custody.prism.client import PrismSecurityModule
from vending_api.custody.prism.link import DeclinedByService
from vending_api.kit.errors import SecurityModuleUnavailable

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("meter", [METER, EA11], ids=["EA07", "EA11"])
def test_every_kind_of_token_is_issued_as_it_is_here(
    hardware: PrismSecurityModule, meter: MeterConfiguration
) -> None:
    requests = [IssueRequest(meter, token) for token in tokens()]
    assert len(requests) == len(READERS)
    here = HERE.issue(requests)
    assert [kind_of(one) for one in hardware.issue(requests)] == [kind_of(one) for one in here]
    assert [kind_of(one) for one in hardware.begin_issue(requests)()] == [
        kind_of(one) for one in here
    ]
    if meter is EA11:  # a key of DKGA04
        assert sum(isinstance(one, IssuedToken) for one in here) == len(READERS) - 4


def test_tokens_are_read_as_they_are_here(hardware: PrismSecurityModule) -> None:
    issued = HERE.issue([IssueRequest(EA11, one) for one in tokens()])
    digits = [one.digits for one in issued if isinstance(one, IssuedToken)]
    requests = [
        *(VerifyRequest(EA11, one) for one in digits),
        VerifyRequest(EA11, f"{3 << 27:020}"),  # class 3
        VerifyRequest(EA11, "0" * 20),
        VerifyRequest(NO_KEY, digits[0]),
        VerifyRequest(EA11, "123"),
    ]
    here = HERE.verify(requests)
    assert {type(one) for one in here} >= {CrcMismatch, VendingKeyNotFound, TokenMalformed}
    assert [kind_of(one) for one in hardware.verify(requests)] == [kind_of(one) for one in here]


@pytest.mark.parametrize("meter", [METER, EA11], ids=["EA07", "EA11"])
def test_key_changes_have_the_digits_of_here(
    hardware: PrismSecurityModule, meter: MeterConfiguration
) -> None:
    requests = [
        KeyChangeRequest(one, SupplyGroupCode(group), KeyRevisionNumber(1), TariffIndex("02"))
        for one in (meter, replace(NO_KEY, encryption_algorithm=meter.encryption_algorithm))
        for group in ("123457", "123456", "999999")
    ]
    here, there = HERE.change_key(requests), hardware.change_key(requests)
    assert any(isinstance(one, tuple) for one in here)
    for made, told in zip(here, there, strict=True):
        if isinstance(made, StsError):
            assert type(told) is type(made)
            continue
        assert told == made


def test_a_section_of_a_key_is_not_read_and_its_neighbour_is(hardware: PrismSecurityModule) -> None:
    (changed,) = HERE.change_key(
        [KeyChangeRequest(METER, METER.supply_group_code, KeyRevisionNumber(1), TariffIndex("02"))]
    )
    assert isinstance(changed, tuple)
    section, other = hardware.verify(
        [VerifyRequest(METER, changed[0]), VerifyRequest(METER, digits_here())]
    )
    assert isinstance(section, TokenNotAllowed)
    assert other == credit()


def test_the_key_facts_are_those_of_the_file(hardware: PrismSecurityModule) -> None:
    assert hardware.facts() == HERE.facts()


def test_columns_of_several_threads_have_connections_of_their_own(
    hardware: PrismSecurityModule, service: TokenService
) -> None:
    outcomes: list[Any] = []

    def issue() -> None:
        outcomes.extend(hardware.issue(REQUEST * 10))

    threads = [threading.Thread(target=issue) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert outcomes == HERE.issue(REQUEST) * 40
    assert 1 <= service.calls.count("sign_in") <= 4


def test_a_service_that_chooses_its_own_random_bits_tells_none(
    hardware: PrismSecurityModule, service: TokenService
) -> None:
    service.tells_random = False
    assert hardware.issue(REQUEST) == HERE.issue(REQUEST)
    (read,) = hardware.verify([VerifyRequest(METER, digits_here())])
    assert read == replace(credit(), random=0)


def test_tls_is_spoken_with_a_certificate_that_is_vouched_for(
    service: TokenService, tmp_path: Path
) -> None:
    certificate, key = certificates.pair(tmp_path)
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(certificate, key)
    trusting = ssl.create_default_context(cafile=certificate)
    with serving(service, server) as listening:
        with closing(
            PrismSecurityModule(access(listening.port, tls=trusting), HERE.facts(), QUICK)
        ) as hardware:
            assert hardware.issue(REQUEST) == HERE.issue(REQUEST)
        for context in (ssl.create_default_context(), None):
            stranger = PrismSecurityModule(
                access(listening.port, tls=context),
                HERE.facts(),
                replace(QUICK, answer=1.0),
            )
            with suppress(SecurityModuleUnavailable):
                stranger.issue(REQUEST)
                pytest.fail("it was asked all the same")
            stranger.close()
    assert len(service.made) == 1


def test_a_wrong_password_is_told_as_such_and_appears_nowhere(
    listening: Listening, service: TokenService
) -> None:
    service.refusal = f"no: {PASSWORD}"  # what it repeats is nobody's to read
    who = access(listening.port, password=f"{PASSWORD}!")
    module = PrismSecurityModule(who, HERE.facts(), QUICK)
    with capture_logs() as logs, pytest.raises(DeclinedByService) as declined:
        module.sign_in()
    with capture_logs() as more, pytest.raises(SecurityModuleUnavailable):
        module.issue(REQUEST)
    module.close()
    said = repr((who, module, declined.value, declined.value.__cause__, vars(declined.value)))
    assert PASSWORD not in said
    assert PASSWORD not in repr((logs, more))
