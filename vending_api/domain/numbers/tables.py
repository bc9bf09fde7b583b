"""The rows of the numbers."""

from __future__ import annotations

from typing import Final

from sqlalchemy import UniqueConstraint
from sqlmodel import Field, SQLModel

from vending_api.kit.db import RowKey


class NumberSeriesRow(SQLModel, table=True):
    """The newest numbers of one terminal for one utility.

    Only that terminal's sales share it, so no row is shared by a whole utility. It changes
    in the transaction of a sale, so numbers of what is rolled back are taken again.
    """

    __tablename__ = "number_series"
    __table_args__ = (
        UniqueConstraint("utility_key", "client_key", "terminal_id", name="one_series_a_terminal"),
    )

    key: int | None = Field(default=None, primary_key=True, sa_type=RowKey)
    utility_key: int = Field(foreign_key="utility.key", sa_type=RowKey)
    client_key: int = Field(foreign_key="client.key", sa_type=RowKey)
    terminal_id: str = Field(max_length=8)
    last_receipt: int = Field(sa_type=RowKey)
    invoice_year: int
    last_invoice: int = Field(sa_type=RowKey)


NUMBER_SERIES: Final = SQLModel.metadata.tables["number_series"]
