"""The SQL that compares what the log says each token was made for with who paid or approved."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sqlalchemy import String, and_, case, func, literal, or_, select

from vending_api.domain.campaigns.tables import CAMPAIGN
from vending_api.domain.issuing.tables import TOKEN
from vending_api.domain.issuing.types import TokenKind
from vending_api.domain.meters.tables import METER, TARIFF
from vending_api.domain.operators.tables import OPERATOR
from vending_api.domain.reconciling.log_rows import (
    KEY_CHANGE,
    LOG_BESIDE_SALES,
    PURCHASE,
    ROW_IS_OF_PURCHASE,
)
from vending_api.domain.sales.tables import SALE
from vending_api.domain.sales.types import SaleKind, SaleState
from vending_api.domain.token_log.tables import TOKEN_LOG
from vending_api.domain.token_queue.tables import QUEUED_TOKEN
from vending_api.domain.token_queue.types import QueuedKind

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement, FromClause

_NOTHING_SOLD: Final = [SaleState.REFUSED.value, SaleState.GIVEN_UP.value]
_IS_PURCHASE: Final = SALE.c.kind == SaleKind.PURCHASE.value
_WARRANT: Final = TOKEN_LOG.c.warrant


def _client(sale: FromClause) -> ColumnElement[str]:
    return literal("client ").concat(sale.c.client_key.cast(String)).concat(": ")


def _campaign_of(sale: FromClause) -> ColumnElement[bool]:
    """Return whether a campaign that somebody approved bears out the warrant of its token."""
    key = CAMPAIGN.c.key.cast(String)
    return (
        select(CAMPAIGN.c.key)
        .where(
            TOKEN_LOG.c.reference.startswith(literal("campaign-").concat(key).concat("-")),
            _client(sale)
            .concat("campaign ")
            .concat(key)
            .concat(" by ")
            .concat(CAMPAIGN.c.proposed_by)
            .concat(", approved by ")
            .concat(CAMPAIGN.c.approved_by)
            == _WARRANT,
        )
        .exists()
    )


_CLIENT: Final = _client(PURCHASE)
_APPROVED: Final = or_(
    and_(
        TOKEN_LOG.c.kind == TokenKind.STANDARD.value,
        PURCHASE.c.amount_minor > 0,
        _CLIENT.concat("paid ")
        .concat(PURCHASE.c.amount_minor.cast(String))
        .concat(" ")
        .concat(PURCHASE.c.currency)
        == _WARRANT,
    ),
    and_(
        TOKEN_LOG.c.kind == TokenKind.FREE.value,
        select(TARIFF.c.key)
        .where(_CLIENT.concat("free units of ").concat(TARIFF.c.name) == _WARRANT)
        .exists(),
    ),
    and_(
        TOKEN_LOG.c.kind.in_([kind.value for kind in QueuedKind]),
        select(QUEUED_TOKEN.c.key)
        .where(
            QUEUED_TOKEN.c.sale_key == PURCHASE.c.key,
            QUEUED_TOKEN.c.kind == TOKEN_LOG.c.kind,
            _CLIENT.concat("order ")
            .concat(QUEUED_TOKEN.c.key.cast(String))
            .concat(" by ")
            .concat(QUEUED_TOKEN.c.ordered_by)
            .concat(
                case(
                    (
                        QUEUED_TOKEN.c.approved_by != "",
                        literal(", approved by ").concat(QUEUED_TOKEN.c.approved_by),
                    ),
                    else_="",
                )
            )
            == _WARRANT,
        )
        .exists(),
    ),
    and_(
        TOKEN_LOG.c.kind.in_([TokenKind.FREE.value, TokenKind.REFUND.value]),
        _campaign_of(PURCHASE),
    ),
)
WARRANTS_NOT_KEPT: Final = (
    select(TOKEN_LOG.c.reference, _WARRANT)
    .select_from(TOKEN_LOG.join(PURCHASE, ROW_IS_OF_PURCHASE))
    .where(
        _WARRANT.is_not(None),
        TOKEN_LOG.c.kind != TokenKind.KEY_CHANGE.value,
        ~_APPROVED,
    )
    .order_by(TOKEN_LOG.c.writer, TOKEN_LOG.c.sequence)
)
"""Rows whose warrant is not what the sale, the tariff or the order of an operator says now."""
KEY_CHANGES_LOGGED: Final = (
    select(
        TOKEN_LOG.c.reference,
        _WARRANT,
        PURCHASE.c.client_key.label("buyer"),
        PURCHASE.c.key_data.label("bought"),
        KEY_CHANGE.c.client_key.label("changer"),
        KEY_CHANGE.c.key_data.label("changed"),
    )
    .select_from(LOG_BESIDE_SALES)
    .where(
        _WARRANT.is_not(None),
        TOKEN_LOG.c.kind == TokenKind.KEY_CHANGE.value,
        ~_campaign_of(KEY_CHANGE),
    )
)
"""To stream: those that no campaign bears out."""
ORDERS_OF_ONE: Final = (
    select(METER.c.external_id, QUEUED_TOKEN.c.key, QUEUED_TOKEN.c.ordered_by)
    .join(METER, METER.c.key == QUEUED_TOKEN.c.meter_key)
    .where(
        or_(
            QUEUED_TOKEN.c.approved_by == "",
            QUEUED_TOKEN.c.approved_by == QUEUED_TOKEN.c.ordered_by,
        ),
        QUEUED_TOKEN.c.ordered_at > select(func.min(OPERATOR.c.added_at)).scalar_subquery(),
    )
    .order_by(QUEUED_TOKEN.c.key)
)
"""Orders of tokens that nobody else approved, though there were operators."""
TOKENS_NOT_PAID_FOR: Final = (
    select(SALE.c.purchase_id, TOKEN.c.kind)
    .join(SALE, TOKEN.c.sale_key == SALE.c.key)
    .where(
        SALE.c.state.not_in(_NOTHING_SOLD),
        or_(
            and_(
                TOKEN.c.kind == TokenKind.STANDARD.value,
                or_(~_IS_PURCHASE, SALE.c.amount_minor <= 0),
            ),
            and_(TOKEN.c.kind == TokenKind.FREE.value, ~_IS_PURCHASE),
        ),
    )
)
