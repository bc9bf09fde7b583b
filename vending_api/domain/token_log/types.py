"""What the log says of a token, and what a checkpoint says of the log."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, NamedTuple, Protocol

if TYPE_CHECKING:
    from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class LogEntry:
    """A token that was made, and what it was made for."""

    reference: str
    """The purchase id of the sale, or the id of the key change request."""
    meter_key: int
    kind: str
    base_date: int
    token_identifier: int | None
    """None for the sections of a key change, which have none."""
    digits: str = field(repr=False)
    made_at: datetime
    warrant: str
    """Who ordered it, and for which money or approval; never empty."""


@dataclass(frozen=True, slots=True)
class Break:
    """A place where the log does not hold."""

    writer: str
    """The chain, or `CHECKPOINTS`, or `FILE`."""
    sequence: int
    """The row of the chain, the number of the checkpoint, or the line of the file."""
    problem: str


CHECKPOINTS: Final = "checkpoints"
"""What stands for a chain where a checkpoint does not hold."""
FILE: Final = "file"
"""What stands for a chain where a line of an export does not hold."""


class ChainHead(NamedTuple):
    """The newest row of a chain when a checkpoint was made."""

    writer: str
    sequence: int
    digest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A checkpoint before it is signed."""

    number: int
    """1 for the first, without gaps."""
    made_at: datetime
    previous_digest: str
    """Of the checkpoint before; zeros before the first."""
    heads: tuple[ChainHead, ...]
    """Of every chain that has grown since the checkpoint before, by writer."""
    key_id: str
    """The public key that proves the signature."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint(Draft):
    """The ends of all chains at a moment, signed: what came before it cannot be cut off."""

    signature: str
    """Ed25519, 128 hex digits."""


class Signer(Protocol):
    """Who signs checkpoints."""

    @property
    def public(self) -> Verifier:
        """What checks its signatures."""
        ...

    def sign(self, message: bytes) -> bytes:
        """Return a signature."""
        ...


class Verifier(Protocol):
    """A public key."""

    @property
    def id(self) -> str:
        """What a checkpoint calls it."""
        ...

    def has_signed(self, message: bytes, signature: bytes) -> bool:
        """Tell whether a signature of a message was made with its private key."""
        ...


@dataclass(slots=True)
class Extent:
    """How much was proven."""

    chains: int = 0
    rows: int = 0
    checkpoints: int = 0
    newest_checkpoint: int = 0
    newest_checkpoint_digest: str = ""
    rows_after_checkpoints: int = 0
    """Rows that no checkpoint covers yet: the end of a chain, which can be cut unseen."""
    oldest_after_checkpoints: datetime | None = None
