"""Whatever happens to an order, in whatever order: all money is vended for, back, or a case."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from tests.domain.paying import (
    ASKED,
    CREDIT,
    an_order,
    asked,
    block,
    hasten,
    hear_dispute,
    hear_refund,
    note,
    now,
    payment,
    put_off,
    settle,
    sold_for,
    spoil,
    vend,
)
from tests.support.service import NOON, writing
from vending_api.domain.payments import cases, refunds, service
from vending_api.domain.payments.errors import OrderStepRefused
from vending_api.domain.payments.types import OrderState, RefundState
from vending_api.domain.reconciling.service import differences
from vending_api.kit.due import LEASE

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import Engine

    from vending_api.domain.payments.types import Order, Payment

_UNPAID: Final = {OrderState.ORDERED, OrderState.FAILED, OrderState.EXPIRED}
_GIVEN_UP: Final = {
    OrderState.REFUND_DUE,
    OrderState.REFUNDING,
    OrderState.REFUND_FAILED,
    OrderState.REFUNDED,
}
_ENDED: Final = {RefundState.PROCESSED, RefundState.FAILED}
_MOST_STEPS: Final = 40


@dataclass
class _Given:
    """A refund at Paystack."""

    refund_id: str
    amount: int
    state: RefundState = RefundState.PENDING


@dataclass
class _Account:
    """What is true at Paystack of one payment, whatever anybody has heard of it."""

    status: str = "abandoned"
    charged: int = 0
    requested: int = ASKED
    given: list[_Given] = field(default_factory=list)

    @property
    def back(self) -> int:
        return sum(one.amount for one in self.given if one.state is RefundState.PROCESSED)

    @property
    def going_on(self) -> list[_Given]:
        return [one for one in self.given if one.state not in _ENDED]

    @property
    def free(self) -> int:
        """What may still be given back."""
        kept = (one.amount for one in self.given if one.state is not RefundState.FAILED)
        return self.charged - sum(kept)

    def told(self, order: Order) -> Payment:
        status = "reversed" if self.charged and self.back == self.charged else self.status
        amount = self.charged or self.requested
        return payment(order, status=status, amount_minor=amount, requested_minor=self.requested)

    def give_back(self, amount: int) -> _Given:
        self.given.append(_Given(str(7_000 + len(self.given)), amount))
        return self.given[-1]


class _Life(RuleBasedStateMachine):
    """One order, and everybody who has to do with it."""

    engine: Engine

    @initialize(how=st.sampled_from(["right", "right", "wrong", "not"]), fees=st.integers(0, 1))
    def begin(self, how: str, fees: int) -> None:
        self.order = an_order(self.engine)
        self.account = _Account()
        self.at = NOON
        self.answers: list[Payment | None] = [None]
        self.events: list[tuple[RefundState, int, str | None]] = []
        self.was_given_up = False
        if how != "not":
            self.account.status = "success"
            self.account.requested = ASKED if how == "right" else ASKED - 1
            self.account.charged = self.account.requested + fees

    @rule(how=st.sampled_from(["new", "new", "old", "broken"]), which=st.integers(0, 3))
    def settle_with_an_answer(self, how: str, which: int) -> None:
        self.answers.append(self.account.told(self.order))
        answer = self.answers[-1 - which % len(self.answers) if how == "old" else -1]
        settle(self.engine, self.order, answer, self._now(), vend=how != "broken")

    @rule(how=st.sampled_from(["vend", "break", "put off", "hasten"]), hours=st.integers(0, 30))
    def time_passes_and_something_is_tried(self, how: str, hours: int) -> None:
        self.at += timedelta(hours=hours)
        if how in {"vend", "break"}:
            vend(self.engine, self.order, self._now(), sell=how == "vend")
        else:
            act = put_off if how == "put off" else hasten
            act(self.engine, self.order, self._now())

    @rule(is_blocked=st.booleans())
    def the_meter_is_blocked_or_not(self, *, is_blocked: bool) -> None:
        block(self.engine, self.order, is_blocked=is_blocked)

    @precondition(lambda self: self.state is OrderState.REFUND_DUE)
    @rule(how=st.sampled_from(["asked", "killed", "refused"]))
    def we_ask_for_a_refund(self, how: str) -> None:
        if how == "refused":
            note(self.engine, refunds.note_refund_refused, self.order, "no", self._now())
        else:
            self._ask(is_killed=how == "killed")

    @precondition(lambda self: self.account.free > 1)
    @rule(is_whole=st.booleans(), is_heard=st.booleans())
    def somebody_gives_back_at_the_dashboard(self, *, is_whole: bool, is_heard: bool) -> None:
        free = self.account.free
        self._tell(self.account.give_back(free if is_whole else free // 2))
        if is_heard:
            self._hear(self.events[-1])

    @precondition(lambda self: self.account.going_on)
    @rule(
        state=st.sampled_from([*RefundState, RefundState.PROCESSED]),
        which=st.integers(0, 3),
        is_heard=st.booleans(),
    )
    def a_refund_goes_on(self, state: RefundState, which: int, *, is_heard: bool) -> None:
        going_on = self.account.going_on
        refund = going_on[which % len(going_on)]
        refund.state = state
        self._tell(refund)
        if is_heard:
            self._hear(self.events[-1])

    @precondition(lambda self: self.events)
    @rule(which=st.integers(0, 9))
    def an_event_of_a_refund_comes_maybe_again(self, which: int) -> None:
        self._hear(self.events[which % len(self.events)])

    @precondition(lambda self: self.account.given)
    @rule()
    def we_ask_how_the_refund_goes(self) -> None:
        self._follow()

    @rule(how=st.sampled_from(["pending", "resolved: declined", "hurry", "refund", "close"]))
    def the_bank_or_an_operator_does_something(self, how: str) -> None:
        acts: dict[str, Callable[..., Order]] = {
            "hurry": cases.hurry,
            "refund": cases.order_refund,
            "close": partial(cases.close_case, note="a note"),
        }
        if how not in acts:
            hear_dispute(self.engine, self.order, how, self._now())
            return
        with suppress(OrderStepRefused), writing(self.engine) as connection, connection.begin():
            acts[how](connection, self.order.reference, at=self._now())

    @property
    def state(self) -> OrderState:
        return now(self.engine, self.order).state

    @invariant()
    def what_is_vended_is_sold_once_and_nothing_else_is(self) -> None:
        order = now(self.engine, self.order)
        with self.engine.connect() as connection:
            sold = sold_for(connection, order)
        assert sold == ([CREDIT] if order.state is OrderState.VENDED else [])

    @invariant()
    def what_is_vended_was_paid_as_ordered(self) -> None:
        if self.state is OrderState.VENDED:
            assert self.account.requested == ASKED
            assert self.account.charged >= ASKED

    @invariant()
    def what_is_given_up_is_never_vended(self) -> None:
        self.was_given_up = self.was_given_up or self.state in _GIVEN_UP
        assert not (self.was_given_up and self.state is OrderState.VENDED)

    @invariant()
    def what_is_called_given_back_is_back(self) -> None:
        if self.state is OrderState.REFUNDED:
            assert self.account.back == self.account.charged > 0

    @invariant()
    def money_that_went_back_for_a_token_is_a_case(self) -> None:
        order = now(self.engine, self.order)
        if order.state is OrderState.VENDED and self._known_back(order):
            assert order.is_open or order.closed_at is not None

    def teardown(self) -> None:
        """Let everybody do his work from now on: then all money is where it should be."""
        if not hasattr(self, "order"):
            return
        block(self.engine, self.order, is_blocked=False)
        for refund in self.account.going_on:
            refund.state = RefundState.PROCESSED
            self._tell(refund)
        for state, amount, bank in self.events:
            hear_refund(self.engine, self.order, state, self._now(), amount_minor=amount, bank=bank)
        if self.account.charged:
            hasten(self.engine, self.order, self._now())
        for _ in range(_MOST_STEPS):
            order = now(self.engine, self.order)
            if order.next_step_at is None:
                break
            self.at = max(self.at, order.next_step_at)
            self._step(order)
        self._require_all_explained(now(self.engine, self.order))

    def _step(self, order: Order) -> None:
        """Do what the state of an order asks for, as the worker does."""
        spoil(self.engine, order, next_step_at=self.at + LEASE)
        answer = self.account.told(order)
        if order.state in _UNPAID:
            settle(self.engine, order, answer, self._now())
        elif order.state is OrderState.PAID:
            vend(self.engine, order, self._now())
        elif order.state is OrderState.REFUND_DUE:
            if settle(self.engine, order, answer, self._now()).state is order.state:
                self._ask(is_killed=False)
        else:
            settle(self.engine, order, answer, self._now())
            for refund in self.account.going_on:
                refund.state = RefundState.PROCESSED
            self._follow()

    def _require_all_explained(self, order: Order) -> None:
        charged, back = self.account.charged, self.account.back
        is_seen_to = order.is_open or order.closed_at is not None
        if not charged:
            assert order.state in _UNPAID
        elif order.state is OrderState.VENDED:
            assert order.vended_minor == CREDIT
            assert back == 0 or is_seen_to
        elif order.state is OrderState.REFUNDED:
            assert back == charged
        else:
            assert is_seen_to, (order.state, order.problem, self.account)
        with self.engine.connect() as connection:
            assert differences(connection) == []

    def _ask(self, *, is_killed: bool) -> None:
        """Ask for all of a payment, and note the answer unless we are killed before."""
        account = self.account
        if account.free == account.charged:
            refund = account.give_back(account.charged)
            self._tell(refund)
            if not is_killed:
                news = asked(refund.amount, refund_id=refund.refund_id)
                note(self.engine, refunds.note_refund, self.order, news, self._now())
        elif not is_killed and account.free == 0:
            known = asked(account.charged, refund_id="")
            note(self.engine, refunds.note_refund, self.order, known, self._now())
        elif not is_killed:
            note(self.engine, refunds.note_refund_refused, self.order, "part", self._now())

    def _follow(self) -> None:
        """Ask Paystack about the newest refund that we know by its id."""
        with self.engine.connect() as connection:
            known = service.refunds_of(connection, self.order)
        ids = [one.refund_id for one in known if one.refund_id and one.state not in _ENDED]
        for refund in self.account.given:
            if ids and refund.refund_id == ids[-1]:
                told = asked(refund.amount, refund_id=refund.refund_id, state=refund.state)
                note(self.engine, refunds.note_refund_state, self.order, told, self._now())

    def _tell(self, refund: _Given) -> None:
        """Let Paystack send an event, some day; early ones have no reference of the bank."""
        is_early = refund.state in {RefundState.PENDING, RefundState.PROCESSING}
        bank = None if is_early else f"B{refund.refund_id}"
        self.events.append((refund.state, refund.amount, bank))

    def _hear(self, event: tuple[RefundState, int, str | None]) -> None:
        state, amount, bank = event
        hear_refund(self.engine, self.order, state, self._now(), amount_minor=amount, bank=bank)

    def _known_back(self, order: Order) -> int:
        with self.engine.connect() as connection:
            known = service.refunds_of(connection, order)
        return sum(one.amount_minor for one in known if one.state is RefundState.PROCESSED)

    def _now(self) -> Any:
        self.at += timedelta(milliseconds=1)
        return self.at


def test_money_in_is_tokens_out_refunds_and_open_cases_by_any_interleaving(
    engine: Engine,
) -> None:
    is_quick = engine.dialect.name == "sqlite"

    class Life(_Life):
        pass

    Life.engine = engine
    run_state_machine_as_test(
        Life,
        settings=settings(
            max_examples=40 if is_quick else 10,
            stateful_step_count=25,
            database=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
