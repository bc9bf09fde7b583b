"""Everything that can go wrong in `sts`, as one small tree of errors.

A class per case that a caller treats differently, the facts as attributes, and
a stable `code` for programs and logs. Messages name the field, what is wrong
and what would be right; they never hold key octets.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from pathlib import Path


class StsError(Exception):
    """Root of every error that `sts` raises on purpose."""

    code: ClassVar[str] = "sts_error"


class InvalidField(StsError, ValueError):
    """A value that cannot exist in STS."""

    code = "invalid_field"

    def __init__(self, field: str, problem: str, expected: str) -> None:
        super().__init__(f"{field}: {problem}; expected {expected}")
        self.field = field
        self.problem = problem
        self.expected = expected


class CheckDigitWrong(InvalidField):
    """A meter number whose Luhn check digit does not fit its other digits."""

    code = "check_digit_wrong"


class AlgorithmRefused(StsError):
    """An algorithm, or a pair of algorithms, that this engine does not offer."""

    code = "algorithm_refused"


class TokenIdentifierOutOfRange(StsError, ValueError):
    """No 24-bit token identifier exists for this time under this base date."""

    code = "token_identifier_out_of_range"


class KeyExpired(StsError):
    """The token identifier lies beyond the key expiry number of the key."""

    code = "key_expired"

    def __init__(self, token_identifier_minutes: int, key_expiry_number: int) -> None:
        super().__init__(
            f"key expired: token identifier {token_identifier_minutes} has high byte "
            f"{token_identifier_minutes >> 16}, the key expiry number is {key_expiry_number}",
        )
        self.token_identifier_minutes = token_identifier_minutes
        self.key_expiry_number = key_expiry_number


class TokenError(StsError):
    """A token that cannot be read."""

    code = "token_error"


class TokenMalformed(TokenError, ValueError):
    """Text that is not a token: 20 decimal digits below 2^66."""

    code = "token_malformed"


class CrcMismatch(TokenError):
    """The checksum is wrong: another key, or digits that were mistyped."""

    code = "crc_mismatch"


class TokenReserved(TokenError):
    """A class and subclass that the standard reserves; it is not encoded."""

    code = "token_reserved"


class ReadBackMismatch(StsError):
    """A token just made does not decode to what was asked for; it must not be sold."""

    code = "read_back_mismatch"


class VendingKeyNotFound(StsError, LookupError):
    """The key store holds no key for this supply group and revision."""

    code = "vending_key_not_found"

    def __init__(self, supply_group_code: str, key_revision_number: int) -> None:
        super().__init__(
            f"no vending key for supply group {supply_group_code} revision {key_revision_number}",
        )
        self.supply_group_code = supply_group_code
        self.key_revision_number = key_revision_number


class FileInvalid(StsError, ValueError):
    """A file that does not hold what it should: names the file, the place, and the mend."""

    code = "file_invalid"

    def __init__(self, path: Path | str, problem: str) -> None:
        super().__init__(f"{path}: {problem}")
        self.path = path
        self.problem = problem


class KeyFileInvalid(FileInvalid):
    """A key file with a wrong entry; names the entry and the field, never the key."""

    code = "key_file_invalid"


class KeyFileAltered(FileInvalid):
    """A sealed key file that is not as it was sealed: an entry was changed, moved or replaced."""

    code = "key_file_altered"


class SealNotOpened(StsError):
    """What was given does not open a sealed key file: it is wrong, or of another kind."""

    code = "seal_not_opened"


class ShareInvalid(StsError, ValueError):
    """A custodian's share that is mistyped, of another set, or already there."""

    code = "share_invalid"


class StaTablesInvalid(FileInvalid):
    """A table file that is not two 4-bit substitutions and one 64-bit permutation."""

    code = "sta_tables_invalid"


class DecoderKeyMissing(StsError):
    """A token of class 0 or 2 was to be encoded or read without the meter's decoder key."""

    code = "decoder_key_missing"


class IssueLimitReached(StsError):
    """A security module makes no more tokens, or no more units, under a key today."""

    code = "issue_limit_reached"


class TokenNotAllowed(StsError):
    """A token that is not issued this way, or not under a key of this type."""

    code = "token_not_allowed"


class BatchExtraMissing(StsError, ImportError):
    """`sts.batch` was asked for, and what it computes with is not installed."""

    code = "batch_extra_missing"

    def __init__(self, package: str) -> None:
        super().__init__(
            f"columns of tokens need {package}, which is not installed: "
            "pip install 'sts-vending[batch]'",
        )
        self.package = package


class ColumnsInvalid(StsError, ValueError):
    """A table that lacks a column, or holds in it what no row could mean."""

    code = "columns_invalid"

    def __init__(self, column: str, problem: str) -> None:
        super().__init__(f"column {column}: {problem}")
        self.column = column
        self.problem = problem


class WorkerLost(StsError):
    """A process that worked on a part of a file is gone: killed, or out of memory."""

    code = "worker_lost"

    def __init__(self) -> None:
        super().__init__(
            "a worker process ended before its part was done; run the same command again and it "
            "goes on from there",
        )
