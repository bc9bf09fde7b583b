"""Clients on terms, numbers, the token log and queue, advices, reprints, fault reports."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from vending_api.kit.db import JsonDocument, RowKey, UtcDateTime

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _extend_register()
    _extend_clients()
    _extend_sales()
    _create_credit()
    _create_numbers_and_log()
    _create_queue_and_faults()
    _create_advices_and_reprints()


def _extend_register() -> None:
    with op.batch_alter_table("utility") as utility:
        utility.add_column(sa.Column("meter_day_maximum_minor", RowKey))
        utility.add_column(
            sa.Column("reprints_a_day", sa.Integer, nullable=False, server_default="20")
        )
        utility.add_column(sa.Column("reversal_credit_minutes", sa.Integer))
    with op.batch_alter_table("supply_group") as supply_group:
        supply_group.add_column(sa.Column("key_revision_number", sa.Integer))
    with op.batch_alter_table("meter") as meter:
        meter.add_column(
            sa.Column("has_queued_tokens", sa.Boolean, nullable=False, server_default=sa.false())
        )
        meter.add_column(sa.Column("new_supply_group_code", sa.String(6)))
        meter.add_column(sa.Column("new_key_revision_number", sa.Integer))
        meter.add_column(sa.Column("new_tariff_index", sa.String(2)))
        meter.create_foreign_key(
            "meter_new_supply_group_code_fkey",
            "supply_group",
            ["new_supply_group_code"],
            ["supply_group_code"],
        )


def _extend_clients() -> None:
    no, yes_or_no = sa.false(), sa.Boolean
    with op.batch_alter_table("client") as client:
        client.add_column(sa.Column("is_prepaid", yes_or_no, nullable=False, server_default=no))
        client.add_column(sa.Column("sale_maximum_minor", RowKey))
        client.add_column(sa.Column("day_maximum_minor", RowKey))
        client.add_column(
            sa.Column("slip_columns", sa.Integer, nullable=False, server_default="40")
        )
        client.add_column(
            sa.Column("names_terminals", yes_or_no, nullable=False, server_default=no)
        )
    op.create_table(
        "terminal",
        sa.Column("client_key", RowKey, sa.ForeignKey("client.key"), primary_key=True),
        sa.Column("terminal_id", sa.String(8), primary_key=True),
    )


def _extend_sales() -> None:
    # A unique column gets no name on SQLite; the convention gives it one to drop it by.
    unique = {"uq": "%(table_name)s_%(column_0_name)s_key"}
    with op.batch_alter_table("sale", naming_convention=unique) as sale:
        sale.add_column(sa.Column("kind", sa.String(16), nullable=False, server_default="purchase"))
        sale.add_column(sa.Column("state", sa.String(16), nullable=False, server_default="issued"))
        sale.add_column(sa.Column("key_data", JsonDocument))
        sale.add_column(sa.Column("series_key", RowKey))
        sale.add_column(sa.Column("first_receipt", RowKey))
        sale.add_column(sa.Column("last_receipt", RowKey))
        sale.add_column(sa.Column("invoice_number", sa.String(40)))
        sale.drop_constraint("sale_purchase_id_key", type_="unique")
        sale.create_unique_constraint("purchase_id_is_used_once", ["kind", "purchase_id"])
        sale.create_index("ix_sale_series_key_first_receipt", ["series_key", "first_receipt"])
    op.execute("UPDATE sale SET state = 'refused' WHERE refusal_code IS NOT NULL")
    with op.batch_alter_table("token") as token:
        token.alter_column("token_identifier", existing_type=sa.Integer, nullable=True)
        token.add_column(sa.Column("setting", sa.Integer))
        token.add_column(sa.Column("receipt_number", sa.String(30)))


def _create_credit() -> None:
    op.create_table(
        "credit",
        sa.Column("client_key", RowKey, sa.ForeignKey("client.key"), primary_key=True),
        sa.Column("balance_minor", RowKey, nullable=False),
    )
    op.create_table(
        "credit_entry",
        sa.Column("key", RowKey, primary_key=True),
        sa.Column("client_key", RowKey, sa.ForeignKey("client.key"), nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("amount_minor", RowKey, nullable=False),
        sa.Column("balance_minor", RowKey, nullable=False),
        sa.Column("reference", sa.String(255), nullable=False),
        sa.Column("note", sa.String(80), nullable=False),
        sa.Column("at", UtcDateTime, nullable=False),
        sa.UniqueConstraint("client_key", "kind", "reference", name="credit_changes_once"),
    )
    op.create_table(
        "spending",
        sa.Column("scope", sa.String(8), primary_key=True),
        sa.Column("scope_key", RowKey, primary_key=True),
        sa.Column("day", sa.Date, primary_key=True),
        sa.Column("amount_minor", RowKey, nullable=False),
    )


def _create_numbers_and_log() -> None:
    op.create_table(
        "number_series",
        sa.Column("key", RowKey, primary_key=True),
        sa.Column("utility_key", RowKey, sa.ForeignKey("utility.key"), nullable=False),
        sa.Column("client_key", RowKey, sa.ForeignKey("client.key"), nullable=False),
        sa.Column("terminal_id", sa.String(8), nullable=False),
        sa.Column("last_receipt", RowKey, nullable=False),
        sa.Column("invoice_year", sa.Integer, nullable=False),
        sa.Column("last_invoice", RowKey, nullable=False),
        sa.UniqueConstraint(
            "utility_key", "client_key", "terminal_id", name="one_series_a_terminal"
        ),
    )
    op.create_table(
        "token_log",
        sa.Column("writer", sa.String(48), primary_key=True),
        sa.Column("sequence", RowKey, primary_key=True, autoincrement=False),
        sa.Column("previous_digest", sa.String(64), nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("reference", sa.String(255), nullable=False),
        sa.Column("meter_key", RowKey, nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("base_date", sa.Integer, nullable=False),
        sa.Column("token_identifier", sa.Integer),
        sa.Column("token_digest", sa.String(64), nullable=False),
        sa.Column("made_at", UtcDateTime, nullable=False),
    )
    op.create_index("ix_token_log_reference", "token_log", ["reference"])


def _create_queue_and_faults() -> None:
    op.create_table(
        "queued_token",
        sa.Column("key", RowKey, primary_key=True),
        sa.Column("meter_key", RowKey, sa.ForeignKey("meter.key"), nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("value", sa.Integer, nullable=False),
        sa.Column("amount_minor", RowKey, nullable=False),
        sa.Column("reason", sa.String(80), nullable=False),
        sa.Column("ordered_by", sa.String(40), nullable=False),
        sa.Column("ordered_at", UtcDateTime, nullable=False),
        sa.Column("withdrawn_at", UtcDateTime),
        sa.Column("sale_key", RowKey),
    )
    op.create_index("ix_queued_token_meter_key", "queued_token", ["meter_key"])
    op.create_table(
        "fault_report",
        sa.Column("key", RowKey, primary_key=True),
        sa.Column("report_id", sa.String(255), nullable=False, unique=True),
        sa.Column("reference", sa.String(64), nullable=False),
        sa.Column("meter_key", RowKey, sa.ForeignKey("meter.key"), nullable=False),
        sa.Column("client_key", RowKey, sa.ForeignKey("client.key"), nullable=False),
        sa.Column("terminal_id", sa.String(8), nullable=False),
        sa.Column("contact_number", sa.String(20), nullable=False),
        sa.Column("fault_type", sa.String(32), nullable=False),
        sa.Column("fault_description", sa.String(160), nullable=False),
        sa.Column("received_at", UtcDateTime, nullable=False),
    )
    op.create_index("ix_fault_report_meter_key", "fault_report", ["meter_key"])


def _create_advices_and_reprints() -> None:
    op.create_table(
        "advice",
        sa.Column("kind", sa.String(32), primary_key=True),
        sa.Column("advice_id", sa.String(255), primary_key=True),
        sa.Column("request_id", sa.String(255), nullable=False),
        sa.Column("sale_key", RowKey, sa.ForeignKey("sale.key")),
        sa.Column("client_key", RowKey, sa.ForeignKey("client.key"), nullable=False),
        sa.Column("outcome", sa.String(16), nullable=False),
        sa.Column("reason", sa.String(32), nullable=False),
        sa.Column("approved_minor", RowKey),
        sa.Column("tenders", JsonDocument),
        sa.Column("received_at", UtcDateTime, nullable=False),
        sa.Column("is_open", sa.Boolean, nullable=False),
        sa.Column("closed_at", UtcDateTime),
        sa.Column("closing_note", sa.String(200), nullable=False),
    )
    op.create_index("ix_advice_request_id", "advice", ["request_id"])
    op.create_index("ix_advice_sale_key", "advice", ["sale_key"])
    op.create_table(
        "reprint",
        sa.Column("key", RowKey, primary_key=True),
        sa.Column("reprint_id", sa.String(255), nullable=False, unique=True),
        sa.Column("sale_key", RowKey, sa.ForeignKey("sale.key"), nullable=False),
        sa.Column("meter_key", RowKey, sa.ForeignKey("meter.key"), nullable=False),
        sa.Column("client_key", RowKey, sa.ForeignKey("client.key"), nullable=False),
        sa.Column("terminal_id", sa.String(8), nullable=False),
        sa.Column("day", sa.Date, nullable=False),
        sa.Column("received_at", UtcDateTime, nullable=False),
    )
    op.create_index("ix_reprint_sale_key", "reprint", ["sale_key"])
    op.create_index("ix_reprint_meter_key_day", "reprint", ["meter_key", "day"])
