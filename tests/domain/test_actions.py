"""What has value is proposed by one and done in the names of two, or not at all."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select, text

from tests.domain.paying import an_order, in_state, now
from tests.support.operators import joined
from tests.support.selling import sell
from tests.support.service import NOON, purchase, writing
from vending_api.domain.actions import service
from vending_api.domain.actions.errors import MaterialDiffers
from vending_api.domain.actions.types import (
    MODELS,
    Deposit,
    EnterSite,
    LoadKeys,
    QueueToken,
    RefundOrder,
    SiteMaterial,
    Warrant,
    digest_of_site,
)
from vending_api.domain.approvals import service as approvals
from vending_api.domain.approvals.types import Kind, State
from vending_api.domain.clients.errors import UnknownClient
from vending_api.domain.credit.service import balance
from vending_api.domain.operators.errors import NotAllowed
from vending_api.domain.operators.types import LONGEST_NAME, Role
from vending_api.domain.payments.errors import OrderStepRefused
from vending_api.domain.payments.types import OrderState
from vending_api.domain.reconciling.service import differences
from vending_api.domain.sites.types import Site, TariffEntry
from vending_api.domain.token_log.tables import TOKEN_LOG
from vending_api.domain.token_queue.types import QueuedKind
from vending_api.kit.entries import EntryInvalid, require_fit

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from vending_api.domain.actions.types import Action
    from vending_api.domain.operators.types import Acting

FREE = QueueToken(meter="TST009", token=QueuedKind.REFUND, value=738, reason="fault")
LIMIT = QueueToken(meter="TST009", token=QueuedKind.POWER_LIMIT, value=4_000, reason="fault")
DIGEST = "0" * 64


@pytest.fixture
def people(engine: Engine) -> dict[str, Acting]:
    with writing(engine) as connection, connection.begin():
        return {
            "thandi": joined(connection, "thandi", Role.SUPERVISOR),
            "pieter": joined(connection, "pieter", Role.CLERK),
            "naledi": joined(connection, "naledi", Role.KEY_CUSTODIAN),
            "sipho": joined(connection, "sipho", Role.KEY_CUSTODIAN),
        }


def _propose(engine: Engine, who: Acting, action: Action) -> int:
    with writing(engine) as connection, connection.begin():
        return service.propose(connection, who, action, "because", NOON)


def test_each_kind_has_a_model_that_reads_what_it_writes() -> None:
    assert set(MODELS) == set(Kind)
    for action in (FREE, LIMIT, Deposit(user_name="x", amount_minor=1, reference="y")):
        assert MODELS[action.kind].model_validate_json(service.payload_of(action)) == action


def test_free_units_and_engineering_tokens_are_two_kinds() -> None:
    assert FREE.kind is Kind.FREE_UNITS
    assert LIMIT.kind is Kind.ENGINEERING_TOKEN


def test_approved_tokens_name_both_in_the_log_and_reconcile(
    engine: Engine, people: dict[str, Acting]
) -> None:
    for action in (FREE, LIMIT):
        number = _propose(engine, people["pieter"], action)
        with writing(engine) as connection, connection.begin():
            service.approve(connection, people["thandi"], number, NOON)
    sell(engine, purchase(external_meter_id="TST009", amount_minor=20_000))
    with writing(engine) as connection, connection.begin():
        kept = connection.execute(select(TOKEN_LOG.c.warrant)).scalars().all()
        named = [one for one in kept if one.endswith("by pieter, approved by thandi")]
        assert len(named) == 2
        assert differences(connection) == []
        # Who approved it cannot be changed in the order afterwards.
        connection.execute(text("UPDATE queued_token SET approved_by = 'lindiwe'"))
        assert len(differences(connection)) == 2
        connection.execute(text("UPDATE queued_token SET approved_by = ''"))
        assert len([one for one in differences(connection) if "thandi" in repr(one)]) == 2


def test_the_longest_names_fit_a_warrant() -> None:
    name = "n" * LONGEST_NAME
    words = f"client {10**9}: order {10**12} by {name}, approved by {name}"
    require_fit(TOKEN_LOG, {"warrant": words})
    with pytest.raises(EntryInvalid):
        require_fit(TOKEN_LOG, {"warrant": words + "n" * 200})


def test_what_is_proposed_has_changed_nothing(engine: Engine, people: dict[str, Acting]) -> None:
    deposit = Deposit(user_name="test", amount_minor=5_000, reference="EFT-1")
    number = _propose(engine, people["pieter"], deposit)
    with engine.connect() as connection:
        assert balance(connection, 1) == 0
    with writing(engine) as connection, connection.begin():
        done = service.approve(connection, people["thandi"], number, NOON)
        assert done.result == balance(connection, 1) == 5_000


def test_what_cannot_be_done_is_not_proposed(engine: Engine, people: dict[str, Acting]) -> None:
    nobody = Deposit(user_name="nobody", amount_minor=5_000, reference="EFT-1")
    with pytest.raises(UnknownClient):
        _propose(engine, people["pieter"], nobody)
    with pytest.raises(NotAllowed):
        _propose(engine, people["naledi"], FREE)
    with engine.connect() as connection:
        assert approvals.all_proposals(connection) == []


def test_a_refund_is_proposed_and_approved(engine: Engine, people: dict[str, Acting]) -> None:
    order = in_state(engine, OrderState.PAID)
    refund = RefundOrder(reference=order.reference, note="meter removed")
    number = _propose(engine, people["pieter"], refund)
    assert now(engine, order).state is OrderState.PAID
    with writing(engine) as connection, connection.begin():
        service.approve(connection, people["thandi"], number, NOON)
    assert now(engine, order).state is OrderState.REFUND_DUE
    unpaid = RefundOrder(reference=an_order(engine).reference, note="x")
    with pytest.raises(OrderStepRefused):
        _propose(engine, people["pieter"], unpaid)


def test_what_has_changed_since_is_not_done(engine: Engine, people: dict[str, Acting]) -> None:
    order = in_state(engine, OrderState.PAID)
    refund = RefundOrder(reference=order.reference, note="meter removed")
    numbers = [_propose(engine, people["pieter"], refund) for _ in range(2)]
    with writing(engine) as connection, connection.begin():
        service.approve(connection, people["thandi"], numbers[0], NOON)
    refused = pytest.raises(OrderStepRefused)
    with refused, writing(engine) as connection, connection.begin():
        service.approve(connection, people["thandi"], numbers[1], NOON)
    with engine.connect() as connection:
        waits = approvals.find_proposal(connection, numbers[1])
        assert waits.stored_state is State.PROPOSED


def test_a_file_is_entered_as_it_was_proposed_or_not_at_all(
    engine: Engine, people: dict[str, Acting]
) -> None:
    site = Site()
    action = EnterSite(file="site.toml", digest=digest_of_site(site), changes=())
    number = _propose(engine, people["pieter"], action)
    other = Site(tariffs=(TariffEntry(name="cheap", document="rate"),))
    for material in (None, SiteMaterial(site=other, passwords={})):
        refused = pytest.raises(MaterialDiffers)
        with refused, writing(engine) as connection, connection.begin():
            service.approve(connection, people["thandi"], number, NOON, material=material)
    with writing(engine) as connection, connection.begin():
        material = SiteMaterial(site=site, passwords={})
        service.approve(connection, people["thandi"], number, NOON, material=material)


def test_key_files_are_known_when_another_custodian_has_approved(
    engine: Engine, people: dict[str, Acting]
) -> None:
    action = LoadKeys(file="keys.sealed", digest=DIGEST, keys=("000001 revision 1",))
    number = _propose(engine, people["naledi"], action)
    with writing(engine) as connection, connection.begin():
        assert service.approved_key_files(connection) == frozenset()
        service.approve(connection, people["sipho"], number, NOON)
        assert service.approved_key_files(connection) == {DIGEST}


@pytest.mark.parametrize("approver", ["", "pieter", "thandi"])
def test_an_order_that_went_past_four_eyes_is_found(
    engine: Engine, people: dict[str, Acting], approver: str
) -> None:
    later = NOON + timedelta(seconds=1)
    assert people
    with writing(engine) as connection, connection.begin():
        warrant = Warrant(ordered_by="pieter", approved_by=approver, at=later)
        service.perform(connection, FREE, warrant)
        (*found,) = differences(connection)
    problems = [one.problem for one in found]
    expected = [] if approver == "thandi" else ["order 2 by pieter was approved by nobody else"]
    assert problems == expected


def test_alone_it_is_done_in_one_name(engine: Engine) -> None:
    with writing(engine) as connection, connection.begin():
        service.perform(connection, FREE, Warrant(ordered_by="ann", at=NOON))
    sell(engine, purchase(external_meter_id="TST009", amount_minor=20_000))
    with engine.connect() as connection:
        kept = connection.execute(select(TOKEN_LOG.c.warrant)).scalars().all()
        assert any(one.endswith("by ann") for one in kept)
        assert differences(connection) == []
