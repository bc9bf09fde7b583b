"""What the sandbox pretends."""

from __future__ import annotations

from vending_api.kit.errors import DomainError, Fault


class UpstreamTimedOut(DomainError):
    """The demo acts as a provider that does not answer in time; the sale is made all the same."""

    fault = Fault.UNKNOWN
    code = "upstream_timed_out"

    def __init__(self, external_id: str) -> None:
        super().__init__(
            f"the provider of meter {external_id} did not answer in time; retry the purchase"
        )
        self.external_id = external_id
