"""The rows of the register."""

from __future__ import annotations

from typing import Final

from sqlmodel import Field, SQLModel

from vending_api.kit.db import RowKey


class UtilityRow(SQLModel, table=True):
    """A utility, municipality, estate or mini-grid that sells through the service."""

    __tablename__ = "utility"

    key: int | None = Field(default=None, primary_key=True, sa_type=RowKey)
    name: str = Field(max_length=40, unique=True)
    address: str = Field(max_length=80)
    vat_registration_number: str = Field(max_length=10)
    client_id: str = Field(max_length=20)
    message: str = Field(max_length=80)
    currency: str = Field(max_length=3)
    time_zone: str = Field(max_length=64)
    minimum_purchase_minor: int = Field(sa_type=RowKey)
    maximum_purchase_minor: int = Field(sa_type=RowKey)
    meter_day_maximum_minor: int | None = Field(default=None, sa_type=RowKey)
    reprints_a_day: int
    reversal_credit_minutes: int | None = None


class SupplyGroupRow(SQLModel, table=True):
    """A supply group code and the utility that it belongs to."""

    __tablename__ = "supply_group"

    supply_group_code: str = Field(primary_key=True, max_length=6)
    utility_key: int = Field(foreign_key="utility.key", sa_type=RowKey, index=True)
    key_revision_number: int | None = None
    """The revision that all its meters should hold; None leaves each as it is."""


class TariffRow(SQLModel, table=True):
    """A tariff as its readable document; `tariffs` gives it meaning."""

    __tablename__ = "tariff"

    key: int | None = Field(default=None, primary_key=True, sa_type=RowKey)
    name: str = Field(max_length=64, unique=True)
    document: str


class CustomerRow(SQLModel, table=True):
    """Who lives with a meter."""

    __tablename__ = "customer"

    key: int | None = Field(default=None, primary_key=True, sa_type=RowKey)
    first_name: str = Field(max_length=40)
    last_name: str = Field(max_length=40)
    address: str = Field(max_length=80)


class MeterRow(SQLModel, table=True):
    """A meter, the key data that it holds, and the newest token identifier made for it."""

    __tablename__ = "meter"

    key: int | None = Field(default=None, primary_key=True, sa_type=RowKey)
    external_id: str = Field(max_length=20, unique=True)
    pan: str = Field(max_length=18, unique=True)
    service_type: str = Field(max_length=12)
    supply_group_code: str = Field(foreign_key="supply_group.supply_group_code", max_length=6)
    key_revision_number: int
    tariff_index: str = Field(max_length=2)
    encryption_algorithm: str = Field(max_length=2)
    token_technology_code: str = Field(max_length=2)
    base_date: int
    last_token_identifier: int | None = None
    is_blocked: bool = False
    minimum_purchase_minor: int | None = Field(default=None, sa_type=RowKey)
    maximum_purchase_minor: int | None = Field(default=None, sa_type=RowKey)
    customer_key: int = Field(foreign_key="customer.key", sa_type=RowKey)
    tariff_key: int = Field(foreign_key="tariff.key", sa_type=RowKey)
    has_queued_tokens: bool = False
    """Whether operators' tokens wait for its next purchase; spares each sale a look."""
    new_supply_group_code: str | None = Field(
        default=None, foreign_key="supply_group.supply_group_code", max_length=6
    )
    """With the next two: the key data that an operator has ordered it to hold."""
    new_key_revision_number: int | None = None
    new_tariff_index: str | None = Field(default=None, max_length=2)


UTILITY: Final = SQLModel.metadata.tables["utility"]
SUPPLY_GROUP: Final = SQLModel.metadata.tables["supply_group"]
TARIFF: Final = SQLModel.metadata.tables["tariff"]
CUSTOMER: Final = SQLModel.metadata.tables["customer"]
METER: Final = SQLModel.metadata.tables["meter"]
