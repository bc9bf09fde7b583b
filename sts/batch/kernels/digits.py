"""The 20 digits of a token over columns: 66 bits, the block with the class put in.

As `sts.tokens.digits`, with the 66 bits in two words. Ten digits fit a word, and 10^10 is
2^10 x 9765625, so neither way overflows.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sts.batch.compiled import kernel, u64

if TYPE_CHECKING:
    from sts.batch.compiled import Flags, Octets, Offsets, Words


@kernel
def write_column(classes: Words, blocks: Words, text: Octets) -> None:
    """Write the 20 digits of each class and (encrypted) block, one after another."""
    ten = u64(10)
    half = u64(10_000_000_000)
    for row in range(len(blocks)):
        block = blocks[row]
        moved = block >> u64(27) & u64(3)
        low = block & ~u64(3 << 27) | classes[row] << u64(27)
        # 2^64 is 1844674407 x 10^10 and 3709551616.
        rest = low % half + moved * u64(3_709_551_616)
        first = low // half + moved * u64(1_844_674_407) + rest // half
        last = rest % half
        start = 20 * row
        for place in range(10):
            text[start + 9 - place] = first % ten + u64(48)
            text[start + 19 - place] = last % ten + u64(48)
            first //= ten
            last //= ten


@kernel
def read_column(text: Octets, offsets: Offsets, classes: Words, blocks: Words, good: Flags) -> None:
    """Write class and block of each 20 digits; a row that has no such number is not good."""
    for row in range(len(good)):
        start = offsets[row]
        if not good[row] or offsets[row + 1] - start != 20:
            good[row] = False
            continue
        first, last, highest = u64(0), u64(0), u64(0)
        for place in range(10):
            one, other = u64(text[start + place]) ^ u64(48), u64(text[start + place + 10]) ^ u64(48)
            highest |= (one + u64(6)) | (other + u64(6))  # bit 4 or higher if one is above 9
            first = first * u64(10) + one
            last = last * u64(10) + other
        product = first * u64(9_765_625)
        low = (product << u64(10)) + last
        high = (product >> u64(54)) + u64(low < last)
        classes[row] = low >> u64(27) & u64(3)
        blocks[row] = low & ~u64(3 << 27) | high << u64(27)
        good[row] = highest < u64(16) and high < u64(4)


@kernel
def write_hex_column(values: Words, width: int, text: Octets) -> None:
    """Write the low nibbles of each value as `width` hexadecimal digits, one after another."""
    for row in range(len(values)):
        for place in range(width):
            nibble = values[row] >> u64(4 * (width - 1 - place)) & u64(15)
            text[width * row + place] = nibble + u64(48 if nibble < u64(10) else 55)
