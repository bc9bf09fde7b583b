"""What is refused about estates."""

from __future__ import annotations

from vending_api.kit.errors import DomainError, Fault


class EstateUnknown(DomainError):
    """No estate of this number, or for this utility, sells online."""

    fault = Fault.NOT_FOUND
    code = "estate_unknown"

    def __init__(self, estate: int | str) -> None:
        super().__init__(f"estate {estate} does not sell online; see `vending estate list`")
        self.estate = estate
