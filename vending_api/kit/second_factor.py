"""The second factor of a login: codes of an app (TOTP, RFC 6238), their secret under a password.

The secret is sealed with AES-256-GCM under a key that argon2id makes of the password and a salt of
its own, bound to its owner's name: whoever has the database alone has no codes.
"""

from __future__ import annotations

import base64
import binascii
import hmac
from typing import TYPE_CHECKING, Final

from argon2.low_level import Type, hash_secret_raw
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from pyotp import TOTP

from vending_api.kit.credentials import MEMORY_KIBIBYTES, PARALLELISM, TIME_COST

if TYPE_CHECKING:
    from datetime import datetime

SECRET_OCTETS: Final = 20
"""Of a new secret: as long as the digests that codes are made of (RFC 4226, section 4)."""
CHANCE_OCTETS: Final = 28
"""What sealing needs of chance: a salt of 16 octets, a nonce of 12."""
_SALT_OCTETS: Final = 16
_KEY_OCTETS: Final = 32
_STEP_SECONDS: Final = 30
_ABOUT: Final = b"vending operator second factor 1\n"


def new_secret(chance: bytes) -> str:
    """Return a secret of 20 random octets, in Base32, as apps take it."""
    if len(chance) != SECRET_OCTETS:
        raise ValueError(f"{len(chance)} octets; a secret is made of {SECRET_OCTETS}")
    return base64.b32encode(chance).decode()


def address_for_app(secret: str, owner: str) -> str:
    """Return what an app reads as a picture or takes typed: an otpauth:// address."""
    return str(TOTP(secret).provisioning_uri(name=owner, issuer_name="vending"))


def seal(secret: str, password: str, *, owner: str, chance: bytes) -> str:
    """Return a secret as only the password of its owner opens it, from 28 random octets."""
    if len(chance) != CHANCE_OCTETS:
        raise ValueError(f"{len(chance)} octets of chance; {CHANCE_OCTETS} are needed")
    salt, nonce = chance[:_SALT_OCTETS], chance[_SALT_OCTETS:]
    sealed = AESGCM(_key(password, salt)).encrypt(nonce, secret.encode(), _ABOUT + owner.encode())
    return base64.b64encode(chance + sealed).decode()


def unseal(sealed: str, password: str, *, owner: str) -> str | None:
    """Return a sealed secret; None for another password, another owner, or what was altered."""
    try:
        octets = base64.b64decode(sealed, validate=True)
    except binascii.Error:
        octets = b""
    salt = octets[:_SALT_OCTETS].ljust(_SALT_OCTETS, b"\0")
    # The key is made in any case, so that a damaged secret takes as long as a wrong password.
    cipher = AESGCM(_key(password, salt))
    nonce, closed = octets[_SALT_OCTETS:CHANCE_OCTETS], octets[CHANCE_OCTETS:]
    try:
        return cipher.decrypt(nonce, closed, _ABOUT + owner.encode()).decode()
    except (InvalidTag, ValueError):
        return None


def accepted_step(secret: str, code: str, at: datetime, *, after: int) -> int | None:
    """Return the time step (of 30 seconds) that a code is of, or None for a wrong code.

    One step before and after the moment count, too, for clocks that differ; `after` is the step
    of the last code that was taken: that one and all before it are used up.
    """
    now = int(at.timestamp()) // _STEP_SECONDS
    maker, typed = TOTP(secret), code.encode("utf-8", "surrogatepass")
    found = None
    for step in (now - 1, now, now + 1):
        # All three are compared whole, so that the time it takes tells nothing.
        fits = hmac.compare_digest(maker.generate_otp(step).encode(), typed)
        if fits and step > after:
            found = step
    return found


def _key(password: str, salt: bytes) -> bytes:
    return hash_secret_raw(
        password.encode("utf-8", "surrogatepass"),
        salt,
        time_cost=TIME_COST,
        memory_cost=MEMORY_KIBIBYTES,
        parallelism=PARALLELISM,
        hash_len=_KEY_OCTETS,
        type=Type.ID,
    )
