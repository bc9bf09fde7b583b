"""Running the `sts` command in tests, and the key file that it runs on."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

from typer.testing import CliRunner, Result

from sts.cli import app
from sts.keys.sta_tables import SAMPLE_TABLES

VECTORS: Final = Path(__file__).parents[1] / "vectors"
FILES: Final = [str(path) for path in sorted(VECTORS.glob("*.jsonl"))]
LONG_KEY: Final = "abababababababab949494949494949401234567"
SHORT_KEY: Final = "abababababababab"
PAN: Final = "600727000000000009"

ENTRIES: Final = [
    # supply group, revision, key type, base date, expiry, algorithm, key
    ("201457", 1, 2, 2014, 255, "04", LONG_KEY),
    ("203557", 6, 2, 2035, 255, "04", LONG_KEY),
    ("123456", 1, 2, 2014, 255, "02", SHORT_KEY),
    ("123456", 2, 2, 2014, 255, "02", "0123456789abcdef"),
    ("123456", 3, 1, 2014, 255, "02", SHORT_KEY),
    ("123456", 4, 2, 2014, 0, "02", SHORT_KEY),
    ("123456", 5, 2, 1993, 255, "02", SHORT_KEY),
]
EA11: Final = ["--meter", PAN, "--sgc", "201457", "--krn", "1", "--ti", "01", "--ea", "11"]
EA07: Final = ["--meter", PAN, "--sgc", "123456", "--krn", "1", "--ti", "01", "--ea", "07"]
AT: Final = ["--at", "2014-03-01T13:00:59", "--rnd", "5"]
ED_2_2_CREDIT: Final = "58625789986991357486"
"""STS 531-1-11 edition 2.2: 0.1 kWh under EA11, issued 2014-03-01 13:00, RND 5."""


def key_file_text(entries: list[tuple[str, int, int, int, int, str, str]]) -> str:
    names = (
        "supply_group_code",
        "key_revision_number",
        "key_type",
        "base_date",
        "key_expiry_number",
        "decoder_key_generation_algorithm",
        "key",
    )
    tables = []
    for entry in entries:
        lines = [f"{name} = {json.dumps(value)}" for name, value in zip(names, entry, strict=True)]
        tables.append("\n".join(["[[vending_key]]", *lines]))
    return "\n".join(tables)


def key_options(folder: Path) -> list[str]:
    """Return the options that name a key file, which is written into `folder`."""
    path = folder / "keys.toml"
    path.write_text(key_file_text(ENTRIES))
    return ["--keys", str(path)]


def table_options(folder: Path) -> list[str]:
    """Return the options that name tables which are not the sample tables."""
    path = folder / "tables.json"
    other_tables = {
        "substitution_1": SAMPLE_TABLES.substitution_1[::-1],
        "substitution_2": SAMPLE_TABLES.substitution_2,
        "permutation": SAMPLE_TABLES.permutation,
    }
    path.write_text(json.dumps(other_tables))
    return ["--sta-tables", str(path)]


def run(*arguments: str, env: dict[str, str] | None = None) -> Result:
    clean = {"VENDING_KEYS_FILE": None, "VENDING_STA_TABLES": None, "STS_DEBUG": None}
    result = CliRunner(env={**clean, **(env or {})}).invoke(app, list(arguments), prog_name="sts")
    for key in (SHORT_KEY, "0123456789abcdef"):
        assert key not in result.output.lower()
    return result


def done(*arguments: str, env: dict[str, str] | None = None) -> str:
    result = run(*arguments, env=env)
    assert (result.exit_code, result.stderr.replace(SAMPLE_NOTE, "")) == (0, "")
    return result.stdout


def done_json(*arguments: str) -> dict[str, Any]:
    parsed: dict[str, Any] = json.loads(done(*arguments, "--json"))
    return parsed


def failed(*arguments: str, code: int, env: dict[str, str] | None = None) -> str:
    """Return the one line on stderr of a command that must fail."""
    result = run(*arguments, env=env)
    assert (result.exit_code, result.stdout) == (code, "")
    [line] = result.stderr.replace(SAMPLE_NOTE, "").splitlines()
    assert line.startswith("sts: ")
    return line


SAMPLE_NOTE: Final = (
    "sts: note: EA07 with the standard's sample tables, for tests only; give --sta-tables FILE "
    "for meters in the field\n"
)
