"""Why a token is not made."""

from __future__ import annotations

from vending_api.kit.errors import DomainError, Fault


class TokenNotWarranted(Exception):
    """A token was asked for that nobody has paid for or approved: a fault of our own."""


class TokenNotProven(DomainError):
    """The token just made did not decode to what was sold; it was thrown away."""

    fault = Fault.UNAVAILABLE
    code = "token_not_proven"

    def __init__(self, external_id: str) -> None:
        super().__init__(
            f"the token for meter {external_id} did not read back; nothing was sold, "
            "the security module needs attention",
        )
        self.external_id = external_id
