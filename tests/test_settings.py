"""What is missing or wrong in the environment stops the start with one line."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from vending_api.settings import Settings, SettingsInvalid, load_settings, read_settings

if TYPE_CHECKING:
    from pathlib import Path

POSTGRES = "postgresql+psycopg://vending:hunter2@db/vending"


@pytest.fixture(autouse=True)
def _own_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in Settings.model_fields:
        monkeypatch.delenv(f"VENDING_{name.upper()}", raising=False)


def test_the_defaults_are_sqlite_in_the_working_directory_on_loopback() -> None:
    settings = read_settings()
    assert settings.database_url.get_secret_value() == "sqlite:///vending.db"
    assert (settings.host, settings.port, settings.workers) == ("127.0.0.1", 8080, 1)


def test_a_service_with_keys_may_start(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("VENDING_KEYS_FILE", str(tmp_path / "keys.toml"))
    monkeypatch.setenv("VENDING_DATABASE_URL", POSTGRES)
    monkeypatch.setenv("VENDING_WORKERS", "4")
    assert load_settings().workers == 4


def test_a_demo_needs_no_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VENDING_DEMO", "1")
    assert load_settings().keys_file is None


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("VENDING_PORT", "65536"),
        ("VENDING_PORT", "-1"),
        ("VENDING_PORT", "http"),
        ("VENDING_WORKERS", "0"),
        ("VENDING_WORKERS", "65"),
        ("VENDING_HOST", ""),
        ("VENDING_DATABASE_URL", "mysql://root:hunter2@db/vending"),
        ("VENDING_DATABASE_URL", ""),
    ],
)
def test_a_wrong_value_is_named_in_one_line(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(SettingsInvalid, match=f"^{name}: ") as refused:
        read_settings()
    assert "\n" not in str(refused.value)
    assert "hunter2" not in str(refused.value)


@pytest.mark.parametrize("port", ["0", "65535"])
def test_the_ports_at_the_border_are_accepted(monkeypatch: pytest.MonkeyPatch, port: str) -> None:
    monkeypatch.setenv("VENDING_PORT", port)
    assert read_settings().port == int(port)


def test_a_service_without_keys_does_not_start() -> None:
    with pytest.raises(SettingsInvalid, match=r"^VENDING_KEYS_FILE: it is not set"):
        load_settings()


def test_what_opens_the_keys_stands_in_one_place(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VENDING_KEYS_FILE", "keys.sealed")
    monkeypatch.setenv("VENDING_KEYS_PASSPHRASE", "hunter2")
    assert "hunter2" not in repr(load_settings())
    monkeypatch.setenv("VENDING_KEYS_PASSPHRASE_FILE", "passphrase")
    with pytest.raises(SettingsInvalid, match=r"^VENDING_KEYS_PASSPHRASE: .* one of them") as both:
        load_settings()
    assert "hunter2" not in str(both.value)


def test_sqlite_has_one_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VENDING_DEMO", "1")
    monkeypatch.setenv("VENDING_WORKERS", "2")
    with pytest.raises(SettingsInvalid, match=r"^VENDING_WORKERS: SQLite has one writer"):
        load_settings()


def test_the_password_of_the_database_does_not_print(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VENDING_DATABASE_URL", POSTGRES)
    settings = read_settings()
    assert "hunter2" not in f"{settings} {settings!r} {settings.model_dump()}"
