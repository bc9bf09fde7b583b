"""The demo's meters as virtual meters that hold the keys the example file gives them."""

from __future__ import annotations

from sts.keys.decoder_key import derive_decoder_key
from sts.tokens.codec import TokenCodec
from sts.virtual_meter import VirtualMeter
from vending_api.sandbox.demo_data import demo_meter_configuration
from vending_api.sandbox.example_keys import example_keys


def demo_virtual_meter(serial: int) -> VirtualMeter:
    """Return a fresh virtual meter for TST`serial`, with the sample STA tables."""
    configuration = demo_meter_configuration(serial)
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
