"""What is refused about readings."""

from __future__ import annotations

from vending_api.kit.errors import DomainError, Fault


class DataItemUnknown(DomainError):
    """No item that may be read has this label."""

    fault = Fault.INVALID
    code = "data_item_unknown"

    def __init__(self, label: str) -> None:
        super().__init__(f"{label[:64]!r} is not a data item that may be read")
        self.label = label


class ReadingPending(DomainError):
    """The same item of this meter is being read already."""

    fault = Fault.CONFLICT
    code = "reading_pending"

    def __init__(self, label: str) -> None:
        super().__init__(f"a reading of {label!r} is pending already")
        self.label = label


class MetersNotConnected(DomainError):
    """This installation has no way to read meters."""

    fault = Fault.UNAVAILABLE
    code = "meters_not_connected"

    def __init__(self) -> None:
        super().__init__("no meter gateway is configured, so meters cannot be read")
