"""A slip of ours to a slip of theirs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from vending_api.surfaces.electrum.wire.slip import SlipData

if TYPE_CHECKING:
    from vending_api.domain.slips.types import Slip, SlipLine

BARCODE_ENCODING: Final = "CODE128"
_TWICE: Final = 2


def to_slip_data(slip: Slip) -> SlipData:
    """Return a slip as points of sale print it."""
    # From plain dicts: forty lines, each made as a model of its own, take twice as long.
    return SlipData.model_validate(
        {
            "message_lines": [_line(line) for line in slip.lines],
            "slip_width": slip.columns,
            "issuer_reference": slip.reference,
        }
    )


def _line(line: SlipLine) -> dict[str, Any]:
    """Return what a line says beyond the usual: plain ones are nothing but their text."""
    said: dict[str, Any] = {"text": line.text}
    if line.is_wide:
        said["font_width_scale_factor"] = _TWICE
    if line.is_tall:
        said["font_height_scale_factor"] = _TWICE
    if line.is_rule:
        said["line"] = True
    if line.barcode is not None:
        said["barcode"] = {"data": line.barcode, "encoding": BARCODE_ENCODING}
    return said
