"""The demo's meters as virtual meters that hold the keys the example file gives them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sts.keys.decoder_key import derive_decoder_key
from sts.tokens.codec import TokenCodec
from sts.virtual_meter import VirtualMeter
from vending_api.sandbox.demo_data import demo_meter_configuration
from vending_api.sandbox.estate import estate_meter_configuration
from vending_api.sandbox.example_keys import example_keys

if TYPE_CHECKING:
    from sts.security_module import MeterConfiguration


def demo_virtual_meter(serial: int) -> VirtualMeter:
    """Return a fresh virtual meter for TST`serial`, with the sample STA tables."""
    return virtual_meter_of(demo_meter_configuration(serial))


def estate_virtual_meter(serial: int) -> VirtualMeter:
    """Return a fresh virtual meter for the demo estate's meter of a serial."""
    return virtual_meter_of(estate_meter_configuration(serial))


def virtual_meter_of(configuration: MeterConfiguration) -> VirtualMeter:
    """Return a fresh virtual meter that is configured so, with the sample STA tables.

    Raises VendingKeyNotFound for a supply group or revision that the examples do not have.
    """
    vending_key = example_keys().find(
        configuration.supply_group_code, configuration.key_revision_number
    )
    return VirtualMeter(
        pan=configuration.pan,
        decoder_key=derive_decoder_key(
            vending_key,
            pan=configuration.pan,
            tariff_index=configuration.tariff_index,
            encryption_algorithm=configuration.encryption_algorithm,
        ),
        codec=TokenCodec(),
        supply_group_code=configuration.supply_group_code,
        tariff_index=configuration.tariff_index,
        key_revision_number=vending_key.key_revision_number,
        key_type=vending_key.key_type,
        key_expiry_number=vending_key.key_expiry_number,
    )
