"""`vending log`: the token log as evidence, its signing key, checkpoints, proof and export."""

# Annotations are read at run time here, so there is no `from __future__ import annotations`.

import re
import secrets
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from datetime import UTC, datetime
from functools import partial
from itertools import count
from pathlib import Path
from typing import Annotated, Final, Protocol

import typer
from rich.console import Console
from rich.progress import Progress
from sqlalchemy import Connection

from vending_api.cli.backup_file import appearing
from vending_api.cli.reconcile import print_differences
from vending_api.cli.station import CommandRefused, reading, writing
from vending_api.cli.tables import JsonOption, print_facts, print_json, print_table, say
from vending_api.domain.reconciling.service import token_differences
from vending_api.domain.reconciling.types import Difference
from vending_api.domain.token_log import checkpoints
from vending_api.domain.token_log.canonical import digest_of_checkpoint
from vending_api.domain.token_log.errors import ExportInvalid
from vending_api.domain.token_log.evidence import count_rows, export_lines, prove
from vending_api.domain.token_log.exporting import prove_lines
from vending_api.domain.token_log.proving import Prover
from vending_api.domain.token_log.types import Break, Extent
from vending_api.kit.signatures import (
    PublicKey,
    SigningKey,
    SigningKeyInvalid,
    read_signing_key,
    write_new_signing_key,
)
from vending_api.outside import log_signer
from vending_api.settings import SettingsInvalid, read_settings

_FAILED: Final = 1
_EXPECTED: Final = re.compile(r"(\d{1,18}):([0-9a-f]{64})", re.ASCII)
_SEED_OCTETS: Final = 32
_STEP: Final = 1_000
"""Rows or lines between two moves of the bar."""

log_app: Final = typer.Typer(
    name="log",
    help="The token log as evidence: who ordered each token, for which money or approval.",
    no_args_is_help=True,
)


class _Advance(Protocol):
    """What moves a bar on."""

    def __call__(self, by: int, /) -> None: ...


