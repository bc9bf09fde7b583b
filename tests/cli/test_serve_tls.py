"""`vending serve` with a certificate: what is wrong is one line at the start, and TLS is new."""

from __future__ import annotations

import signal
import socket
import ssl
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

import httpx2
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from tests.support.certificates import DAY, pair
from tests.support.http import CREDENTIALS, message
from tests.support.processes import free_port
from tests.support.warm import begin_vending, run_vending
from vending_api.cli.tls import require_sound_pair
from vending_api.main import ELECTRUM_PATH
from vending_api.settings import Settings, SettingsInvalid, load_settings

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_SECONDS: Final = 60


@pytest.fixture
def sound(tmp_path: Path) -> tuple[Path, Path]:
    return pair(tmp_path)


def _refused(certificate: Path, key: Path) -> str:
    with pytest.raises(SettingsInvalid) as refused:
        require_sound_pair(certificate, key)
    text = str(refused.value)
    assert "\n" not in text
    assert refused.value.__cause__ is None
    assert refused.value.__suppress_context__ or refused.value.__context__ is None
    return text


def test_a_pair_in_force_is_taken(sound: tuple[Path, Path]) -> None:
    require_sound_pair(*sound)


def test_a_certificate_may_be_followed_by_those_above_it(
    sound: tuple[Path, Path], tmp_path: Path
) -> None:
    above, _ = pair(tmp_path, "above")
    chain = tmp_path / "chain.pem"
    chain.write_bytes(sound[0].read_bytes() + above.read_bytes())
    require_sound_pair(chain, sound[1])
    chain.write_bytes(above.read_bytes() + sound[0].read_bytes())
    assert _refused(chain, sound[1]).startswith("VENDING_TLS_KEY: ")


def test_what_cannot_be_read_is_named(sound: tuple[Path, Path], tmp_path: Path) -> None:
    none = tmp_path / "none.pem"
    assert _refused(none, sound[1]) == (
        f"VENDING_TLS_CERT: {none} cannot be read (No such file or directory)"
    )
    assert _refused(sound[0], tmp_path).startswith(f"VENDING_TLS_KEY: {tmp_path} cannot be read")


def test_what_is_something_else_is_named(sound: tuple[Path, Path], tmp_path: Path) -> None:
    certificate, key = sound
    other = tmp_path / "other"
    for octets in (b"", b"text", b"\xff\x00", key.read_bytes(), certificate.read_bytes()[:200]):
        other.write_bytes(octets)
        assert _refused(other, key).startswith(f"VENDING_TLS_CERT: {other} holds no certificate")
    for octets in (b"", b"text", b"\xff\x00", certificate.read_bytes(), key.read_bytes()[:100]):
        other.write_bytes(octets)
        assert _refused(certificate, other) == (
            f"VENDING_TLS_KEY: {other} holds no private key in PEM form"
        )


def test_a_key_of_another_certificate_is_refused(sound: tuple[Path, Path], tmp_path: Path) -> None:
    _, other = pair(tmp_path, "other")
    assert _refused(sound[0], other).startswith(f"VENDING_TLS_KEY: {other} is not the key of")


def test_a_key_under_a_passphrase_is_refused_and_nobody_is_asked(tmp_path: Path) -> None:
    certificate, key = pair(tmp_path, passphrase=b"hunter2hunter2")
    assert _refused(certificate, key).startswith(f"VENDING_TLS_KEY: {key} is under a passphrase")


@pytest.mark.parametrize(
    ("first", "last", "said"), [(-3, -1, "ran out on"), (1, 3, "is valid from")]
)
def test_a_certificate_out_of_its_time_is_refused(
    tmp_path: Path, first: int, last: int, said: str
) -> None:
    certificate, key = pair(tmp_path, first=first * DAY, last=last * DAY)
    assert _refused(certificate, key).startswith(f"VENDING_TLS_CERT: {certificate} {said} ")


def test_a_key_that_is_too_short_is_refused(tmp_path: Path) -> None:
    weak = rsa.generate_private_key(public_exponent=65_537, key_size=1024)  # noqa: S505 (the point)
    certificate, key = pair(tmp_path, key=weak)
    assert _refused(certificate, key).startswith("VENDING_TLS_CERT: OpenSSL does not take")


