"""The SQL that compares what the log says each token was made for with who paid or approved."""

from __future__ import annotations

from typing import Final

from sqlalchemy import String, and_, literal, or_, select

from vending_api.domain.issuing.tables import TOKEN
from vending_api.domain.issuing.types import TokenKind
from vending_api.domain.meters.tables import TARIFF
from vending_api.domain.sales.tables import SALE
from vending_api.domain.sales.types import SaleKind, SaleState
from vending_api.domain.token_log.tables import TOKEN_LOG
from vending_api.domain.token_queue.tables import QUEUED_TOKEN
from vending_api.domain.token_queue.types import QueuedKind

_NOTHING_SOLD: Final = [SaleState.REFUSED.value, SaleState.GIVEN_UP.value]
_IS_PURCHASE: Final = SALE.c.kind == SaleKind.PURCHASE.value
_PURCHASE: Final = SALE.alias("purchase")
_KEY_CHANGE: Final = SALE.alias("key_change")
_CLIENT: Final = literal("client ").concat(_PURCHASE.c.client_key.cast(String)).concat(": ")
_WARRANT: Final = TOKEN_LOG.c.warrant
_APPROVED: Final = or_(
    and_(
        TOKEN_LOG.c.kind == TokenKind.STANDARD.value,
        _PURCHASE.c.amount_minor > 0,
        _CLIENT.concat("paid ")
        .concat(_PURCHASE.c.amount_minor.cast(String))
        .concat(" ")
        .concat(_PURCHASE.c.currency)
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
            QUEUED_TOKEN.c.sale_key == _PURCHASE.c.key,
            QUEUED_TOKEN.c.kind == TOKEN_LOG.c.kind,
            _CLIENT.concat("order ")
            .concat(QUEUED_TOKEN.c.key.cast(String))
            .concat(" by ")
            .concat(QUEUED_TOKEN.c.ordered_by)
            == _WARRANT,
        )
        .exists(),
    ),
)
WARRANTS_NOT_KEPT: Final = (
    select(TOKEN_LOG.c.reference, _WARRANT)
    .select_from(TOKEN_LOG)
    .join(
        _PURCHASE,
        and_(
            _PURCHASE.c.kind == SaleKind.PURCHASE.value,
            _PURCHASE.c.purchase_id == TOKEN_LOG.c.reference,
        ),
    )
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
        _PURCHASE.c.client_key.label("buyer"),
        _PURCHASE.c.key_data.label("bought"),
        _KEY_CHANGE.c.client_key.label("changer"),
        _KEY_CHANGE.c.key_data.label("changed"),
    )
    .select_from(TOKEN_LOG)
    .join(
        _PURCHASE,
        and_(
            _PURCHASE.c.kind == SaleKind.PURCHASE.value,
            _PURCHASE.c.purchase_id == TOKEN_LOG.c.reference,
        ),
        isouter=True,
    )
    .join(
        _KEY_CHANGE,
        and_(
            _KEY_CHANGE.c.kind == SaleKind.KEY_CHANGE.value,
            _KEY_CHANGE.c.purchase_id == TOKEN_LOG.c.reference,
        ),
        isouter=True,
    )
    .where(_WARRANT.is_not(None), TOKEN_LOG.c.kind == TokenKind.KEY_CHANGE.value)
)
"""To stream."""
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
