"""Hands out tokens again: those that were sold, never new ones, and counts how often."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from vending_api.domain.clients.errors import TerminalNotRegistered
from vending_api.domain.clients.service import require_terminal
from vending_api.domain.credit.errors import LimitExceeded
from vending_api.domain.meters.errors import UnknownMeter
from vending_api.domain.offers.service import meter_of
from vending_api.domain.reprints import repository
from vending_api.domain.reprints.errors import NothingToReprint
from vending_api.domain.reprints.types import Reprint
from vending_api.domain.sales.errors import SaleGivenUp, TokensForgotten
from vending_api.domain.sales.service import find_last_sale, find_sale, require_tokens
from vending_api.domain.sales.types import SaleEvent, next_state
from vending_api.kit.errors import Refusal
from vending_api.kit.idempotency import claim_new

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from vending_api.domain.meters.types import Meter
    from vending_api.domain.reprints.types import ReprintTokens
    from vending_api.domain.sales.types import Sale

_REPRINT: Final = "reprint"
_REFUSALS: Final = (
    UnknownMeter,
    TerminalNotRegistered,
    NothingToReprint,
    SaleGivenUp,
    TokensForgotten,
    LimitExceeded,
)


def reprint(connection: Connection, command: ReprintTokens) -> Reprint | Refusal:
    """Return tokens that were sold to a meter: those of its last sale, or of the one named.

    Raises MessageIdUsed when another reprint had this id.
    """
    claim_new(connection, kind=_REPRINT, message_id=command.reprint_id, at=command.received_at)
    try:
        # The lock lets reprints of one meter pass one at a time, so each counts those before it.
        meter = meter_of(connection, command.external_meter_id, command.card, lock=True)
        require_terminal(connection, command.client, command.terminal_id)
        sale = _sale(connection, meter, command.original_reference)
        return _hand_out(connection, command, meter, sale)
    except _REFUSALS as reason:
        return Refusal(reason)


def _sale(connection: Connection, meter: Meter, reference: str | None) -> Sale:
    if reference is None:
        sale = find_last_sale(connection, meter)
    else:
        sale = find_sale(connection, meter, reference)
    if sale is None:
        raise NothingToReprint(meter.external_id, reference)
    if next_state(sale.state, SaleEvent.REPRINT) is None:
        raise SaleGivenUp(sale.purchase_id)
    return require_tokens(sale)


def _hand_out(connection: Connection, command: ReprintTokens, meter: Meter, sale: Sale) -> Reprint:
    """Count a reprint and return it; raises LimitExceeded when the day has seen enough of them."""
    day = meter.utility.local_date(command.received_at)
    most = meter.rules.reprints_a_day
    if repository.count_of_day(connection, meter.key, day) >= most:
        raise LimitExceeded("reprints of a meter in a day", most)
    copies = repository.count_of_sale(connection, sale.key)
    repository.add_reprint(connection, command, sale_key=sale.key, meter_key=meter.key, day=day)
    return Reprint(sale=sale, copy_number=copies + 1)
