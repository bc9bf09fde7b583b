"""A slip of ours to a slip of theirs."""

from __future__ import annotations

from json.encoder import encode_basestring
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from vending_api.domain.slips.types import SlipLine, WrittenSlip

BARCODE_ENCODING: Final = "CODE128"
_BETWEEN: Final = '},{"text":'
"""Between two lines, of which plain ones are nothing but their text."""


def to_slip_data(slip: WrittenSlip) -> str:
    """Return a slip as points of sale print it, as JSON: a `wire.slip.SlipData`.

    Written here and not by a library: of thirty lines, the dicts alone would take three times
    as long as the text.
    """
    lines = _BETWEEN.join(
        [encode_basestring(row) if isinstance(row, str) else _line(row) for row in slip.rows]
    )
    if lines:
        lines = f'{{"text":{lines}}}'
    reference = encode_basestring(slip.reference)
    return f'{{"messageLines":[{lines}],"slipWidth":{slip.columns},"issuerReference":{reference}}}'


def _line(line: SlipLine) -> str:
    """Return the text of a line, and what it says beyond the usual."""
    text, is_wide, is_tall, is_rule, barcode = line
    said = encode_basestring(text)
    if is_wide:
        said += ',"fontWidthScaleFactor":2.0'
    if is_tall:
        said += ',"fontHeightScaleFactor":2.0'
    if is_rule:
        said += ',"line":true'
    if barcode is not None:
        said += (
            f',"barcode":{{"data":{encode_basestring(barcode)},"encoding":"{BARCODE_ENCODING}"}}'
        )
    return said
