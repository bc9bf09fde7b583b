"""EA11: MISTY1, a 64-bit block cipher with 128-bit keys and eight rounds (RFC 2994).

The names fi, fo and fl are those of the RFC. The work is done on 16-bit words.
"""

from __future__ import annotations

from array import array
from struct import unpack
from typing import Final

S7: Final = (
    27, 50, 51, 90, 59, 16, 23, 84, 91, 26, 114, 115, 107, 44, 102, 73, 31, 36, 19, 108, 55,
    46, 63, 74, 93, 15, 64, 86, 37, 81, 28, 4, 11, 70, 32, 13, 123, 53, 68, 66, 43, 30, 65,
    20, 75, 121, 21, 111, 14, 85, 9, 54, 116, 12, 103, 83, 40, 10, 126, 56, 2, 7, 96, 41,
    25, 18, 101, 47, 48, 57, 8, 104, 95, 120, 42, 76, 100, 69, 117, 61, 89, 72, 3, 87, 124,
    79, 98, 60, 29, 33, 94, 39, 106, 112, 77, 58, 1, 109, 110, 99, 24, 119, 35, 5, 38, 118,
    0, 49, 45, 122, 127, 97, 80, 34, 17, 6, 71, 22, 82, 78, 113, 62, 105, 67, 52, 92, 88,
    125,
)  # fmt: skip

S9: Final = (
    451, 203, 339, 415, 483, 233, 251, 53, 385, 185, 279, 491, 307, 9, 45, 211, 199, 330,
    55, 126, 235, 356, 403, 472, 163, 286, 85, 44, 29, 418, 355, 280, 331, 338, 466, 15, 43,
    48, 314, 229, 273, 312, 398, 99, 227, 200, 500, 27, 1, 157, 248, 416, 365, 499, 28, 326,
    125, 209, 130, 490, 387, 301, 244, 414, 467, 221, 482, 296, 480, 236, 89, 145, 17, 303,
    38, 220, 176, 396, 271, 503, 231, 364, 182, 249, 216, 337, 257, 332, 259, 184, 340, 299,
    430, 23, 113, 12, 71, 88, 127, 420, 308, 297, 132, 349, 413, 434, 419, 72, 124, 81, 458,
    35, 317, 423, 357, 59, 66, 218, 402, 206, 193, 107, 159, 497, 300, 388, 250, 406, 481,
    361, 381, 49, 384, 266, 148, 474, 390, 318, 284, 96, 373, 463, 103, 281, 101, 104, 153,
    336, 8, 7, 380, 183, 36, 25, 222, 295, 219, 228, 425, 82, 265, 144, 412, 449, 40, 435,
    309, 362, 374, 223, 485, 392, 197, 366, 478, 433, 195, 479, 54, 238, 494, 240, 147, 73,
    154, 438, 105, 129, 293, 11, 94, 180, 329, 455, 372, 62, 315, 439, 142, 454, 174, 16,
    149, 495, 78, 242, 509, 133, 253, 246, 160, 367, 131, 138, 342, 155, 316, 263, 359, 152,
    464, 489, 3, 510, 189, 290, 137, 210, 399, 18, 51, 106, 322, 237, 368, 283, 226, 335,
    344, 305, 327, 93, 275, 461, 121, 353, 421, 377, 158, 436, 204, 34, 306, 26, 232, 4,
    391, 493, 407, 57, 447, 471, 39, 395, 198, 156, 208, 334, 108, 52, 498, 110, 202, 37,
    186, 401, 254, 19, 262, 47, 429, 370, 475, 192, 267, 470, 245, 492, 269, 118, 276, 427,
    117, 268, 484, 345, 84, 287, 75, 196, 446, 247, 41, 164, 14, 496, 119, 77, 378, 134,
    139, 179, 369, 191, 270, 260, 151, 347, 352, 360, 215, 187, 102, 462, 252, 146, 453,
    111, 22, 74, 161, 313, 175, 241, 400, 10, 426, 323, 379, 86, 397, 358, 212, 507, 333,
    404, 410, 135, 504, 291, 167, 440, 321, 60, 505, 320, 42, 341, 282, 417, 408, 213, 294,
    431, 97, 302, 343, 476, 114, 394, 170, 150, 277, 239, 69, 123, 141, 325, 83, 95, 376,
    178, 46, 32, 469, 63, 457, 487, 428, 68, 56, 20, 177, 363, 171, 181, 90, 386, 456, 468,
    24, 375, 100, 207, 109, 256, 409, 304, 346, 5, 288, 443, 445, 224, 79, 214, 319, 452,
    298, 21, 6, 255, 411, 166, 67, 136, 80, 351, 488, 289, 115, 382, 188, 194, 201, 371,
    393, 501, 116, 460, 486, 424, 405, 31, 65, 13, 442, 50, 61, 465, 128, 168, 87, 441, 354,
    328, 217, 261, 98, 122, 33, 511, 274, 264, 448, 169, 285, 432, 422, 205, 243, 92, 258,
    91, 473, 324, 502, 173, 165, 58, 459, 310, 383, 70, 225, 30, 477, 230, 311, 506, 389,
    140, 143, 64, 437, 190, 120, 0, 172, 272, 350, 292, 2, 444, 162, 234, 112, 508, 278,
    348, 76, 450,
)  # fmt: skip

