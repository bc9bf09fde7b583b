"""`sts meter-number`: look at a meter number, safely.

Annotations are read at run time.
"""

from typing import Annotated, Final

import typer

from sts.cli.options import JsonOption
from sts.cli.output import print_json, print_rows
from sts.errors import InvalidField
from sts.meter_number import (
    LONG_DRN_IIN,
    DecoderReferenceNumber,
    IssuerIdentificationNumber,
    MeterPan,
)

_PAN_LENGTH: Final = 18
_DRN_LENGTHS: Final = (11, 13)


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
