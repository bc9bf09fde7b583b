"""Why a token is not made."""

from __future__ import annotations

from vending_api.kit.errors import DomainError, Fault


class MeterKeyUnusable(DomainError):
    """The meter's key cannot make this token: missing, expired, or its base date has ended."""

    fault = Fault.REFUSED
    code = "meter_key_unusable"

    def __init__(self, external_id: str, reason: str) -> None:
        super().__init__(f"no token can be made for meter {external_id}: {reason}")
        self.external_id = external_id
        self.reason = reason


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
