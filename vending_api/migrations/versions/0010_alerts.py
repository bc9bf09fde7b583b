"""Alerts of each day, so that one of several workers tells of each, once."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from vending_api.kit.db import RowKey, UtcDateTime

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "alert",
        sa.Column("until", UtcDateTime, primary_key=True),
        sa.Column("kind", sa.String(16), primary_key=True),
        sa.Column("trace", sa.String(120), primary_key=True),
        sa.Column("count", RowKey, nullable=False),
        sa.Column("noticed_at", UtcDateTime, nullable=False),
    )


def downgrade() -> None:
    op.drop_table("alert")
