"""Campaigns: what many meters are to get, who ordered it, and what became of each meter."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from vending_api.kit.db import RowKey, UtcDateTime

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "campaign",
        sa.Column("key", RowKey, primary_key=True),
        sa.Column("name", sa.String(40), nullable=False, unique=True),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("delivery", sa.String(16), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("selection", sa.String(200), nullable=False),
        sa.Column("reason", sa.String(80), nullable=False),
        sa.Column("to_supply_group_code", sa.String(6)),
        sa.Column("to_key_revision_number", sa.Integer),
        sa.Column("to_tariff_index", sa.String(2)),
        sa.Column("fingerprint", sa.String(64), unique=True),
        sa.Column("meters", sa.Integer, nullable=False),
        sa.Column("proposed_by", sa.String(40), nullable=False),
        sa.Column("proposed_at", UtcDateTime, nullable=False),
        sa.Column("approved_by", sa.String(40)),
    )
    op.create_table(
        "campaign_event",
        sa.Column("key", RowKey, primary_key=True),
        sa.Column("campaign_key", RowKey, sa.ForeignKey("campaign.key"), nullable=False),
        sa.Column("event", sa.String(16), nullable=False),
        sa.Column("made_by", sa.String(40), nullable=False),
        sa.Column("at", UtcDateTime, nullable=False),
        sa.Column("note", sa.String(200), nullable=False),
    )
    op.create_index("ix_campaign_event_campaign_key", "campaign_event", ["campaign_key"])
    op.create_table(
        "campaign_meter",
        sa.Column("campaign_key", RowKey, sa.ForeignKey("campaign.key"), primary_key=True),
        sa.Column("position", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("meter_key", RowKey, sa.ForeignKey("meter.key"), nullable=False),
        sa.Column("units_tenths", sa.Integer, nullable=False),
        sa.Column("amount_minor", RowKey, nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("refusal_code", sa.String(32)),
        sa.Column("sale_key", RowKey),
        sa.Column("queued_token_key", RowKey),
        sa.Column("settled_at", UtcDateTime),
        sa.UniqueConstraint("campaign_key", "meter_key", name="a_campaign_has_a_meter_once"),
    )
    _also_tell_of_sales()
    with op.batch_alter_table("token_log") as token_log:  # two names take more room than one
        token_log.alter_column("warrant", existing_type=sa.String(120), type_=sa.String(200))


def _also_tell_of_sales() -> None:
    with op.batch_alter_table("notification") as notification:
        notification.alter_column("order_key", existing_type=RowKey, nullable=True)
        notification.add_column(sa.Column("sale_key", RowKey))
        notification.create_unique_constraint(
            "told_of_a_sale_once", ["sale_key", "kind", "channel"]
        )
        notification.create_foreign_key("notification_of_sale", "sale", ["sale_key"], ["key"])
