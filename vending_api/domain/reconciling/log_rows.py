"""The rows of the token log beside the sales that they are of."""

from __future__ import annotations

from typing import Final

from sqlalchemy import and_

from vending_api.domain.sales.tables import SALE
from vending_api.domain.sales.types import SaleKind
from vending_api.domain.token_log.tables import TOKEN_LOG

PURCHASE: Final = SALE.alias("purchase")
KEY_CHANGE: Final = SALE.alias("key_change")
ROW_IS_OF_PURCHASE: Final = and_(
    PURCHASE.c.kind == SaleKind.PURCHASE.value,
    PURCHASE.c.purchase_id == TOKEN_LOG.c.reference,
)
_ROW_IS_OF_KEY_CHANGE: Final = and_(
    KEY_CHANGE.c.kind == SaleKind.KEY_CHANGE.value,
    KEY_CHANGE.c.purchase_id == TOKEN_LOG.c.reference,
)
LOG_BESIDE_SALES: Final = TOKEN_LOG.join(PURCHASE, ROW_IS_OF_PURCHASE, isouter=True).join(
    KEY_CHANGE, _ROW_IS_OF_KEY_CHANGE, isouter=True
)
"""A purchase and a key change may have the same id; the log does not tell them apart."""
