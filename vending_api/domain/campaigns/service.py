"""Campaigns are proposed by one person and approved by another, then run, paused and resumed."""

from __future__ import annotations

import json
from hashlib import sha256
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

from vending_api.domain.campaigns import repository
from vending_api.domain.campaigns.errors import (
    CampaignKnown,
    CampaignStepRefused,
    CampaignUnknown,
    FourEyesNeeded,
)
from vending_api.domain.campaigns.types import (
    LIFE,
    CampaignEvent,
    CampaignKind,
    CampaignState,
    Delivery,
    RefundOf,
    Report,
    RowState,
)
from vending_api.domain.meters.service import has_supply_group
from vending_api.domain.token_queue.service import require_sound
from vending_api.domain.token_queue.types import NewQueuedToken, QueuedKind
from vending_api.kit.entries import EntryInvalid

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

    from sqlalchemy import Connection

    from vending_api.domain.campaigns.types import (
        Campaign,
        Exported,
        ListedMeter,
        NewCampaign,
        RefusedMeter,
    )

_AT_ONCE: Final = 1_000
_NOTHING: Final = RefundOf(units_tenths=0)


class ListUnfit(EntryInvalid):
    """Meters of a list that a campaign cannot have, each with its place in the list."""

    def __init__(self, problems: Sequence[tuple[int, str]]) -> None:
        super().__init__("list", f"{len(problems)} of its meters cannot be taken")
        self.problems = problems


def propose(connection: Connection, new: NewCampaign) -> int:
    """Keep a campaign with its meters until somebody else approves it; return how many there are.

    Raises CampaignKnown; ListUnfit for a list with meters that are unknown, elsewhere or there
    twice, or with refunds that no token can carry; EntryInvalid for what else makes no sense.
    """
    _require_sense(connection, new)
    repository.lift_time_limit(connection)
    name = _cleaned("name", new.name)
    fingerprint = _fingerprint(new)
    values = {
        "name": name,
        "kind": new.kind.value,
        "delivery": new.delivery.value,
        "state": CampaignState.PROPOSED.value,
        "selection": _words(new),
        "reason": _cleaned("reason", new.reason),
        **_target(new),
        "fingerprint": fingerprint,
        "meters": 0,
        "proposed_by": _cleaned("by", new.proposed_by),
        "proposed_at": new.proposed_at,
        "approved_by": None,
    }
    key = repository.add_campaign(connection, values)
    if key is None:
        known = repository.name_of_fingerprint(connection, fingerprint) if fingerprint else None
        raise CampaignKnown(name, known or name)
    count = _add_meters(connection, key, new)
    if not count:
        raise EntryInvalid("selection", "no meter fits it; nothing is proposed")
    repository.store(connection, key, meters=count)
    _note(connection, key, CampaignEvent.PROPOSE, new.proposed_by, new.proposed_at)
    return count


def approve(connection: Connection, name: str, *, by: str, at: datetime) -> Campaign:
    """Let a campaign run that somebody else proposed.

    Raises CampaignUnknown, CampaignStepRefused, FourEyesNeeded.
    """
    campaign = find(connection, name, lock=True)
    if _person(by) == _person(campaign.proposed_by):
        raise FourEyesNeeded(campaign.name, campaign.proposed_by)
    _move(connection, campaign, CampaignEvent.APPROVE, by, at)
    repository.store(connection, campaign.key, approved_by=_cleaned("by", by))
    return find(connection, name)


def start(connection: Connection, name: str, *, by: str, at: datetime) -> Campaign:
    """Let runners take meters of an approved campaign; it may be said of a running one again.

    Raises CampaignUnknown, CampaignStepRefused.
    """
    campaign = find(connection, name, lock=True)
    _move(connection, campaign, CampaignEvent.RUN, by, at)
    return find(connection, name)


def pause(connection: Connection, name: str, *, by: str, at: datetime) -> None:
    """Let nobody take more meters; what is done when this is committed stays done.

    Waits for the meters that runners have in hand. Raises CampaignUnknown, CampaignStepRefused.
    """
    _move(connection, find(connection, name, lock=True), CampaignEvent.PAUSE, by, at)


def resume(connection: Connection, name: str, *, by: str, at: datetime) -> None:
    """Let runners take meters of a paused campaign again.

    Raises CampaignUnknown, CampaignStepRefused.
    """
    _move(connection, find(connection, name, lock=True), CampaignEvent.RESUME, by, at)


def withdraw(connection: Connection, name: str, *, by: str, at: datetime) -> None:
    """Give nothing any more to the meters that are pending; one that runs is paused first.

    Raises CampaignUnknown, CampaignStepRefused.
    """
    campaign = find(connection, name, lock=True)
    _move(connection, campaign, CampaignEvent.WITHDRAW, by, at)
    if campaign.state is not CampaignState.PAUSED:
        # Nobody got anything, so the same list may be given back by another campaign.
        repository.store(connection, campaign.key, fingerprint=None)


