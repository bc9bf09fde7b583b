"""EA07 against the standard's worked example and a second, slow description of it."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sts.errors import InvalidField
from sts.hazmat.sta import SAMPLE_TABLES, StaTables, decrypt_block, encrypt_block

MASK = (1 << 64) - 1
words = st.integers(0, MASK)

# The worked example of IEC 62055-41: 25.6 kWh, issued 1996-03-25 13:55:22, RND 0xB.
KEY = 0x0ABC12DEF3456789
PLAIN = 0x0B19EB230100C207
CIPHER = 0xC45ED1619406DF95


tables = st.builds(
    StaTables,
    st.permutations(range(16)).map(tuple),
    st.permutations(range(16)).map(tuple),
    st.permutations(range(64)).map(tuple),
)


def slow_encrypt(sta: StaTables, key: int, block: int) -> int:
    """Do it bit by bit, in the words of the standard."""
    key = ~key & MASK
    key = key >> 12 | (key << 52) & MASK
    for _ in range(16):
        substituted = 0
        for n in range(16):
            table = sta.substitution_2 if key >> (4 * n + 3) & 1 else sta.substitution_1
            substituted |= table[block >> 4 * n & 15] << 4 * n
        block = sum((substituted >> i & 1) << sta.permutation[i] for i in range(64))
        key = (key << 1) & MASK | key >> 63
    return block


def slow_decrypt(sta: StaTables, key: int, block: int) -> int:
    """Do it bit by bit, in the words of the standard: the key as it is, the tables exchanged."""
    for _ in range(16):
        moved = sum((block >> sta.permutation[i] & 1) << i for i in range(64))
        block = 0
        for n in range(16):
            table = sta.substitution_1 if key >> (4 * n) & 1 else sta.substitution_2
            block |= table.index(moved >> 4 * n & 15) << 4 * n
        key = key >> 1 | (key & 1) << 63
    return block


def test_the_worked_example_of_the_standard_encrypts() -> None:
    assert encrypt_block(SAMPLE_TABLES, KEY, PLAIN) == CIPHER


def test_the_worked_example_of_the_standard_decrypts() -> None:
    assert decrypt_block(SAMPLE_TABLES, KEY, CIPHER) == PLAIN


def test_the_slow_cipher_follows_the_worked_example_too() -> None:
    assert slow_encrypt(SAMPLE_TABLES, KEY, PLAIN) == CIPHER
    assert slow_decrypt(SAMPLE_TABLES, KEY, CIPHER) == PLAIN


@settings(max_examples=40)
@given(tables, words, words)
def test_any_tables_encrypt_as_the_standard_says(sta: StaTables, key: int, block: int) -> None:
    assert encrypt_block(sta, key, block) == slow_encrypt(sta, key, block)


@settings(max_examples=40)
@given(tables, words, words)
def test_any_tables_decrypt_as_the_standard_says(sta: StaTables, key: int, block: int) -> None:
    assert decrypt_block(sta, key, block) == slow_decrypt(sta, key, block)


@settings(max_examples=40)
@given(tables, words, words)
def test_decryption_undoes_encryption_for_any_tables(sta: StaTables, key: int, block: int) -> None:
    assert decrypt_block(sta, key, encrypt_block(sta, key, block)) == block


@given(words, words)
def test_decryption_undoes_encryption_for_the_sample_tables(key: int, block: int) -> None:
    assert decrypt_block(SAMPLE_TABLES, key, encrypt_block(SAMPLE_TABLES, key, block)) == block


@pytest.mark.parametrize("word", [0, MASK, 1, 1 << 63])
def test_words_at_the_edges_agree_with_the_slow_cipher(word: int) -> None:
    for other in (0, MASK):
        assert encrypt_block(SAMPLE_TABLES, word, other) == slow_encrypt(SAMPLE_TABLES, word, other)
        assert decrypt_block(SAMPLE_TABLES, other, word) == slow_decrypt(SAMPLE_TABLES, other, word)


def test_the_sample_tables_hide_a_wrong_exchange_that_other_tables_show() -> None:
    """The trap that makes random tables necessary: see the README of hazmat."""
    sample, other = SAMPLE_TABLES, licensed_like()
    inverse = tuple(sample.substitution_1.index(value) for value in range(16))
    assert inverse == sample.substitution_2
    assert tuple(other.substitution_1.index(v) for v in range(16)) != other.substitution_2
    assert decrypt_block(other, KEY, encrypt_block(other, KEY, PLAIN)) == PLAIN


def licensed_like() -> StaTables:
    """Return tables of the licensed kind: the second is not the inverse of the first."""
    first = SAMPLE_TABLES.substitution_1
    return StaTables(first, first[1:] + first[:1], SAMPLE_TABLES.permutation)


def test_only_the_sample_tables_are_the_sample() -> None:
    again = StaTables(
        SAMPLE_TABLES.substitution_1, SAMPLE_TABLES.substitution_2, SAMPLE_TABLES.permutation
    )
    assert again.is_sample
    assert again == SAMPLE_TABLES
    assert not licensed_like().is_sample


def test_tables_do_not_show_in_the_repr() -> None:
    assert repr(licensed_like()) == "StaTables()"


def changed(values: tuple[int, ...], position: int, value: int) -> tuple[int, ...]:
    return (*values[:position], value, *values[position + 1 :])


S1, S2, P = SAMPLE_TABLES.substitution_1, SAMPLE_TABLES.substitution_2, SAMPLE_TABLES.permutation


@pytest.mark.parametrize(
    ("first", "second", "permutation", "message"),
    [
        (S1[:-1], S2, P, "substitution 1: it has 15 entries; expected 16"),
        ((*S1, 3), S2, P, "substitution 1: it has 17 entries; expected 16"),
        (S1, S2[:-1], P, "substitution 2: it has 15 entries; expected 16"),
        (S1, S2, P[:-1], "permutation: it has 63 entries; expected 64"),
        (S1, S2, (*P, 64), "permutation: it has 65 entries; expected 64"),
        (changed(S1, 2, 16), S2, P, "substitution 1: entry 3 is out of range"),
        (changed(S1, 2, -1), S2, P, "substitution 1: entry 3 is out of range"),
        (S1, changed(S2, 15, S2[0]), P, "substitution 2: entry 16 is out of range or repeats"),
        (S1, S2, changed(P, 63, 64), "permutation: entry 64 is out of range"),
        (S1, S2, changed(P, 1, P[0]), "permutation: entry 2 is out of range or repeats"),
    ],
)
def test_what_is_not_a_permutation_is_refused(
    first: tuple[int, ...], second: tuple[int, ...], permutation: tuple[int, ...], message: str
) -> None:
    with pytest.raises(InvalidField) as caught:
        StaTables(first, second, permutation)
    assert str(caught.value).startswith(message)
