"""Carries actions out: at once, or when another operator approves what one has proposed."""

from __future__ import annotations

import hmac
import json
from typing import TYPE_CHECKING, Any, Final

from pydantic import ValidationError

from sts.key_data import KeyRevisionNumber, SupplyGroupCode, TariffIndex
from vending_api.domain.actions.errors import MaterialDiffers
from vending_api.domain.actions.types import (
    MODELS,
    Action,
    ChangeKeyData,
    Deposit,
    Done,
    EnterMeters,
    EnterSite,
    LoadKeys,
    MetersMaterial,
    QueueToken,
    RefundOrder,
    SetEstate,
    SiteMaterial,
    Warrant,
)
from vending_api.domain.approvals import service as approvals
from vending_api.domain.approvals.errors import ProposalAltered
from vending_api.domain.approvals.types import Kind, NewProposal
from vending_api.domain.clients.service import find_client
from vending_api.domain.credit.service import deposit
from vending_api.domain.estates.service import estate_of_utility, set_estate
from vending_api.domain.meter_lists.service import compare_list, enter_list
from vending_api.domain.meters.service import lock_meter, order_key_change
from vending_api.domain.meters.types import KeyData
from vending_api.domain.payments.cases import order_refund
from vending_api.domain.sites.service import enter_site
from vending_api.domain.token_queue.service import queue_token
from vending_api.domain.token_queue.types import NewQueuedToken

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

    from sqlalchemy import Connection

    from vending_api.domain.actions.types import Material
    from vending_api.domain.approvals.types import Proposal
    from vending_api.domain.operators.types import Acting


def perform(
    connection: Connection, action: Action, warrant: Warrant, material: Material | None = None
) -> Done:
    """Carry an action out; raises what its feature raises, and MaterialDiffers."""
    return _PERFORM[type(action)](connection, action, warrant, material)


def propose(
    connection: Connection, acting: Acting, action: Action, reason: str, at: datetime
) -> int:
    """Propose an action, and return the number to approve it by.

    It is carried out and undone first, so that what cannot be done is refused now and not when it
    is approved; what needs a file was compared by who proposes it. Raises NotAllowed, what the
    action's feature raises, and EntryInvalid for a reason that is too long.
    """
    new = NewProposal(kind=action.kind, payload=payload_of(action), reason=reason)
    number = approvals.propose(connection, acting, new, at)
    if not isinstance(action, EnterSite | EnterMeters):
        with connection.begin_nested() as trial:
            perform(connection, action, Warrant(ordered_by=acting.operator.name, at=at))
            trial.rollback()
    return number


def approve(
    connection: Connection,
    acting: Acting,
    number: int,
    at: datetime,
    *,
    material: Material | None = None,
) -> Done:
    """Approve what somebody else has proposed, and carry it out in the names of both.

    Raises what `approvals.approve` raises, and what the action's feature raises.
    """
    done: list[Done] = []

    def carry_out(proposal: Proposal) -> str:
        action = action_of(proposal)
        warrant = Warrant(ordered_by=proposal.proposed_by, approved_by=acting.operator.name, at=at)
        done.append(perform(connection, action, warrant, material))
        return done[0].words

    approvals.approve(connection, acting, number, at, carry_out=carry_out)
    return done[0]


def action_of(proposal: Proposal) -> Action:
    """Return what a proposal says; raises ProposalAltered for what was never proposed like this."""
    try:
        action = MODELS[proposal.kind].model_validate_json(proposal.payload)
    except ValidationError:
        raise ProposalAltered(proposal.number) from None
    # A token's kind follows from what it is: free units must not pass for an engineering token.
    if action.kind is not proposal.kind:
        raise ProposalAltered(proposal.number)
    return action


def payload_of(action: Action) -> str:
    """Return an action as canonical JSON: names in order, no spaces."""
    return json.dumps(action.model_dump(mode="json"), sort_keys=True, separators=(",", ":"))


def approved_key_files(connection: Connection) -> frozenset[str]:
    """Return the SHA-256 of every key file that the service may use."""
    found = (action_of(one) for one in approvals.approved(connection, Kind.KEY_LOAD))
    return frozenset(one.digest for one in found if isinstance(one, LoadKeys))


