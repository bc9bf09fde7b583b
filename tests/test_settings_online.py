"""What configures online payments is checked before the start, and no secret of it prints."""

from __future__ import annotations

from ipaddress import ip_network

import pytest

from vending_api.settings import Settings, SettingsInvalid, load_settings, read_settings

SECRETS = {
    "VENDING_PAYSTACK_SECRET_KEY": "sk_test_hunter2",
    "VENDING_SMTP_PASSWORD": "hunter2",
    "VENDING_SMS_AUTHORIZATION": "Bearer hunter2",
}


@pytest.fixture(autouse=True)
def _demo(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in Settings.model_fields:
        monkeypatch.delenv(f"VENDING_{name.upper()}", raising=False)
    monkeypatch.setenv("VENDING_DEMO", "1")


def test_nothing_is_sold_online_until_it_is_configured() -> None:
    settings = load_settings()
    assert settings.payment_mode is None
    assert settings.paystack_url == "https://api.paystack.co"
    assert (settings.smtp_host, settings.sms_url) == (None, None)


@pytest.mark.parametrize("mode", ["test", "live"])
def test_the_key_says_whether_money_is_real(monkeypatch: pytest.MonkeyPatch, mode: str) -> None:
    monkeypatch.setenv("VENDING_PAYSTACK_SECRET_KEY", f"sk_{mode}_abc")
    assert read_settings().payment_mode == mode


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PAYSTACK_SECRET_KEY", "hunter2"),
        ("PAYSTACK_SECRET_KEY", "pk_test_hunter2"),
        ("PAYSTACK_SECRET_KEY", "sk_test_"),
        ("PAYSTACK_SECRET_KEY", "sk_test_hunter2\n"),
        ("PAYSTACK_SECRET_KEY", ""),
        ("PAYSTACK_URL", "http://api.paystack.co"),
        ("PAYSTACK_URL", "ftp://127.0.0.1"),
        ("PAYSTACK_URL", "https://"),
        ("PUBLIC_URL", "vend.example.org"),
        ("PUBLIC_URL", "https://vend.example.org/?a=b"),
        ("PUBLIC_URL", "https://somebody:hunter2@vend.example.org"),
        ("PAYSTACK_WEBHOOK_ADDRESSES", "52.31.139.75, nowhere"),
        ("PAYSTACK_WEBHOOK_ADDRESSES", "52.31.139.75/16"),
        ("REFUND_AFTER_MINUTES", "9"),
        ("REFUND_AFTER_MINUTES", "43201"),
        ("API_KEY_DAYS", "0"),
        ("API_KEY_DAYS", "3651"),
        ("SMTP_PORT", "0"),
        ("SMTP_SECURITY", "ssl"),
        ("SMS_URL", "http://sms.example.org"),
        ("SMS_BODY", "to={to}"),
        ("SMS_BODY", "[]"),
        ("SMS_BODY", '{"to": 1}'),
    ],
)
def test_a_wrong_value_is_named_in_one_line_and_not_shown(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(f"VENDING_{name}", value)
    with pytest.raises(SettingsInvalid, match=f"^VENDING_{name}") as refused:
        read_settings()
    assert "\n" not in str(refused.value)
    assert "hunter2" not in str(refused.value)


@pytest.mark.parametrize("minutes", ["10", "43200"])
def test_the_times_at_the_border_are_accepted(
    monkeypatch: pytest.MonkeyPatch, minutes: str
) -> None:
    monkeypatch.setenv("VENDING_REFUND_AFTER_MINUTES", minutes)
    assert read_settings().refund_after_minutes == int(minutes)


@pytest.mark.parametrize("address", ["http://127.0.0.1:9000", "http://[::1]", "http://localhost/"])
def test_loopback_goes_without_encryption(monkeypatch: pytest.MonkeyPatch, address: str) -> None:
    monkeypatch.setenv("VENDING_PAYSTACK_URL", address)
    assert read_settings().paystack_url == address.rstrip("/")


def test_addresses_and_networks_stand_between_commas(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VENDING_PAYSTACK_WEBHOOK_ADDRESSES", "52.31.139.75, 10.0.0.0/8,2001:db8::1")
    networks = ("52.31.139.75/32", "10.0.0.0/8", "2001:db8::1/128")
    assert read_settings().paystack_webhook_addresses == tuple(map(ip_network, networks))


@pytest.mark.parametrize(
    ("given", "missing"),
    [
        ({"PAYSTACK_SECRET_KEY": "sk_test_abc"}, "PUBLIC_URL"),
        (
            {"PAYSTACK_SECRET_KEY": "sk_live_abc", "PUBLIC_URL": "https://vend.example.org"},
            "PAYSTACK_SECRET_KEY",
        ),
        ({"SMTP_HOST": "mail.example.org"}, "SMTP_SENDER"),
        ({"SMTP_USER": "vending"}, "SMTP_PASSWORD"),
        ({"SMTP_PASSWORD": "hunter2"}, "SMTP_PASSWORD"),
    ],
)
def test_what_goes_together_is_asked_for(
    monkeypatch: pytest.MonkeyPatch, given: dict[str, str], missing: str
) -> None:
    for name, value in given.items():
        monkeypatch.setenv(f"VENDING_{name}", value)
    with pytest.raises(SettingsInvalid, match=f"^VENDING_{missing}: "):
        load_settings()


def test_a_service_that_sells_online_may_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VENDING_PUBLIC_URL", "https://vend.example.org/")
    monkeypatch.setenv("VENDING_SMTP_HOST", "mail.example.org")
    monkeypatch.setenv("VENDING_SMTP_SENDER", "vending@example.org")
    monkeypatch.setenv("VENDING_SMTP_USER", "vending")
    for name, value in SECRETS.items():
        monkeypatch.setenv(name, value)
    settings = load_settings()
    assert settings.public_url == "https://vend.example.org"
    assert "hunter2" not in f"{settings} {settings!r} {settings.model_dump()}"
