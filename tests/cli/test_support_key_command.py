"""`vending support-key`: API keys of the staff, printed once."""

from __future__ import annotations

import hashlib
import json
import re
from typing import TYPE_CHECKING

import pytest

from tests.cli.site_support import rows, station

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.vending_command import VendingCommand


@pytest.fixture
def vending(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> VendingCommand:
    return station(monkeypatch, capsys, tmp_path)


def test_a_key_is_printed_alone_and_kept_as_its_digest(
    vending: VendingCommand, tmp_path: Path
) -> None:
    done = vending("support-key", "add", "thandi")
    assert done.code == 0, done.err
    api_key = done.out.removesuffix("\n")
    assert re.fullmatch("[A-Za-z0-9]{119}", api_key)
    assert api_key not in done.err
    digest = hashlib.sha256(api_key.encode()).hexdigest()
    assert rows(tmp_path, "api_key", "digest, staff_name, consumer_key, expires_at") == [
        (digest, "thandi", None, None)
    ]
    assert not any(api_key.encode() in file.read_bytes() for file in tmp_path.glob("vending.db*"))


def test_no_two_keys_are_the_same(vending: VendingCommand) -> None:
    keys = {vending("support-key", "add", name).out for name in ("thandi", "pieter")}
    assert len(keys) == 2


def test_who_has_a_key_gets_no_second(vending: VendingCommand, tmp_path: Path) -> None:
    vending("support-key", "add", "thandi")
    before = rows(tmp_path, "api_key")
    done = vending("support-key", "add", "thandi")
    assert (done.code, done.out) == (1, "")
    assert done.err == "vending: name: thandi has a key already; revoke that one first\n"
    assert rows(tmp_path, "api_key") == before


def test_keys_are_listed_by_name_without_themselves(vending: VendingCommand) -> None:
    keys = [vending("support-key", "add", name).out.strip() for name in ("thandi", "pieter")]
    listed = vending("support-key", "list").out
    assert re.search(r"pieter +[0-9-]{10} [0-9:]{8}\s+thandi +[0-9-]{10} [0-9:]{8}", listed), listed
    as_json = vending("support-key", "list", "--json").out
    assert [one["name"] for one in json.loads(as_json)] == ["pieter", "thandi"]
    assert not any(key in listed + as_json for key in keys)


def test_a_key_is_revoked_by_its_name(vending: VendingCommand, tmp_path: Path) -> None:
    for name in ("thandi", "pieter"):
        vending("support-key", "add", name)
    assert vending("support-key", "revoke", "thandi").err == "The key of thandi is revoked.\n"
    assert rows(tmp_path, "api_key", "staff_name") == [("pieter",)]
    again = vending("support-key", "revoke", "thandi")
    assert again.code == 1
    assert again.err == "vending: thandi holds no key; see `vending support-key list`\n"
