"""Certificates that sign themselves, for a server on 127.0.0.1."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address
from typing import TYPE_CHECKING

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
)
from cryptography.x509 import (
    BasicConstraints,
    CertificateBuilder,
    IPAddress,
    Name,
    NameAttribute,
    SubjectAlternativeName,
    random_serial_number,
)
from cryptography.x509.oid import NameOID

if TYPE_CHECKING:
    from pathlib import Path

    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

DAY = timedelta(days=1)


def pair(
    folder: Path,
    name: str = "server",
    *,
    first: timedelta = -DAY,
    last: timedelta = DAY,
    passphrase: bytes | None = None,
    key: ec.EllipticCurvePrivateKey | RSAPrivateKey | None = None,
) -> tuple[Path, Path]:
    """Write a certificate and its key into a folder, and return their paths.

    It is valid between two moments that are told by their distance from now.
    """
    key = key or ec.generate_private_key(ec.SECP256R1())
    subject, now = Name([NameAttribute(NameOID.COMMON_NAME, "vend.test")]), datetime.now(UTC)
    made = (
        CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(random_serial_number())
        .not_valid_before(now + first)
        .not_valid_after(now + last)
        .add_extension(
            SubjectAlternativeName([IPAddress(IPv4Address("127.0.0.1"))]), critical=False
        )
        .add_extension(BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, SHA256())
    )
    sealed = NoEncryption() if passphrase is None else BestAvailableEncryption(passphrase)
    certificate_file, key_file = folder / f"{name}.pem", folder / f"{name}.key"
    certificate_file.write_bytes(made.public_bytes(Encoding.PEM))
    key_file.touch(mode=0o600)
    key_file.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, sealed))
    return certificate_file, key_file
