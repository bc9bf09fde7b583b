"""How fast the engine makes tokens: one process, one core, no batches, every meter another.

    python benchmarks/engine.py [--seconds S] [--json]

What counts is the first two rows: deriving a meter's decoder key and encoding a credit
token under it, by the functions that the service calls. The meters and the tokens to encode
are made beforehand. Each figure is the median of several rounds, in processor time, so that
whatever else keeps the machine busy does not count; on an idle machine it is what a clock shows.
"""

from __future__ import annotations

import argparse
import json
import platform
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Final

from rich.console import Console
from rich.table import Table

sys.path.insert(0, str(Path(__file__).parents[1]))  # runs without being installed

from sts.hazmat import misty1, sta
from sts.hazmat.des import DesCipher
from sts.key_data import EncryptionAlgorithm, KeyRevisionNumber, SupplyGroupCode, TariffIndex
from sts.keys.decoder_key import derive_decoder_key
from sts.keys.key_file import KeyStore, load_key_file
from sts.meter_number import (
    DecoderReferenceNumber,
    DecoderSerialNumber,
    IssuerIdentificationNumber,
    ManufacturerCode,
    MeterPan,
)
from sts.security_module import (
    InProcessSecurityModule,
    IssuedToken,
    IssueRequest,
    MeterConfiguration,
)
from sts.token_identifier import TokenIdentifier
from sts.tokens.codec import TokenCodec
from sts.tokens.credit import Resource, TransferCredit
from sts.units import TransferAmount

if TYPE_CHECKING:
    from collections.abc import Callable

METERS: Final = 1000
MIN_ROUNDS: Final = 5
SECONDS_A_ROW: Final = 0.8


@dataclass(frozen=True)
class Row:
    """One line of the table: `run` makes or reads METERS tokens, or does as many blocks."""

    name: str
    run: Callable[[], object]
    unit: str = "tokens"


@dataclass(frozen=True)
class Fleet:
    """Meters of one supply group that are all sold a token."""

    name: str
    configurations: list[MeterConfiguration]
    tokens: list[TransferCredit]
    keys: KeyStore

    @classmethod
    def of(cls, name: str, group: str, algorithm: EncryptionAlgorithm) -> Fleet:
        """Return a fleet under revision 1 of a supply group of keys.example."""
        pans = [
            MeterPan(
                IssuerIdentificationNumber("600727"),
                DecoderReferenceNumber.of(
                    ManufacturerCode("07"), DecoderSerialNumber(f"{number * 7919:08}")
                ),
            )
            for number in range(METERS)
        ]
        configurations = [
            MeterConfiguration(
                pan, SupplyGroupCode(group), KeyRevisionNumber(1), TariffIndex("01"), algorithm
            )
            for pan in pans
        ]
        tokens = [
            TransferCredit(
                resource=Resource.ELECTRICITY,
                amount=TransferAmount.covering(100 + number),
                token_identifier=TokenIdentifier(5_871_715 + number),
                random=number % 16,
            )
            for number in range(METERS)
        ]
        keys = load_key_file(Path(__file__).parents[1] / "keys.example")
        return cls(name, configurations, tokens, keys)

    def sell(self) -> list[str]:
        """Derive and encode for every meter, as the service does without its read-back."""
        codec = TokenCodec()
        first = self.configurations[0]
        vending_key = self.keys.find(first.supply_group_code, first.key_revision_number)
        return [
            codec.encode(
                token,
                derive_decoder_key(
                    vending_key,
                    pan=meter.pan,
                    tariff_index=meter.tariff_index,
                    encryption_algorithm=meter.encryption_algorithm,
                ),
            )
            for meter, token in zip(self.configurations, self.tokens, strict=True)
        ]

    def issue(self) -> None:
        """Let the security module make all tokens in one column; it reads each of them back."""
        module = InProcessSecurityModule(self.keys, TokenCodec())
        requests = [
            IssueRequest(meter, token)
            for meter, token in zip(self.configurations, self.tokens, strict=True)
        ]
        assert all(isinstance(outcome, IssuedToken) for outcome in module.issue(requests))

    def decoding(self) -> Callable[[], object]:
        """Return what decodes every token again under keys derived beforehand."""
        codec = TokenCodec()
        keys = [
            derive_decoder_key(
                self.keys.find(meter.supply_group_code, meter.key_revision_number),
                pan=meter.pan,
                tariff_index=meter.tariff_index,
                encryption_algorithm=meter.encryption_algorithm,
            )
            for meter in self.configurations
        ]
        tokens = list(zip(self.sell(), keys, strict=True))
        assert [codec.decode(digits, key) for digits, key in tokens] == self.tokens
        return lambda: [codec.decode(digits, key) for digits, key in tokens]


