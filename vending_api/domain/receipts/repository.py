"""The SQL of the receipts: tokens with their sales and the orders that paid for them."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import and_, bindparam, func, select

from sts.key_data import EncryptionAlgorithm, KeyRevisionNumber, SupplyGroupCode, TariffIndex
from sts.meter_number import MeterPan
from sts.security_module import MeterConfiguration
from vending_api.domain.issuing.digits import digits_of
from vending_api.domain.issuing.tables import TOKEN
from vending_api.domain.issuing.types import TokenKind
from vending_api.domain.meters.tables import METER
from vending_api.domain.meters.types import ServiceType
from vending_api.domain.payments.tables import PAYMENT_ORDER
from vending_api.domain.payments.types import OrderState
from vending_api.domain.receipts.types import KeyedToken, PaidOrder, TokenReceipt
from vending_api.domain.sales.documents import bill_of
from vending_api.domain.sales.tables import SALE
from vending_api.domain.sales.types import SaleEvent, SaleKind, SaleState, next_state
from vending_api.kit.vault import vault_of

if TYPE_CHECKING:
    from collections.abc import Collection

    from sqlalchemy import Connection, Row, Select

    from vending_api.domain.consumers.types import Consumer
    from vending_api.kit.vault import Vault

_ORDER: Final = (
    *("key", "reference", "amount_minor", "currency", "state", "ordered_at", "updated_at"),
)
_GOOD: Final = [
    state.value for state in SaleState if next_state(state, SaleEvent.REPRINT) is not None
]
"""States of sales whose tokens may be handed out again; of others nobody was to have them."""
_OF_METER: Final = and_(TOKEN.c.meter_key == bindparam("of_meter"), SALE.c.state.in_(_GOOD))
_TOKENS: Final[Select[Any]] = (
    select(
        TOKEN.c.key,
        TOKEN.c.kind,
        TOKEN.c.sale_key,
        TOKEN.c.digits,
        TOKEN.c.units_tenths,
        TOKEN.c.tax_minor,
        SALE.c.amount_minor,
        SALE.c.currency,
        SALE.c.bill,
        SALE.c.received_at,
        METER.c.service_type,
        *(PAYMENT_ORDER.c[name].label(f"order_{name}") for name in _ORDER),
    )
    .select_from(TOKEN)
    .join(SALE, TOKEN.c.sale_key == SALE.c.key)
    .join(METER, TOKEN.c.meter_key == METER.c.key)
    .join(
        PAYMENT_ORDER,
        and_(
            SALE.c.kind == SaleKind.PURCHASE.value,
            SALE.c.purchase_id == PAYMENT_ORDER.c.reference,
            TOKEN.c.meter_key == PAYMENT_ORDER.c.meter_key,
        ),
        isouter=True,
    )
    .where(_OF_METER)
)
_NEWEST_TOKENS: Final = _TOKENS.order_by(TOKEN.c.key.desc())
_TOKENS_OF_ORDERS: Final = _TOKENS.where(
    PAYMENT_ORDER.c.key.in_(bindparam("of_orders", expanding=True))
).order_by(TOKEN.c.key)
_COUNT_TOKENS: Final = (
    select(func.count())
    .select_from(TOKEN)
    .join(SALE, TOKEN.c.sale_key == SALE.c.key)
    .where(_OF_METER)
)
_OF_CONSUMER: Final = PAYMENT_ORDER.c.consumer_key == bindparam("of_consumer")
_NEWEST_ORDERS: Final = (
    select(*(PAYMENT_ORDER.c[name].label(f"order_{name}") for name in _ORDER))
    .where(_OF_CONSUMER)
    .order_by(PAYMENT_ORDER.c.key.desc())
)
_COUNT_ORDERS: Final = select(func.count()).select_from(PAYMENT_ORDER).where(_OF_CONSUMER)
_KEYED: Final = (
    select(TOKEN, METER.c.pan, SALE.c.received_at)
    .select_from(TOKEN)
    .join(SALE, TOKEN.c.sale_key == SALE.c.key)
    .join(METER, TOKEN.c.meter_key == METER.c.key)
    .where(_OF_METER)
    .order_by(TOKEN.c.key)
)


def count_tokens(connection: Connection, consumer: Consumer) -> int:
    """Return how many tokens the meter of a consumer has got."""
    return _count(connection, _COUNT_TOKENS, of_meter=consumer.meter_key)


def newest_tokens(
    connection: Connection, consumer: Consumer, *, skip: int, most: int
) -> list[TokenReceipt]:
    """Return tokens of a consumer's meter, the newest first, without the first so many."""
    statement = _NEWEST_TOKENS.offset(skip).limit(most)
    rows = connection.execute(statement, {"of_meter": consumer.meter_key})
    vault = vault_of(connection)
    return [_token(vault, row, consumer) for row in rows]


