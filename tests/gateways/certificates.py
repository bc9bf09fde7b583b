"""A certificate of a mail server that only these tests know, made anew in each run."""

from __future__ import annotations

import ssl
from functools import cache
from typing import TYPE_CHECKING, Final

from Crypto.Hash import SHA256
from Crypto.PublicKey import RSA
from Crypto.Signature import pkcs1_15
from Crypto.Util.asn1 import (
    DerBitString,
    DerInteger,
    DerNull,
    DerObject,
    DerObjectId,
    DerOctetString,
    DerSequence,
    DerSetOf,
)

if TYPE_CHECKING:
    from pathlib import Path

_SHA256_WITH_RSA: Final = "1.2.840.113549.1.1.11"
_COMMON_NAME: Final = "2.5.4.3"
_ALTERNATIVE_NAME: Final = "2.5.29.17"
_LOOPBACK: Final = bytes([127, 0, 0, 1])


def server_context(folder: Path) -> ssl.SSLContext:
    """Return what a server on 127.0.0.1 needs for TLS."""
    path = folder / "server.pem"
    path.write_text("\n".join(_pair()))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path)
    return context


def client_context() -> ssl.SSLContext:
    """Return what a client needs to trust that server, and nobody else."""
    return ssl.create_default_context(cadata=_pair()[1])


@cache
def _pair() -> tuple[str, str]:
    """Return a private key and a certificate that it signed itself (RFC 5280), as PEM."""
    key = RSA.generate(2048)
    algorithm = DerSequence([DerObjectId(_SHA256_WITH_RSA), DerNull()])
    common_name = DerSequence([DerObjectId(_COMMON_NAME), _der(0x0C, b"mail.test")])
    name = DerSequence([DerSetOf([common_name.encode()])])
    validity = DerSequence([_der(0x17, b"200101000000Z"), _der(0x17, b"491231235959Z")])
    names = DerSequence([_der(0x87, _LOOPBACK)]).encode()
    extension = DerSequence([DerObjectId(_ALTERNATIVE_NAME), DerOctetString(names)])
    extensions = _der(0xA3, DerSequence([extension]).encode())
    version = _der(0xA0, DerInteger(2).encode())
    public_key = key.public_key().export_key(format="DER")
    signed = DerSequence(
        [version, 1, algorithm, name, validity, name, public_key, extensions]
    ).encode()
    signature = pkcs1_15.new(key).sign(SHA256.new(signed))
    certificate = DerSequence([signed, algorithm, DerBitString(signature)]).encode()
    return key.export_key().decode(), ssl.DER_cert_to_PEM_cert(certificate)


def _der(tag: int, content: bytes) -> bytes:
    """Return an element of any tag, with its length before its content."""
    return bytes([tag]) + DerObject(asn1Id=4, payload=content).encode()[1:]
