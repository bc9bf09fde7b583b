"""Runs a campaign turn by turn, each a short transaction, with rests so that sales go on.

What is done and what is not stands in the database alone. So a runner may be killed at any moment
and another begun, and several may run at once on PostgreSQL: each takes what the others leave.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Final

from sqlalchemy.exc import DataError, IntegrityError, InterfaceError, OperationalError

from vending_api.domain.campaigns import service as campaigns
from vending_api.domain.campaigns.turns import refuse, take_turn
from vending_api.domain.campaigns.types import CampaignState, Done, Turn
from vending_api.kit.group import RunCarefully
from vending_api.kit.turns import in_one_group

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from sqlalchemy import Engine

    from vending_api.domain.campaigns.types import Campaign
    from vending_api.domain.issuing.service import TokenMaker

AT_ONCE: Final = 256
"""Meters of a turn: a few statements for all, and sales to them wait for a fraction of a second."""
_ATTEMPTS: Final = 5
_REST_AFTER_FAULT_SECONDS: Final = 0.2
_REST_FOR_OTHERS_SECONDS: Final = 0.5
_NOT_STORED: Final = "not_stored"
_REFUSED_BY_DATABASE: Final = (RunCarefully, IntegrityError, DataError)


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """What a runner needs from outside."""

    now: Callable[[], datetime]
    monotonic_seconds: Callable[[], float]
    rest: Callable[[float], None]
    """Waits for so many seconds."""
    is_stopping: Callable[[], bool] = lambda: False
    advance: Callable[[int], None] = lambda _: None
    """Is told how many more meters are settled."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """Why a runner has stopped."""

    state: CampaignState
    settled: int
    """Meters that this runner has settled."""
    is_limit_reached: bool = False


@dataclass(slots=True, kw_only=True)
class Runner:
    """Takes the turns of one campaign."""

    engine: Engine
    maker: TokenMaker
    campaign: Campaign
    by: str
    terminal_id: str
    world: World
    at_once: int = AT_ONCE
    rate: float | None = None
    """Meters a second, at most."""
    _settled: int = 0
    _single: int = 0
    """How many of the next meters get a turn each, since a whole turn could not be stored."""

    def run(self) -> Ended:
        """Take turns until nothing is pending, somebody pauses the campaign, or stops this.

        Raises SecurityModuleUnavailable, TokenNotProven, and OperationalError where the database
        cannot be used for a while: whatever is not done by then is pending.
        """
        after = 0
        while not self.world.is_stopping():
            began = self.world.monotonic_seconds()
            done = self._turn(after)
            self._settled += done.settled
            self.world.advance(done.settled)
            if done.state is not CampaignState.RUNNING or done.is_limit_reached:
                return self._ended(done.state, is_limit_reached=done.is_limit_reached)
            if done.last is not None:
                after = done.last
                self._keep_rate(done.settled, began)
            elif after:
                after = 0  # what another runner had in its hands may be free again
            else:
                state = self._finish()
                if state is not CampaignState.RUNNING:
                    return self._ended(state)
                self.world.rest(_REST_FOR_OTHERS_SECONDS)
        return self._ended(CampaignState.RUNNING)

    def _turn(self, after: int) -> Done:
        """Take a turn; what the database ends is tried again, what it refuses meter by meter."""
        turn = self._next(after)
        for attempt in range(1, _ATTEMPTS + 1):
            try:
                done = in_one_group(self.engine, partial(take_turn, maker=self.maker, turn=turn))
            except _REFUSED_BY_DATABASE:
                if turn.most == 1:
                    self._single -= 1
                    return in_one_group(self.engine, partial(refuse, turn=turn, code=_NOT_STORED))
                self._single = turn.most
                turn = self._next(after)
            except (OperationalError, InterfaceError):
                if attempt == _ATTEMPTS:
                    raise
                self.world.rest(_REST_AFTER_FAULT_SECONDS * attempt)
            else:
                self._single = max(0, self._single - 1)
                return done
        return self._turn(after)

    def _next(self, after: int) -> Turn:
        return Turn(
            campaign_key=self.campaign.key,
            after=after,
            most=1 if self._single else self.at_once,
            terminal_id=self.terminal_id,
            at=self.world.now(),
        )

    def _keep_rate(self, settled: int, began: float) -> None:
        if self.rate is None:
            return
        left = settled / self.rate - (self.world.monotonic_seconds() - began)
        if left > 0:
            self.world.rest(left)

    def _finish(self) -> CampaignState:
        act = partial(campaigns.finish, name=self.campaign.name, by=self.by, at=self.world.now())
        return in_one_group(self.engine, act)

    def _ended(self, state: CampaignState, *, is_limit_reached: bool = False) -> Ended:
        return Ended(state=state, settled=self._settled, is_limit_reached=is_limit_reached)
