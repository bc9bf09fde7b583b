"""The keys of an installation: sealed outside a demo, opened by the module alone, never printed."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest
from Crypto.Protocol.SecretSharing import Shamir
from pydantic import SecretStr

from sts.errors import FileInvalid, KeyFileAltered, KeyFileInvalid, SealNotOpened
from sts.keys.custody import shares_of
from sts.keys.key_file import KeyStore, load_key_file
from sts.keys.sealing import Custody, OpenedBy, OpeningSecret
from tests.support.sealed_keys import (
    KEY,
    OWN_KEY,
    OWN_KEYS,
    PASSPHRASE,
    by_passphrase,
    sealed,
)
from vending_api.keys import key_store
from vending_api.settings import Settings, SettingsInvalid

if TYPE_CHECKING:
    from collections.abc import Callable

EXAMPLE: Final = Path(__file__).parents[1] / "keys.example"
CUSTODY: Final = Custody(2, b"set")
CUSTODIANS: Final = OpeningSecret(bytes(range(16)), OpenedBy.CUSTODIANS)


def _nothing_said(_: str) -> None:
    raise AssertionError


def _keys(
    settings: Settings, ask: Callable[[str], str] | None = None, said: list[str] | None = None
) -> KeyStore:
    return key_store(settings, ask=ask, say=_nothing_said if said is None else said.append)


def _settings(folder: Path, text: str, **more: Any) -> Settings:
    (folder / "keys").write_text(text)
    return Settings(keys_file=folder / "keys", **more)


def _private(folder: Path, text: str) -> Path:
    path = folder / "opens"
    path.touch(mode=0o600)
    path.write_text(text)
    return path


def test_a_file_or_a_variable_opens_the_keys(tmp_path: Path) -> None:
    places: list[dict[str, Any]] = [
        {"keys_passphrase_file": _private(tmp_path, PASSPHRASE + "\n")},
        {"keys_passphrase": SecretStr(PASSPHRASE)},
    ]
    for place in places:
        settings = _settings(tmp_path, sealed(OWN_KEYS, by_passphrase()), **place)
        (key,) = _keys(settings)
        assert key.octets.hex() == OWN_KEY


def test_what_no_setting_tells_is_asked_for(tmp_path: Path) -> None:
    settings = _settings(tmp_path, sealed(OWN_KEYS))
    said: list[str] = []
    answers = ["wrong", KEY]
    assert len(_keys(settings, lambda _: answers.pop(0), said)) == 1
    assert said == ["it is opened by a key of 64 hex digits, and this is none; try again"]


def test_custodians_are_asked_one_after_the_other(tmp_path: Path) -> None:
    settings = _settings(tmp_path, sealed(OWN_KEYS, CUSTODIANS, custody=CUSTODY))
    parts = Shamir.split(2, 3, CUSTODIANS.octets)
    texts = [share.text() for share in shares_of(parts, needed=2, share_set=b"set")]
    asked: list[str] = []

    def ask(question: str) -> str:
        asked.append(question)
        return texts[len(asked)]

    assert len(_keys(settings, ask)) == 1
    assert asked == ["Share 1 of 2, set 736574: ", "Share 2 of 2, set 736574: "]


@pytest.mark.parametrize(
    ("secret", "custody", "problem"),
    [
        (None, None, r"^VENDING_KEYS_PASSPHRASE_FILE: it is not set; name the file"),
        (by_passphrase(), None, r"^VENDING_KEYS_PASSPHRASE_FILE: it is not set; name the file"),
        (CUSTODIANS, CUSTODY, r"^VENDING_KEYS_FILE: .* opened by its custodians; start it in a"),
    ],
    ids=["key", "passphrase", "custodians"],
)
def test_where_nobody_can_be_asked_it_says_what_to_do(
    tmp_path: Path, secret: OpeningSecret | None, custody: Custody | None, problem: str
) -> None:
    settings = _settings(tmp_path, sealed(OWN_KEYS, secret, custody=custody))
    with pytest.raises(SettingsInvalid, match=problem):
        _keys(settings)


def test_a_passphrase_does_not_stand_in_for_custodians(tmp_path: Path) -> None:
    text = sealed(OWN_KEYS, CUSTODIANS, custody=CUSTODY)
    settings = _settings(tmp_path, text, keys_passphrase=SecretStr(PASSPHRASE))
    with pytest.raises(SettingsInvalid, match="is opened by custodians; leave passphrases out"):
        _keys(settings)


def test_what_is_wrong_with_what_opens_is_said_without_showing_it(tmp_path: Path) -> None:
    text = sealed(OWN_KEYS, by_passphrase())
    wrong = _settings(tmp_path, text, keys_passphrase=SecretStr("hunter2"))
    with pytest.raises(SealNotOpened, match="not opened by what was given") as refused:
        _keys(wrong)
    assert "hunter2" not in str(refused.value)
    path = _private(tmp_path, PASSPHRASE)
    path.chmod(0o640)
    with pytest.raises(FileInvalid, match="others may read it"):
        _keys(_settings(tmp_path, text, keys_passphrase_file=path))


def test_plain_keys_are_for_a_demo(tmp_path: Path) -> None:
    with pytest.raises(SettingsInvalid, match=r"are not sealed.*`sts keys seal PLAIN SEALED`"):
        _keys(_settings(tmp_path, OWN_KEYS))
    demo = _settings(tmp_path, OWN_KEYS, demo=True)
    assert len(_keys(demo)) == 1


def test_the_example_keys_are_for_a_demo() -> None:
    assert list(_keys(Settings(demo=True))) == list(load_key_file(EXAMPLE))
    with pytest.raises(SettingsInvalid):
        _keys(Settings())


@pytest.mark.parametrize("number", range(6))
def test_each_example_key_is_refused_by_its_check_value_even_sealed(
    tmp_path: Path, number: int
) -> None:
    one = list(load_key_file(EXAMPLE))[number]
    text = sealed(KeyStore([one]))
    settings = _settings(tmp_path, text, keys_passphrase=SecretStr(KEY))
    with pytest.raises(SettingsInvalid, match="published test keys") as refused:
        _keys(settings)
    assert one.octets.hex() not in str(refused.value)
    demo = _settings(tmp_path, text, keys_passphrase=SecretStr(KEY), demo=True)
    assert len(_keys(demo)) == 1


def test_a_missing_or_altered_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(KeyFileInvalid, match=r"none\.sealed: it cannot be read"):
        _keys(Settings(keys_file=tmp_path / "none.sealed"))
    altered = sealed(OWN_KEYS).replace("key_expiry_number = 255", "key_expiry_number = 254")
    with pytest.raises(KeyFileAltered, match="entry 1 is not as it was sealed"):
        _keys(_settings(tmp_path, altered, keys_passphrase=SecretStr(KEY)))
