"""The till slip."""

from typing import Annotated

from pydantic import Field, StringConstraints

from vending_api.surfaces.electrum.wire.base import NUMBERS_TOO, Text, WholeNumber, WireModel

ScaleFactor = Annotated[float, Field(allow_inf_nan=False)]


class Barcode(WireModel):
    """A barcode to print."""

    data: Text
    encoding: Text | None = None
    """Documented as required, yet its absence is tolerated."""


class SlipLine(WireModel):
    """One line of a slip."""

    text: Text
    font_width_scale_factor: ScaleFactor | None = None
    font_height_scale_factor: ScaleFactor | None = None
    line: bool | None = None
    cut: bool | None = None
    barcode: Barcode | None = None


class SlipData(WireModel):
    """What the slip says."""

    message_lines: list[SlipLine] | None = None
    slip_width: WholeNumber | None = None
    issuer_reference: (
        Annotated[str, StringConstraints(pattern=r"^[A-Z0-9]{1,40}$"), NUMBERS_TOO] | None
    ) = None
