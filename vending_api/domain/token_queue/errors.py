"""What the token queue refuses."""

from __future__ import annotations

from vending_api.kit.errors import DomainError, Fault


class QueuedTokenUnknown(DomainError):
    """No token of this key waits for the meter: it is another's, withdrawn or delivered."""

    fault = Fault.NOT_FOUND
    code = "queued_token_unknown"

    def __init__(self, external_id: str, key: int) -> None:
        super().__init__(f"no token {key} waits for meter {external_id}; see `vending token list`")
        self.external_id = external_id
        self.key = key
