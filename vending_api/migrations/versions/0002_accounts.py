"""The accounts of meters, what they owe, and the bills of sales."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from vending_api.kit.db import JsonDocument, RowKey

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "account",
        sa.Column("meter_key", RowKey, sa.ForeignKey("meter.key"), primary_key=True),
        sa.Column("customer_class", sa.String(40), nullable=False),
        sa.Column("is_exempt", sa.Boolean, nullable=False),
        sa.Column("gets_free_units", sa.Boolean, nullable=False),
        sa.Column("last_purchase_on", sa.Date),
        sa.Column("units_this_month", sa.String(32), nullable=False),
        sa.Column("paid_this_month_minor", RowKey, nullable=False),
        sa.Column("free_units_on", sa.Date),
        sa.Column("carried_minor", RowKey, nullable=False),
    )
    op.create_table(
        "arrears",
        sa.Column("meter_key", RowKey, sa.ForeignKey("account.meter_key"), primary_key=True),
        sa.Column("kind", sa.String(8), primary_key=True),
        sa.Column("position", sa.Integer, primary_key=True),
        sa.Column("name", sa.String(40), nullable=False),
        sa.Column("balance_minor", RowKey, nullable=False),
    )
    op.add_column("sale", sa.Column("bill", JsonDocument))
