"""The token log without its index by reference: no query used it, and every sale wrote it."""

from __future__ import annotations

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.drop_index("ix_token_log_reference", "token_log")


def downgrade() -> None:
    op.create_index("ix_token_log_reference", "token_log", ["reference"])
