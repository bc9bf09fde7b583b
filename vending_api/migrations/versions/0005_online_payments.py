"""Estates, consumers with their keys, orders paid online, refunds, events, outbox, readings."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from vending_api.kit.db import JsonDocument, RowKey, UtcDateTime

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _create_estates_and_consumers()
    _create_orders()
    _create_refunds_and_events()
    _create_notifications()
    _create_readings()


def _create_estates_and_consumers() -> None:
    op.create_table(
        "estate",
        sa.Column("key", RowKey, primary_key=True),
        sa.Column("utility_key", RowKey, sa.ForeignKey("utility.key"), nullable=False, unique=True),
        sa.Column("account_code", sa.String(64), nullable=False),
        sa.Column("transaction_charge_minor", RowKey, nullable=False),
        sa.Column("created_at", UtcDateTime, nullable=False),
        sa.Column("updated_at", UtcDateTime, nullable=False),
    )
    op.create_table(
        "consumer",
        sa.Column("key", RowKey, primary_key=True),
        sa.Column("name", sa.String(255), nullable=False),
        sa.Column("email", sa.String(255), nullable=False),
        sa.Column("email_key", sa.String(255), nullable=False, unique=True),
        sa.Column("password_hash", sa.String(128), nullable=False),
        sa.Column("estate_key", RowKey, sa.ForeignKey("estate.key"), nullable=False),
        sa.Column("meter_key", RowKey, sa.ForeignKey("meter.key"), nullable=False, unique=True),
        sa.Column("meter_type_id", sa.Integer, nullable=False),
        sa.Column("meter_phase_type_id", sa.Integer, nullable=False),
        sa.Column("flat_number", sa.String(255), nullable=False),
        sa.Column("created_at", UtcDateTime, nullable=False),
        sa.Column("updated_at", UtcDateTime, nullable=False),
    )
    op.create_table(
        "api_key",
        sa.Column("digest", sa.String(64), primary_key=True),
        sa.Column("consumer_key", RowKey, sa.ForeignKey("consumer.key")),
        sa.Column("staff_name", sa.String(40), unique=True),
        sa.Column("created_at", UtcDateTime, nullable=False),
        sa.Column("expires_at", UtcDateTime),
    )
    op.create_index("ix_api_key_consumer_key", "api_key", ["consumer_key"])
    op.create_table(
        "login_attempt",
        sa.Column("subject", sa.String(64), primary_key=True),
        sa.Column("window_began_at", UtcDateTime, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
    )


def _create_orders() -> None:
    op.create_table(
        "payment_order",
        sa.Column("key", RowKey, primary_key=True),
        sa.Column("reference", sa.String(16), nullable=False, unique=True),
        sa.Column("consumer_key", RowKey, sa.ForeignKey("consumer.key"), nullable=False),
        sa.Column("estate_key", RowKey, sa.ForeignKey("estate.key"), nullable=False),
        sa.Column("meter_key", RowKey, sa.ForeignKey("meter.key"), nullable=False),
        sa.Column("account_code", sa.String(64), nullable=False),
        sa.Column("amount_minor", RowKey, nullable=False),
        sa.Column("charge_minor", RowKey, nullable=False),
        sa.Column("currency", sa.String(3), nullable=False),
        sa.Column("phone", sa.String(20), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("problem", sa.String(40), nullable=False),
        sa.Column("authorization_url", sa.String(255), nullable=False),
        sa.Column("access_code", sa.String(64), nullable=False),
        sa.Column("payment", JsonDocument),
        sa.Column("paid_minor", RowKey),
        sa.Column("paid_at", UtcDateTime),
        sa.Column("ordered_at", UtcDateTime, nullable=False),
        sa.Column("updated_at", UtcDateTime, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("next_step_at", UtcDateTime),
        sa.Column("dispute", sa.String(40), nullable=False),
        sa.Column("first_shown_at", UtcDateTime),
        sa.Column("first_shown_through", sa.String(8), nullable=False),
        sa.Column("is_open", sa.Boolean, nullable=False),
        sa.Column("closed_at", UtcDateTime),
        sa.Column("closing_note", sa.String(200), nullable=False),
    )
    for column in ("consumer_key", "meter_key", "state", "ordered_at", "next_step_at"):
        op.create_index(f"ix_payment_order_{column}", "payment_order", [column])
    op.create_index(
        "ix_payment_order_open",
        "payment_order",
        ["key"],
        sqlite_where=sa.text("is_open = 1"),
        postgresql_where=sa.text("is_open"),
    )


def _create_refunds_and_events() -> None:
    op.create_table(
        "refund",
        sa.Column("key", RowKey, primary_key=True),
        sa.Column("order_key", RowKey, sa.ForeignKey("payment_order.key"), nullable=False),
        sa.Column("amount_minor", RowKey, nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("refund_id", sa.String(40)),
        sa.Column("refund_reference", sa.String(64)),
        sa.Column("reason", sa.String(40), nullable=False),
        sa.Column("asked_at", UtcDateTime, nullable=False),
        sa.Column("updated_at", UtcDateTime, nullable=False),
    )
    op.create_index("ix_refund_order_key", "refund", ["order_key"])
    op.create_table(
        "payment_event",
        sa.Column("key", RowKey, primary_key=True),
        sa.Column("digest", sa.String(64), nullable=False, unique=True),
        sa.Column("event", sa.String(64), nullable=False),
        sa.Column("reference", sa.String(100)),
        sa.Column("facts", JsonDocument, nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("problem", sa.String(40), nullable=False),
        sa.Column("note", sa.String(200), nullable=False),
        sa.Column("received_at", UtcDateTime, nullable=False),
    )
    op.create_index("ix_payment_event_reference", "payment_event", ["reference"])
    op.create_index("ix_payment_event_state", "payment_event", ["state"])


def _create_notifications() -> None:
    op.create_table(
        "notification",
        sa.Column("key", RowKey, primary_key=True),
        sa.Column("order_key", RowKey, sa.ForeignKey("payment_order.key"), nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("channel", sa.String(8), nullable=False),
        sa.Column("recipient", sa.String(255), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("problem", sa.String(80), nullable=False),
        sa.Column("created_at", UtcDateTime, nullable=False),
        sa.Column("sent_at", UtcDateTime),
        sa.Column("next_step_at", UtcDateTime),
        sa.UniqueConstraint("order_key", "kind", "channel", name="told_once_on_a_channel"),
    )
    op.create_index("ix_notification_state", "notification", ["state"])
    op.create_index("ix_notification_next_step_at", "notification", ["next_step_at"])


def _create_readings() -> None:
    op.create_table(
        "reading_task",
        sa.Column("key", RowKey, primary_key=True),
        sa.Column("consumer_key", RowKey, sa.ForeignKey("consumer.key"), nullable=False),
        sa.Column("item_id", sa.Integer, nullable=False),
        sa.Column("task_no", sa.String(36), nullable=False, unique=True),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("asked_at", UtcDateTime, nullable=False),
        sa.Column("ended_at", UtcDateTime),
        sa.Column("value", sa.String(64)),
        sa.Column("read_at", UtcDateTime),
        sa.Column("created_at", UtcDateTime, nullable=False),
        sa.Column("updated_at", UtcDateTime, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("next_step_at", UtcDateTime),
        sa.UniqueConstraint("consumer_key", "item_id", name="one_task_an_item"),
    )
    op.create_index("ix_reading_task_next_step_at", "reading_task", ["next_step_at"])
