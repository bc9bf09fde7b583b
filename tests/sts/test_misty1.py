"""EA11 against RFC 2994, and its fast FI against the RFC's words."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sts.hazmat import misty1

RFC_KEY = bytes.fromhex("00112233445566778899aabbccddeeff")
RFC_VECTORS = [  # RFC 2994, appendix A
    (0x0123456789ABCDEF, 0x8B1DA5F56AB3D07C),
    (0xFEDCBA9876543210, 0x04B68240B13BE95D),
]
words16 = st.integers(0, 0xFFFF)


def slow_fi(word: int, key: int) -> int:
    """Do it step by step, in the words of RFC 2994."""
    high, low = word >> 7, word & 0x7F
    high = misty1.S9[high] ^ low
    low = misty1.S7[low] ^ high & 0x7F
    low ^= key >> 9
    high ^= key & 0x1FF
    high = misty1.S9[high] ^ low
    return low << 9 | high


@pytest.mark.parametrize(("plain", "cipher"), RFC_VECTORS)
def test_the_vectors_of_rfc_2994_encrypt(plain: int, cipher: int) -> None:
    assert misty1.encrypt_block(RFC_KEY, plain) == cipher


@pytest.mark.parametrize(("plain", "cipher"), RFC_VECTORS)
def test_the_vectors_of_rfc_2994_decrypt(plain: int, cipher: int) -> None:
    assert misty1.decrypt_block(RFC_KEY, cipher) == plain


@given(st.binary(min_size=16, max_size=16), st.integers(0, (1 << 64) - 1))
def test_decryption_undoes_encryption(key: bytes, block: int) -> None:
    assert misty1.decrypt_block(key, misty1.encrypt_block(key, block)) == block


@given(words16, words16)
def test_two_look_ups_are_fi(word: int, key: int) -> None:
    fast = misty1._FI_AFTER_KEY[misty1._FI_BEFORE_KEY[word] ^ key]
    assert fast == slow_fi(word, key)


def test_the_substitutions_are_permutations() -> None:
    assert sorted(misty1.S7) == list(range(128))
    assert sorted(misty1.S9) == list(range(512))


@pytest.mark.parametrize("length", [8, 15, 17])
def test_a_key_of_another_length_has_no_schedule(length: int) -> None:
    with pytest.raises(struct.error):
        misty1.encrypt_block(bytes(length), 0)