def finish(connection: Connection, name: str, *, by: str, at: datetime) -> CampaignState:
    """End a running campaign of which no meter is pending; return where it then stands."""
    campaign = find(connection, name, lock=True)
    if campaign.state is not CampaignState.RUNNING:
        return campaign.state
    repository.lift_time_limit(connection)
    if repository.has_pending(connection, campaign.key):
        return campaign.state
    _move(connection, campaign, CampaignEvent.FINISH, by, at)
    return CampaignState.FINISHED


def find(connection: Connection, name: str, *, lock: bool = False) -> Campaign:
    """Return a campaign; `lock` keeps it as it is, and raises CampaignUnknown likewise."""
    campaign = repository.find(connection, " ".join(name.split()), lock=lock)
    if campaign is None:
        raise CampaignUnknown(name)
    return campaign


def all_campaigns(connection: Connection) -> list[Campaign]:
    """Return every campaign, the newest first."""
    return repository.all_campaigns(connection)


def report(connection: Connection, name: str) -> Report:
    """Return how far a campaign has come; raises CampaignUnknown."""
    campaign = find(connection, name)
    repository.lift_time_limit(connection)
    rows = repository.count_rows(connection, campaign.key)
    units_tenths, amount_minor, largest_tenths = repository.totals(connection, campaign.key)
    has_ordered = bool(rows[RowState.ORDERED])
    return Report(
        campaign=campaign,
        events=repository.events_of(connection, campaign.key),
        rows=rows,
        brought=repository.count_brought(connection, campaign) if has_ordered else 0,
        refusals=repository.count_refusals(connection, campaign.key),
        units_tenths=units_tenths,
        amount_minor=amount_minor,
        largest_tenths=largest_tenths,
    )


def refused(connection: Connection, campaign: Campaign) -> Iterator[RefusedMeter]:
    """Yield the meters of a campaign that got nothing, and why."""
    return repository.refused(connection, campaign.key)


def tokens_to_export(
    connection: Connection, campaign: Campaign, *, again: bool
) -> Iterator[Exported]:
    """Yield the meters whose tokens are to be handed out; `again` those that were, too.

    Raises CampaignStepRefused for a campaign that has made none.
    """
    if LIFE.get((campaign.state, CampaignEvent.EXPORT)) is None:
        raise CampaignStepRefused(campaign.name, campaign.state, CampaignEvent.EXPORT)
    repository.lift_time_limit(connection)
    states = [RowState.ISSUED, RowState.DELIVERED] if again else [RowState.ISSUED]
    return repository.exported(connection, campaign, states)


def note_exported(
    connection: Connection, campaign: Campaign, positions: Sequence[int], *, by: str, at: datetime
) -> None:
    """Note that the tokens of meters were handed out in a file."""
    left = iter(positions)
    while some := list(islice(left, _AT_ONCE)):
        repository.mark_delivered(connection, campaign.key, some)
    note = f"{len(positions)} meters"
    _note(connection, campaign.key, CampaignEvent.EXPORT, by, at, note=note)


def order_of(campaign: Campaign, refund: RefundOf) -> NewQueuedToken:
    """Return the order of a refund, in the name of whoever proposed it."""
    return NewQueuedToken(
        kind=QueuedKind.REFUND,
        value=refund.units_tenths,
        amount_minor=refund.amount_minor,
        reason=campaign.reason,
        ordered_by=campaign.proposed_by,
    )


def _require_sense(connection: Connection, new: NewCampaign) -> None:
    selection, target = new.selection, new.target
    is_all = selection.listed is None and not selection.tariff_name
    if is_all and selection.supply_group_code is None:
        raise EntryInvalid("selection", "name a supply group, a tariff or a list of meters")
    if new.kind is CampaignKind.FREE_UNITS and new.delivery is Delivery.NEXT_PURCHASE:
        problem = "free units come with the next purchase by themselves; export them to a file"
        raise EntryInvalid("delivery", problem)
    if new.kind is not CampaignKind.KEY_CHANGE:
        return
    if new.delivery is Delivery.NEXT_PURCHASE and not target.is_given:
        problem = (
            "what the register orders comes with the next purchase by itself; name another key"
        )
        raise EntryInvalid("target", problem)
    code = target.supply_group_code
    if code is not None and not has_supply_group(connection, code):
        raise EntryInvalid("supply_group_code", f"{code} is not registered; import its site first")


