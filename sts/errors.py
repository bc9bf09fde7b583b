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


class StaTablesInvalid(FileInvalid):
    """A table file that is not two 4-bit substitutions and one 64-bit permutation."""

    code = "sta_tables_invalid"


class DecoderKeyMissing(StsError):
    """A token of class 0 or 2 was to be encoded or read without the meter's decoder key."""

    code = "decoder_key_missing"


class TokenNotAllowed(StsError):
    """A token that is not issued this way, or not under a key of this type."""

    code = "token_not_allowed"
