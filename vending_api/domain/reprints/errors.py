"""What is not printed again."""

from __future__ import annotations

from vending_api.kit.errors import DomainError, Fault


class NothingToReprint(DomainError):
    """No sale of the meter has this reference, or it has none at all."""

    fault = Fault.REFUSED
    code = "nothing_to_reprint"

    def __init__(self, external_id: str, reference: str | None) -> None:
        which = "no sale yet" if reference is None else f"no sale of reference {reference}"
        super().__init__(f"meter {external_id} has {which}")
        self.external_id = external_id
        self.reference = reference
