"""Fuzz one target: `python -m tests.fuzz.run TARGET [FOLDER...] [-max_total_time=660]`."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from tempfile import gettempdir, mkdtemp

import atheris

from tests.fuzz.mutated_json import mutator


def main() -> None:
    """Instrument the packages, open the target, and hand it to libFuzzer, which ends us."""
    target, *arguments = sys.argv[1:]
    with atheris.instrument_imports(include=["sts", "tariffs", "vending_api"]):
        module = importlib.import_module(f"tests.fuzz.{target}")
    words = Path(gettempdir(), f"fuzz_{target}.dict")
    words.write_text("".join(f"{_quoted(word)}\n" for word in module.WORDS), encoding="utf-8")
    # What merges starts itself again, by these words.
    told = [f"{sys.executable} -m tests.fuzz.run {target}", f"-dict={words}", *arguments]
    if all(one.startswith("-") for one in arguments):  # what is found goes to the first folder
        told += [mkdtemp(), str(Path(__file__).with_name("corpus") / target)]
    with module.opened() as read:
        if hasattr(module, "BEFORE_JSON"):
            change = mutator(module.WORDS, kept=module.BEFORE_JSON)
            atheris.Setup(told, read, custom_mutator=change)
        else:
            atheris.Setup(told, read)
        atheris.Fuzz()


def _quoted(word: str) -> str:
    escaped = "".join(
        letter if letter.isalnum() or letter in "_[] =" else f"\\x{ord(letter):02x}"
        for letter in word
    )
    return f'"{escaped}"'


if __name__ == "__main__":
    main()
