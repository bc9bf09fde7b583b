"""The `vending` command as an operator runs it: in a process of its own, from any directory."""

from __future__ import annotations

import signal
import socket
import sqlite3
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from importlib import metadata
from typing import TYPE_CHECKING

import httpx2
import pytest

from sts.virtual_meter import Accepted
from tests.support.http import get, message, point_of_sale
from tests.support.processes import COMMAND, environment, free_port
from tests.support.sealed_keys import OWN_KEY, OWN_KEYS, installed
from tests.support.service import prepared_engine
from tests.support.vending_command import VendingCommand
from tests.support.warm import WarmVending, begin_vending, run_vending
from vending_api.main import ELECTRUM_PATH
from vending_api.sandbox.virtual_meters import demo_virtual_meter

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@contextmanager
def _serving(folder: Path, *arguments: str, **settings: str) -> Iterator[tuple[int, int]]:
    """Run `vending serve`, give its process id and port, and end it with SIGTERM."""
    port = free_port()
    log = folder / f"{port}.log"
    command = ("serve", "--port", str(port), *arguments)
    process = begin_vending(folder, *command, errors=log, **settings)
    try:
        _wait_until_it_answers(process, port)
        yield process.pid, port
    finally:
        process.send_signal(signal.SIGTERM)
        code = process.wait(30)
    assert "Traceback" not in log.read_text()
    assert code in {0, -signal.SIGTERM}


def _wait_until_it_answers(process: WarmVending, port: int) -> None:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        assert process.poll() is None, "the service ended at its start"
        try:
            get(f"http://127.0.0.1:{port}{ELECTRUM_PATH}/openapi.json")
        except httpx2.TransportError:
            time.sleep(0.05)
        else:
            return
    pytest.fail("the service did not answer in time")


def _address(port: int) -> str:
    return f"http://127.0.0.1:{port}{ELECTRUM_PATH}"


def test_the_demo_shows_a_token_accepted_once_and_refused_the_second_time(tmp_path: Path) -> None:
    elsewhere = {  # a real installation, of which it keeps out
        "VENDING_DATABASE_URL": "postgresql+psycopg://nowhere/x",
        "VENDING_KEYS_FILE": "/nowhere",
        "VENDING_PRISM_ADDRESS": "tls://nowhere.example.org:9443",
        "VENDING_STA_TABLES": "/nowhere",
        "VENDING_WORKERS": "8",
    }
    done = run_vending(tmp_path, "demo", "--once", **elsewhere)
    assert done.returncode == 0, done.stderr
    assert "Pierre De Wet" in done.stdout
    assert "first time: accepted" in done.stdout
    assert "second time: refused" in done.stdout
    assert f"{ELECTRUM_PATH}/docs" in done.stdout
    assert "SAMPLE TABLES" in done.stdout
    assert "sample_sta_tables" in done.stderr
    assert list(tmp_path.iterdir()) == []
    for secret in ("0123456789abcdef", "dgvzddp0zxn0"):  # the vending key, the credentials
        assert secret not in (done.stdout + done.stderr).lower()


