"""Configuration from the environment, checked before anything starts.

Every name begins with VENDING_; what is missing or wrong stops the start with one
line that names the variable.
"""

from __future__ import annotations

import json
import re
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import Annotated, Final, Literal
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    SecretStr,
    ValidationError,
)
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

PREFIX = "VENDING_"
DEFAULT_PORT = 8080
_DATABASES = ("sqlite:///", "postgresql+psycopg://")
_SECRET_KEY: Final = re.compile(r"sk_(test|live)_[!-~]+")
_LOOPBACK: Final = frozenset({"127.0.0.1", "::1", "localhost"})


def _web_address(address: str) -> str:
    """Return an address without a slash at its end; raises ValueError for what is none."""
    parts = urlsplit(address)
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.query or parts.fragment:
        raise ValueError("write an address such as https://vend.example.org")
    if parts.username or parts.password:
        raise ValueError("write it without a password; what is secret has its own variable")
    if parts.scheme == "http" and parts.hostname not in _LOOPBACK:
        raise ValueError("write https://; only loopback may go without")
    return address.rstrip("/")


def _paystack_key(key: SecretStr) -> SecretStr:
    """Return a secret key of Paystack; raises ValueError, which never shows it."""
    if not _SECRET_KEY.fullmatch(key.get_secret_value()):
        raise ValueError("write the secret key, which begins with sk_test_ or sk_live_")
    return key


def _module_address(address: str) -> str:
    """Return an address of the token service of hardware; raises ValueError for what is none."""
    parts = urlsplit(address)
    if parts.scheme not in {"tls", "tcp"} or not parts.hostname or parts.port is None:
        raise ValueError("write an address such as tls://module.example.org:9443")
    if parts.username or parts.path or parts.query or parts.fragment:
        raise ValueError("write host and port alone; user and password have their own variables")
    if parts.scheme == "tcp" and parts.hostname not in _LOOPBACK:
        raise ValueError("write tls://; only loopback may go without")
    return address


def _json_object(text: str) -> str:
    """Return the text of a JSON object whose values are texts; raises ValueError."""
    try:
        read = json.loads(text)
    except ValueError:
        read = None
    if not isinstance(read, dict) or not all(isinstance(value, str) for value in read.values()):
        raise ValueError('write a JSON object of texts, such as {"to": "{to}", "text": "{text}"}')
    return text


def _listed(value: object) -> object:
    """Return the parts of a text between commas."""
    return (
        [part.strip() for part in value.split(",") if part.strip()]
        if isinstance(value, str)
        else value
    )


WebAddress = Annotated[str, AfterValidator(_web_address)]
Networks = Annotated[tuple[IPv4Network | IPv6Network, ...], NoDecode, BeforeValidator(_listed)]


class SettingsInvalid(Exception):
    """The environment does not configure the service; the text names the variable."""


