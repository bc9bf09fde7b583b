"""STS (IEC 62055-41) tokens: keys, encoding, decoding, and a meter to try them on.

    keys      VendingKey or load_key_file  ->  derive_decoder_key, key_change_to
    tokens    TransferCredit and its kin   ->  TokenCodec.encode, TokenCodec.decode
    service   InProcessSecurityModule: all of that by meter, in columns, read back
    trying    VirtualMeter.enter, describe, describe_digits

Every error is an StsError. Nothing here reads a clock, makes random numbers or looks at
the environment: time and random bits are arguments. See README.md.
"""

from __future__ import annotations

from sts.base_date import BaseDate
from sts.describe import describe, describe_digits
from sts.errors import StsError
from sts.key_data import (
    DecoderKeyGenerationAlgorithm,
    EncryptionAlgorithm,
    KeyExpiryNumber,
    KeyRevisionNumber,
    KeyType,
    SupplyGroupCode,
    TariffIndex,
)
from sts.keys.decoder_key import DecoderKey, derive_decoder_key
from sts.keys.key_change import KeyChange, key_change_to
from sts.keys.key_file import KeyStore, load_key_file
from sts.keys.sta_tables import load_sta_tables
from sts.keys.vending_key import VendingKey
from sts.meter_number import DecoderReferenceNumber, ManufacturerCode, MeterPan
from sts.security_module import InProcessSecurityModule, SecurityModule
from sts.token_identifier import TokenIdentifier, next_token_identifier
from sts.tokens.codec import TokenCodec
from sts.tokens.credit import Resource, TransferCredit
from sts.tokens.currency_credit import CurrencyCredit
from sts.tokens.digits import grouped, parse_token_digits
from sts.tokens.key_change import key_change_tokens
from sts.tokens.kinds import Token
from sts.tokens.management import (
    ALL_REGISTERS,
    ClearCredit,
    ClearTamperCondition,
    SetMaximumPhasePowerUnbalanceLimit,
    SetMaximumPowerLimit,
    SetTariffRate,
    SetWaterMeterFactor,
)
from sts.tokens.meter_test import InitiateMeterTest
from sts.tokens.reserved import ReservedToken
from sts.units import CurrencyAmount, PowerLimit, TransferAmount
from sts.virtual_meter import Accepted, RefusalReason, Refused, VirtualMeter

__all__ = [
    "ALL_REGISTERS",
    "Accepted",
    "BaseDate",
    "ClearCredit",
    "ClearTamperCondition",
    "CurrencyAmount",
    "CurrencyCredit",
    "DecoderKey",
    "DecoderKeyGenerationAlgorithm",
    "DecoderReferenceNumber",
    "EncryptionAlgorithm",
    "InProcessSecurityModule",
    "InitiateMeterTest",
    "KeyChange",
    "KeyExpiryNumber",
    "KeyRevisionNumber",
    "KeyStore",
    "KeyType",
    "ManufacturerCode",
    "MeterPan",
    "PowerLimit",
    "RefusalReason",
    "Refused",
    "ReservedToken",
    "Resource",
    "SecurityModule",
    "SetMaximumPhasePowerUnbalanceLimit",
    "SetMaximumPowerLimit",
    "SetTariffRate",
    "SetWaterMeterFactor",
    "StsError",
    "SupplyGroupCode",
    "TariffIndex",
    "Token",
    "TokenCodec",
    "TokenIdentifier",
    "TransferAmount",
    "TransferCredit",
    "VendingKey",
    "VirtualMeter",
    "derive_decoder_key",
    "describe",
    "describe_digits",
    "grouped",
    "key_change_to",
    "key_change_tokens",
    "load_key_file",
    "load_sta_tables",
    "next_token_identifier",
    "parse_token_digits",
]
