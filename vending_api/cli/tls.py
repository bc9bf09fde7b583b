"""TLS of `vending serve`: a certificate and its key, looked at before anything starts."""

from __future__ import annotations

import ssl
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_pem_private_key,
)
from cryptography.x509 import load_pem_x509_certificates

from vending_api.settings import SettingsInvalid

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from cryptography.hazmat.primitives.asymmetric.types import (
        CertificatePublicKeyTypes,
        PrivateKeyTypes,
        PublicKeyTypes,
    )
    from cryptography.x509 import Certificate
    from uvicorn import Config

CERTIFICATE: Final = "VENDING_TLS_CERT"
KEY: Final = "VENDING_TLS_KEY"
_CIPHERS: Final = "ECDHE+AESGCM:ECDHE+CHACHA20"
"""Of TLS 1.2: those whose recorded traffic stays closed when the key is found later."""


def require_sound_pair(certificate: Path, key: Path) -> None:
    """Raise SettingsInvalid unless these are a certificate in force and its private key, as PEM."""
    leaf = _certificate(certificate)
    if _spki(_private_key(key).public_key()) != _spki(leaf.public_key()):
        raise SettingsInvalid(
            f"{KEY}: {key} is not the key of the certificate in {certificate}; "
            "name a pair, the server's certificate first"
        )
    now, first, last = datetime.now(UTC), leaf.not_valid_before_utc, leaf.not_valid_after_utc
    if last < now:
        raise SettingsInvalid(f"{CERTIFICATE}: {certificate} ran out on {last.date()}; renew it")
    if first > now:
        raise SettingsInvalid(
            f"{CERTIFICATE}: {certificate} is valid from {first:%Y-%m-%d %H:%M} UTC only; "
            "wait, or set this machine's clock right"
        )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    try:
        context.load_cert_chain(certificate, key)
    except ssl.SSLError as error:
        raise SettingsInvalid(
            f"{CERTIFICATE}: OpenSSL does not take {certificate} ({error.reason}); "
            "make a stronger one"
        ) from None


def tls_context(_: Config, make: Callable[[], ssl.SSLContext]) -> ssl.SSLContext:
    """Return how TLS is spoken: 1.2 or newer, with forward secrecy."""
    context = make()
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers(_CIPHERS)
    context.options |= ssl.OP_NO_RENEGOTIATION
    return context


def _certificate(path: Path) -> Certificate:
    try:
        return load_pem_x509_certificates(_octets(path, CERTIFICATE))[0]
    except ValueError:
        raise SettingsInvalid(
            f"{CERTIFICATE}: {path} holds no certificate in PEM form; name the file that "
            "begins with the server's"
        ) from None


def _private_key(path: Path) -> PrivateKeyTypes:
    # Without their causes, as those have seen the key.
    try:
        return load_pem_private_key(_octets(path, KEY), password=None)
    except TypeError:
        raise SettingsInvalid(
            f"{KEY}: {path} is under a passphrase, which nothing asks for; store it without, "
            "readable by the service's user alone"
        ) from None
    except (ValueError, UnsupportedAlgorithm):
        raise SettingsInvalid(f"{KEY}: {path} holds no private key in PEM form") from None


def _octets(path: Path, variable: str) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise SettingsInvalid(f"{variable}: {path} cannot be read ({error.strerror})") from None


def _spki(key: PublicKeyTypes | CertificatePublicKeyTypes) -> bytes:
    """Return a public key as certificates hold it."""
    return key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