class Settings(BaseSettings):
    """How this installation runs."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, frozen=True, extra="ignore")

    database_url: SecretStr = SecretStr("sqlite:///vending.db")
    """SQLAlchemy address: sqlite:///FILE, or postgresql+psycopg://USER:PASSWORD@HOST/NAME."""
    keys_file: Path | None = None
    """Vending keys, sealed by `sts keys seal`; in a demo also plain ones as keys.example."""
    keys_passphrase_file: Path | None = None
    """File with what opens them: a passphrase, or a key of 64 hex digits."""
    keys_passphrase: SecretStr | None = None
    """The same, as a secret manager puts it into the environment."""
    security_module: Path | None = None
    """The socket of a security module that runs by itself; else the service starts one."""
    module_counters: Path | None = None
    """Where the security module keeps what it has made under each key."""
    module_tokens_a_day: Annotated[int, Field(ge=1)] | None = None
    """How many tokens the security module makes under one key in a day (UTC)."""
    module_units_a_day: Annotated[int, Field(ge=1)] | None = None
    """For how many units of credit (kWh, m3) together."""
    prism_address: Annotated[str, AfterValidator(_module_address)] | None = None
    """Where the token service of a hardware security module is (experimental); then no key file."""
    prism_realm: str = "local"
    """Which of its realms knows the user."""
    prism_user: str | None = None
    prism_password_file: Path | None = None
    """File with that user's password, for its owner alone."""
    prism_keys_file: Path | None = None
    """What is known of the keys in it: TOML, without the keys."""
    prism_ca_file: Path | None = None
    """PEM file of who vouches for its certificate; without it whom this machine trusts."""
    operator_key_file: Path | None = None
    """The API key that commands act by instead of a session; a file of its owner alone."""
    log_key_file: Path | None = None
    """The private key that signs checkpoints of the token log; without it there are none."""
    data_keys_file: Path | None = None
    """Keys that sold tokens are stored encrypted under; `vending data-key new` makes them."""
    tokens_in_clear: bool = False
    """Whether they may be stored as they are."""
    tokens_kept_days: Annotated[int, Field(ge=31)] | None = None
    """How long `vending data-key forget` leaves their digits; None is for ever."""
    sta_tables: Path | None = None
    """TOML or JSON file of the licensed STA tables; without it the IEC sample tables."""
    host: Annotated[str, Field(min_length=1)] = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=65_535)] = DEFAULT_PORT
    trusted_proxies: Networks = ()
    """Whose word counts for the address of who asks (X-Forwarded-For): addresses or networks."""
    workers: Annotated[int, Field(ge=1, le=64)] = 1
    tls_cert: Path | None = None
    """PEM file of the server's certificate, then those above it; with it, TLS is spoken."""
    tls_key: Path | None = None
    """PEM file of its private key."""
    demo_timeout_seconds: Annotated[float, Field(ge=0, le=600)] = 10
    """How long the demo lets the first purchase of TST011 wait, until it is answered 504."""
    demo: bool = False
    """Set by `vending serve --demo`: demo data, example keys, loopback only."""

    public_url: WebAddress | None = None
    """Where customers' browsers reach this service; pages after a payment are below it."""
    paystack_secret_key: Annotated[SecretStr, AfterValidator(_paystack_key)] | None = None
    """Without it nothing is sold online; it also says whether money is real."""
    paystack_url: WebAddress = "https://api.paystack.co"
    paystack_webhook_addresses: Networks = ()
    """Who may deliver webhooks: addresses or networks; none is everybody with the signature."""
    refund_after_minutes: Annotated[int, Field(ge=10, le=30 * 24 * 60)] = 24 * 60
    """How long a paid order is tried to be vended, until its money is given back."""
    api_key_days: Annotated[int, Field(ge=1, le=3650)] = 365
    """How long a consumer stays logged in."""
    background: bool = True
    """Whether `vending serve` also does the work that waits; else run `vending worker`."""
    smtp_host: str | None = None
    """Without it no e-mails are sent."""
    smtp_port: Annotated[int, Field(ge=1, le=65_535)] = 587
    smtp_security: Literal["starttls", "tls", "none"] = "starttls"
    smtp_user: str | None = None
    smtp_password: SecretStr | None = None
    smtp_sender: str | None = None
    """The address that e-mails come from."""
    sms_url: WebAddress | None = None
    """Where SMS are posted to; without it none are sent."""
    sms_authorization: SecretStr | None = None
    """The Authorization header of these posts."""
    sms_body: Annotated[str, AfterValidator(_json_object)] = '{"to": "{to}", "text": "{text}"}'
    """Their body: {to} and {text} are put in its texts."""

    @property
    def payment_mode(self) -> Literal["test", "live"] | None:
        """Whether money is real, as the secret key says; None without one."""
        key = self.paystack_secret_key
        if key is None:
            return None
        return "live" if key.get_secret_value().startswith("sk_live_") else "test"

    @property
    def uses_sqlite(self) -> bool:
        """Whether the database is a file of this machine."""
        return self.database_url.get_secret_value().startswith("sqlite")