@pytest.mark.parametrize(("there", "missing"), [("CERT", "KEY"), ("KEY", "CERT")])
def test_one_without_the_other_is_refused(
    monkeypatch: pytest.MonkeyPatch, there: str, missing: str
) -> None:
    for name in Settings.model_fields:
        monkeypatch.delenv(f"VENDING_{name.upper()}", raising=False)
    monkeypatch.setenv("VENDING_DEMO", "true")
    monkeypatch.setenv(f"VENDING_TLS_{there}", "server.pem")
    with pytest.raises(SettingsInvalid, match=rf"^VENDING_TLS_{missing}: .* both or neither$"):
        load_settings()
    monkeypatch.setenv(f"VENDING_TLS_{missing}", "server.pem")
    assert load_settings().tls_cert is not None


def test_a_service_with_a_bad_pair_does_not_start(tmp_path: Path) -> None:
    certificate, key = pair(tmp_path, last=-DAY / 2)
    both = ("--tls-cert", str(certificate), "--tls-key", str(key))
    done = run_vending(tmp_path, "serve", "--demo", *both)
    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert line.startswith(f"vending: VENDING_TLS_CERT: {certificate} ran out on ")
    assert not (tmp_path / "vending.db").exists()


@contextmanager
def _served(folder: Path, sound: tuple[Path, Path], *more: str, **settings: str) -> Iterator[int]:
    """Serve the demo over TLS, and give the port."""
    certificate, key = sound
    port = free_port()
    how = ("--port", str(port), "--tls-cert", str(certificate), "--tls-key", str(key), *more)
    log = folder / "log"
    process = begin_vending(folder, "serve", "--demo", *how, errors=log, **settings)
    try:
        while f"https://127.0.0.1:{port}/api/docs" not in log.read_text():
            assert process.poll() is None, "it ended at its start"
            time.sleep(0.05)
        yield port
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(_SECONDS)


def _until_ready(client: httpx2.Client) -> None:
    deadline = time.monotonic() + _SECONDS
    while True:
        try:
            if client.get("/readyz").status_code == 200:
                return
        except httpx2.TransportError:
            assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion.TLSv1_1 is deprecated:DeprecationWarning")
@pytest.mark.parametrize(("fixture", "workers"), [("sqlite_url", 1), ("postgres_url", 2)])
def test_a_point_of_sale_buys_over_tls(
    fixture: str,
    workers: int,
    sound: tuple[Path, Path],
    tmp_path: Path,
    request: pytest.FixtureRequest,
) -> None:
    url = request.getfixturevalue(fixture)
    trusted = ssl.create_default_context(cafile=str(sound[0]))
    with (
        _served(tmp_path, sound, "--workers", str(workers), VENDING_DATABASE_URL=url) as port,
        httpx2.Client(
            base_url=f"https://127.0.0.1:{port}", verify=trusted, auth=CREDENTIALS, trust_env=False
        ) as till,
    ):
        _until_ready(till)
        body = message()
        sold = till.post(f"{ELECTRUM_PATH}/tokenPurchases/{body['id']}", json=body)
        assert sold.status_code == 201, sold.text
        assert sold.headers["Strict-Transport-Security"] == "max-age=31536000"
        with pytest.raises(httpx2.TransportError):
            httpx2.get(f"http://127.0.0.1:{port}/healthz", trust_env=False)
        assert _version(port, trusted) == "TLSv1.3"
        assert _version(port, _client(ssl.TLSVersion.TLSv1_2, "ALL")) == "TLSv1.2"
        for poor in (
            _client(ssl.TLSVersion.TLSv1_2, "ECDHE+SHA"),
            _client(ssl.TLSVersion.TLSv1_1, "ALL"),
        ):
            with pytest.raises(ssl.SSLError):
                _version(port, poor)


def _version(port: int, context: ssl.SSLContext) -> str | None:
    raw = socket.create_connection(("127.0.0.1", port), _SECONDS)
    with raw, context.wrap_socket(raw, server_hostname="127.0.0.1") as connection:
        return connection.version()


def _client(newest: ssl.TLSVersion, ciphers: str) -> ssl.SSLContext:
    """Return a client that would take any server, and offers no more than this."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.set_ciphers(f"{ciphers}:@SECLEVEL=0")
    context.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
    context.maximum_version = newest
    return context
