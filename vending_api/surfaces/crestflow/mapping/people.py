"""Residents, their meter, their estate."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from vending_api.domain.consumers.types import METER_PHASE_TYPES, METER_TYPES
from vending_api.surfaces.crestflow import forms, wire

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from vending_api.domain.consumers.types import Consumer
    from vending_api.domain.estates.types import Estate

_TYPES_SINCE: Final = datetime(2019, 10, 13, 10, 18, 46, tzinfo=UTC)
"""When the contract's types of meters were entered; they never change."""


def options(estates: Sequence[Estate]) -> wire.Options:
    """Return what residents choose from."""
    return wire.Options(
        estates=[estate(one) for one in estates],
        meter_types=_types(METER_TYPES),
        meter_phase_types=_types(METER_PHASE_TYPES),
    )


def user(consumer: Consumer) -> wire.User:
    """Return a resident."""
    return wire.User(
        id=consumer.key,
        name=consumer.name,
        email=consumer.email,
        email_verified_at=None,
        estate_id=consumer.estate.key,
        flat_number=consumer.flat_number,
        created_at=forms.moment(consumer.created_at),
        updated_at=forms.moment(consumer.updated_at),
        meter=_meter(consumer),
        meter_type=METER_TYPES[consumer.meter_type_id].value,
        meter_phase_type=METER_PHASE_TYPES[consumer.meter_phase_type_id].value,
        estate=estate(consumer.estate),
    )


def meter_with_all(
    consumer: Consumer,
    *,
    transactions: Sequence[wire.Transaction],
    receipts: Sequence[wire.TokenReceipt],
    readings: wire.RemoteReadingData | None,
) -> wire.MeterWithAll:
    """Return the meter of a resident with all that stands about it."""
    short = _meter(consumer)
    return wire.MeterWithAll(
        id=short.id,
        user_id=short.user_id,
        meter_type_id=short.meter_type_id,
        meter_phase_type_id=short.meter_phase_type_id,
        number=short.number,
        created_at=short.created_at,
        updated_at=short.updated_at,
        user=user(consumer),
        meter_type=_type(consumer.meter_type_id, METER_TYPES),
        meter_phase_type=_type(consumer.meter_phase_type_id, METER_PHASE_TYPES),
        meter_payment_transactions=transactions,
        token_receipts=receipts,
        remote_reading_data=readings,
    )


def estate(one: Estate) -> wire.Estate:
    """Return an estate."""
    return wire.Estate(
        id=one.key,
        name=one.name,
        paystack_account_code=one.account_code,
        transaction_charge=forms.money(one.transaction_charge_minor, one.currency),
        created_at=forms.moment(one.created_at),
        updated_at=forms.moment(one.updated_at),
    )


def _meter(consumer: Consumer) -> wire.Meter:
    registered_at = forms.moment(consumer.created_at)
    return wire.Meter(
        id=consumer.key,
        user_id=consumer.key,
        meter_type_id=consumer.meter_type_id,
        meter_phase_type_id=consumer.meter_phase_type_id,
        number=consumer.meter_number,
        created_at=registered_at,
        updated_at=registered_at,  # nothing of it can be changed
    )


def _types(labels: Mapping[int, str]) -> list[wire.MeterType]:
    return [_type(key, labels) for key in labels]


def _type(key: int, labels: Mapping[int, str]) -> wire.MeterType:
    since = forms.moment(_TYPES_SINCE)
    return wire.MeterType(id=key, label=str(labels[key]), created_at=since, updated_at=since)
