"""Meters, and who owns and supplies them."""

from typing import Annotated

from pydantic import Field, StringConstraints

from vending_api.surfaces.electrum.wire.base import (
    NUMBERS_TOO,
    OneDigit,
    SecretModel,
    SupplyGroupDigits,
    Text,
    Text20,
    Text40,
    Text80,
    Timestamp,
    TwoDigits,
    WireModel,
)

AddressLine = Annotated[str, StringConstraints(min_length=1, max_length=100), NUMBERS_TOO]
TwoLetters = Annotated[str, StringConstraints(pattern=r"^[A-Z]{2}$")]


class KeyChangeData(WireModel):
    """What the meter's key data become once its key change tokens are entered."""

    new_supply_group_code: SupplyGroupDigits | None = None
    new_key_revision_number: OneDigit | None = None
    new_tariff_index: TwoDigits | None = None


class Meter(WireModel):
    """A prepaid meter; only its number is needed to ask about it."""

    meter_id: Annotated[str, StringConstraints(pattern=r"^[a-zA-Z0-9]{0,20}$"), NUMBERS_TOO]
    track2_data: (
        Annotated[str, StringConstraints(pattern=r"^[a-zA-Z0-9=]{34}$"), NUMBERS_TOO] | None
    ) = Field(default=None, repr=False)
    service_type: (
        Annotated[str, StringConstraints(pattern=r"^[a-zA-Z0-9]{0,12}$"), NUMBERS_TOO] | None
    ) = None
    supply_group_code: SupplyGroupDigits | None = None
    key_revision_num: OneDigit | None = None
    tariff_index: TwoDigits | None = None
    token_tech_code: TwoDigits | None = None
    algorithm_code: TwoDigits | None = None
    key_change_data: KeyChangeData | None = None


class Address(SecretModel):
    """A postal address: personal data."""

    address_line1: AddressLine | None = None
    address_line2: AddressLine | None = None
    city: Annotated[str, StringConstraints(min_length=1, max_length=30), NUMBERS_TOO] | None = None
    region: TwoLetters | None = None
    country: TwoLetters | None = None
    postal_code: (
        Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9 -]{1,20}$"), NUMBERS_TOO] | None
    ) = None


class Customer(SecretModel):
    """Who lives with the meter: personal data."""

    first_name: Text40 | None = None
    last_name: Text40 | None = None
    address: Text80 | None = None
    address_details: Address | None = None
    date_of_birth: Timestamp | None = None
    status: Text | None = None
    msisdn: (
        Annotated[str, StringConstraints(pattern=r"^\+?[1-9][0-9]{0,14}$"), NUMBERS_TOO] | None
    ) = None
    email_address: Annotated[str, StringConstraints(pattern=r"^[^@\s]+@[^@\s]+$")] | None = None
    profile_id: Text | None = None


class Utility(WireModel):
    """Who supplies the meter and issues the invoice."""

    name: Text40 | None = None
    address: Text80 | None = None
    vat_reg_num: Annotated[str, StringConstraints(max_length=10), NUMBERS_TOO] | None = None
    client_id: Text20 | None = None
    message: Text80 | None = None
