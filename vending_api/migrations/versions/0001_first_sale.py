"""The register, the clients, the sales and their tokens."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from vending_api.kit.db import RowKey, UtcDateTime

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    _create_utilities()
    _create_meters()
    _create_clients_and_messages()
    _create_sales()


def _create_utilities() -> None:
    op.create_table(
        "utility",
        sa.Column("key", RowKey, primary_key=True),
        sa.Column("name", sa.String(40), nullable=False, unique=True),
        sa.Column("address", sa.String(80), nullable=False),
        sa.Column("vat_registration_number", sa.String(10), nullable=False),
        sa.Column("client_id", sa.String(20), nullable=False),
        sa.Column("message", sa.String(80), nullable=False),
        sa.Column("currency", sa.String(3), nullable=False),
        sa.Column("time_zone", sa.String(64), nullable=False),
        sa.Column("minimum_purchase_minor", RowKey, nullable=False),
        sa.Column("maximum_purchase_minor", RowKey, nullable=False),
    )
    op.create_table(
        "supply_group",
        sa.Column("supply_group_code", sa.String(6), primary_key=True),
        sa.Column("utility_key", RowKey, sa.ForeignKey("utility.key"), nullable=False),
    )
    op.create_index("ix_supply_group_utility_key", "supply_group", ["utility_key"])
    op.create_table(
        "tariff",
        sa.Column("key", RowKey, primary_key=True),
        sa.Column("name", sa.String(64), nullable=False, unique=True),
        sa.Column("document", sa.String(), nullable=False),
    )


def _create_meters() -> None:
    op.create_table(
        "customer",
        sa.Column("key", RowKey, primary_key=True),
        sa.Column("first_name", sa.String(40), nullable=False),
        sa.Column("last_name", sa.String(40), nullable=False),
        sa.Column("address", sa.String(80), nullable=False),
    )
    op.create_table(
        "meter",
        sa.Column("key", RowKey, primary_key=True),
        sa.Column("external_id", sa.String(20), nullable=False, unique=True),
        sa.Column("pan", sa.String(18), nullable=False, unique=True),
        sa.Column("service_type", sa.String(12), nullable=False),
        sa.Column(
            "supply_group_code",
            sa.String(6),
            sa.ForeignKey("supply_group.supply_group_code"),
            nullable=False,
        ),
        sa.Column("key_revision_number", sa.Integer, nullable=False),
        sa.Column("tariff_index", sa.String(2), nullable=False),
        sa.Column("encryption_algorithm", sa.String(2), nullable=False),
        sa.Column("token_technology_code", sa.String(2), nullable=False),
        sa.Column("base_date", sa.Integer, nullable=False),
        sa.Column("last_token_identifier", sa.Integer),
        sa.Column("is_blocked", sa.Boolean, nullable=False),
        sa.Column("minimum_purchase_minor", RowKey),
        sa.Column("maximum_purchase_minor", RowKey),
        sa.Column("customer_key", RowKey, sa.ForeignKey("customer.key"), nullable=False),
        sa.Column("tariff_key", RowKey, sa.ForeignKey("tariff.key"), nullable=False),
    )


def _create_clients_and_messages() -> None:
    op.create_table(
        "client",
        sa.Column("key", RowKey, primary_key=True),
        sa.Column("user_name", sa.String(64), nullable=False, unique=True),
        sa.Column("password_hash", sa.String(128), nullable=False),
        sa.Column("name", sa.String(40), nullable=False),
        sa.Column("is_active", sa.Boolean, nullable=False),
    )
    op.create_table(
        "message",
        sa.Column("kind", sa.String(32), primary_key=True),
        sa.Column("message_id", sa.String(255), primary_key=True),
        sa.Column("subject", sa.String(255), nullable=False),
        sa.Column("claimed_at", UtcDateTime, nullable=False),
    )


def _create_sales() -> None:
    op.create_table(
        "sale",
        sa.Column("key", RowKey, primary_key=True),
        sa.Column("purchase_id", sa.String(255), nullable=False, unique=True),
        sa.Column("client_key", RowKey, sa.ForeignKey("client.key"), nullable=False),
        sa.Column("terminal_id", sa.String(8), nullable=False),
        sa.Column("external_meter_id", sa.String(20), nullable=False),
        sa.Column("amount_minor", RowKey, nullable=False),
        sa.Column("currency", sa.String(3), nullable=False),
        sa.Column("refusal_code", sa.String(32)),
        sa.Column("received_at", UtcDateTime, nullable=False),
    )
    op.create_index("ix_sale_external_meter_id", "sale", ["external_meter_id"])
    op.create_table(
        "token",
        sa.Column("key", RowKey, primary_key=True),
        sa.Column("sale_key", RowKey, sa.ForeignKey("sale.key"), nullable=False),
        sa.Column("meter_key", RowKey, sa.ForeignKey("meter.key"), nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("digits", sa.String(20), nullable=False),
        sa.Column("units_tenths", sa.Integer, nullable=False),
        sa.Column("base_date", sa.Integer, nullable=False),
        sa.Column("token_identifier", sa.Integer, nullable=False),
        sa.Column("supply_group_code", sa.String(6), nullable=False),
        sa.Column("key_revision_number", sa.Integer, nullable=False),
        sa.Column("tariff_index", sa.String(2), nullable=False),
        sa.Column("encryption_algorithm", sa.String(2), nullable=False),
        sa.Column("net_minor", RowKey, nullable=False),
        sa.Column("tax_minor", RowKey, nullable=False),
        sa.Column("tax_name", sa.String(10), nullable=False),
        sa.Column("tax_rate_percent", sa.String(16), nullable=False),
        sa.Column("made_at", UtcDateTime, nullable=False),
        sa.UniqueConstraint(
            "meter_key", "base_date", "token_identifier", name="token_identifier_is_used_once"
        ),
    )
    op.create_index("ix_token_sale_key", "token", ["sale_key"])
