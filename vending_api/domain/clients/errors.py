"""What is refused to a client."""

from __future__ import annotations

from vending_api.kit.errors import DomainError, Fault


class CredentialsRejected(DomainError):
    """Unknown user, wrong password, or a client that is switched off; it does not say which."""

    fault = Fault.UNAUTHENTICATED
    code = "credentials_rejected"

    def __init__(self) -> None:
        super().__init__("user name or password is wrong, or the client is switched off")


class UnknownClient(DomainError):
    """No client of this user name is registered."""

    fault = Fault.NOT_FOUND
    code = "unknown_client"

    def __init__(self, user_name: str) -> None:
        super().__init__(f"no client {user_name!r} is registered; see `vending client list`")
        self.user_name = user_name


class TerminalNotRegistered(DomainError):
    """The client has named its terminals, and this is none of them."""

    fault = Fault.REFUSED
    code = "terminal_not_registered"

    def __init__(self, terminal_id: str) -> None:
        super().__init__(f"terminal {terminal_id} is not registered for this client")
        self.terminal_id = terminal_id
