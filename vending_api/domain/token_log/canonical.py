"""The words that digests and signatures of the log stand for, the same on every database.

Digests that are stored hold for these very characters.
"""

from __future__ import annotations

from datetime import UTC
from hashlib import sha256
from json import JSONEncoder
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from vending_api.domain.token_log.types import Draft

NO_DIGEST: Final = "0" * 64
"""What stands for the digest of what comes before the first."""
_TEXT: Final = JSONEncoder().encode
"""A text as JSON writes it, in ASCII: all that the canonical form of a row leaves to encode."""
_LIST: Final = JSONEncoder(separators=(",", ":")).encode
_SIGNED_AS: Final = "vending token log checkpoint 1\n"
"""What a signature is for, so that it can stand for nothing else."""


def digest_of_row(row: Mapping[str, Any]) -> str:
    """Return the digest of a row without its own: SHA-256 of its canonical form, in hex digits."""
    return sha256(canonical_row(row).encode()).hexdigest()


def canonical_row(row: Mapping[str, Any]) -> str:
    """Return a row without its digest as JSON: names in order, no spaces, the moment in UTC.

    Every sale comes by, and an encoder of any row takes three times as long as the columns
    written out. A row from before warrants has none, and the form it had then.
    """
    identifier, warrant = row["token_identifier"], row["warrant"]
    return (
        f'{{"base_date":{row["base_date"]},"kind":{_TEXT(row["kind"])},'
        f'"made_at":"{canonical_moment(row["made_at"])}",'
        f'"meter_key":{row["meter_key"]},"previous_digest":{_TEXT(row["previous_digest"])},'
        f'"reference":{_TEXT(row["reference"])},"sequence":{row["sequence"]},'
        f'"token_digest":{_TEXT(row["token_digest"])},'
        f'"token_identifier":{"null" if identifier is None else identifier},'
        f"{_member('warrant', warrant)}"
        f'"writer":{_TEXT(row["writer"])}}}'
    )


def canonical_moment(moment: datetime) -> str:
    """Return a moment in UTC, to the microsecond."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds")


def signed_words(checkpoint: Draft) -> bytes:
    """Return what is signed of a checkpoint: what it is, then all but the signature as JSON."""
    return f"{_SIGNED_AS}{_canonical_checkpoint(checkpoint)}".encode()


def digest_of_checkpoint(checkpoint: Draft) -> str:
    """Return the digest of a checkpoint, which the next one names: SHA-256 of its signed words."""
    return sha256(signed_words(checkpoint)).hexdigest()


def _canonical_checkpoint(one: Draft) -> str:
    return (
        f'{{"heads":{_LIST(one.heads)},"key_id":{_TEXT(one.key_id)},'
        f'"made_at":"{canonical_moment(one.made_at)}","number":{one.number},'
        f'"previous_digest":{_TEXT(one.previous_digest)}}}'
    )


def _member(name: str, text: str | None) -> str:
    return "" if text is None else f'"{name}":{_TEXT(text)},'
