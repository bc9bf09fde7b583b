"""Wherever a run is cut off, between any two lines, nothing is lost and nothing comes twice."""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest
from sqlalchemy import select

import vending_api
from tests.domain.campaigns.proposing import (
    TO_SECOND,
    change,
    disagreements,
    listed,
    new,
    runner,
    started,
)
from vending_api.domain.campaigns.tables import CAMPAIGN_METER
from vending_api.domain.campaigns.types import CampaignKind, CampaignState
from vending_api.domain.issuing.tables import TOKEN

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import FrameType

    from sqlalchemy import Engine

_ROOT: Final = Path(vending_api.__file__).parent
_LINES_OF: Final = (
    *("domain/campaigns/turns.py", "domain/campaigns/making.py", "domain/campaigns/service.py"),
    *("domain/campaigns/repository.py", "cli/campaign/runner.py", "kit/turns.py", "kit/group.py"),
)
_FILES: Final = frozenset(str(_ROOT / name) for name in _LINES_OF)
_METERS: Final = ("TST001", "TST010")
_SECTIONS: Final = 2


class Killed(BaseException):
    """The run ends here, as by a signal that nobody handles."""


def _cut_off(run: Callable[[], object], after_lines: int) -> bool:
    """Run until so many lines of a run have begun, and return whether it was cut off there."""
    left = after_lines

    def on_line(_frame: FrameType, event: str, _: Any) -> Any:
        nonlocal left
        if event == "line":
            left -= 1
            if left < 0:
                sys.settrace(None)
                raise Killed
        return on_line

    def on_call(frame: FrameType, _event: str, _: Any) -> Any:
        return on_line if frame.f_code.co_filename in _FILES else None

    before = sys.gettrace()
    sys.settrace(on_call)
    try:
        run()
    except Killed:
        return True
    finally:
        sys.settrace(before)
    return False


def _ends(kind: CampaignKind, engine: Engine, step: int) -> Iterator[int]:
    """Cut a run of its own off after ever more lines, let another finish it, until none is cut."""
    lines = 0
    while True:
        for one in _METERS:
            change(engine, one, key_revision_number=1)
        campaign = started(
            engine,
            new(
                kind,
                name=f"cut off after {lines}",
                selection=listed(*_METERS),
                target=TO_SECOND if kind is CampaignKind.KEY_CHANGE else new().target,
                may_repeat=True,
            ),
        )
        was_cut = _cut_off(runner(engine, campaign, at_once=len(_METERS)).run, lines)
        ended = runner(engine, campaign, at_once=len(_METERS)).run()
        assert ended.state is CampaignState.FINISHED
        yield campaign.key
        if not was_cut:
            return
        lines += step


@pytest.mark.parametrize(
    "lines",
    [pytest.param(3, id="short"), pytest.param(1, id="long", marks=pytest.mark.faults)],
)
@pytest.mark.parametrize("kind", [CampaignKind.REFUND, CampaignKind.KEY_CHANGE])
def test_a_run_that_is_cut_off_anywhere_is_finished_by_the_next(
    engine: Engine, kind: CampaignKind, lines: int
) -> None:
    step = lines if engine.dialect.name == "sqlite" else 5 * lines
    keys = list(_ends(kind, engine, step))
    assert len(keys) > 15  # it was cut off at that many places
    statement = select(CAMPAIGN_METER.c.campaign_key, TOKEN.c.digits).join(
        TOKEN, TOKEN.c.sale_key == CAMPAIGN_METER.c.sale_key
    )
    with engine.connect() as connection:
        made = Counter(row.campaign_key for row in connection.execute(statement))
        total = len(connection.execute(select(TOKEN.c.key)).all())
    each = len(_METERS) * (_SECTIONS if kind is CampaignKind.KEY_CHANGE else 1)
    assert made == dict.fromkeys(keys, each)
    assert total == each * len(keys)
    assert disagreements(engine) == []
