"""The README's site of one's own is made as it says, from an empty folder."""

from __future__ import annotations

import os
import re
import stat
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

from tests.support.processes import environment
from tests.support.vending_command import Done, VendingCommand
from vending_api.keys import key_store
from vending_api.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pytest

README: Final = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
SECTION: Final = README.partition("\n## A site of your own\n")[2].partition("\n## ")[0]
BLOCKS: Final = re.findall(r"^```sh\n(.*?)^```$", SECTION, flags=re.MULTILINE | re.DOTALL)

VENDING: Final = """
vending() {
    printf '%s\\n' "$PWD" "$VENDING_DATABASE_URL" "$VENDING_KEYS_FILE" \\
        "$VENDING_DATA_KEYS_FILE" "$@" > "$ASK"
    read code < "$ANSWER"
    return "$code"
}
sts() { "$PYTHON" -m sts.cli "$@"; }
trap 'echo > "$ASK"' EXIT
"""
"""In place of the programs: hands each `vending` to this process, which need not start anew."""


def _ask_and_answer(
    script: str, folder: Path, monkeypatch: pytest.MonkeyPatch, vending: VendingCommand
) -> Iterator[Done]:
    """Run a script in a shell, each `vending` of it in this process, and give how that ended."""
    ask, answer = folder / "ask", folder / "answer"
    for pipe in (ask, answer):
        os.mkfifo(pipe)
    shell = subprocess.Popen(
        ["/bin/sh", "-eu", "-c", VENDING + script],
        cwd=folder,
        env=environment(ASK=str(ask), ANSWER=str(answer), PYTHON=sys.executable),
    )
    try:
        while len(said := ask.read_text().splitlines()) > 1:
            where, database, keys, data_keys, *arguments = said
            monkeypatch.chdir(where)
            monkeypatch.setenv("VENDING_DATABASE_URL", database)
            monkeypatch.setenv("VENDING_KEYS_FILE", keys)
            monkeypatch.setenv("VENDING_DATA_KEYS_FILE", data_keys)
            done = vending(*arguments)
            yield done
            answer.write_text(f"{done.code}\n")
        assert shell.wait(timeout=30) == 0
    finally:
        shell.kill()
        shell.wait()


def test_the_worked_example_works(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    vending = VendingCommand(monkeypatch, capsys, tmp_path)
    runs = list(_ask_and_answer("".join(BLOCKS), tmp_path, monkeypatch, vending))
    assert [one.code for one in runs] == [0] * 8
    out, err = ("".join(getattr(one, name) for one in runs) for name in ("out", "err"))
    assert "Entered site.toml: 4 new, 0 changed, 0 as before." in err
    assert "Entered meters.csv: 3 new, 0 changed, 0 as before." in err
    assert "Added 5,000,000 to the credit of corner-shop, which is 5,000,000 now." in err
    assert "warning" not in err  # the key file has every key, nobody else reads a password
    assert "Thandi Nkosi" in out
    assert re.search(r"Tokens queued +1\b", out)
    assert re.search(r"corner-shop .* yes +yes +5,000,000 +10,000,000", out)
    site = tmp_path / "riverside"
    for secret in ("keys.sealed", "keys.passphrase", "corner-shop.password"):
        assert stat.S_IMODE((site / secret).stat().st_mode) == 0o600
    for secret in ("keys.passphrase", "corner-shop.password"):
        assert (site / secret).read_text().strip() not in out + err
    settings = Settings(
        keys_file=site / "keys.sealed", keys_passphrase_file=site / "keys.passphrase"
    )
    (key,) = key_store(settings, ask=None, say=lambda _: None)
    assert str(key.supply_group_code) == "100001"
