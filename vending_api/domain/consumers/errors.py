"""What is refused to consumers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vending_api.kit.errors import DomainError, Fault

if TYPE_CHECKING:
    from collections.abc import Mapping


class ApiKeyRejected(DomainError):
    """The API key is missing, unknown, revoked or past its time; it does not say which."""

    fault = Fault.UNAUTHENTICATED
    code = "api_key_rejected"

    def __init__(self) -> None:
        super().__init__("the API key is invalid or has expired")


class LoginRejected(DomainError):
    """Unknown e-mail address or wrong password; it does not say which."""

    fault = Fault.UNAUTHENTICATED
    code = "login_rejected"

    def __init__(self) -> None:
        super().__init__("e-mail address or password is wrong")


class TooManyAttempts(DomainError):
    """Too many attempts to log in, register or change a password within a minute."""

    fault = Fault.REFUSED
    code = "too_many_attempts"

    def __init__(self, retry_after_seconds: int) -> None:
        super().__init__(f"too many attempts; try again in {retry_after_seconds} s")
        self.retry_after_seconds = retry_after_seconds


class PasswordIncorrect(DomainError):
    """The current password is another one; nothing was changed."""

    fault = Fault.REFUSED
    code = "password_incorrect"

    def __init__(self) -> None:
        super().__init__("the current password is wrong")


class RegistrationRefused(DomainError):
    """Fields of a registration are taken by another consumer, or name what does not exist."""

    fault = Fault.CONFLICT
    code = "registration_refused"

    def __init__(self, problems: Mapping[str, str]) -> None:
        """Take a FieldProblem by field: email, estate, meter_number."""
        shown = ", ".join(f"{field} is {problem}" for field, problem in problems.items())
        super().__init__(f"the registration is refused: {shown}")
        self.problems = dict(problems)


class MeterNotOfEstate(DomainError):
    """The register knows no such meter in this estate."""

    fault = Fault.NOT_FOUND
    code = "meter_not_of_estate"

    def __init__(self, meter_number: str) -> None:
        super().__init__(f"meter {meter_number} is not registered in this estate")
        self.meter_number = meter_number
