"""The token log as evidence: warrants of its rows, and signed checkpoints of its chains."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from vending_api.kit.db import RowKey, UtcDateTime

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("token_log", sa.Column("warrant", sa.String(120)))
    op.create_table(
        "token_log_checkpoint",
        sa.Column("number", RowKey, primary_key=True, autoincrement=False),
        sa.Column("made_at", UtcDateTime, nullable=False),
        sa.Column("previous_digest", sa.String(64), nullable=False),
        sa.Column("key_id", sa.String(16), nullable=False),
        sa.Column("signature", sa.String(128), nullable=False),
    )
    op.create_table(
        "token_log_head",
        sa.Column("writer", sa.String(48), primary_key=True),
        sa.Column("sequence", RowKey, primary_key=True, autoincrement=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column(
            "checkpoint_number",
            RowKey,
            sa.ForeignKey("token_log_checkpoint.number"),
            nullable=False,
        ),
    )
    op.create_index("ix_token_log_head_checkpoint_number", "token_log_head", ["checkpoint_number"])


def downgrade() -> None:
    op.drop_table("token_log_head")
    op.drop_table("token_log_checkpoint")
    op.drop_column("token_log", "warrant")
