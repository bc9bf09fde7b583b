"""The digits of a token as they are stored: encrypted, or no more.

20 digits             in the clear, where no data key is configured
key id, dot, base64   encrypted by the vault of the database
64 hex digits         forgotten: the SHA-256 that the token log has of them as well
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from vending_api.domain.token_log.service import digest_of_token

if TYPE_CHECKING:
    from vending_api.kit.vault import Vault

_DIGITS: Final = 20
_OCTETS: Final = 9
"""20 digits are less than 2 to the power of 72."""
DIGEST_LENGTH: Final = 64


def stored_digits(vault: Vault, digits: str, sale_key: int) -> str:
    """Return the form in which the digits of a token of a sale are stored."""
    if vault.newest is None:
        return digits
    return vault.seal(int(digits).to_bytes(_OCTETS), str(sale_key))


def digits_of(vault: Vault, stored: str, sale_key: int) -> str:
    """Return the 20 digits of a stored token, or nothing if they are forgotten.

    Raises NotOpened.
    """
    if len(stored) == _DIGITS:
        return stored
    if len(stored) == DIGEST_LENGTH:
        return ""
    return f"{int.from_bytes(vault.open(stored, str(sale_key))):0{_DIGITS}}"


def digest_of_stored(vault: Vault, stored: str, sale_key: int) -> str:
    """Return the SHA-256 that the token log has of a stored token; raises NotOpened."""
    if len(stored) == DIGEST_LENGTH:
        return stored
    return digest_of_token(digits_of(vault, stored, sale_key))