@log_app.command()
def key(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The file of the private key.")],
    *,
    new: Annotated[
        bool, typer.Option("--new", show_default=False, help="Make the file, with a new pair.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Print the public key of a signing key; with --new make the pair first.

    Name the file in VENDING_LOG_KEY_FILE of whoever makes checkpoints, and give
    the public key to the auditor, on paper: it proves every checkpoint. The file
    has mode 0600 and is never written over. Whoever may change the database
    should not be able to read it.

    Example: `vending log key /var/lib/vending/log.key --new`
    """
    try:
        signing = (
            write_new_signing_key(file, chance=secrets.token_bytes(_SEED_OCTETS))
            if new
            else read_signing_key(file)
        )
    except SigningKeyInvalid as error:
        raise CommandRefused(str(error)) from None
    except FileExistsError:
        raise CommandRefused(f"{file} exists; a key that may have signed stays") from None
    public = signing.public
    if as_json:
        print_json({"key_id": public.id, "public_key": public.hex_digits})
    else:
        typer.echo(public.hex_digits)
        say(f"This is key {public.id}; the private one is in {file}.")


@log_app.command()
def checkpoint(*, as_json: JsonOption = False) -> None:
    """Sign the ends of all chains now, with the key of VENDING_LOG_KEY_FILE.

    `vending serve` and `vending worker` do it every hour, and on each new day of
    UTC. Keep number and digest elsewhere: `vending log verify --expect` proves with
    them that nothing up to here was taken away. Nothing is made where nothing was
    sold since the last.

    Example: `vending log checkpoint`
    """
    signer = log_signer(read_settings())
    if signer is None:
        raise SettingsInvalid("VENDING_LOG_KEY_FILE: it is not set; see `vending log key --help`")
    with writing() as connection:
        drafted = checkpoints.draft(connection, signer.public.id, datetime.now(UTC))
        one = None if drafted is None else checkpoints.signed(drafted, signer)
        if one is not None and not checkpoints.store(connection, one):
            raise CommandRefused(f"checkpoint {one.number} has just been made by another")
    if one is None:
        say("Nothing was logged since the last checkpoint.")
        return
    made = {"number": one.number, "digest": digest_of_checkpoint(one), "chains": len(one.heads)}
    if as_json:
        print_json(made)
    else:
        typer.echo(f"{one.number}:{made['digest']}")
        say(f"Checkpoint {one.number} signs the ends of {len(one.heads):,} chains.")


@log_app.command()
def export(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A file that does not exist yet.")],
    *,
    as_json: JsonOption = False,
) -> None:
    """Write the whole log with its checkpoints to a file, for an auditor.

    JSON lines, without the digits of any token: only their digests. The file is
    proven by `vending log verify --file FILE --key PUBLIC`, on any machine and
    without a database. Run `vending log checkpoint` before it, so that the last
    rows are signed, too.

    Example: `vending log export november.jsonl`
    """
    lines = 0
    with (
        reading() as connection,
        appearing(file, replace=False) as private,
        private.open("w", encoding="ascii", newline="\n") as opened,
        _bar("Exporting", count_rows(connection)) as advance,
    ):
        for lines, line in enumerate(export_lines(connection, datetime.now(UTC)), 1):
            opened.write(f"{line}\n")
            if lines % _STEP == 0:
                advance(_STEP)
    if as_json:
        print_json({"file": str(file), "lines": lines})
    else:
        say(f"{file} has {lines:,} lines.")


@log_app.command()
def verify(
    *,
    keys: Annotated[
        list[str] | None,
        typer.Option(
            "--key", metavar="PUBLIC", help="A public key, 64 hex digits; may be repeated."
        ),
    ] = None,
    file: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Prove this export, not the database.")
    ] = None,
    expect: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NUMBER:DIGEST", help="A checkpoint that must be there; may be repeated."
        ),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Prove the token log, and name every place where it does not hold.

    Each row must follow the one before it, each checkpoint the one before it; each
    checkpoint's signature must be of a key that you trust, and know the rows that
    are there. In a database, every token must have its row, every row its token,
    and each the payment or the approval that it was made for.

    Without --key, the public key of VENDING_LOG_KEY_FILE is trusted. What came
    after the last checkpoint may have been cut off; so may the last checkpoints
    with all after them, unless --expect names one that you have kept elsewhere.

    Exit code 1 says that something does not hold. A million rows take about a
    minute; nothing is changed, and sales go on.

    Example: `vending log verify --file november.jsonl --key 3b6a...`
    """
    trusted = _trusted(keys or [], is_file=file is not None)
    prover = Prover({one.id: one for one in trusted}, _expected(expect or []))
    differences: list[Difference] = []
    if file is not None:
        breaks = _prove_file(file, prover)
    else:
        with reading() as connection:
            breaks = _prove_database(connection, prover)
            with Console(stderr=True).status("Comparing tokens, sales and log"):
                differences = sorted(token_differences(connection))
    _report(prover.extent, breaks, differences, as_json=as_json)
    if breaks or differences:
        raise typer.Exit(_FAILED)


def _prove_file(file: Path, prover: Prover) -> list[Break]:
    # What is no UTF-8 is no line of an export either, and is found as such.
    with (
        file.open(encoding="utf-8", errors="replace", newline="\n") as lines,
        _bar("Proving", file.stat().st_size) as advance,
    ):

        def told() -> Iterator[str]:
            octets = 0
            for number, line in enumerate(lines, 1):
                octets += len(line)
                if number % _STEP == 0:
                    advance(octets)
                    octets = 0
                yield line

        try:
            return list(prove_lines(told(), prover))
        except ExportInvalid as error:
            raise CommandRefused(f"{file} is no exported log: {error}") from None


def _prove_database(connection: Connection, prover: Prover) -> list[Break]:
    with _bar("Proving", count_rows(connection)) as advance:
        at = datetime.now(UTC)
        return list(prove(connection, prover, at, on_row=partial(_step, count(1), advance)))


def _step(numbers: Iterator[int], advance: _Advance) -> None:
    if next(numbers) % _STEP == 0:
        advance(_STEP)


@contextmanager
def _bar(words: str, total: int) -> Iterator[_Advance]:
    console = Console(stderr=True)
    with Progress(console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task(words, total=total)
        yield lambda by: progress.advance(task, by)


def _trusted(keys: Sequence[str], *, is_file: bool) -> list[PublicKey]:
    """Return the keys that were given, or that of the settings; raises BadParameter."""
    try:
        given = [PublicKey.of_hex(one) for one in keys]
    except SigningKeyInvalid as error:
        raise typer.BadParameter(str(error), param_hint="--key") from None
    if given:
        return given
    if is_file:
        raise typer.BadParameter(
            "give the public key that you trust; one from the file proves nothing",
            param_hint="--key",
        )
    signer: SigningKey | None = log_signer(read_settings())
    return [] if signer is None else [signer.public]


def _expected(texts: Sequence[str]) -> Mapping[int, str]:
    expected = {}
    for text in texts:
        found = _EXPECTED.fullmatch(text)
        if found is None:
            raise typer.BadParameter(
                "write it as `vending log checkpoint` does", param_hint="--expect"
            )
        expected[int(found[1])] = found[2]
    return expected


def _report(
    extent: Extent, breaks: Sequence[Break], differences: Sequence[Difference], *, as_json: bool
) -> None:
    if as_json:
        print_json(
            {
                "proven": asdict(extent),
                "breaks": [asdict(one) for one in breaks],
                "differences": [asdict(one) for one in differences],
            }
        )
        return
    oldest = extent.oldest_after_checkpoints
    print_facts(
        [
            ("Chains", extent.chains),
            ("Rows", extent.rows),
            ("Checkpoints", extent.checkpoints),
            ("Newest checkpoint", _newest(extent)),
            ("Rows after it", extent.rows_after_checkpoints),
            ("The oldest of them", None if oldest is None else oldest.isoformat()),
        ]
    )
    if breaks:
        rows = [(one.writer, one.sequence, one.problem) for one in breaks]
        print_table(("Chain", "At", "Problem"), rows)
    if differences:
        print_differences(differences)
    if not extent.checkpoints:
        say(
            "No checkpoint: the end of a chain can be cut off unseen; see `vending log key --help`."
        )
    if not breaks and not differences:
        say("The log holds.")


def _newest(extent: Extent) -> str | None:
    if not extent.checkpoints:
        return None
    return f"{extent.newest_checkpoint}:{extent.newest_checkpoint_digest}"