# FI splits a word into 9 high and 7 low bits, mixes, and swaps them; adds the key; and mixes
# again. Each half is a table of all 65,536 words, so FI(x, k) is _FI_AFTER_KEY[_FI_BEFORE_KEY[x]
# ^ k]: two look-ups. Arrays of 128 KiB stay in the processor's cache; lists of ints do not, and
# take a third longer.
_FI_BEFORE_KEY: Final = array(
    "H", [(S7[low] ^ (s ^ low) & 0x7F) << 9 | s ^ low for s in S9 for low in range(128)]
)
_FI_AFTER_KEY: Final = array("H", [high << 9 | s ^ high for high in range(128) for s in S9])

_Words = tuple[int, ...]


def encrypt_block(key: bytes, block: int) -> int:
    """Return the 64-bit `block` encrypted under the 16 octets of `key` (RFC 2994)."""
    k, d = _key_schedule(key)
    l0, l1, r0, r1 = block >> 48, block >> 32 & 0xFFFF, block >> 16 & 0xFFFF, block & 0xFFFF
    for j in range(4):
        l0, l1 = _fl(l0, l1, k[j], d[j + 6])
        r0, r1 = _fl(r0, r1, d[j + 2], k[j + 4])
        t0, t1 = _fo(l0, l1, k, d, 2 * j)
        r0, r1 = r0 ^ t0, r1 ^ t1
        t0, t1 = _fo(r0, r1, k, d, 2 * j + 1)
        l0, l1 = l0 ^ t0, l1 ^ t1
    l0, l1 = _fl(l0, l1, k[4], d[10])
    r0, r1 = _fl(r0, r1, d[6], k[8])
    return r0 << 48 | r1 << 32 | l0 << 16 | l1


def decrypt_block(key: bytes, block: int) -> int:
    """Return the 64-bit `block` decrypted under the 16 octets of `key`; undoes `encrypt_block`."""
    k, d = _key_schedule(key)
    r0, r1, l0, l1 = block >> 48, block >> 32 & 0xFFFF, block >> 16 & 0xFFFF, block & 0xFFFF
    r0, r1 = _fl_inverse(r0, r1, d[6], k[8])
    l0, l1 = _fl_inverse(l0, l1, k[4], d[10])
    for j in (3, 2, 1, 0):
        t0, t1 = _fo(r0, r1, k, d, 2 * j + 1)
        l0, l1 = l0 ^ t0, l1 ^ t1
        t0, t1 = _fo(l0, l1, k, d, 2 * j)
        r0, r1 = r0 ^ t0, r1 ^ t1
        r0, r1 = _fl_inverse(r0, r1, d[j + 2], k[j + 4])
        l0, l1 = _fl_inverse(l0, l1, k[j], d[j + 6])
    return l0 << 48 | l1 << 32 | r0 << 16 | r1


def _key_schedule(key: bytes) -> tuple[_Words, _Words]:
    """Return the words K and K' of RFC 2994, each twice over, so that no index need wrap."""
    k = unpack(">8H", key)
    d = tuple([_FI_AFTER_KEY[_FI_BEFORE_KEY[x] ^ y] for x, y in zip(k, k[1:] + k[:1], strict=True)])
    return k + k, d + d


def _fo(t0: int, t1: int, k: _Words, d: _Words, i: int) -> tuple[int, int]:
    t0 = _FI_AFTER_KEY[_FI_BEFORE_KEY[t0 ^ k[i]] ^ d[i + 5]] ^ t1
    t1 = _FI_AFTER_KEY[_FI_BEFORE_KEY[t1 ^ k[i + 2]] ^ d[i + 1]] ^ t0
    t0 = _FI_AFTER_KEY[_FI_BEFORE_KEY[t0 ^ k[i + 7]] ^ d[i + 3]] ^ t1
    return t1 ^ k[i + 4], t0


def _fl(x0: int, x1: int, a: int, b: int) -> tuple[int, int]:
    x1 ^= x0 & a
    return x0 ^ (x1 | b), x1


def _fl_inverse(x0: int, x1: int, a: int, b: int) -> tuple[int, int]:
    x0 ^= x1 | b
    return x0, x1 ^ x0 & a