def block_rows() -> list[Row]:
    """Return the rows about single blocks: a key for each where making it is part of the work."""
    numbers = [number * 0x9E3779B97F4A7C15 & (1 << 64) - 1 for number in range(1, METERS + 1)]
    long_keys = [number.to_bytes(8, "big") * 2 for number in numbers]
    octets = [number.to_bytes(8, "big") for number in numbers]
    cipher, tables = DesCipher(octets[0]), sta.SAMPLE_TABLES
    block = numbers[0]
    runs: dict[str, Callable[[], object]] = {
        "DES, one key for all": lambda: [cipher.encrypt(o) for o in octets],
        "STA encrypt": lambda: [sta.encrypt_block(tables, n, block) for n in numbers],
        "STA decrypt": lambda: [sta.decrypt_block(tables, n, block) for n in numbers],
        "MISTY1 encrypt": lambda: [misty1.encrypt_block(k, block) for k in long_keys],
        "MISTY1 decrypt": lambda: [misty1.decrypt_block(k, block) for k in long_keys],
    }
    return [Row(name, run, "blocks") for name, run in runs.items()]


def per_second(run: Callable[[], object], seconds: float) -> float:
    """Return the median rate over rounds of METERS that take `seconds` together."""
    run()
    rates: list[float] = []
    end = time.perf_counter() + seconds
    while len(rates) < MIN_ROUNDS or time.perf_counter() < end:
        start = time.process_time()
        run()
        rates.append(METERS / (time.process_time() - start))
    return median(rates)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description="Measure the token engine on one core.")
    parser.add_argument(
        "--seconds", type=float, default=SECONDS_A_ROW, help="time for each row (%(default)s)"
    )
    parser.add_argument(
        "--json", action="store_true", help="measure the first two rows, print one line of JSON"
    )
    options = parser.parse_args()
    ea07 = Fleet.of("DKGA02 + EA07", "123456", EncryptionAlgorithm.EA07)
    ea11 = Fleet.of("DKGA04 + EA11", "123457", EncryptionAlgorithm.EA11)
    if options.json:
        figures = {
            "dkga02_ea07_per_s": round(per_second(ea07.sell, options.seconds)),
            "dkga04_ea11_per_s": round(per_second(ea11.sell, options.seconds)),
        }
        print(json.dumps(figures))
        return
    fleets = (ea07, ea11)
    rows = [
        *(Row(f"derive + encode, {fleet.name}", fleet.sell) for fleet in fleets),
        *(Row(f"issue and read back, {fleet.name}", fleet.issue) for fleet in fleets),
        *(Row(f"decode, {fleet.name}", fleet.decoding()) for fleet in fleets),
        *block_rows(),
    ]
    title = f"Token engine, Python {platform.python_version()}, one core"
    table = Table("", "each", "per second", title=title)
    table.columns[1].justify = table.columns[2].justify = "right"
    for row in rows:
        rate = per_second(row.run, options.seconds)
        table.add_row(row.name, f"{1e6 / rate:.1f} us", f"{rate:,.0f} {row.unit}")
    Console().print(table)


if __name__ == "__main__":
    main()
