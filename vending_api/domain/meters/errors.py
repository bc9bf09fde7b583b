"""What the register refuses."""

from __future__ import annotations

from vending_api.kit.errors import DomainError, Fault


class UnknownMeter(DomainError):
    """No meter of this number is registered."""

    fault = Fault.NOT_FOUND
    code = "unknown_meter"

    def __init__(self, external_id: str) -> None:
        which = f"meter {external_id}" if external_id else "a meter without a number"
        super().__init__(f"{which} is not registered here")
        self.external_id = external_id


class MeterBlocked(DomainError):
    """The utility has suspended vending to this meter."""

    fault = Fault.REFUSED
    code = "meter_blocked"

    def __init__(self, external_id: str) -> None:
        super().__init__(f"the utility has blocked vending to meter {external_id}")
        self.external_id = external_id
