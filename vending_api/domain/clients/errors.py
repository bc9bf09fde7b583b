"""What is refused to a client."""

from __future__ import annotations

from vending_api.kit.errors import DomainError, Fault


class CredentialsRejected(DomainError):
    """Unknown user, wrong password, or a client that is switched off; it does not say which."""

    fault = Fault.UNAUTHENTICATED
    code = "credentials_rejected"

    def __init__(self) -> None:
        super().__init__("user name or password is wrong, or the client is switched off")
