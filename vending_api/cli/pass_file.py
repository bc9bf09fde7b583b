"""The file that keeps the session of whoever has logged in: of its owner alone."""

from __future__ import annotations

import os
from pathlib import Path

from vending_api.kit.private_files import replace_private


def session_file() -> Path:
    """Return where the session is kept: below $XDG_STATE_HOME, or ~/.local/state."""
    state = os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state"
    return Path(state) / "vending" / "session"


def keep_secret(file: Path, secret: str) -> None:
    """Write a secret to a file that nobody else ever could read, in place of the one before."""
    file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    replace_private(file, f"{secret}\n".encode("ascii"))
