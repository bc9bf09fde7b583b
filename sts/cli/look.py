"""`sts keys` and `sts meter-number`: look at key files and meter numbers, safely.

Annotations are read at run time.
"""

from pathlib import Path
from typing import Annotated, Final

import typer

from sts.cli.options import KEYS_VARIABLE, JsonOption
from sts.cli.output import print_json, print_rows, print_table
from sts.cli.program import complain
from sts.errors import InvalidField
from sts.keys.key_file import load_key_file
from sts.meter_number import (
    LONG_DRN_IIN,
    DecoderReferenceNumber,
    IssuerIdentificationNumber,
    MeterPan,
)
from sts.security_module import InProcessSecurityModule
from sts.tokens.codec import TokenCodec

_PAN_LENGTH: Final = 18
_DRN_LENGTHS: Final = (11, 13)


def keys(
    file: Annotated[
        Path,
        typer.Argument(
            metavar="FILE",
            envvar=KEYS_VARIABLE,
            exists=True,
            dir_okay=False,
            help="A key file (TOML, as in keys.example).",
        ),
    ],
    *,
    as_json: JsonOption = False,
) -> None:
    """List a key file's entries with their check values, never the keys.

    Compare the check values with the ones that came with the keys: they tell that a key was
    entered right without telling the key.
    """
    store = load_key_file(file)
    facts = InProcessSecurityModule(store, TokenCodec()).facts()
    rows = [
        {
            "supply_group_code": str(fact.supply_group_code),
            "key_revision_number": fact.key_revision_number.value,
            "key_type": int(fact.key_type),
            "base_date": int(fact.base_date),
            "key_expiry_number": fact.key_expiry_number.value,
            "decoder_key_generation_algorithm": str(fact.algorithm),
            "key_check_value": fact.key_check_value,
        }
        for fact in facts
    ]
    if as_json:
        print_json({"keys": rows, "holds_well_known_keys": store.holds_well_known_keys})
    else:
        headings = ("SGC", "KRN", "key type", "base date", "KEN", "DKGA", "check value")
        print_table(headings, [[str(value) for value in row.values()] for row in rows])
    if store.holds_well_known_keys:
        complain("note: published test keys are among them; anyone can make tokens under those")


def meter_number(
    number: Annotated[
        str,
        typer.Argument(
            metavar="NUMBER", help="A meter PAN of 18 digits, or the 11 or 13 of a DRN."
        ),
    ],
    *,
    iin: Annotated[
        str,
        typer.Option(metavar="IIN", help="Issuer number to put before a DRN of 11 digits."),
    ] = "600727",
    as_json: JsonOption = False,
) -> None:
    """Check a meter's number and take it apart; a DRN is completed to the PAN.

    The DRN is what stands on the meter's face. Both numbers end in a check digit, and a wrong
    one is reported with the right one.
    """
    pan = _parse(number, iin)
    drn = pan.decoder
    parts = {
        "pan": pan.digits,
        "iin": pan.issuer.digits,
        "drn": drn.digits,
        "manufacturer_code": drn.manufacturer_code.digits,
        "serial_number": drn.serial_number.digits,
    }
    if as_json:
        print_json(parts)
    else:
        print_rows(
            [
                ("meter PAN", parts["pan"]),
                ("IIN (issuer)", parts["iin"]),
                ("DRN (on the meter)", parts["drn"]),
                ("manufacturer code", parts["manufacturer_code"]),
                ("serial number", parts["serial_number"]),
            ]
        )


def _parse(number: str, iin: str) -> MeterPan:
    """Return the PAN of a PAN or a DRN; raises InvalidField."""
    digits = number.replace(" ", "")
    if len(digits) == _PAN_LENGTH:
        return MeterPan.parse(digits)
    if len(digits) not in _DRN_LENGTHS:
        raise InvalidField(
            "meter number",
            f"it has {len(digits)} characters",
            "18 digits (PAN), or the 11 or 13 of a DRN",
        )
    issuer = iin if len(digits) == _DRN_LENGTHS[0] else LONG_DRN_IIN
    return MeterPan(IssuerIdentificationNumber(issuer), DecoderReferenceNumber(digits))
