"""What is refused of actions."""

from __future__ import annotations

from vending_api.kit.errors import DomainError, Fault


class MaterialDiffers(DomainError):
    """The file that was given is not the one that was proposed, or none was given."""

    fault = Fault.REFUSED
    code = "proposed_file_differs"

    def __init__(self, file: str) -> None:
        super().__init__(f"give {file} with --file, as it was proposed; this is another, or none")
        self.file = file
