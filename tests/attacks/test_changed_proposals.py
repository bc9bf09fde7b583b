"""Defence: the digest of the payload, its model and kind, and the digest of what a file says."""

from __future__ import annotations

import json
import sqlite3
from hashlib import sha256
from typing import TYPE_CHECKING

import pytest

from tests.cli.site_support import NUMBERS, rows, write_site

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.staff import Staff

TAMPER = ("token", "queue", NUMBERS[0], "clear-tamper", "--reason", "opened")


def _rewrite(folder: Path, **columns: str) -> None:
    connection = sqlite3.connect(folder / "vending.db")
    for column, value in columns.items():
        connection.execute(f"UPDATE proposal SET {column} = ?", (value,))  # noqa: S608 (our own)
    connection.commit()
    connection.close()


def _payload(folder: Path, **changes: object) -> str:
    ((payload,),) = rows(folder, "proposal", "payload")
    return json.dumps(json.loads(payload) | changes)


def _digest(text: str) -> str:
    return sha256(text.encode()).hexdigest()


def test_a_payload_that_was_rewritten_is_not_carried_out(staff: Staff, tmp_path: Path) -> None:
    staff("pieter", *TAMPER)
    _rewrite(tmp_path, payload=_payload(tmp_path, meter=NUMBERS[1]))
    done = staff("thandi", "approvals", "approve", "1")
    assert done.code == 1
    assert "not what was proposed" in done.err
    assert rows(tmp_path, "queued_token") == []


@pytest.mark.parametrize(
    "changes", [{"token": "refund", "value": 5000}, {"more": 1}, {"value": "many"}]
)
def test_nor_is_one_of_another_kind_even_with_its_digest(
    staff: Staff, tmp_path: Path, changes: dict[str, object]
) -> None:
    staff("pieter", *TAMPER)
    payload = _payload(tmp_path, **changes)
    _rewrite(tmp_path, payload=payload, digest=_digest(payload))
    done = staff("thandi", "approvals", "approve", "1")
    assert done.code == 1
    assert "not what was proposed" in done.err
    assert rows(tmp_path, "queued_token") == []


def test_a_tariff_that_was_swapped_after_the_proposal_is_not_entered(
    staff: Staff, tmp_path: Path
) -> None:
    write_site(tmp_path, ("sale_maximum_minor = 200000", "sale_maximum_minor = 300000"))
    assert staff("pieter", "import", "site.toml").code == 0
    tariff = tmp_path / "home.toml"
    tariff.write_text(tariff.read_text().replace('rate = "100"', 'rate = "1"'))
    done = staff("thandi", "approvals", "approve", "1", "--file", "site.toml")
    assert done.code == 1
    assert "this is another" in done.err
    assert rows(tmp_path, "client", "sale_maximum_minor") == [(200000,)]


def test_a_list_that_was_swapped_after_the_proposal_is_not_entered(
    staff: Staff, tmp_path: Path
) -> None:
    file = tmp_path / "meters.csv"
    file.write_text(file.read_text().replace("no,no,YES,,,", "no,no,no,,,"))
    assert staff("pieter", "import-meters", "meters.csv").code == 0
    file.write_text(file.read_text().replace("no,no,no,,,", "no,yes,no,,,"))
    done = staff("thandi", "approvals", "approve", "1", "--file", "meters.csv")
    assert done.code == 1
    assert "this is another" in done.err
