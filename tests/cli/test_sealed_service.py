"""`vending serve` on sealed keys, in processes of its own: at a terminal, with tellers that die."""

from __future__ import annotations

import os
import pty
import signal
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

import httpx2
import psutil  # type: ignore[import-untyped]  # it ships no types
import pytest
from Crypto.Protocol.SecretSharing import Shamir
from pydantic import SecretStr

from sts.keys.custody import shares_of
from sts.keys.sealed_file import parse_sealed_key_file
from sts.keys.sealing import Custody, OpenedBy, OpeningSecret
from tests.support.http import get, message, point_of_sale
from tests.support.processes import COMMAND, environment, free_port, name_of, shown_of
from tests.support.sealed_keys import KEY, OWN_KEY, OWN_KEYS, installed, sealed
from tests.support.warm import run_vending
from vending_api.cli.serving import prepare_demo_database
from vending_api.main import ELECTRUM_PATH
from vending_api.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_SECONDS: Final = 60
_SECRET: Final = bytes.fromhex("5eed" * 8)
_CUSTODY: Final = Custody(2, b"set")
_SHARES: Final = [
    share.text() for share in shares_of(Shamir.split(2, 3, _SECRET), needed=2, share_set=b"set")
]
_AT_A_TERMINAL: Final = (
    "import fcntl, os, sys, termios; os.setsid(); fcntl.ioctl(0, termios.TIOCSCTTY, 0); "
    "os.execv(sys.executable, [sys.executable, *sys.argv[1:]])"
)
"""Makes standard input the terminal that passwords are asked for at."""


class _Terminal:
    """A terminal with somebody at it."""

    def __init__(self) -> None:
        self._ours, self.theirs = pty.openpty()
        self.shown = ""
        self._seen = 0
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        try:
            while octets := os.read(self._ours, 4096):
                self.shown += octets.decode(errors="replace")
        except OSError:  # the last process that had it has ended
            return

    def answer(self, question: str, text: str) -> None:
        """Wait for a question, and type."""
        _until(lambda: question in self.shown[self._seen :])
        self._seen = len(self.shown)
        os.write(self._ours, f"{text}\n".encode())

    def close(self) -> None:
        """Go away."""
        self._reader.join(_SECONDS)
        os.close(self._ours)


def _until(is_so: Any) -> None:
    deadline = time.monotonic() + _SECONDS
    while not is_so():
        assert time.monotonic() < deadline, "it did not come to that in time"
        time.sleep(0.02)


def _is_ready(port: int) -> bool:
    try:
        return get(f"http://127.0.0.1:{port}/readyz").status_code == 200
    except httpx2.TransportError:
        return False


def _buy(port: int) -> str:
    body = message()
    with point_of_sale(f"http://127.0.0.1:{port}{ELECTRUM_PATH}") as pos:
        answer = pos.post(f"/tokenPurchases/{body['id']}", json=body)
    assert answer.status_code == 201, answer.text
    digits: str = answer.json()["tokens"][0]["token"]
    return digits


def _family(process: subprocess.Popen[Any]) -> list[psutil.Process]:
    root = psutil.Process(process.pid)
    return [root, *root.children(recursive=True)]


def _tellers(process: subprocess.Popen[Any]) -> list[psutil.Process]:
    return [one for one in _family(process) if name_of(one) == "vending-teller"]


def _require_no_secret(process: subprocess.Popen[Any], *secrets: str) -> None:
    """Look at what `ps` shows of every process: what it was started with, and its environment."""
    shown = [shown_of(one.pid, name) for one in _family(process) for name in ("cmdline", "environ")]
    assert len(shown) >= 4
    for secret in secrets:
        octets = bytes.fromhex(secret) if set(secret.lower()) <= set("0123456789abcdef") else b""
        for text in shown:
            assert secret.lower().encode() not in text.lower()
            assert not octets or octets not in text


@contextmanager
def _serving(
    folder: Path, *arguments: str, stdin: int, log: Path, **settings: str
) -> Iterator[tuple[subprocess.Popen[Any], int]]:
    port = free_port()
    with log.open("wb") as errors:
        process = subprocess.Popen(
            [sys.executable, *arguments, *COMMAND[1:], "serve", "--port", str(port)],
            cwd=folder,
            env=environment(**settings),
            stdin=stdin,
            stdout=errors,
            stderr=errors,
        )
    try:
        yield process, port
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(_SECONDS)
    assert "Traceback" not in log.read_text()
    assert process.returncode in {0, -signal.SIGTERM}


