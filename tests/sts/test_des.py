"""Single DES against FIPS 81 and the decoder key example of STS 531."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sts.hazmat.des import DesCipher, decrypt_block, encrypt_block

octets_8 = st.binary(min_size=8, max_size=8)

VECTORS = [
    # FIPS 81, table B1: ECB, "Now is the time for all "
    ("0123456789abcdef", "4e6f772069732074", "3fa40e8a984d4815"),
    ("0123456789abcdef", "68652074696d6520", "6a271787ab8883f9"),
    ("0123456789abcdef", "666f7220616c6c20", "893d51ec4b563b53"),
    # STS 531 CTSA01_02 step 1, on the way to its decoder key
    ("abababababababab", "2151356011ffffff", "6ca9aad4270fa73b"),
]


@pytest.mark.parametrize(("key", "plain", "cipher"), VECTORS)
def test_published_blocks_encrypt(key: str, plain: str, cipher: str) -> None:
    assert encrypt_block(bytes.fromhex(key), bytes.fromhex(plain)).hex() == cipher


@pytest.mark.parametrize(("key", "plain", "cipher"), VECTORS)
def test_published_blocks_decrypt(key: str, plain: str, cipher: str) -> None:
    assert decrypt_block(bytes.fromhex(key), bytes.fromhex(cipher)).hex() == plain


@given(octets_8, st.lists(octets_8, min_size=1, max_size=4))
def test_one_cipher_serves_many_blocks_in_both_directions(key: bytes, blocks: list[bytes]) -> None:
    cipher = DesCipher(key)
    for block in blocks:
        assert cipher.decrypt(cipher.encrypt(block)) == block
        assert cipher.encrypt(block) == encrypt_block(key, block)


def test_parity_bits_of_the_key_do_not_matter_to_des() -> None:
    with_parity, without = bytes.fromhex("0123456789abcdef"), bytes.fromhex("0022446688aaccee")
    assert encrypt_block(with_parity, bytes(8)) == encrypt_block(without, bytes(8))


@pytest.mark.parametrize("length", [7, 9])
def test_keys_and_blocks_of_another_length_are_refused(length: int) -> None:
    with pytest.raises(ValueError, match="Incorrect DES key length"):
        encrypt_block(bytes(length), bytes(8))
    with pytest.raises(ValueError, match="aligned to block boundary"):
        encrypt_block(bytes(8), bytes(length))