def tokens_of_orders(
    connection: Connection, consumer: Consumer, order_keys: Collection[int]
) -> list[TokenReceipt]:
    """Return the tokens that orders of a consumer have brought, in the order of their making."""
    values = {"of_meter": consumer.meter_key, "of_orders": list(order_keys)}
    rows = connection.execute(_TOKENS_OF_ORDERS, values)
    vault = vault_of(connection)
    return [_token(vault, row, consumer) for row in rows]


def count_orders(connection: Connection, consumer: Consumer) -> int:
    """Return how many orders a consumer has placed."""
    return _count(connection, _COUNT_ORDERS, of_consumer=consumer.key)


def newest_orders(
    connection: Connection, consumer: Consumer, *, skip: int, most: int
) -> list[PaidOrder]:
    """Return orders of a consumer, the newest first, without the first so many."""
    statement = _NEWEST_ORDERS.offset(skip).limit(most)
    return [_order(row) for row in connection.execute(statement, {"of_consumer": consumer.key})]


def keyed_tokens(connection: Connection, meter_key: int) -> list[KeyedToken]:
    """Return what was keyed into a meter and is not forgotten, in order."""
    vault = vault_of(connection)
    rows = connection.execute(_KEYED, {"of_meter": meter_key})
    return [one for row in rows if (one := _keyed(vault, row)).digits]


def _count(connection: Connection, statement: Select[Any], **values: int) -> int:
    return int(connection.execute(statement, values).scalar_one())


def _order(row: Row[Any]) -> PaidOrder:
    return PaidOrder(
        key=row.order_key,
        reference=row.order_reference,
        amount_minor=row.order_amount_minor,
        currency=row.order_currency,
        state=OrderState(row.order_state),
        ordered_at=row.order_ordered_at,
        updated_at=row.order_updated_at,
    )


def _token(vault: Vault, row: Row[Any], consumer: Consumer) -> TokenReceipt:
    kind = TokenKind(row.kind)
    paid_minor = row.amount_minor if kind is TokenKind.STANDARD else 0
    lines = bill_of(row.bill).lines
    # What was sold before bills were kept has the tax of its token alone.
    tax_minor = sum(line.charge.tax_minor for line in lines) if lines else row.tax_minor
    return TokenReceipt(
        key=row.key,
        kind=kind,
        digits=digits_of(vault, row.digits, row.sale_key),
        units_tenths=row.units_tenths,
        paid_minor=paid_minor,
        tax_minor=tax_minor if paid_minor else 0,
        price_minor=Decimal(10 * paid_minor) / row.units_tenths if paid_minor else Decimal(0),
        currency=row.currency,
        sold_at=row.received_at,
        meter_number=consumer.meter_number,
        service_type=ServiceType(row.service_type),
        time_zone=consumer.estate.time_zone,
        order=None if row.order_key is None else _order(row),
    )


def _keyed(vault: Vault, row: Row[Any]) -> KeyedToken:
    return KeyedToken(
        digits=digits_of(vault, row.digits, row.sale_key),
        sold_at=row.received_at,
        configuration=MeterConfiguration(
            pan=MeterPan.parse(row.pan),
            supply_group_code=SupplyGroupCode(row.supply_group_code),
            key_revision_number=KeyRevisionNumber(row.key_revision_number),
            tariff_index=TariffIndex(row.tariff_index),
            encryption_algorithm=EncryptionAlgorithm(row.encryption_algorithm),
        ),
    )
