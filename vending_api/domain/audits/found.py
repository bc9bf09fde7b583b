"""The audit of tokens that somebody found: what each says to its meter, and whether we sold it.

The file is read three times, a part at a time: to check it, to read its tokens, and to tell of
those with which something is wrong. Between these everything passes through files of fixed rows.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np

from sts.batch.digests import token_digests
from vending_api.domain.audits import repository
from vending_api.domain.audits.blocks import tables
from vending_api.domain.audits.key_data import KeyDataNumbers
from vending_api.domain.audits.logged import LoggedTokens
from vending_api.domain.audits.matching import KINDS, judge
from vending_api.domain.audits.readings import HeldBefore, Reader
from vending_api.domain.audits.register import Register
from vending_api.domain.audits.rows import KEPT, READING, VERDICT, mixed
from vending_api.domain.audits.saying import kinds, numbers
from vending_api.domain.audits.shelves import SEEN, Shelves
from vending_api.domain.audits.stored import opened
from vending_api.domain.audits.telling import tell
from vending_api.domain.audits.types import FindingKind
from vending_api.kit.vault import vault_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from numpy.typing import NDArray
    from sqlalchemy import Connection

    from sts.batch import BatchSecurityModule
    from vending_api.domain.audits.field_file import FieldFile
    from vending_api.domain.audits.repository import Block
    from vending_api.domain.audits.types import Finding, Tally
    from vending_api.kit.vault import Vault

    Told = Callable[[str, int, int], None]

_LOOKED_UP_ROWS: Final = 100_000
_NEVER_SOLD: Final = KINDS.index(FindingKind.NEVER_SOLD)
_GONE: Final = KINDS.index(FindingKind.RECORD_GONE)


class _Seen(NamedTuple):
    """What is known of a file before anything is compared."""

    rows: int
    meters: dict[str, list[str]] | None
    """The numbers and PANs that it names, if it is short."""


def audit_found(
    connection: Connection,
    module: BatchSecurityModule,
    file: FieldFile,
    folder: Path,
    *,
    tally: Tally,
    told: Told,
) -> Iterator[Finding]:
    """Yield what is wrong with the tokens of a file, in its order; count them in a tally.

    Each is read under every key data that its meter has or had. By chance one wrong token in
    65,536 can be read under a key, and then counts as never sold. Connection and folder are as for
    `audit_sold`. Raises FileInvalid, OSError.
    """
    with Shelves(folder, "seen", SEEN) as seen:
        about = _seen(file, seen)
        repository.prepare(connection)
        key_data = KeyDataNumbers()
        register, blocks = _sources(connection, about, key_data)
        path = folder / "verdicts"
        with (
            Shelves(folder, "kept", KEPT, "shelf") as kept,
            Shelves(folder, "readings", READING, "shelf") as readings,
            Shelves(folder, "unsold", SEEN) as unsold,
            path.open("wb") as verdicts_file,
        ):
            held = _keep(vault_of(connection), blocks, kept, HeldBefore(register, key_data), told)
            reader = Reader(module, register, key_data, held)
            for part in file.parts():
                found, verdicts = reader.read(part)
                readings.put(found)
                verdicts_file.write(verdicts.tobytes())
                told("tokens of the file", reader.rows, about.rows)
            verdicts_file.close()
            verdicts = np.memmap(path, VERDICT, "r+") if reader.rows else np.empty(0, VERDICT)
            for of_kept, of_readings in zip(kept.taken(), readings.taken(), strict=True):
                taken = judge(verdicts, of_kept, of_readings, key_data)
                unsold.put(_never_sold(verdicts, taken))
            for some in seen.taken():
                _name_first(verdicts, some)
            if (verdicts["kind"] == _NEVER_SOLD).any():
                _ask_log(connection, folder, verdicts, unsold, tally)
    yield from tell(connection, file, verdicts, reader.names, tally)
    path.unlink()


def _seen(file: FieldFile, seen: Shelves) -> _Seen:
    """Check the whole file, and put the digest of each row on a shelf."""
    rows = 0
    named: dict[str, set[str]] = {"meter": set(), "pan": set()}
    for part in file.parts():
        marks = np.empty(len(part), SEEN)
        marks["digest"] = token_digests(part["token"].combine_chunks())
        marks["row"] = np.arange(rows, rows + len(part))
        seen.put(marks)
        rows += len(part)
        if rows <= _LOOKED_UP_ROWS:
            for name, some in named.items():
                some.update(part[name].unique().drop_null().to_pylist())
    return _Seen(rows, None if rows > _LOOKED_UP_ROWS else {k: [*v] for k, v in named.items()})


def _sources(
    connection: Connection, about: _Seen, key_data: KeyDataNumbers
) -> tuple[Register, Iterator[Block]]:
    """Return the meters that a file may be about, and blocks of their tokens.

    A short file is looked up meter by meter; for a longer one everything is read once.
    """
    if about.meters is None:
        return Register.whole(connection, key_data), repository.kept_blocks(connection)
    register = Register.of(
        connection, key_data, external_ids=about.meters["meter"], pans=about.meters["pan"]
    )
    return register, repository.kept_blocks_of(connection, register.keys.tolist())


def _keep(
    vault: Vault, blocks: Iterator[Block], kept: Shelves, held: HeldBefore, told: Told
) -> HeldBefore:
    """Put what was sold on shelves by meter, and return what key data the meters held."""
    done = 0
    for table in tables(blocks):
        rows = np.empty(len(table), KEPT)
        for name in ("token_key", "meter_key", "units_tenths", "setting"):
            rows[name] = numbers(table[name])
        rows["shelf"] = mixed(rows["meter_key"])
        rows["digest"] = opened(vault, table).digests
        rows["identifier"] = numbers(table["token_identifier"])
        rows["kind"] = kinds(table["kind"])
        rows["key_data"] = held.note(rows["meter_key"], table)
        kept.put(rows)
        done += len(rows)
        told("tokens that were sold", done, done)
    return held


def _never_sold(verdicts: NDArray[Any], taken: Any) -> Any:
    taken = taken[verdicts["kind"][taken["row"]] == _NEVER_SOLD]
    marks = np.empty(len(taken), SEEN)
    for name in ("digest", "row"):
        marks[name] = taken[name]
    return marks


def _name_first(verdicts: NDArray[Any], seen: Any) -> None:
    """Write to each row of a shelf in which row its token stands first; rows are in order."""
    _, first, which = np.unique(seen["digest"], return_index=True, return_inverse=True)
    verdicts["first"][seen["row"]] = seen["row"][first[which]]


def _ask_log(
    connection: Connection, folder: Path, verdicts: NDArray[Any], unsold: Shelves, tally: Tally
) -> None:
    """Tell from the others what the log knows nevertheless: it was sold, and then taken out."""
    with Shelves(folder, "logged", SEEN) as logged:
        for digests in LoggedTokens(connection).digests():
            marks = np.zeros(len(digests), SEEN)
            marks["digest"] = digests
            logged.put(marks)
            tally.logged += len(digests)
        for ours, theirs in zip(unsold.taken(), logged.taken(), strict=True):
            is_known = np.isin(ours["digest"], theirs["digest"])
            verdicts["kind"][ours["row"][is_known]] = _GONE
