"""A demo service on keys, passwords and accounts of its own, and all that it shows of itself."""

from __future__ import annotations

import re
import sqlite3
import subprocess
import time
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Final

import httpx2
import psutil  # type: ignore[import-untyped]  # it ships no types

from sts.keys.key_file import parse_key_file
from tests.house_rules.tree import ROOT
from tests.leaks.forms import Secret, credentials, octets, text, token
from tests.support.http import get
from tests.support.processes import COMMAND, environment, free_port, shown_of
from tests.support.sealed_keys import by_passphrase, sealed
from tests.support.warm import run_vending
from vending_api.cli.in_thread import served
from vending_api.cli.serving import LOOPBACK, listen
from vending_api.kit.vault import write_new_data_key
from vending_api.sandbox.paystack import PaystackSandbox

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PASSPHRASE: Final = "seven wet umbrellas leave Thursday"
TILL_PASSWORD: Final = "till!Umbrella:77"
WRONG_TILL_PASSWORD: Final = "till!Umbrella:78"
RESIDENT_PASSWORD: Final = "Residence Umbrella 79"
NEW_PASSWORD: Final = "Residence Umbrella 80"
PAYSTACK_KEY: Final = "sk_test_" + sha256(b"leaks").hexdigest()[:40]
SMS_AUTHORIZATION: Final = "Bearer sms-umbrella-81"
CARD: Final = "5413330089020011"
EMAIL: Final = "ngozi@example.org"
_DATA_KEY: Final = bytes.fromhex("d47a" * 16)
_SECONDS: Final = 60
_TOKEN: Final = re.compile(rb"(?<!\d)(?:\d{20}|\d{4}(?: \d{4}){4})(?!\d)")


@dataclass
class Day:
    """What happened: places by their names, and secrets that came to be meanwhile."""

    folder: Path
    port: int
    process: subprocess.Popen[bytes]
    paystack: PaystackSandbox
    keys: list[Secret]
    answers: dict[str, bytes] = field(default_factory=dict)
    refusals: dict[str, bytes] = field(default_factory=dict)
    api_keys: list[Secret] = field(default_factory=list)
    tokens: dict[bytes, Secret] = field(default_factory=dict)
    shown: dict[str, bytes] = field(default_factory=dict)

    @property
    def address(self) -> str:
        """Where the service is."""
        return f"http://{LOOPBACK}:{self.port}"

    def answered(self, answer: httpx2.Response) -> httpx2.Response:
        """Keep an answer, and the tokens in it."""
        head = b"".join(b"%b: %b\n" % one for one in answer.headers.raw)
        which = f"{answer.request.method} {answer.request.url.path}: {answer.status_code}"
        places = self.answers if answer.is_success else self.refusals
        places[f"{which} (answer {len(self.answers) + len(self.refusals)})"] = head + answer.content
        if answer.is_success and "metrics" not in which:
            for found in _TOKEN.findall(answer.content):
                digits = found.replace(b" ", b"")
                self.tokens[digits] = token(digits.decode())
        return answer

    def has_api_key(self, key: str) -> None:
        """Note an API key that was given."""
        self.api_keys.append(text("API key", key))

    @property
    def passwords(self) -> list[Secret]:
        """What nobody but its owner may ever see."""
        return [
            *self.keys,
            text("passphrase of the key file", PASSPHRASE),
            *credentials("the point of sale", "test", TILL_PASSWORD),
            *credentials("somebody who guesses", "test", WRONG_TILL_PASSWORD),
            text("password of the resident", RESIDENT_PASSWORD),
            text("new password of the resident", NEW_PASSWORD),
            text("card number", CARD),
        ]

    @property
    def configured(self) -> list[Secret]:
        """What the environment configures."""
        return [text("Paystack's key", PAYSTACK_KEY), text("SMS password", SMS_AUTHORIZATION)]

    @property
    def given_out(self) -> list[Secret]:
        """What stands in the answers that it is given in."""
        return [*self.tokens.values(), *self.api_keys]

    def family(self) -> list[Any]:
        """Return all processes of the service."""
        first = psutil.Process(self.process.pid)
        return [first, *first.children(recursive=True)]

    def look_at_processes(self) -> None:
        """Keep what `ps` shows now."""
        for one in self.family():
            for name in ("cmdline", "environ"):
                self.shown[f"{name} of process {one.pid}"] = shown_of(one.pid, name)

    def until_ready(self) -> None:
        """Wait until the service sells."""
        deadline = time.monotonic() + _SECONDS
        while True:
            try:
                answer = get(f"{self.address}/readyz")
            except httpx2.TransportError:
                assert self.process.poll() is None, "the service has ended"
            else:
                if self.answered(answer).is_success:
                    return
            assert time.monotonic() < deadline, "the service does not sell"
            time.sleep(0.05)

    @contextmanager
    def without(self, table: str) -> Iterator[None]:
        """Have a table gone until the end of the block."""
        self._rename(table, f"{table}_gone")
        try:
            yield
        finally:
            self._rename(f"{table}_gone", table)

    def _rename(self, table: str, other: str) -> None:
        with closing(sqlite3.connect(self.folder / "vending.db", timeout=30)) as connection:
            connection.execute("PRAGMA legacy_alter_table = ON")  # what refers to it stays as it is
            connection.execute(f'ALTER TABLE "{table}" RENAME TO "{other}"')

    def command(self, *arguments: str, said: str = "") -> None:
        """Run a command of `vending` on the same database, and keep what it writes."""
        keys = str(self.folder / "data.keys")
        done = run_vending(self.folder, *arguments, said=said, VENDING_DATA_KEYS_FILE=keys)
        self.shown[f"output of {' '.join(arguments)}"] = (done.stdout + done.stderr).encode()


