"""The process with the keys: its beginning, its end, and that it is the only one."""

from __future__ import annotations

import json
import os
import re
import signal
import stat
import subprocess
import sys
import time
from contextlib import closing, contextmanager
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import httpx2
import psutil  # type: ignore[import-untyped]  # it ships no types
import pytest

from sts.key_data import KeyRevisionNumber, SupplyGroupCode
from sts.keys.key_file import load_key_file
from sts.security_module import IssuedToken, IssueRequest
from tests.custody.conftest import HERE
from tests.custody.test_elsewhere import METER, credit
from tests.house_rules.tree import ROOT
from tests.support.http import get, message, point_of_sale
from tests.support.processes import COMMAND, environment, free_port, is_lasting, shown_of
from tests.support.warm import run_vending
from vending_api.custody.client import SecurityModuleElsewhere
from vending_api.custody.start import ModuleNotStarted, ModuleProcess
from vending_api.kit.errors import SecurityModuleUnavailable
from vending_api.main import ELECTRUM_PATH

if TYPE_CHECKING:
    from collections.abc import Iterator

PROGRAM = "from vending_api.security_module import main; main()"


@pytest.fixture
def module(monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleProcess]:
    monkeypatch.setenv("VENDING_DEMO", "true")
    process = ModuleProcess(PROGRAM)
    process.wait_until_begun()
    yield process
    process.stop()


def test_a_module_is_asked_by_its_user_alone_and_leaves_nothing(module: ModuleProcess) -> None:
    assert stat.S_IMODE(module.path.stat().st_mode) == 0o600
    assert stat.S_IMODE(module.path.parent.stat().st_mode) == 0o700
    with closing(SecurityModuleElsewhere(module.path)) as elsewhere:
        request = [IssueRequest(METER, credit())]
        assert elsewhere.issue(request) == HERE.issue(request)
    module.stop()
    assert not module.path.parent.exists()


def test_a_module_that_is_killed_is_started_again(module: ModuleProcess) -> None:
    with closing(SecurityModuleElsewhere(module.path)) as elsewhere:
        module._process.kill()
        limit = time.monotonic() + 30
        while True:
            try:
                (made,) = elsewhere.issue([IssueRequest(METER, credit())])
            except SecurityModuleUnavailable:
                assert time.monotonic() < limit
                time.sleep(0.05)
            else:
                break
    assert isinstance(made, IssuedToken)


def _begun(program: str) -> None:
    module = ModuleProcess(program)
    try:
        module.wait_until_begun()
    finally:
        module.stop()


