"""What a meter's key is made for, read from columns: digits, check digits, vending keys.

Nothing here says what is wrong with a row. A row that is not good goes to the scalar engine,
which has the words for it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sts.batch.compiled import kernel, u64

if TYPE_CHECKING:
    import numpy as np

    from sts.batch.compiled import Flags, Numbers, Octets, Offsets, Words


@kernel
def _digit(octet: np.uint8) -> np.uint64:
    """Return the digit of an ASCII octet; what is none comes out above 9."""
    return u64(octet) ^ u64(0x30)


@kernel
def _doubled(digit: np.uint64) -> np.uint64:
    """Return what a digit counts doubled in Luhn's sum: 9 less if that is above 9."""
    twice = digit << u64(1)
    return twice - u64(9) if digit > u64(4) else twice


@kernel
def read_pans(text: Octets, offsets: Offsets, pan: Words, ends: Words, good: Flags) -> None:
    """Write each 18-digit meter PAN; a row whose digits or check digits are wrong is not good.

    `pan` gets digits 2 to 17, which are the PAN block, a nibble each; `ends` the first and last.
    """
    for row in range(len(good)):
        start = offsets[row]
        if not good[row] or offsets[row + 1] - start != 18:
            good[row] = False
            continue
        begin = 4  # of the DRN; it is longer after 0000
        for place in range(4):
            if text[start + place] != 0x30:
                begin = 6
        block, whole, drn, highest = u64(0), u64(0), u64(0), u64(0)
        for place in range(17):
            digit = _digit(text[start + place])
            highest |= digit + u64(6)  # has bit 4 or a higher one if the digit is above 9
            block = (block << u64(4)) | digit
            # The PAN's check digit is the last, so from the right it doubles the even places;
            # the DRN's stands one place earlier.
            doubled = _doubled(digit)
            whole += digit if place & 1 else doubled
            if place >= begin:
                drn += doubled if place & 1 else digit
        last = _digit(text[start + 17])
        pan[row], ends[row] = block, (_digit(text[start]) << u64(4)) | last
        whole += last
        are_digits = highest < u64(16) and last < u64(10)
        good[row] = are_digits and whole % u64(10) == u64(0) and drn % u64(10) == u64(0)


@kernel
def read_digits(text: Octets, offsets: Offsets, width: int, out: Words, good: Flags) -> None:
    """Write texts of `width` digits, a nibble each; a row whose text is none is not good."""
    for row in range(len(good)):
        start = offsets[row]
        if not good[row] or offsets[row + 1] - start != width:
            good[row] = False
            continue
        digits, highest = u64(0), u64(0)
        for place in range(width):
            digit = _digit(text[start + place])
            highest |= digit + u64(6)
            digits = (digits << u64(4)) | digit
        out[row] = digits
        good[row] = highest < u64(16)


@kernel
def find_keys(
    groups: Words, revisions: Numbers, places: Words, order: Numbers, out: Numbers, good: Flags
) -> None:
    """Write which vending key each row names; a row that names none is not good.

    `places` are supply group and revision of the keys, a nibble a digit, in rising order, and
    `order` tells which key stands there.
    """
    last, found = u64(0), 0
    for row in range(len(good)):
        if not good[row] or not 1 <= revisions[row] <= 9:
            good[row] = False
            continue
        place = (groups[row] << u64(4)) | u64(revisions[row])
        if place != last:  # rows of a group stand together more often than not
            low, high = 0, len(places)
            while low < high:
                middle = (low + high) >> 1
                if places[middle] < place:
                    low = middle + 1
                else:
                    high = middle
            last = place
            found = order[low] if low < len(places) and places[low] == place else -1
        out[row] = found
        good[row] = found >= 0
