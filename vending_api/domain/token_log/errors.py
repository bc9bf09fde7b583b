"""What cannot be read as an exported log."""

from __future__ import annotations


class ExportInvalid(Exception):
    """A line of an exported log says nothing that can be proven."""

    def __init__(self, line: int, problem: str) -> None:
        super().__init__(f"line {line}: {problem}")
        self.line = line