def test_a_module_that_cannot_begin_says_why(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("VENDING_KEYS_FILE", str(tmp_path / "none.toml"))
    with pytest.raises(ModuleNotStarted, match=r"none\.toml") as caught:
        _begun(PROGRAM)
    assert caught.value.kind == "KeyFileInvalid"
    with pytest.raises(ModuleNotStarted, match="ended before it had begun"):
        _begun("pass")


def test_a_module_ends_with_who_started_it_and_leaves_nothing() -> None:
    starter = f"""
from vending_api.custody.start import ModuleProcess
module = ModuleProcess({PROGRAM!r})
module.wait_until_begun()
print(module._process.pid, flush=True)
input()
"""
    # The path of a socket has at most 107 octets, so not in the folder of this test.
    with TemporaryDirectory() as place:
        with subprocess.Popen(
            [sys.executable, "-c", starter],
            env=environment(VENDING_DEMO="true", TMPDIR=place),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        ) as process:
            assert process.stdout is not None
            pid = int(process.stdout.readline())
            module = psutil.Process(pid)
            (folder,) = Path(place).iterdir()
            assert (folder / "module").is_socket()
            process.kill()
        module.wait(30)
        assert list(Path(place).iterdir()) == []


def test_a_module_by_itself_counts_on_after_a_restart(tmp_path: Path) -> None:
    socket, counters = tmp_path / "module", tmp_path / "counters.json"
    settings = environment(
        VENDING_DEMO="true", VENDING_MODULE_COUNTERS=str(counters), VENDING_MODULE_TOKENS_A_DAY="3"
    )
    made = []
    for _ in range(2):
        with subprocess.Popen(
            [*COMMAND, "security-module", "--socket", str(socket)],
            env=settings,
            stderr=subprocess.PIPE,
            text=True,
        ) as process:
            assert process.stderr is not None
            while "Making tokens" not in (said := process.stderr.readline()):
                assert said, "it ended at its start"
            assert stat.S_IMODE(socket.stat().st_mode) == 0o600
            with closing(SecurityModuleElsewhere(socket)) as elsewhere:
                made += elsewhere.issue([IssueRequest(METER, credit())] * 2)
            process.send_signal(signal.SIGTERM)
            assert process.wait(30) == 0
        assert not socket.exists()
    assert [isinstance(one, IssuedToken) for one in made] == [True, True, True, False]
    (counted,) = json.loads(counters.read_text()).values()
    assert counted["tokens_ever"] == 3


@pytest.mark.parametrize(
    ("settings", "arguments", "code", "text"),
    [
        ({}, ["--socket", "m"], 2, "VENDING_KEYS_FILE"),
        ({"VENDING_DEMO": "true"}, ["--socket", "m", "--group", "no such group"], 2, "--group"),
        ({"VENDING_DEMO": "true"}, ["--socket", "none/m"], 1, "No such file"),
        ({"VENDING_DEMO": "true", "VENDING_MODULE_COUNTERS": "bad"}, ["--socket", "m"], 1, "bad"),
        ({"VENDING_MODULE_TOKENS_A_DAY": "0"}, ["--socket", "m"], 2, "TOKENS"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_one_line(
    tmp_path: Path, settings: dict[str, str], arguments: list[str], code: int, text: str
) -> None:
    (tmp_path / "bad").write_text("[]")
    done = run_vending(tmp_path, "security-module", *arguments, **settings)
    lines = [line for line in done.stderr.splitlines() if not line.startswith("{")]
    assert done.returncode == code, done.stderr
    assert len(lines) == 1
    assert text in lines[0]


def _holds(pid: int, *secrets: bytes) -> bool:
    """Return whether the memory of a process has any of some octets."""
    with Path(f"/proc/{pid}/mem").open("rb", buffering=0) as memory:
        for line in Path(f"/proc/{pid}/maps").read_text().splitlines():
            if line.split()[1].startswith("rw") and "[v" not in line:
                first, end = (int(one, 16) for one in line.split()[0].split("-"))
                memory.seek(first)
                try:
                    octets = memory.read(end - first)
                except OSError:  # gone, or reserved and never used
                    continue
                if any(secret in octets for secret in secrets):
                    return True
    return False


@contextmanager
def _demo(folder: Path, **settings: str) -> Iterator[tuple[int, str]]:
    """Serve the demo as an operator does, and give its process id and address."""
    port = free_port()
    process = subprocess.Popen(
        [*COMMAND, "serve", "--demo", "--port", str(port)],
        cwd=folder,
        env=environment(**settings),
        stderr=subprocess.DEVNULL,
    )
    address = f"http://127.0.0.1:{port}{ELECTRUM_PATH}"
    limit = time.monotonic() + 30
    try:
        while True:
            try:
                get(f"{address}/openapi.json")
            except httpx2.TransportError:
                assert process.poll() is None, "the service ended at its start"
                assert time.monotonic() < limit
                time.sleep(0.05)
            else:
                break
        yield process.pid, address
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(30)


def _other(key: str) -> str:
    return f'key = "{sha256(key.encode()).hexdigest()[: len(key)]}"'


@pytest.mark.skipif(os.geteuid() != 0, reason="only root reads the memory of these processes")
@pytest.mark.skipif(not Path("/proc/self/mem").exists(), reason="reads memory as Linux shows it")
def test_only_the_security_module_has_a_key_in_its_memory(tmp_path: Path) -> None:
    # Keys that nobody has published: those of the example are in every process, to be refused.
    file = tmp_path / "keys.toml"
    published = (ROOT / "keys.example").read_text()
    file.write_text(
        re.sub(r'^key = "(.*)"', lambda key: _other(key[1]), published, flags=re.MULTILINE)
    )
    key = load_key_file(file).find(SupplyGroupCode("123456"), KeyRevisionNumber(1))
    with _demo(tmp_path, VENDING_KEYS_FILE=str(file)) as (pid, address):
        with point_of_sale(address) as till:
            request = message()
            sold = till.post(f"/tokenPurchases/{request['id']}", json=request)
        assert sold.status_code == httpx2.codes.CREATED, sold.text
        first = psutil.Process(pid)
        family = [
            one
            for one in (first, *first.children(recursive=True))
            if is_lasting(shown_of(one.pid, "cmdline"))
        ]
        found = [
            one.name() for one in family if _holds(one.pid, key.octets, key.octets.hex().encode())
        ]
    assert len(family) == 3
    assert found == ["vending-module"]
