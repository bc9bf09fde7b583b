"""HMAC-SHA-256 (FIPS 180-4, RFC 2104) over many rows at once: DKGA04, and check values of keys.

Up to LANES rows go through the rounds side by side: a step is done for all of them before the
next, which the compiler turns into vector instructions. Words of a block and of a state are rows
of an array, lanes its columns.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from sts.batch.compiled import kernel, u32, u64

if TYPE_CHECKING:
    from sts.batch.compiled import HalfWords, Numbers, Octets, Words

LANES: Final = 256
"""What fits the nearest cache: 24 KB of states and blocks."""
_BLOCK_OCTETS: Final = 64
_INNER: Final = 0x36
_OUTER: Final = 0x5C
_ROUND_CONSTANTS: Final = np.array((
    0x428A2F98, 0x71374491, 0xB5C0FBCF, 0xE9B5DBA5, 0x3956C25B, 0x59F111F1, 0x923F82A4, 0xAB1C5ED5,
    0xD807AA98, 0x12835B01, 0x243185BE, 0x550C7DC3, 0x72BE5D74, 0x80DEB1FE, 0x9BDC06A7, 0xC19BF174,
    0xE49B69C1, 0xEFBE4786, 0x0FC19DC6, 0x240CA1CC, 0x2DE92C6F, 0x4A7484AA, 0x5CB0A9DC, 0x76F988DA,
    0x983E5152, 0xA831C66D, 0xB00327C8, 0xBF597FC7, 0xC6E00BF3, 0xD5A79147, 0x06CA6351, 0x14292967,
    0x27B70A85, 0x2E1B2138, 0x4D2C6DFC, 0x53380D13, 0x650A7354, 0x766A0ABB, 0x81C2C92E, 0x92722C85,
    0xA2BFE8A1, 0xA81A664B, 0xC24B8B70, 0xC76C51A3, 0xD192E819, 0xD6990624, 0xF40E3585, 0x106AA070,
    0x19A4C116, 0x1E376C08, 0x2748774C, 0x34B0BCB5, 0x391C0CB3, 0x4ED8AA4A, 0x5B9CCA4F, 0x682E6FF3,
    0x748F82EE, 0x78A5636F, 0x84C87814, 0x8CC70208, 0x90BEFFFA, 0xA4506CEB, 0xBEF9A3F7, 0xC67178F2,
), u32)  # fmt: skip
_START: Final = np.array((
    0x6A09E667, 0xBB67AE85, 0x3C6EF372, 0xA54FF53A, 0x510E527F, 0x9B05688C, 0x1F83D9AB, 0x5BE0CD19,
), u32)  # fmt: skip


@kernel
def _turned(word: np.uint32, bits: int) -> np.uint32:
    return u32(u32(word >> u32(bits)) | u32(word << u32(32 - bits)))


# The sums below are cut to 32 bits one by one. Left to itself the compiler adds in 64, which halves
# what fits into a vector.


@kernel
def _extend(w: HalfWords, w1: HalfWords, w9: HalfWords, w14: HalfWords, lanes: int) -> None:
    """Replace the words of one round by those of the round sixteen later."""
    for i in range(lanes):
        near, far = w1[i], w14[i]
        near = u32(_turned(near, 7) ^ _turned(near, 18) ^ u32(near >> u32(3)))
        far = u32(_turned(far, 17) ^ _turned(far, 19) ^ u32(far >> u32(10)))
        w[i] = u32(u32(w[i] + w9[i]) + u32(near + far))


@kernel
def _step(v: HalfWords, turn: int, constant: np.uint32, w: HalfWords, lanes: int) -> None:
    """Do one round; `turn` tells which row of the state is a, from which b to h follow."""
    a, b, c, d = v[turn & 7], v[turn + 1 & 7], v[turn + 2 & 7], v[turn + 3 & 7]
    e, f, g, h = v[turn + 4 & 7], v[turn + 5 & 7], v[turn + 6 & 7], v[turn + 7 & 7]
    for i in range(lanes):
        x, y = e[i], a[i]
        choice = u32(u32(x & f[i]) ^ u32(~x & g[i]))
        majority = u32(u32(y & b[i]) ^ u32(y & c[i]) ^ u32(b[i] & c[i]))
        sum_1 = u32(_turned(x, 6) ^ _turned(x, 11) ^ _turned(x, 25))
        sum_0 = u32(_turned(y, 2) ^ _turned(y, 13) ^ _turned(y, 22))
        first = u32(u32(h[i] + sum_1) + u32(choice + u32(constant + w[i])))
        d[i] = u32(d[i] + first)
        h[i] = u32(first + u32(sum_0 + majority))


@kernel
def _compress(state: HalfWords, w: HalfWords, v: HalfWords, lanes: int) -> None:
    """Take a block of 16 words a lane into the states; the block is used up."""
    for word in range(8):
        for i in range(lanes):
            v[word, i] = state[word, i]
    for t in range(64):
        if t > 15:
            _extend(w[t & 15], w[t + 1 & 15], w[t + 9 & 15], w[t + 14 & 15], lanes)
        _step(v, 64 - t, _ROUND_CONSTANTS[t], w[t & 15], lanes)
    for word in range(8):
        for i in range(lanes):
            state[word, i] = u32(state[word, i] + v[word, i])


@kernel
def _fill(w: HalfWords, first: int, value: np.uint32, lanes: int) -> None:
    """Set the words of a block from `first` on, in every lane."""
    for word in range(first, 16):
        for i in range(lanes):
            w[word, i] = value


@kernel
def _fill_with_hash(w: HalfWords, state: HalfWords, lanes: int) -> None:
    """Set a block to the inner hash, which the outer one of an HMAC takes in after its key."""
    _fill(w, 8, u32(0), lanes)
    for i in range(lanes):
        for word in range(8):
            w[word, i] = state[word, i]
        w[8, i] = u32(0x80000000)
        w[15, i] = u32((64 + 32) * 8)


@kernel
def _ascii(digits: np.uint64) -> np.uint32:
    """Return four decimal digits, one in each of the low four nibbles, as four octets of ASCII."""
    spread = (digits & u64(0xF000)) << u64(12) | (digits & u64(0x0F00)) << u64(8)
    spread |= (digits & u64(0x00F0)) << u64(4) | (digits & u64(0x000F))
    return u32(spread | u64(0x30303030))


@kernel
def derive_column(
    states: HalfWords,
    templates: HalfWords,
    key: Numbers,
    pan: Words,
    ends: Words,
    tariff_index: Words,
    out: Words,
) -> None:
    """Write the MAC of each row's message (DKGA04): its first 8 octets and the next 8.

    `states` (inner and outer, 8 words each) and `templates` (the message's 16) are those of the
    vending keys, and `key` tells which is the row's. `pan` holds the PAN's digits 2 to 17 and
    `ends` the first and the last, a nibble each.
    """
    state, w = np.empty((8, LANES), np.uint32), np.empty((16, LANES), np.uint32)
    v = np.empty((8, LANES), np.uint32)
    for start in range(0, len(key), LANES):
        lanes = min(LANES, len(key) - start)
        for stage in range(2):
            if stage:
                _fill_with_hash(w, state, lanes)
            for i in range(lanes):
                for word in range(8):
                    state[word, i] = states[key[start + i], stage, word]
            for i in range(0 if stage else lanes):
                row = start + i
                for word in range(16):
                    w[word, i] = templates[key[row], word]
                # The tariff index stands in octets 11 and 12 of the message, the PAN in 27 to 44.
                w[2, i] |= u32(tariff_index[row] >> u64(4) | u64(0x30))
                w[3, i] |= u32((tariff_index[row] & u64(15) | u64(0x30)) << u64(24))
                w[6, i] |= u32(ends[row] >> u64(4) | u64(0x30))
                for word in range(4):
                    w[7 + word, i] = _ascii(pan[row] >> u64(48 - 16 * word))
                w[11, i] |= u32((ends[row] & u64(15) | u64(0x30)) << u64(24))
            _compress(state, w, v, lanes)
        for i in range(lanes):
            out[start + i, 0] = u64(state[0, i]) << u64(32) | u64(state[1, i])
            out[start + i, 1] = u64(state[2, i]) << u64(32) | u64(state[3, i])


@kernel
def _fill_with_key(w: HalfWords, keys: Words, start: int, pad: np.uint32, lanes: int) -> None:
    """Set a block to the decoder keys of some rows, as an HMAC pads a key."""
    _fill(w, 0, pad, lanes)
    for i in range(lanes):
        for half in range(keys.shape[1]):
            word = keys[start + i, half]
            w[2 * half, i] ^= u32(word >> u64(32))
            w[2 * half + 1, i] ^= u32(word & u64(0xFFFFFFFF))


@kernel
def check_value_column(keys: Words, out: Words) -> None:
    """Write the first 24 bits of the MAC of 16 zero octets under each decoder key.

    `keys` has a column for each 8 octets of a key: one, or two.
    """
    inner, outer = np.empty((8, LANES), np.uint32), np.empty((8, LANES), np.uint32)
    w, v = np.empty((16, LANES), np.uint32), np.empty((8, LANES), np.uint32)
    for start in range(0, len(keys), LANES):
        lanes = min(LANES, len(keys) - start)
        for word in range(8):
            for i in range(lanes):
                inner[word, i] = outer[word, i] = _START[word]
        for stage in range(4):
            if stage == 0:
                _fill_with_key(w, keys, start, u32(0x36363636), lanes)
            elif stage == 1:
                _fill(w, 0, u32(0), lanes)
                for i in range(lanes):
                    w[4, i] = u32(0x80000000)
                    w[15, i] = u32((64 + 16) * 8)
            elif stage == 2:
                _fill_with_key(w, keys, start, u32(0x5C5C5C5C), lanes)
            else:
                _fill_with_hash(w, inner, lanes)
            _compress(inner if stage < 2 else outer, w, v, lanes)
        for i in range(lanes):
            out[start + i] = u64(outer[0, i] >> u32(8))


@kernel
def digest_column(text: Octets, out: Words) -> None:
    """Write the first 8 octets of the hash of each 20 octets of text, which stand one by one."""
    state, w = np.empty((8, LANES), np.uint32), np.empty((16, LANES), np.uint32)
    v = np.empty((8, LANES), np.uint32)
    for start in range(0, len(out), LANES):
        lanes = min(LANES, len(out) - start)
        _fill(w, 0, u32(0), lanes)
        for word in range(8):
            for i in range(lanes):
                state[word, i] = _START[word]
        for i in range(lanes):
            for octet in range(20):
                value = u32(text[(start + i) * 20 + octet])
                w[octet >> 2, i] |= u32(value << u32(24 - 8 * (octet & 3)))
            w[5, i] = u32(0x80000000)
            w[15, i] = u32(20 * 8)
        _compress(state, w, v, lanes)
        for i in range(lanes):
            out[start + i] = u64(state[0, i]) << u64(32) | u64(state[1, i])


def absorbed(key: bytes) -> HalfWords:
    """Return the inner and the outer state of SHA-256 after the key block of an HMAC."""
    states = np.empty((2, 8), u32)
    for place, pad in enumerate((_INNER, _OUTER)):
        block = bytes(octet ^ pad for octet in key.ljust(_BLOCK_OCTETS, b"\0"))
        state, scratch = _START.reshape(8, 1).copy(), np.empty((8, 1), u32)
        _compress(state, words_of(block).reshape(16, 1), scratch, 1)
        states[place] = state[:, 0]
    return states


def words_of(octets: bytes) -> HalfWords:
    """Return octets as big-endian words of 32 bits."""
    return np.frombuffer(octets, ">u4").astype(u32)
