"""Room on the pages of PostgreSQL for rows that sales change, so that no index hears of it.

A new version of a row that finds room beside the old one leaves the indexes as they are. Registered
or sold in one go, rows fill their pages to the brim: then each first purchase of a meter wrote into
all three indexes of the meters, and moved its account, too; each confirmation those of the sales.
Only pages that are written from now on have room; older ones get it as their rows are replaced.
"""

from __future__ import annotations

from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

_CHANGED_BY_SALES = ("meter", "account", "sale")
_FULL_PERCENT = 85
"""A page has some 40 meters, 80 accounts or 3 to 7 sales, of which few change at a time."""


def upgrade() -> None:
    _alter(f"SET (fillfactor = {_FULL_PERCENT})")


def downgrade() -> None:
    _alter("RESET (fillfactor)")


def _alter(how: str) -> None:
    if op.get_context().dialect.name == "postgresql":
        for table in _CHANGED_BY_SALES:
            op.execute(f"ALTER TABLE {table} {how}")