def read_settings() -> Settings:
    """Return what the environment says, each value right by itself.

    Raises SettingsInvalid with one line: the variable, what is wrong, what to do.
    """
    try:
        settings = Settings()
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        name = PREFIX + "_".join(str(part) for part in first["loc"]).upper()
        raise SettingsInvalid(f"{name}: {first['msg']}; set it right and start again") from None
    if not settings.database_url.get_secret_value().startswith(_DATABASES):
        raise SettingsInvalid(
            "VENDING_DATABASE_URL: write sqlite:///FILE or "
            "postgresql+psycopg://USER:PASSWORD@HOST/NAME"
        )
    return settings


def load_settings() -> Settings:
    """Return the settings of a service that may start.

    Raises SettingsInvalid as `read_settings`, and when the values do not go together.
    """
    settings = read_settings()
    if settings.uses_sqlite and settings.workers > 1:
        raise SettingsInvalid(
            "VENDING_WORKERS: SQLite has one writer, so one worker; use PostgreSQL for more"
        )
    places = (settings.keys_file, settings.security_module, settings.prism_address)
    if not settings.demo and all(place is None for place in places):
        raise SettingsInvalid(
            "VENDING_KEYS_FILE: it is not set; name a key file that `sts keys seal` made, "
            "or try `vending serve --demo`"
        )
    _require_together(settings)
    return settings


def _require_prism(settings: Settings) -> None:
    """Raise SettingsInvalid unless all is there that hardware needs, and no keys beside it."""
    if settings.prism_address is None:
        return
    if settings.demo or settings.keys_file is not None:
        beside = "a demo's keys" if settings.demo else "VENDING_KEYS_FILE"
        raise SettingsInvalid(
            f"VENDING_PRISM_ADDRESS: it is set, and {beside} are, too; keys are in one place only"
        )
    for name in ("prism_user", "prism_password_file", "prism_keys_file"):
        if getattr(settings, name) is None:
            raise SettingsInvalid(
                f"{PREFIX}{name.upper()}: it is not set; it goes with VENDING_PRISM_ADDRESS"
            )


def _require_together(settings: Settings) -> None:
    """Raise SettingsInvalid for what is of no use without something else, or beside it."""
    _require_prism(settings)
    if settings.keys_passphrase_file is not None and settings.keys_passphrase is not None:
        raise SettingsInvalid(
            "VENDING_KEYS_PASSPHRASE: it is set, and VENDING_KEYS_PASSPHRASE_FILE, too; "
            "leave one of them out"
        )
    if (settings.tls_cert is None) != (settings.tls_key is None):
        missing, there = ("CERT", "KEY") if settings.tls_cert is None else ("KEY", "CERT")
        raise SettingsInvalid(
            f"VENDING_TLS_{missing}: it is not set, and VENDING_TLS_{there} is; set both or neither"
        )
    if settings.paystack_secret_key is not None and settings.public_url is None:
        raise SettingsInvalid(
            "VENDING_PUBLIC_URL: it is not set; with VENDING_PAYSTACK_SECRET_KEY, name the address "
            "that customers come back to after a payment"
        )
    if settings.demo and settings.payment_mode == "live":
        raise SettingsInvalid(
            "VENDING_PAYSTACK_SECRET_KEY: it is a live key, and the demo's tokens open no meter; "
            "use one that begins with sk_test_"
        )
    if settings.smtp_host is not None and settings.smtp_sender is None:
        raise SettingsInvalid(
            "VENDING_SMTP_SENDER: it is not set; with VENDING_SMTP_HOST, write the address that "
            "e-mails come from"
        )
    if (settings.smtp_user is None) != (settings.smtp_password is None):
        raise SettingsInvalid(
            "VENDING_SMTP_PASSWORD: it goes with VENDING_SMTP_USER; set both or neither"
        )
