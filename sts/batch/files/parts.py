"""The parts of an output that is not complete: a folder beside it, which a crash leaves behind."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from typing import TYPE_CHECKING, Any, Final

import pyarrow as pa

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

_PLAN: Final = "plan.json"


class Parts:
    """The folder `OUT.parts`: a plan, and one Arrow file for each part that is finished."""

    def __init__(self, output: Path) -> None:
        """Name the folder that belongs to an output; nothing is made yet."""
        self.folder = output.with_name(f"{output.name}.parts")

    def begin(self, plan: Mapping[str, Any]) -> bool:
        """Make the folder ready for a plan; return whether parts of the same plan are in it.

        Parts of another plan, of other input or other keys, are thrown away. Raises OSError.
        """
        text = json.dumps(plan, sort_keys=True, indent=2)
        path = self.folder / _PLAN
        if path.exists() and path.read_text(encoding="utf-8") == text:
            return True
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir()
        path.write_text(text, encoding="utf-8")
        return False

    def path(self, number: int) -> Path:
        """Return where a part stands once it is finished."""
        return self.folder / f"{number:06}.arrow"

    def is_finished(self, number: int) -> bool:
        """Return whether a part is there as a whole; one cut short by a power failure is not."""
        try:
            with pa.memory_map(str(self.path(number))) as file:
                pa.ipc.open_file(file)
        except (OSError, pa.ArrowInvalid):
            return False
        return True

    def read(self, number: int) -> Any:
        """Return a finished part; its columns stay on the disk until they are read."""
        with pa.memory_map(str(self.path(number))) as file:
            return pa.ipc.open_file(file).read_all()

    def remove(self) -> None:
        """Remove the folder; the output is complete."""
        shutil.rmtree(self.folder)


def write_part(path: Path, table: Any) -> None:
    """Write a part so that it is there as a whole or not at all; raises OSError."""
    unfinished = path.with_suffix(f".{os.getpid()}")
    with pa.OSFile(str(unfinished), "wb") as file, pa.ipc.new_file(file, table.schema) as out:
        out.write_table(table)
    unfinished.replace(path)


def plan_of(path: Path, **facts: Any) -> dict[str, Any]:
    """Return what the parts of an output depend on: the input as it stands, and some facts."""
    stat = path.stat()
    name = hashlib.sha256(os.fsencode(path.resolve())).hexdigest()
    return {"input": name, "octets": stat.st_size, "changed_ns": stat.st_mtime_ns, **facts}
