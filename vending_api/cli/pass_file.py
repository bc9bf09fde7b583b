"""The file that keeps the session of whoever has logged in: of its owner alone."""

from __future__ import annotations

import os
from pathlib import Path


def session_file() -> Path:
    """Return where the session is kept: below $XDG_STATE_HOME, or ~/.local/state."""
    state = os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state"
    return Path(state) / "vending" / "session"


def keep_secret(file: Path, secret: str) -> None:
    """Write a secret to a file that nobody else ever could read, in place of the one before."""
    file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    beside = file.with_name(f".{file.name}.{os.getpid()}")
    beside.unlink(missing_ok=True)
    descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="ascii") as writer:
        writer.write(f"{secret}\n")
    beside.replace(file)
