"""The SQL that compares records of every feature with one another.

Each statement looks at whole tables, so a million sales take a few dozen statements. What is read
row by row is streamed; everything else returns only what does not agree.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import and_, bindparam, case, func, literal, null, or_, select, text, union_all
from sqlmodel import SQLModel

from vending_api.domain.advices.tables import ADVICE
from vending_api.domain.advices.types import AdviceKind, Outcome
from vending_api.domain.clients.tables import CLIENT
from vending_api.domain.credit.tables import CREDIT, CREDIT_ENTRY
from vending_api.domain.credit.types import EntryKind
from vending_api.domain.issuing.tables import TOKEN
from vending_api.domain.meters.tables import METER
from vending_api.domain.numbers.tables import NUMBER_SERIES
from vending_api.domain.reconciling.log_rows import KEY_CHANGE, LOG_BESIDE_SALES, PURCHASE
from vending_api.domain.sales.tables import SALE
from vending_api.domain.sales.types import SaleKind, SaleState
from vending_api.domain.token_log.tables import TOKEN_LOG
from vending_api.domain.token_queue.tables import QUEUED_TOKEN
from vending_api.domain.token_queue.types import QueuedKind

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sqlalchemy import Connection, Row, Select

_ROWS_AT_ONCE: Final = 5_000
_MESSAGE: Final = SQLModel.metadata.tables["message"]
_IS_SOLD: Final = SALE.c.state.not_in([SaleState.REFUSED.value, SaleState.GIVEN_UP.value])
_IS_PURCHASE: Final = SALE.c.kind == SaleKind.PURCHASE.value
_REVERSED: Final = [
    state.value for state in (SaleState.REVERSED, SaleState.REVERSAL_REFUSED, SaleState.GIVEN_UP)
]
# Key data, bill, numbers and log came together; what was sold before them has none of them.
_HAS_RECORDS: Final = SALE.c.key_data.is_not(null())

_SALE_OF_LOG: Final = func.coalesce(PURCHASE.c.key, KEY_CHANGE.c.key, 0).label("sale")
_SALE_OF_TOKEN: Final = func.coalesce(PURCHASE.c.key, SALE.c.key, 0).label("sale")

SALES_HELD: Final = select(func.count()).select_from(SALE).where(_IS_SOLD)
SALES_WITHOUT_TOKEN: Final = select(SALE.c.purchase_id).where(
    _IS_SOLD, ~select(TOKEN.c.key).where(TOKEN.c.sale_key == SALE.c.key).exists()
)
TOKENS_WITHOUT_SALE: Final = (
    select(TOKEN.c.key, SALE.c.purchase_id, SALE.c.state)
    .select_from(TOKEN)
    .join(SALE, TOKEN.c.sale_key == SALE.c.key, isouter=True)
    .where(or_(SALE.c.key.is_(None), ~_IS_SOLD))
)
SALES_THOUGH_GIVEN_UP: Final = (
    select(SALE.c.purchase_id)
    .join(
        _MESSAGE,
        and_(_MESSAGE.c.kind == SALE.c.kind, _MESSAGE.c.message_id == SALE.c.purchase_id),
    )
    .where(_IS_SOLD, _MESSAGE.c.subject == bindparam("given_up"))
)
BILLS: Final = select(SALE.c.purchase_id, SALE.c.amount_minor, SALE.c.bill).where(
    _IS_PURCHASE, _IS_SOLD, _HAS_RECORDS
)
"""To stream."""
TOKENS: Final = (
    select(_SALE_OF_TOKEN, SALE.c.purchase_id, TOKEN.c.key, TOKEN.c.sale_key, TOKEN.c.digits)
    .select_from(TOKEN)
    .join(SALE, TOKEN.c.sale_key == SALE.c.key, isouter=True)
    .join(
        PURCHASE,
        and_(
            PURCHASE.c.kind == SaleKind.PURCHASE.value,
            PURCHASE.c.purchase_id == SALE.c.purchase_id,
        ),
        isouter=True,
    )
    .where(or_(SALE.c.key.is_(None), _HAS_RECORDS))
    .order_by(_SALE_OF_TOKEN)
)
"""To stream, by sale; 0 for those of none."""
LOGGED_TOKENS: Final = (
    select(_SALE_OF_LOG, TOKEN_LOG.c.reference, TOKEN_LOG.c.token_digest)
    .select_from(LOG_BESIDE_SALES)
    .order_by(_SALE_OF_LOG)
)
"""To stream, as TOKENS."""
TWIN_TOKENS: Final = (
    select(
        METER.c.external_id,
        TOKEN.c.base_date,
        TOKEN.c.token_identifier,
        func.count().label("tokens"),
    )
    .join(METER, TOKEN.c.meter_key == METER.c.key)
    .where(TOKEN.c.token_identifier.is_not(None))
    .group_by(METER.c.external_id, TOKEN.c.base_date, TOKEN.c.token_identifier)
    .having(func.count() > 1)
)
TOKENS_BEYOND_THE_NEWEST: Final = (
    select(METER.c.external_id, TOKEN.c.token_identifier, METER.c.last_token_identifier)
    .join(METER, TOKEN.c.meter_key == METER.c.key)
    .where(
        TOKEN.c.base_date == METER.c.base_date,
        TOKEN.c.token_identifier > func.coalesce(METER.c.last_token_identifier, -1),
    )
)
NUMBERS: Final = (
    select(
        NUMBER_SERIES.c.key,
        NUMBER_SERIES.c.last_receipt.label("newest_receipt"),
        NUMBER_SERIES.c.invoice_year,
        NUMBER_SERIES.c.last_invoice.label("newest_invoice"),
        SALE.c.purchase_id,
        SALE.c.first_receipt,
        SALE.c.last_receipt,
        SALE.c.invoice_number,
    )
    .select_from(NUMBER_SERIES)
    .join(SALE, SALE.c.series_key == NUMBER_SERIES.c.key, isouter=True)
    .order_by(NUMBER_SERIES.c.key, SALE.c.first_receipt, SALE.c.key)
)
"""To stream, each series in the order of its numbers; one row with no sale where it has none."""
SALES_WITHOUT_NUMBERS: Final = (
    select(SALE.c.purchase_id)
    .join(NUMBER_SERIES, SALE.c.series_key == NUMBER_SERIES.c.key, isouter=True)
    .where(_IS_PURCHASE, _IS_SOLD, _HAS_RECORDS, NUMBER_SERIES.c.key.is_(None))
)

_CHANGES: Final = (
    select(
        CREDIT_ENTRY.c.client_key,
        func.sum(CREDIT_ENTRY.c.amount_minor).label("total_minor"),
        # A client's sales are taken from its credit from the first that was; before one was,
        # from the first deposit.
        func.coalesce(
            func.min(case((CREDIT_ENTRY.c.kind == EntryKind.SALE.value, CREDIT_ENTRY.c.at))),
            func.min(CREDIT_ENTRY.c.at),
        ).label("since"),
    )
    .group_by(CREDIT_ENTRY.c.client_key)
    .subquery()
)
_BALANCE: Final = func.coalesce(CREDIT.c.balance_minor, 0).label("balance_minor")
_TOTAL: Final = func.coalesce(_CHANGES.c.total_minor, 0).label("total_minor")
BALANCES_NOT_EXPLAINED: Final = (
    select(CLIENT.c.user_name, _BALANCE, _TOTAL)
    .select_from(CLIENT)
    .join(CREDIT, CREDIT.c.client_key == CLIENT.c.key, isouter=True)
    .join(_CHANGES, _CHANGES.c.client_key == CLIENT.c.key, isouter=True)
    .where(_BALANCE != _TOTAL)
)
SALES_NOT_PAID_FROM_CREDIT: Final = (
    select(SALE.c.purchase_id, SALE.c.amount_minor)
    .join(CLIENT, SALE.c.client_key == CLIENT.c.key)
    .join(_CHANGES, _CHANGES.c.client_key == CLIENT.c.key)
    .where(
        CLIENT.c.is_prepaid,
        _IS_PURCHASE,
        _IS_SOLD,
        SALE.c.amount_minor > 0,
        SALE.c.received_at >= _CHANGES.c.since,
        ~select(CREDIT_ENTRY.c.key)
        .where(
            CREDIT_ENTRY.c.client_key == SALE.c.client_key,
            CREDIT_ENTRY.c.kind == EntryKind.SALE.value,
            CREDIT_ENTRY.c.reference == SALE.c.purchase_id,
        )
        .exists(),
    )
)
ENTRIES_WITHOUT_SALE: Final = (
    select(
        CREDIT_ENTRY.c.kind,
        CREDIT_ENTRY.c.reference,
        CREDIT_ENTRY.c.amount_minor,
        SALE.c.state,
        SALE.c.amount_minor.label("sold_minor"),
    )
    .select_from(CREDIT_ENTRY)
    .join(
        SALE,
        and_(
            _IS_PURCHASE,
            SALE.c.purchase_id == CREDIT_ENTRY.c.reference,
            SALE.c.client_key == CREDIT_ENTRY.c.client_key,
        ),
        isouter=True,
    )
    .where(
        or_(
            and_(
                CREDIT_ENTRY.c.kind == EntryKind.SALE.value,
                or_(
                    SALE.c.key.is_(None),
                    ~_IS_SOLD,
                    CREDIT_ENTRY.c.amount_minor != -SALE.c.amount_minor,
                ),
            ),
            and_(
                CREDIT_ENTRY.c.kind == EntryKind.REVERSAL.value,
                or_(
                    SALE.c.key.is_(None),
                    SALE.c.state != SaleState.REVERSED.value,
                    CREDIT_ENTRY.c.amount_minor != SALE.c.amount_minor,
                ),
            ),
        )
    )
)
_SALE_ENTRY: Final = CREDIT_ENTRY.alias("sale_entry")
REVERSALS_NOT_GIVEN_BACK: Final = (
    select(SALE.c.purchase_id)
    .join(
        _SALE_ENTRY,
        and_(
            _SALE_ENTRY.c.client_key == SALE.c.client_key,
            _SALE_ENTRY.c.kind == EntryKind.SALE.value,
            _SALE_ENTRY.c.reference == SALE.c.purchase_id,
        ),
    )
    .where(
        _IS_PURCHASE,
        SALE.c.state == SaleState.REVERSED.value,
        ~select(CREDIT_ENTRY.c.key)
        .where(
            CREDIT_ENTRY.c.client_key == SALE.c.client_key,
            CREDIT_ENTRY.c.kind == EntryKind.REVERSAL.value,
            CREDIT_ENTRY.c.reference == SALE.c.purchase_id,
        )
        .exists(),
    )
)

_ORDERED: Final = union_all(
    select(
        QUEUED_TOKEN.c.sale_key,
        QUEUED_TOKEN.c.meter_key,
        QUEUED_TOKEN.c.kind,
        QUEUED_TOKEN.c.value,
        literal(1).label("one"),
    ).where(QUEUED_TOKEN.c.sale_key.is_not(None)),
    select(
        TOKEN.c.sale_key,
        TOKEN.c.meter_key,
        TOKEN.c.kind,
        func.coalesce(TOKEN.c.setting, TOKEN.c.units_tenths),
        literal(-1),
    ).where(TOKEN.c.kind.in_([kind.value for kind in QueuedKind])),
).subquery()
ORDERS_NOT_DELIVERED: Final = (
    select(
        SALE.c.purchase_id,
        METER.c.external_id,
        _ORDERED.c.kind,
        _ORDERED.c.value,
        func.sum(_ORDERED.c.one).label("missing"),
    )
    .select_from(_ORDERED)
    .join(METER, METER.c.key == _ORDERED.c.meter_key)
    .join(SALE, SALE.c.key == _ORDERED.c.sale_key, isouter=True)
    .group_by(SALE.c.purchase_id, METER.c.external_id, _ORDERED.c.kind, _ORDERED.c.value)
    .having(func.sum(_ORDERED.c.one) != 0)
)
"""Tokens of an order that a sale lacks, or has more of than were ordered: below 0."""
ORDERS_OVERLOOKED: Final = (
    select(METER.c.external_id, QUEUED_TOKEN.c.kind)
    .join(METER, METER.c.key == QUEUED_TOKEN.c.meter_key)
    .where(
        QUEUED_TOKEN.c.sale_key.is_(None),
        QUEUED_TOKEN.c.withdrawn_at.is_(None),
        ~METER.c.has_queued_tokens,
    )
)

_ACCEPTED: Final = ADVICE.c.outcome == Outcome.ACCEPTED.value
_IS_REVERSAL: Final = ADVICE.c.kind == AdviceKind.REVERSAL.value
_OF_THIS_SALE: Final = select(ADVICE.c.advice_id).where(ADVICE.c.sale_key == SALE.c.key, _ACCEPTED)
STATES_NOT_EXPLAINED: Final = select(SALE.c.purchase_id, SALE.c.state).where(
    or_(
        and_(
            SALE.c.state == SaleState.CONFIRMED.value, ~_OF_THIS_SALE.where(~_IS_REVERSAL).exists()
        ),
        and_(SALE.c.state.in_(_REVERSED), ~_OF_THIS_SALE.where(_IS_REVERSAL).exists()),
    )
)
ADVICES_NOT_FOLLOWED: Final = (
    select(ADVICE.c.request_id, ADVICE.c.kind, SALE.c.state)
    .select_from(ADVICE)
    .join(SALE, ADVICE.c.sale_key == SALE.c.key, isouter=True)
    .where(
        _ACCEPTED,
        or_(
            SALE.c.key.is_(None),
            and_(_IS_REVERSAL, SALE.c.state.not_in(_REVERSED)),
            and_(~_IS_REVERSAL, SALE.c.state != SaleState.CONFIRMED.value),
        ),
    )
)
SALES_ADVISED_TWICE: Final = (
    select(SALE.c.purchase_id, func.count().label("advices"))
    .join(ADVICE, ADVICE.c.sale_key == SALE.c.key)
    .where(_ACCEPTED)
    .group_by(SALE.c.key, SALE.c.purchase_id)
    .having(func.count() > 1)
)


def lift_time_limit(connection: Connection) -> None:
    """Let the statements of this transaction take as long as whole tables need."""
    if connection.dialect.name == "postgresql":
        connection.execute(text("SET LOCAL statement_timeout = 0"))


def found(connection: Connection, statement: Select[Any], **values: object) -> Sequence[Row[Any]]:
    """Return what a statement finds wrong."""
    return connection.execute(statement, values).all()


def streamed(connection: Connection, statement: Select[Any]) -> Iterator[Row[Any]]:
    """Yield the rows of a statement, some at a time."""
    yield from connection.execute(statement, execution_options={"yield_per": _ROWS_AT_ONCE})


def newest_identifiers(connection: Connection) -> list[tuple[int, int]]:
    """Return each base date's year, with the newest identifier that the register knows of it."""
    newest = func.max(METER.c.last_token_identifier)
    query = (
        select(METER.c.base_date, newest).group_by(METER.c.base_date).order_by(METER.c.base_date)
    )
    return [(year, minutes) for year, minutes in connection.execute(query) if minutes is not None]