def test_the_demo_serves_until_ctrl_c(tmp_path: Path) -> None:
    process = subprocess.Popen(
        [*COMMAND, "demo"],
        cwd=tmp_path,
        env=environment(PYTHONUNBUFFERED="1"),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    for line in process.stdout:
        if "Ctrl-C ends it" in line:
            break
    process.send_signal(signal.SIGINT)
    rest, errors = process.communicate(timeout=30)
    assert "Ended." in rest
    assert "Traceback" not in errors
    assert process.returncode == 0


def test_serve_sells_from_a_file_in_the_working_directory(tmp_path: Path) -> None:
    body = message()
    with _serving(tmp_path, "--demo") as (_, port), point_of_sale(_address(port)) as pos:
        first = pos.post(f"/tokenPurchases/{body['id']}", json=body)
        assert first.status_code == 201
    assert (tmp_path / "vending.db").exists()
    with _serving(tmp_path, "--demo") as (_, port), point_of_sale(_address(port)) as pos:
        again = pos.post(f"/tokenPurchases/{body['id']}/retry", json=body)
    assert again.json()["tokens"] == first.json()["tokens"]


def test_a_demo_takes_plain_keys_and_listens_on_loopback_whatever_host_is_set(
    tmp_path: Path,
) -> None:
    (tmp_path / "keys.toml").write_text(OWN_KEYS)
    settings = {"VENDING_KEYS_FILE": "keys.toml", "VENDING_HOST": "0.0.0.0"}
    with _serving(tmp_path, "--demo", "--host", "0.0.0.0", **settings) as (pid, port):
        listening = _listening_addresses(pid, port)
    assert listening == {"0100007F"}  # 127.0.0.1, as the kernel writes it


def _listening_addresses(pid: int, port: int) -> set[str]:
    with open(f"/proc/{pid}/net/tcp", encoding="ascii") as table:  # noqa: PTH123 (not a file)
        rows = [line.split() for line in table][1:]
    local = [row[1].split(":") for row in rows if row[3] == "0A"]
    return {address for address, its_port in local if int(its_port, 16) == port}


def test_two_workers_on_postgresql_never_share_an_identifier(
    tmp_path: Path, postgres_url: str
) -> None:
    def buy(_: int) -> str:
        body = message()
        with point_of_sale(_address(port)) as pos:
            answer = pos.post(f"/tokenPurchases/{body['id']}", json=body)
        assert answer.status_code == 201, answer.text
        digits: str = answer.json()["tokens"][0]["token"]
        return digits

    with (
        _serving(tmp_path, "--demo", "--workers", "2", VENDING_DATABASE_URL=postgres_url) as (
            _,
            port,
        ),
        ThreadPoolExecutor(8) as buyers,
    ):
        tokens = list(buyers.map(buy, range(40)))
    assert len(set(tokens)) == 40
    meter = demo_virtual_meter(serial=1)
    assert all(isinstance(meter.enter(digits), Accepted) for digits in tokens)


def _refused(done: subprocess.CompletedProcess[str], code: int, text: str) -> None:
    assert done.returncode == code
    lines = [line for line in done.stderr.splitlines() if not line.startswith("{")]
    assert len(lines) == 1
    assert lines[0].startswith("vending: ")
    assert text in lines[0]


def test_a_service_without_keys_does_not_start(tmp_path: Path) -> None:
    _refused(run_vending(tmp_path, "serve"), 2, "VENDING_KEYS_FILE")


def test_sqlite_refuses_a_second_worker(tmp_path: Path) -> None:
    done = run_vending(tmp_path, "serve", "--demo", "--workers", "2")
    _refused(done, 2, "VENDING_WORKERS: SQLite")


def test_published_keys_are_refused_outside_a_demo(tmp_path: Path) -> None:
    published = OWN_KEYS.replace(OWN_KEY, "abababababababab")
    done = run_vending(tmp_path, "serve", **installed(tmp_path, published))
    _refused(done, 2, "published test keys")
    assert "abababababababab" not in done.stderr


def test_plain_keys_are_refused_outside_a_demo(tmp_path: Path) -> None:
    (tmp_path / "keys.toml").write_text(OWN_KEYS)
    done = run_vending(tmp_path, "serve", VENDING_KEYS_FILE="keys.toml")
    _refused(done, 2, "its keys are not sealed")
    assert "sts keys seal" in done.stderr
    assert OWN_KEY not in done.stderr


def test_a_missing_key_file_is_named(tmp_path: Path) -> None:
    _refused(run_vending(tmp_path, "serve", VENDING_KEYS_FILE="none.toml"), 1, "none.toml")


def test_missing_tables_are_named(tmp_path: Path) -> None:
    done = run_vending(tmp_path, "serve", "--demo", VENDING_STA_TABLES="none.toml")
    _refused(done, 1, "none.toml")


def test_an_older_schema_does_not_start_until_it_is_upgraded(tmp_path: Path) -> None:
    keys = installed(tmp_path)
    _refused(run_vending(tmp_path, "serve", **keys), 2, "vending database upgrade")
    assert run_vending(tmp_path, "database", "upgrade").returncode == 0
    assert run_vending(tmp_path, "database", "upgrade").returncode == 0
    with _serving(tmp_path, **keys):
        pass


def test_a_demo_keeps_out_of_a_database_with_real_utilities(tmp_path: Path) -> None:
    prepared_engine(f"sqlite:///{tmp_path / 'vending.db'}").dispose()
    with closing(sqlite3.connect(tmp_path / "vending.db")) as connection, connection:
        connection.execute("UPDATE utility SET name = 'Real ' || key")
    _refused(run_vending(tmp_path, "serve", "--demo"), 1, "real utilities")


def test_a_taken_port_is_named(tmp_path: Path) -> None:
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        port = str(holder.getsockname()[1])
        _refused(run_vending(tmp_path, "serve", "--demo", "--port", port), 1, f"127.0.0.1:{port}")
        _refused(run_vending(tmp_path, "demo", "--once", "--port", port), 1, f"127.0.0.1:{port}")


@pytest.fixture
def vending(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> VendingCommand:
    """Give the command in this process, where nothing is installed."""
    return VendingCommand(monkeypatch, capsys, tmp_path)


@pytest.mark.parametrize("command", [("serve", "--prot", "1"), ("sell",)])
def test_wrong_usage_is_one_line(vending: VendingCommand, command: tuple[str, ...]) -> None:
    done = vending(*command)
    assert done.code == 2
    (line,) = done.err.splitlines()
    assert line.startswith("vending: ")
    assert next(one for one in command[::-1] if one != "1") in line


def test_a_database_that_cannot_be_reached_is_one_line_without_its_password(
    tmp_path: Path,
) -> None:
    url = f"postgresql+psycopg://vending:hunter2@/vending?host={tmp_path}"
    for command in (("database", "upgrade"), ("serve", "--demo")):
        done = run_vending(tmp_path, *command, VENDING_DATABASE_URL=url)
        _refused(done, 1, "database")
        assert "hunter2" not in done.stderr


@pytest.mark.parametrize("command", [(), ("serve",), ("demo",), ("database", "upgrade")])
def test_every_command_explains_itself(vending: VendingCommand, command: tuple[str, ...]) -> None:
    done = vending(*command, "--help")
    assert done.code == 0
    assert "Usage:" in done.out
    assert " ".join(command) in done.out


def test_the_commands_are_installed() -> None:
    scripts = {entry.name: entry.value for entry in metadata.entry_points(group="console_scripts")}
    assert scripts["vending"] == "vending_api.cli:main"
    assert scripts["sts"] == "sts.cli:main"