@contextmanager
def begun(folder: Path) -> Iterator[Day]:
    """Serve until the end of the block; then the log is among what was shown."""
    text_of_keys = re.sub(
        r'^key = "(.*)"', _own, (ROOT / "keys.example").read_text(), flags=re.MULTILINE
    )
    (folder / "keys.sealed").write_text(sealed(text_of_keys, by_passphrase(PASSPHRASE)))
    passphrase = folder / "passphrase"
    passphrase.touch(mode=0o600)
    passphrase.write_text(PASSPHRASE + "\n")
    store = parse_key_file(text_of_keys, path="test")
    keys = [octets(f"vending key {one}", key.octets) for one, key in enumerate(store)]
    write_new_data_key(folder / "data.keys", chance=_DATA_KEY)
    keys.append(octets("data key", _DATA_KEY))
    port = free_port()
    paystack = PaystackSandbox(PAYSTACK_KEY, now=lambda: datetime.now(UTC))
    paystack.webhook_url = f"http://{LOOPBACK}:{port}/paystack/webhook"
    with served(paystack.app, listen(LOOPBACK, 0)) as url, (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [*COMMAND, "serve", "--demo", "--port", str(port)],
            cwd=folder,
            env=environment(**_settings(folder, port, url)),
            stdout=log,
            stderr=log,
        )
        day = Day(folder, port, process, paystack, keys)
        try:
            day.until_ready()
            yield day
        finally:
            process.terminate()
            process.wait(_SECONDS)
            day.shown["the log"] = (folder / "log").read_bytes()


def _settings(folder: Path, port: int, paystack_url: str) -> dict[str, str]:
    return {
        "VENDING_KEYS_FILE": str(folder / "keys.sealed"),
        "VENDING_KEYS_PASSPHRASE_FILE": str(folder / "passphrase"),
        "VENDING_DATA_KEYS_FILE": str(folder / "data.keys"),
        "VENDING_DEMO_TIMEOUT_SECONDS": "0",
        "VENDING_PUBLIC_URL": f"http://{LOOPBACK}:{port}",
        "VENDING_PAYSTACK_SECRET_KEY": PAYSTACK_KEY,
        "VENDING_PAYSTACK_URL": paystack_url,
        "VENDING_SMS_URL": f"http://{LOOPBACK}:9/sms",  # nobody answers there
        "VENDING_SMS_AUTHORIZATION": SMS_AUTHORIZATION,
    }


def _own(published: re.Match[str]) -> str:
    """Return a key of the same length that nobody has published."""
    key = published[1]
    return f'key = "{sha256(b"leaks " + key.encode()).hexdigest()[: len(key)]}"'