def _queue_token(connection: Connection, action: QueueToken, warrant: Warrant, _: object) -> Done:
    order = NewQueuedToken(
        kind=action.token,
        value=action.value,
        amount_minor=action.amount_minor,
        reason=action.reason,
        ordered_by=warrant.ordered_by,
        approved_by=warrant.approved_by,
    )
    key = queue_token(connection, lock_meter(connection, action.meter), order, warrant.at)
    return Done(f"token {key} waits for meter {action.meter}", key)


def _change_key_data(connection: Connection, action: ChangeKeyData, _: Warrant, __: object) -> Done:
    meter = lock_meter(connection, action.meter)
    given = {
        "supply_group_code": action.supply_group and SupplyGroupCode(action.supply_group),
        "key_revision_number": action.revision and KeyRevisionNumber(action.revision),
        "tariff_index": action.tariff_index and TariffIndex(action.tariff_index),
    }
    changes: dict[str, Any] = {name: one for name, one in given.items() if one is not None}
    order_key_change(connection, meter, KeyData.of(meter.configuration)._replace(**changes))
    return Done(f"key change of meter {action.meter} is ordered")


def _deposit(connection: Connection, action: Deposit, warrant: Warrant, _: object) -> Done:
    client = find_client(connection, action.user_name)
    balance_minor = deposit(
        connection,
        client.key,
        action.amount_minor,
        reference=action.reference,
        note=action.note,
        at=warrant.at,
    )
    words = f"{action.amount_minor:,} added to the credit of {action.user_name}"
    return Done(words, balance_minor)


def _refund(connection: Connection, action: RefundOrder, warrant: Warrant, _: object) -> Done:
    order_refund(
        connection, action.reference, warrant.at, note=action.note, channels=action.channels
    )
    return Done(f"the money of {action.reference} goes back")


def _set_estate(connection: Connection, action: SetEstate, warrant: Warrant, _: object) -> Done:
    known = estate_of_utility(connection, action.utility)
    old_code, old_charge = (
        ("", 0) if known is None else (known.account_code, known.transaction_charge_minor)
    )
    estate = set_estate(
        connection,
        action.utility,
        account_code=old_code if action.account_code is None else action.account_code,
        transaction_charge_minor=(
            old_charge if action.charge_minor is None else action.charge_minor
        ),
        at=warrant.at,
    )
    return Done(f"{action.utility} is estate {estate.key}", estate)


def _enter_site(
    connection: Connection, action: EnterSite, warrant: Warrant, material: object
) -> Done:
    if not isinstance(material, SiteMaterial) or not _same(material.digest, action.digest):
        raise MaterialDiffers(action.file)
    comparison = enter_site(connection, material.site, passwords=material.passwords, at=warrant.at)
    return Done(f"{action.file}: {len(comparison.changes)} changes entered", comparison)


def _enter_meters(
    connection: Connection, action: EnterMeters, warrant: Warrant, material: object
) -> Done:
    if not isinstance(material, MetersMaterial) or not _same(material.digest, action.digest):
        raise MaterialDiffers(action.file)
    comparison = compare_list(connection, material.entries, material.fields, warrant.at)
    enter_list(connection, comparison)
    counts = f"{len(comparison.new)} meters new, {len(comparison.changed)} changed"
    return Done(f"{action.file}: {counts}", comparison)


def _load_keys(_: Connection, action: LoadKeys, __: Warrant, ___: object) -> Done:
    return Done(f"the service may use {action.file}, {len(action.keys)} keys")


def _same(one: str, other: str) -> bool:
    return hmac.compare_digest(one, other)


_PERFORM: Final[Mapping[type[Action], Callable[[Connection, Any, Warrant, Any], Done]]] = {
    QueueToken: _queue_token,
    ChangeKeyData: _change_key_data,
    Deposit: _deposit,
    RefundOrder: _refund,
    SetEstate: _set_estate,
    EnterSite: _enter_site,
    EnterMeters: _enter_meters,
    LoadKeys: _load_keys,
}
