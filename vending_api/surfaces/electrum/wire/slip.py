"""The till slip."""

from typing import Annotated

from pydantic import Field, StringConstraints

from vending_api.surfaces.electrum.wire.base import NUMBERS_TOO, Text, WholeNumber, WireModel

ScaleFactor = Annotated[float, Field(strict=True, allow_inf_nan=False)]
Flag = Annotated[bool, Field(strict=True)]


class Barcode(WireModel):
    """A barcode to print."""

    data: Text
    encoding: Text | None = None
    """Documented as required, yet its absence is tolerated."""


class SlipLine(WireModel):
    """One line of a slip; what is absent has the default that the schema names."""

    text: Text
    font_width_scale_factor: ScaleFactor | None = Field(None, json_schema_extra={"default": 1})
    font_height_scale_factor: ScaleFactor | None = Field(None, json_schema_extra={"default": 1})
    line: Flag | None = Field(None, json_schema_extra={"default": False})
    cut: Flag | None = Field(None, json_schema_extra={"default": False})
    barcode: Barcode | None = None


class SlipData(WireModel):
    """What the slip says."""

    message_lines: list[SlipLine] | None = None
    slip_width: WholeNumber | None = Field(None, json_schema_extra={"default": 0})
    """In characters of normal width; 0 when nobody set it."""
    issuer_reference: (
        Annotated[str, StringConstraints(pattern=r"^[A-Z0-9]{1,40}$"), NUMBERS_TOO] | None
    ) = None
