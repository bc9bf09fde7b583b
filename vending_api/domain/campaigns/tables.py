"""The rows of the campaigns."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from sqlalchemy import UniqueConstraint
from sqlmodel import Field, SQLModel

from vending_api.kit.db import RowKey, UtcDateTime


class CampaignRow(SQLModel, table=True):
    """What many meters are to get, who proposed it and who approved it."""

    __tablename__ = "campaign"

    key: int | None = Field(default=None, primary_key=True, sa_type=RowKey)
    name: str = Field(max_length=40, unique=True)
    kind: str = Field(max_length=16)
    delivery: str = Field(max_length=16)
    state: str = Field(max_length=16)
    selection: str = Field(max_length=200)
    reason: str = Field(max_length=80)
    to_supply_group_code: str | None = Field(default=None, max_length=6)
    """With the next two: what a key change leads to; NULL stays as each meter holds it."""
    to_key_revision_number: int | None = None
    to_tariff_index: str | None = Field(default=None, max_length=2)
    fingerprint: str | None = Field(default=None, max_length=64, unique=True)
    """Of a refund: SHA-256 of who gets what, so that one list is not given back twice."""
    meters: int
    proposed_by: str = Field(max_length=40)
    proposed_at: datetime = Field(sa_type=UtcDateTime)
    approved_by: str | None = Field(default=None, max_length=40)


class CampaignEventRow(SQLModel, table=True):
    """Something that somebody did to a campaign; never changed."""

    __tablename__ = "campaign_event"

    key: int | None = Field(default=None, primary_key=True, sa_type=RowKey)
    campaign_key: int = Field(foreign_key="campaign.key", sa_type=RowKey, index=True)
    event: str = Field(max_length=16)
    made_by: str = Field(max_length=40)
    at: datetime = Field(sa_type=UtcDateTime)
    note: str = Field(max_length=200)


class CampaignMeterRow(SQLModel, table=True):
    """A meter of a campaign, and what became of it.

    The constraint makes it impossible that a campaign has a meter twice, and the state changes
    in the transaction in which the tokens are recorded.
    """

    __tablename__ = "campaign_meter"
    __table_args__ = (
        UniqueConstraint("campaign_key", "meter_key", name="a_campaign_has_a_meter_once"),
    )

    campaign_key: int = Field(foreign_key="campaign.key", primary_key=True, sa_type=RowKey)
    position: int = Field(primary_key=True)
    """From 1 on, in the order of the meters' numbers, which is that of all locks."""
    meter_key: int = Field(foreign_key="meter.key", sa_type=RowKey)
    units_tenths: int
    amount_minor: int = Field(sa_type=RowKey)
    state: str = Field(max_length=16)
    refusal_code: str | None = Field(default=None, max_length=32)
    sale_key: int | None = Field(default=None, sa_type=RowKey)
    queued_token_key: int | None = Field(default=None, sa_type=RowKey)
    settled_at: datetime | None = Field(default=None, sa_type=UtcDateTime)


CAMPAIGN: Final = SQLModel.metadata.tables["campaign"]
CAMPAIGN_EVENT: Final = SQLModel.metadata.tables["campaign_event"]
CAMPAIGN_METER: Final = SQLModel.metadata.tables["campaign_meter"]
