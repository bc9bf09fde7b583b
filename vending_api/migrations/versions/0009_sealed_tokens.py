"""Digits of tokens are stored encrypted, which takes more room than 20 digits."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("token") as token:
        token.alter_column("digits", existing_type=sa.String(20), type_=sa.String(64))


def downgrade() -> None:
    with op.batch_alter_table("token") as token:
        token.alter_column("digits", existing_type=sa.String(64), type_=sa.String(20))
