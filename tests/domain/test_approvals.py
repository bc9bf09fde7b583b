"""Four eyes: a proposal is decided once, by somebody else, in time."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import TYPE_CHECKING, ClassVar

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import update

from tests.support.operators import joined
from tests.support.service import NOON, writing
from vending_api.domain.approvals import service
from vending_api.domain.approvals.errors import (
    NotOwnProposal,
    OwnProposal,
    ProposalAltered,
    ProposalDecided,
    ProposalUnknown,
)
from vending_api.domain.approvals.tables import PROPOSAL
from vending_api.domain.approvals.types import (
    NEEDED,
    PROPOSAL_LASTS,
    Kind,
    NewProposal,
    Proposal,
    State,
)
from vending_api.domain.operators.errors import NotAllowed
from vending_api.domain.operators.types import Acting, PassKind, Role
from vending_api.kit.entries import EntryInvalid
from vending_api.kit.errors import DomainError

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from sqlalchemy import Connection, Engine

DEPOSIT = NewProposal(kind=Kind.CLIENT_DEPOSIT, payload='{"a":1}', reason="paid")


@dataclass
class House:
    """Operators, and what was carried out."""

    engine: Engine
    people: dict[str, Acting]
    done: list[int] = field(default_factory=list)

    def propose(self, name: str, new: NewProposal = DEPOSIT, at: datetime = NOON) -> int:
        with writing(self.engine) as connection, connection.begin():
            return service.propose(connection, self.people[name], new, at)

    def approve(self, name: str, number: int, at: datetime = NOON) -> Proposal:
        with writing(self.engine) as connection, connection.begin():
            return service.approve(
                connection, self.people[name], number, at, carry_out=self._carry_out
            )

    def refuse(self, name: str, number: int, note: str = "no") -> Proposal:
        with writing(self.engine) as connection, connection.begin():
            return service.refuse(connection, self.people[name], number, NOON, note=note)

    def withdraw(self, name: str, number: int, at: datetime = NOON) -> None:
        with writing(self.engine) as connection, connection.begin():
            service.withdraw(connection, self.people[name], number, at)

    def find(self, number: int) -> Proposal:
        with self.engine.connect() as connection:
            return service.find_proposal(connection, number)

    def _carry_out(self, proposal: Proposal) -> str:
        self.done.append(proposal.number)
        return f"done {proposal.number}"


def _people(connection: Connection) -> dict[str, Acting]:
    return {
        "thandi": joined(connection, "thandi", Role.SUPERVISOR),
        "lindiwe": joined(connection, "lindiwe", Role.SUPERVISOR),
        "pieter": joined(connection, "pieter", Role.CLERK),
        "naledi": joined(connection, "naledi", Role.KEY_CUSTODIAN),
        "sipho": joined(connection, "sipho", Role.KEY_CUSTODIAN),
        "aisha": joined(connection, "aisha", Role.AUDITOR),
        "robot": joined(connection, "robot", Role.SUPERVISOR, kind=PassKind.API_KEY),
    }


@pytest.fixture
def house(engine: Engine) -> House:
    with writing(engine) as connection, connection.begin():
        people = _people(connection)
    return House(engine, people)


def test_what_one_proposes_another_approves_and_both_are_kept(house: House) -> None:
    number = house.propose("pieter")
    assert house.find(number).state_at(NOON) is State.PROPOSED
    house.approve("thandi", number, NOON + timedelta(hours=1))
    proposal = house.find(number)
    assert house.done == [number]
    assert (proposal.proposed_by, proposal.decided_by) == ("pieter", "thandi")
    assert proposal.stored_state is State.APPROVED
    assert proposal.decided_at == NOON + timedelta(hours=1)
    assert proposal.note == f"done {number}"


@pytest.mark.parametrize("name", ["thandi"])
def test_nobody_decides_about_their_own(house: House, name: str) -> None:
    number = house.propose(name)
    with pytest.raises(OwnProposal):
        house.approve(name, number)
    with pytest.raises(OwnProposal):
        house.refuse(name, number)
    assert house.done == []
    house.approve("lindiwe", number)


@pytest.mark.parametrize("name", ["pieter", "aisha", "naledi", "robot"])
def test_who_has_not_the_right_does_not_approve(house: House, name: str) -> None:
    number = house.propose("thandi")
    with pytest.raises(NotAllowed):
        house.approve(name, number)
    with pytest.raises(NotAllowed):
        house.refuse(name, number)
    assert house.find(number).stored_state is State.PROPOSED


@pytest.mark.parametrize("kind", Kind)
def test_each_kind_is_proposed_and_approved_by_its_roles(house: House, kind: Kind) -> None:
    new = NewProposal(kind=kind, payload="{}", reason="")
    clerk, decider, other = ("pieter", "thandi", "naledi")
    if kind is Kind.KEY_LOAD:
        clerk, decider, other = ("naledi", "sipho", "thandi")
    number = house.propose(clerk, new)
    with pytest.raises(NotAllowed):
        house.propose("aisha", new)
    with pytest.raises(NotAllowed):
        house.approve(other, number)
    house.approve(decider, number)
    assert NEEDED[kind].propose is not NEEDED[kind].approve


def test_what_is_decided_stays_decided(house: House) -> None:
    ends: dict[str, Callable[[int], object]] = {
        "approved": lambda n: house.approve("thandi", n),
        "refused": lambda n: house.refuse("thandi", n),
        "withdrawn": lambda n: house.withdraw("pieter", n),
    }
    for state, end in ends.items():
        number = house.propose("pieter")
        end(number)
        for again in ends.values():
            with pytest.raises(ProposalDecided, match=state):
                again(number)
    assert len(house.done) == 1


def test_a_proposal_waits_for_seven_days(house: House) -> None:
    last = NOON + PROPOSAL_LASTS - timedelta(microseconds=1)
    in_time, late = house.propose("pieter"), house.propose("pieter")
    with house.engine.connect() as connection:
        assert len(service.waiting(connection, last)) == 2
        assert service.waiting(connection, NOON + PROPOSAL_LASTS) == []
        assert len(service.all_proposals(connection)) == 2
    house.approve("thandi", in_time, last)
    with pytest.raises(ProposalDecided, match="expired"):
        house.approve("thandi", late, NOON + PROPOSAL_LASTS)
    with pytest.raises(ProposalDecided, match="expired"):
        house.withdraw("pieter", late, NOON + PROPOSAL_LASTS)
    assert house.done == [in_time]


def test_only_who_proposed_it_withdraws_it(house: House) -> None:
    number = house.propose("pieter")
    with pytest.raises(NotOwnProposal):
        house.withdraw("thandi", number)
    house.withdraw("pieter", number)


@pytest.mark.parametrize("number", [0, -1, 99, 1 << 63, (1 << 63) - 1])
def test_a_number_that_is_none_is_unknown(house: House, number: int) -> None:
    with pytest.raises(ProposalUnknown):
        house.approve("thandi", number)


def test_what_fails_while_it_is_carried_out_leaves_the_proposal_waiting(house: House) -> None:
    number = house.propose("pieter")

    def fail(_: Proposal) -> str:
        raise EntryInvalid("amount", "no")

    with (
        pytest.raises(EntryInvalid),
        writing(house.engine) as connection,
        connection.begin(),
    ):
        service.approve(connection, house.people["thandi"], number, NOON, carry_out=fail)
    assert house.find(number).stored_state is State.PROPOSED
    house.approve("thandi", number)


def test_reasons_and_notes_fit_their_columns(house: House) -> None:
    new = NewProposal(kind=Kind.REFUND, payload="{}", reason="r" * 200)
    number = house.propose("pieter", new)
    with pytest.raises(EntryInvalid):
        house.propose("pieter", replace(new, reason="r" * 201))
    with pytest.raises(EntryInvalid):
        house.refuse("thandi", number, note="n" * 201)
    assert house.refuse("thandi", number, note="n" * 200).note == "n" * 200


def test_of_two_approvals_at_once_one_acts(house: House) -> None:
    number = house.propose("pieter")

    def approve(name: str) -> bool:
        try:
            house.approve(name, number)
        except ProposalDecided:
            return False
        return True

    with ThreadPoolExecutor(4) as threads:
        outcomes = list(threads.map(approve, ["thandi", "lindiwe"] * 4))
    assert sum(outcomes) == 1
    assert house.done == [number]


def test_what_was_altered_since_it_was_proposed_is_not_carried_out(house: House) -> None:
    number = house.propose("pieter")
    with writing(house.engine) as connection, connection.begin():
        connection.execute(update(PROPOSAL).values(payload='{"a":2}'))
    with pytest.raises(ProposalAltered):
        house.approve("thandi", number)
    assert house.done == []


NAMES = ("thandi", "lindiwe", "pieter", "naledi", "robot")


class Approvals(RuleBasedStateMachine):
    """Anybody tries anything, in any order and at any time."""

    house: ClassVar[House]

    @initialize()
    def begin(self) -> None:
        self.at = NOON
        self.numbers: list[int] = [self.house.propose("pieter")]
        self.house.done.clear()

    @rule(name=st.sampled_from(NAMES), kind=st.sampled_from((DEPOSIT.kind, Kind.KEY_LOAD)))
    def propose(self, name: str, kind: Kind) -> None:
        with suppress(NotAllowed):
            new = NewProposal(kind=kind, payload="{}", reason="")
            self.numbers.append(self.house.propose(name, new, self.at))

    @rule(name=st.sampled_from(NAMES), which=st.integers(0, 20))
    def approve(self, name: str, which: int) -> None:
        self._try(lambda number: self.house.approve(name, number, self.at), which)

    @rule(name=st.sampled_from(NAMES), which=st.integers(0, 20))
    def refuse(self, name: str, which: int) -> None:
        self._try(lambda number: self.house.refuse(name, number), which)

    @rule(name=st.sampled_from(NAMES), which=st.integers(0, 20))
    def withdraw(self, name: str, which: int) -> None:
        self._try(lambda number: self.house.withdraw(name, number, self.at), which)

    @rule(hours=st.integers(1, 100))
    def wait(self, hours: int) -> None:
        self.at += timedelta(hours=hours)

    @invariant()
    def each_is_carried_out_once_by_another_in_time(self) -> None:
        assert all(count == 1 for count in Counter(self.house.done).values())
        for number in self.numbers:
            found = self.house.find(number)
            assert (found.stored_state is State.APPROVED) == (number in self.house.done)
            if found.stored_state is State.APPROVED:
                assert found.decided_by != found.proposed_by
                assert found.decided_by != "robot"
                assert found.decided_at is not None
                assert found.decided_at < found.proposed_at + PROPOSAL_LASTS

    def _try(self, act: Callable[[int], object], which: int) -> None:
        with suppress(DomainError):
            act(self.numbers[which % len(self.numbers)])


def test_never_carried_out_twice_nor_by_one_person(house: House) -> None:
    class Here(Approvals):
        """With the operators of this test."""

    Here.house = house
    run_state_machine_as_test(Here, settings=settings(max_examples=12, stateful_step_count=20))