def _prepared(folder: Path, url: str | None = None) -> str:
    """Return the address of a database with meters that the keys are for."""
    url = url or f"sqlite:///{folder / 'vending.db'}"
    prepare_demo_database(Settings(database_url=SecretStr(url), demo=True))
    return url


def _replaced(process: subprocess.Popen[Any], log: Path) -> None:
    """Kill a teller, and wait until another sells in its place."""
    _tellers(process)[0].kill()
    _until(lambda: "lanes_started_again" in log.read_text())


def test_custodians_open_the_service_and_need_not_come_again_for_a_teller(tmp_path: Path) -> None:
    secret = OpeningSecret(_SECRET, OpenedBy.CUSTODIANS)
    text = sealed(OWN_KEYS, secret, custody=_CUSTODY)
    (tmp_path / "keys.sealed").write_text(text)
    key = parse_sealed_key_file(text, path="x").key_for(secret).octets.hex()
    settings = {
        "VENDING_DATABASE_URL": _prepared(tmp_path),
        "VENDING_KEYS_FILE": "keys.sealed",
    }
    terminal, log = _Terminal(), tmp_path / "log"
    with _serving(tmp_path, "-c", _AT_A_TERMINAL, stdin=terminal.theirs, log=log, **settings) as (
        process,
        port,
    ):
        os.close(terminal.theirs)
        terminal.answer("Share 1 of 2, set 736574: ", _SHARES[2])
        terminal.answer("Share 2 of 2, set 736574: ", _SHARES[2])
        terminal.answer("Share 2 of 2, set 736574: ", _SHARES[0].lower())
        _until(lambda: _is_ready(port))
        first = _buy(port)
        _require_no_secret(process, OWN_KEY, key, _SECRET.hex(), *_SHARES)
        _replaced(process, log)
        assert _buy(port) != first
        _require_no_secret(process, OWN_KEY, key, _SECRET.hex(), *_SHARES)
    terminal.close()
    written = (terminal.shown + log.read_text()).lower()
    assert "share 3 is there already" in written
    for text in (OWN_KEY, key, _SECRET.hex(), *_SHARES):
        assert text.lower() not in written


def test_workers_hand_a_passphrase_on_where_no_process_shows_it(
    tmp_path: Path, postgres_url: str
) -> None:
    (tmp_path / "keys.sealed").write_text(sealed(OWN_KEYS))
    settings = {
        "VENDING_DATABASE_URL": _prepared(tmp_path, postgres_url),
        "VENDING_KEYS_FILE": "keys.sealed",
        "VENDING_KEYS_PASSPHRASE": KEY,
        "VENDING_WORKERS": "2",
    }
    log = tmp_path / "log"
    with _serving(tmp_path, stdin=subprocess.DEVNULL, log=log, **settings) as (process, port):
        _until(lambda: len(_tellers(process)) == 2 and _is_ready(port))
        _buy(port)
        for one in _family(process):
            for name in ("cmdline", "environ"):
                text = shown_of(one.pid, name)
                assert KEY.encode() not in text
                assert b"VENDING_KEYS_FILE" in text or name == "cmdline" or os.geteuid() != 0
        _replaced(process, log)
        for _ in range(8):
            _buy(port)
        tellers = {one.pid for one in _tellers(process)}
        psutil.Process(min(tellers)).parent().kill()  # a worker, which its supervisor replaces
        _until(lambda: len({one.pid for one in _tellers(process)} - tellers) == 1)
        _until(lambda: len(_tellers(process)) == 2 and _is_ready(port))
        _buy(port)
    assert KEY not in log.read_text()
    assert OWN_KEY not in log.read_text()


@pytest.mark.parametrize("command", ["serve", "worker"])
def test_a_service_that_nobody_can_open_does_not_start(tmp_path: Path, command: str) -> None:
    keys = installed(tmp_path)
    (tmp_path / "keys.key").write_text(f"{KEY[::-1]}\n")
    done = run_vending(tmp_path, command, **keys)
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert "keys.sealed: it is not opened by what was given" in line
    assert KEY[::-1] not in line
