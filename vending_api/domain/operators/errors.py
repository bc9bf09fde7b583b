"""What operators are refused."""

from __future__ import annotations

from vending_api.kit.errors import DomainError, Fault


class OperatorLoginRejected(DomainError):
    """Name, password and code do not go together, or the code was used before."""

    fault = Fault.UNAUTHENTICATED
    code = "operator_login_rejected"

    def __init__(self) -> None:
        super().__init__("name, password or code is wrong, or the code was used; await the next")


class OperatorLocked(DomainError):
    """Too many wrong logins under this name."""

    fault = Fault.REFUSED
    code = "operator_locked"

    def __init__(self, seconds: int) -> None:
        super().__init__(f"too many wrong logins under this name; try again in {seconds} seconds")
        self.seconds = seconds


class PassRejected(DomainError):
    """Nobody is logged in, or not any more."""

    fault = Fault.UNAUTHENTICATED
    code = "operator_pass_rejected"

    def __init__(self) -> None:
        super().__init__("you are not logged in, or not any more; `vending login NAME`")


class NotAllowed(DomainError):
    """The operator's roles do not include this, or an API key was used where a person must act."""

    fault = Fault.REFUSED
    code = "operator_not_allowed"

    def __init__(self, name: str, right: str, *, by_key: bool) -> None:
        how = "an API key may not" if by_key else f"the roles of {name} do not include to"
        super().__init__(f"{how} {right}")
        self.name = name
        self.right = right


class OperatorUnknown(DomainError):
    """No operator has this name."""

    fault = Fault.NOT_FOUND
    code = "operator_unknown"

    def __init__(self, name: str) -> None:
        super().__init__(f"no operator is called {name[:24]!r}; see `vending operator list`")
        self.name = name


class LastSupervisor(DomainError):
    """Without this supervisor nobody could administer operators."""

    fault = Fault.REFUSED
    code = "operator_last_supervisor"

    def __init__(self, name: str) -> None:
        super().__init__(f"{name} is the last supervisor that can act; add another one first")
        self.name = name


class PassUnknown(DomainError):
    """No session or API key of this number can be revoked."""

    fault = Fault.NOT_FOUND
    code = "operator_pass_unknown"

    def __init__(self, number: int) -> None:
        super().__init__(
            f"no session or key {number} of yours is good; see `vending sessions list`"
        )
        self.number = number
