"""What is wrong with a tariff."""

from __future__ import annotations


class TariffError(Exception):
    """Root of every error that `tariffs` raises on purpose."""


class TariffInvalid(TariffError, ValueError):
    """A tariff document that makes no sense; names the document, the key and the mend."""

    def __init__(self, document: str, key: str, problem: str) -> None:
        super().__init__(f"{document}: {key}: {problem}")
        self.document = document
        self.key = key
        self.problem = problem
