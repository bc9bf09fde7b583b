"""Their messages to our commands."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from sts.errors import StsError
from sts.id_record import IdRecord
from vending_api.domain.advices.types import AdviceKind, Advise, NoteSale
from vending_api.domain.faults.types import ReportFault
from vending_api.domain.reprints.types import ReprintTokens
from vending_api.domain.sales.types import ChangeKey, LookUpMeter, SellCredit, TryCredit
from vending_api.surfaces.electrum.wire.advices import (
    BasicAdvice,
    ConfirmationAdvice,
    KeyChangeConfirmation,
    ReversalAdvice,
)

if TYPE_CHECKING:
    from datetime import datetime

    from vending_api.domain.clients.types import Client
    from vending_api.surfaces.electrum.wire.messages import (
        FaultReportRequest,
        KeyChangeTokenRequest,
        MeterLookupRequest,
        PurchaseRequest,
        PurchaseResponse,
        TokenReprintRequest,
    )
    from vending_api.surfaces.electrum.wire.payments import Tender
    from vending_api.surfaces.electrum.wire.register import Meter

_ADVICE_KINDS: Final[dict[type[BasicAdvice], AdviceKind]] = {
    ConfirmationAdvice: AdviceKind.CONFIRMATION,
    ReversalAdvice: AdviceKind.REVERSAL,
    KeyChangeConfirmation: AdviceKind.KEY_CHANGE_CONFIRMATION,
}
_SHORTEST_CARD_NUMBER: Final = 13
"""Of any payment card (ISO/IEC 7812); of anything shorter, ten digits would be nearly all."""


def to_look_up(
    message: MeterLookupRequest, *, client: Client, received_at: datetime
) -> LookUpMeter:
    """Return the command that a lookup stands for."""
    return LookUpMeter(
        lookup_id=message.id,
        external_meter_id=message.meter.meter_id,
        card=_card(message.meter),
        client=client,
        received_at=received_at,
    )


def to_sell(
    message: PurchaseRequest, *, purchase_id: str, client: Client, received_at: datetime
) -> SellCredit:
    """Return the command that a purchase, or a retry of it, stands for."""
    return SellCredit(
        purchase_id=purchase_id,
        message_id=message.id,
        **_asked(message),
        client=client,
        received_at=received_at,
    )


def to_try(message: PurchaseRequest, *, client: Client, received_at: datetime) -> TryCredit:
    """Return the command that a trial stands for."""
    return TryCredit(trial_id=message.id, **_asked(message), client=client, received_at=received_at)


def to_reprint(
    message: TokenReprintRequest, *, client: Client, received_at: datetime
) -> ReprintTokens:
    """Return the command that a reprint stands for; an empty reference is none."""
    return ReprintTokens(
        reprint_id=message.id,
        external_meter_id=message.meter.meter_id,
        card=_card(message.meter),
        original_reference=message.original_ref or None,
        terminal_id=message.originator.terminal_id,
        client=client,
        received_at=received_at,
    )


def to_change_key(
    message: KeyChangeTokenRequest, *, client: Client, received_at: datetime
) -> ChangeKey:
    """Return the command that a key change request stands for."""
    return ChangeKey(
        request_id=message.id,
        external_meter_id=message.meter.meter_id,
        card=_card(message.meter),
        terminal_id=message.originator.terminal_id,
        client=client,
        received_at=received_at,
    )


def to_report_fault(
    message: FaultReportRequest, *, client: Client, received_at: datetime
) -> ReportFault:
    """Return the command that a fault report stands for."""
    return ReportFault(
        report_id=message.id,
        external_meter_id=message.meter.meter_id,
        contact_number=message.contact_number,
        fault_type=message.fault_type,
        fault_description=message.fault_description or "",
        reported_at=message.time,
        terminal_id=message.originator.terminal_id,
        client=client,
        received_at=received_at,
    )


def to_advise(message: BasicAdvice, *, client: Client, received_at: datetime) -> Advise:
    """Return the command that an advice of any kind stands for."""
    approved = message.amounts.approved_amount if message.amounts else None
    tenders = (message.tenders or ()) if isinstance(message, ConfirmationAdvice) else ()
    return Advise(
        kind=_ADVICE_KINDS[type(message)],
        advice_id=message.id,
        request_id=message.request_id,
        approved_minor=approved.amount if approved else None,
        currency=approved.currency if approved else None,
        reason=message.reversal_reason if isinstance(message, ReversalAdvice) else "",
        tenders=[_kept(tender) for tender in tenders],
        client=client,
        received_at=received_at,
    )


def to_note_sale(
    message: PurchaseResponse, *, purchase_id: str, client: Client, received_at: datetime
) -> NoteSale:
    """Return the command that an event stands for."""
    return NoteSale(
        purchase_id=purchase_id, message_id=message.id, client=client, received_at=received_at
    )


def masked(card_number: str) -> str:
    """Return a card number as it may be kept: its first six and last four digits."""
    length = len(card_number)
    if length < _SHORTEST_CARD_NUMBER:
        return "*" * length
    return f"{card_number[:6]}{'*' * (length - 10)}{card_number[-4:]}"


def _asked(message: PurchaseRequest) -> dict[str, Any]:
    return {
        "external_meter_id": message.meter.meter_id,
        "card": _card(message.meter),
        "amount_minor": message.purchase_amount.amount,
        "currency": message.purchase_amount.currency,
        "terminal_id": message.originator.terminal_id,
    }


def _card(meter: Meter) -> IdRecord | None:
    """Return what the meter's card says; None for no card, and for one that is no ID record."""
    if meter.track2_data is None:
        return None
    try:
        return IdRecord.parse(meter.track2_data)
    except StsError:  # of another system, or badly read: then the number that was sent decides
        return None


def _kept(tender: Tender) -> dict[str, Any]:
    kept = tender.model_dump(mode="json", exclude_none=True)
    if tender.card_number is not None:
        kept["cardNumber"] = masked(tender.card_number)
    return kept