def _add_meters(connection: Connection, key: int, new: NewCampaign) -> int:
    if new.selection.listed is None:
        refund = new.refund or _NOTHING
        _require_refund(new, refund)
        return repository.add_selected(connection, key, new.selection, refund)
    problems, rows = [], []
    seen: dict[str, int] = {}
    for first in range(0, len(new.selection.listed), _AT_ONCE):
        some = new.selection.listed[first : first + _AT_ONCE]
        numbers = [one.external_id for one in some]
        known = repository.registered(connection, numbers, new.selection)
        for place, one in enumerate(some, start=first):
            problem = _problem(new, one, known.get(one.external_id))
            if seen.setdefault(one.external_id, place) != place:
                problem = f"meter {one.external_id} is in the list twice; write each meter once"
            if problem is not None:
                problems.append((place, problem))
                continue
            rows.append(
                (one.external_id, _row(key, known[one.external_id][0], one.refund or new.refund))
            )
    if problems:
        raise ListUnfit(problems)
    rows.sort(key=lambda row: row[0])
    for position, (_, row) in enumerate(rows, start=1):
        row["position"] = position
    for first in range(0, len(rows), _AT_ONCE):
        repository.add_listed(connection, [row for _, row in rows[first : first + _AT_ONCE]])
    return len(rows)


def _problem(new: NewCampaign, one: ListedMeter, known: tuple[int, bool] | None) -> str | None:
    """Return why a campaign cannot have a meter of its list, or None."""
    if known is None:
        return f"meter {one.external_id} is not registered"
    if not known[1]:
        return f"meter {one.external_id} is of another supply group or tariff"
    try:
        _require_refund(new, one.refund or new.refund or _NOTHING)
    except EntryInvalid as wrong:
        return wrong.problem
    return None


def _require_refund(new: NewCampaign, refund: RefundOf) -> None:
    if new.kind is CampaignKind.REFUND:
        require_sound(
            NewQueuedToken(
                kind=QueuedKind.REFUND,
                value=refund.units_tenths,
                amount_minor=refund.amount_minor,
                reason=new.reason,
                ordered_by=new.proposed_by,
            )
        )


def _row(key: int, meter_key: int, refund: RefundOf | None) -> dict[str, Any]:
    refund = refund or _NOTHING
    return {
        "campaign_key": key,
        "meter_key": meter_key,
        "units_tenths": refund.units_tenths,
        "amount_minor": refund.amount_minor,
        "state": RowState.PENDING.value,
    }


def _target(new: NewCampaign) -> dict[str, Any]:
    code, revision, index = (
        new.target.supply_group_code,
        new.target.key_revision_number,
        new.target.tariff_index,
    )
    return {
        "to_supply_group_code": None if code is None else code.digits,
        "to_key_revision_number": None if revision is None else revision.value,
        "to_tariff_index": None if index is None else index.digits,
    }


def _words(new: NewCampaign) -> str:
    selection = new.selection
    parts = [] if selection.listed is None else [f"a list of {len(selection.listed)} meters"]
    if selection.supply_group_code is not None:
        parts.append(f"supply group {selection.supply_group_code.digits}")
    if selection.tariff_name:
        parts.append(f"tariff {selection.tariff_name}")
    return ", ".join(parts)


def _fingerprint(new: NewCampaign) -> str | None:
    """Return what two refunds of the same share, whatever their names; None of what else there is.

    A key is changed once and free units come once a month by the rules of the meter itself.
    """
    if new.kind is not CampaignKind.REFUND or new.may_repeat:
        return None
    listed = new.selection.listed
    whole = new.refund or _NOTHING
    who: list[Any] = [_words(new)]
    if listed is not None:
        given = [(one.external_id, one.refund or whole) for one in listed]
        who = sorted([number, one.units_tenths, one.amount_minor] for number, one in given)
    said = json.dumps([who, whole.units_tenths, whole.amount_minor])
    return sha256(said.encode()).hexdigest()


def _move(
    connection: Connection, campaign: Campaign, event: CampaignEvent, by: str, at: datetime
) -> None:
    """Take a locked campaign to the state that an event leads to; raises CampaignStepRefused."""
    state = LIFE.get((campaign.state, event))
    if state is None:
        raise CampaignStepRefused(campaign.name, campaign.state, event)
    repository.store(connection, campaign.key, state=state.value)
    _note(connection, campaign.key, event, by, at)


def _note(
    connection: Connection,
    key: int,
    event: CampaignEvent,
    by: str,
    at: datetime,
    *,
    note: str = "",
) -> None:
    values = {
        "campaign_key": key,
        "event": event.value,
        "made_by": _cleaned("by", by),
        "at": at,
        "note": note,
    }
    repository.add_event(connection, values)


def _cleaned(field: str, text: str) -> str:
    """Return a text without needless blanks; raises EntryInvalid for an empty one."""
    cleaned = " ".join(text.split())
    if not cleaned:
        raise EntryInvalid(f"campaign.{field}", "is empty; the record of campaigns needs it")
    return cleaned


def _person(name: str) -> str:
    """Return what two ways to write the same name share."""
    return " ".join(name.split()).casefold()
