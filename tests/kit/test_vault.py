"""What a vault has sealed opens in its row, under its key, unaltered, and nowhere else."""

from __future__ import annotations

import pickle
from secrets import token_bytes
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sts.errors import FileInvalid
from sts.keys.files import read_private
from vending_api.kit.private_files import write_private
from vending_api.kit.vault import (
    OPEN,
    DataKeysInvalid,
    NotOpened,
    Vault,
    read_data_keys,
    write_new_data_key,
)

if TYPE_CHECKING:
    from pathlib import Path

OLD, NEW = b"o" * 32, b"n" * 32


@given(text=st.binary(max_size=40), row=st.text(st.characters(codec="utf-8"), max_size=10))
def test_what_was_sealed_opens_in_its_row_alone(text: bytes, row: str) -> None:
    vault = Vault({"0001": OLD}, token_bytes)
    sealed = vault.seal(text, row)
    assert vault.open(sealed, row) == text
    with pytest.raises(NotOpened):
        vault.open(sealed, f"{row}1")


def test_the_same_text_is_sealed_differently_each_time() -> None:
    vault = Vault({"0001": OLD}, token_bytes)
    assert vault.seal(b"text", "1") != vault.seal(b"text", "1")


def test_newer_keys_seal_and_older_ones_still_open() -> None:
    sealed = Vault({"0001": OLD}, token_bytes).seal(b"text", "1")
    vault = Vault({"0001": OLD, "0002": NEW}, token_bytes)
    assert vault.open(sealed, "1") == b"text"
    assert vault.seal(b"text", "1").startswith("0002.")


@pytest.mark.parametrize(
    "vault",
    [Vault({"0002": OLD}, token_bytes), Vault({"0001": NEW}, token_bytes), OPEN],
    ids=["other id", "other key", "no"],
)
def test_without_its_key_nothing_opens(vault: Vault) -> None:
    sealed = Vault({"0001": OLD}, token_bytes).seal(b"text", "1")
    with pytest.raises(NotOpened):
        vault.open(sealed, "1")


@pytest.mark.parametrize("place", range(5, 5 + 52))
def test_nothing_opens_that_was_altered_anywhere(place: int) -> None:
    vault = Vault({"0001": OLD}, token_bytes)
    sealed = vault.seal(b"012345678", "1")
    assert len(sealed) == 5 + 52
    other = "A" if sealed[place] != "A" else "B"
    with pytest.raises(NotOpened):
        vault.open(sealed[:place] + other + sealed[place + 1 :], "1")


@pytest.mark.parametrize("stored", ["", "0001", "0001.", "0001.***", "0001.AAAA", "0001.AAA"])
def test_what_is_no_sealed_text_does_not_open(stored: str) -> None:
    with pytest.raises(NotOpened):
        Vault({"0001": OLD}, token_bytes).open(stored, "1")


def test_nothing_is_sealed_without_a_key() -> None:
    with pytest.raises(NotOpened):
        OPEN.seal(b"text", "1")


def test_keys_are_neither_shown_nor_sent() -> None:
    vault = Vault({"0001": OLD, "0002": NEW}, token_bytes)
    assert repr(vault) == "Vault(0001, 0002)"
    with pytest.raises(TypeError):
        pickle.dumps(vault)


def test_a_file_of_keys_grows_at_its_end(tmp_path: Path) -> None:
    file = tmp_path / "data.keys"
    assert write_new_data_key(file, chance=OLD) == "0001"
    sealed = read_data_keys(file, token_bytes).seal(b"text", "1")
    assert write_new_data_key(file, chance=NEW) == "0002"
    assert file.stat().st_mode & 0o777 == 0o600
    vault = read_data_keys(file, token_bytes)
    assert (vault.newest, vault.open(sealed, "1")) == ("0002", b"text")
    assert [one.name for one in tmp_path.iterdir()] == ["data.keys"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "no key in it"),
        ("# nothing\n", "no key in it"),
        (f"0001 {'0' * 63}\n", "line 1"),
        (f"# one\n0001 {'0' * 64}\n1 {'0' * 64}\n", "line 3"),
        (f"0001 {'0' * 64}\n0001 {'1' * 64}\n", "line 2 has an id"),
        ("\udcff", "UTF-8"),
    ],
)
def test_a_file_that_holds_something_else_is_refused_without_quoting_it(
    tmp_path: Path, text: str, words: str
) -> None:
    file = tmp_path / "data.keys"
    write_private(file, text.encode(errors="surrogateescape"))
    with pytest.raises(DataKeysInvalid, match=words) as refused:
        read_data_keys(file, token_bytes)
    assert "0000" not in str(refused.value).replace(str(file), "")
    with pytest.raises(DataKeysInvalid):
        write_new_data_key(file, chance=NEW)  # whoever made it may want it


def test_a_file_that_others_may_read_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "data.keys"
    write_new_data_key(file, chance=OLD)
    for mode, is_private in ((0o600, True), (0o400, True), (0o640, False), (0o604, False)):
        file.chmod(mode)
        if is_private:
            read_data_keys(file, token_bytes)
            continue
        with pytest.raises(DataKeysInvalid, match="others may read it"):
            read_data_keys(file, token_bytes)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileInvalid, match="none: it cannot be read"):
        read_private(tmp_path / "none", most=1)


def test_a_private_file_is_never_written_over(tmp_path: Path) -> None:
    file = tmp_path / "one"
    write_private(file, b"first")
    with pytest.raises(FileExistsError):
        write_private(file, b"second")
    assert file.read_bytes() == b"first"


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataKeysInvalid, match="it cannot be written"):
        write_new_data_key(tmp_path / "none" / "data.keys", chance=OLD)
