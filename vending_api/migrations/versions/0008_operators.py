"""Operators with roles, proposals that another approves, and the trail of what was done."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from vending_api.kit.db import RowKey, UtcDateTime

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _operators()
    _proposals()
    _audit_trail()
    op.add_column(
        "queued_token", sa.Column("approved_by", sa.String(24), nullable=False, server_default="")
    )


def downgrade() -> None:
    op.drop_column("queued_token", "approved_by")
    for table in ("audit_trail", "proposal", "operator_attempt", "operator_pass", "operator"):
        op.drop_table(table)


def _operators() -> None:
    op.create_table(
        "operator",
        sa.Column("key", RowKey, primary_key=True),
        sa.Column("name", sa.String(24), nullable=False, unique=True),
        sa.Column("roles", sa.String(80), nullable=False),
        sa.Column("password_hash", sa.String(128), nullable=False),
        sa.Column("totp_sealed", sa.String(160), nullable=False),
        sa.Column("totp_step", RowKey, nullable=False),
        sa.Column("must_change_password", sa.Boolean, nullable=False),
        sa.Column("added_at", UtcDateTime, nullable=False),
        sa.Column("disabled_at", UtcDateTime),
    )
    op.create_table(
        "operator_pass",
        sa.Column("key", RowKey, primary_key=True),
        sa.Column("digest", sa.String(64), nullable=False, unique=True),
        sa.Column("kind", sa.String(8), nullable=False),
        sa.Column("operator_key", RowKey, sa.ForeignKey("operator.key"), nullable=False),
        sa.Column("label", sa.String(40), nullable=False),
        sa.Column("created_at", UtcDateTime, nullable=False),
        sa.Column("expires_at", UtcDateTime, nullable=False),
        sa.Column("revoked_at", UtcDateTime),
    )
    op.create_index("ix_operator_pass_operator_key", "operator_pass", ["operator_key"])
    op.create_table(
        "operator_attempt",
        sa.Column("subject", sa.String(64), primary_key=True),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("last_at", UtcDateTime, nullable=False),
        sa.Column("free_at", UtcDateTime, nullable=False),
    )


def _proposals() -> None:
    op.create_table(
        "proposal",
        sa.Column("key", RowKey, primary_key=True),
        sa.Column("kind", sa.String(20), nullable=False),
        sa.Column("payload", sa.Text, nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("reason", sa.String(200), nullable=False),
        sa.Column("proposer_key", RowKey, sa.ForeignKey("operator.key"), nullable=False),
        sa.Column("proposed_at", UtcDateTime, nullable=False),
        sa.Column("state", sa.String(12), nullable=False),
        sa.Column("decider_key", RowKey, sa.ForeignKey("operator.key")),
        sa.Column("decided_at", UtcDateTime),
        sa.Column("note", sa.String(200), nullable=False),
    )
    op.create_index("ix_proposal_state", "proposal", ["state"])


def _audit_trail() -> None:
    op.create_table(
        "audit_trail",
        sa.Column("sequence", RowKey, primary_key=True, autoincrement=False),
        sa.Column("at", UtcDateTime, nullable=False),
        sa.Column("who", sa.String(40), nullable=False),
        sa.Column("known_by", sa.String(32), nullable=False),
        sa.Column("command", sa.String(40), nullable=False),
        sa.Column("subject", sa.Text, nullable=False),
        sa.Column("outcome", sa.String(200), nullable=False),
        sa.Column("previous_digest", sa.String(64), nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
    )
