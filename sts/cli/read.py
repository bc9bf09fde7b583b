"""`sts decode` and `sts describe`: what a token says. Annotations are read at run time."""

from dataclasses import dataclass
from typing import Annotated

import typer

from sts.base_date import BaseDate
from sts.cli.options import JsonOption, KeyOptions, MeterIfKnownOptions, expanded
from sts.cli.output import print_json, print_rows, print_tokens
from sts.cli.program import WrongUsage
from sts.describe import describe as words_of
from sts.describe import describe_digits
from sts.errors import StsError
from sts.security_module import InProcessSecurityModule, VerifyRequest
from sts.tokens.codec import TokenCodec
from sts.tokens.digits import from_digits, parse_token_digits
from sts.tokens.kinds import Token
from sts.tokens.reserved import ReservedToken

_ENCRYPTED_CLASSES = frozenset({0, 2})

TokenArgument = Annotated[
    str,
    typer.Argument(metavar="TOKEN", help="20 digits; in quotes if there are spaces between them."),
]


@dataclass(frozen=True, kw_only=True)
class ReadOptions(KeyOptions, MeterIfKnownOptions):
    """A meter and its keys, if the token is to be read as that meter would."""

    def read(self, digits: str) -> tuple[Token | ReservedToken, BaseDate | None]:
        """Return what a token says and the base date of its key, if it has one.

        Raises WrongUsage if the token is encrypted and no meter was given, StsError if it
        cannot be read: CrcMismatch when it is not for this meter.
        """
        token_class, _ = from_digits(digits)
        if token_class not in _ENCRYPTED_CLASSES:
            return TokenCodec().decode(digits, None), None
        meter = self.meter_configuration()
        if meter is None:
            raise WrongUsage(
                "the token is encrypted: give its meter (--meter, --sgc, --krn, --ti, --ea) and "
                "--keys FILE; `sts describe` tells what can be told without",
            )
        store, codec = self.store(), self.codec(meter.encryption_algorithm)
        module = InProcessSecurityModule(store, codec)
        [outcome] = module.verify([VerifyRequest(meter, digits)])
        if isinstance(outcome, StsError):
            raise outcome
        facts = module.vending_key_for(meter.supply_group_code, meter.key_revision_number)
        return outcome, facts.base_date


@expanded
def decode(token: TokenArgument, *, options: ReadOptions, as_json: JsonOption = False) -> None:
    """Read a token as its meter would, with the meter's key.

    Fails if the token was made for another meter or key, or a digit is wrong. Meter tests
    (class 1) are not encrypted and need no meter.

    Example: `sts decode "7241 9724 0370 2618 0355" --keys keys.example
    --meter 600727000000000009 --sgc 123457 --krn 2 --ti 01 --ea 11`
    """
    digits = parse_token_digits(token)
    read, base_date = options.read(digits)
    print_tokens([(digits, read)], base_date=base_date, as_json=as_json)


@expanded
def describe(token: TokenArgument, *, options: ReadOptions, as_json: JsonOption = False) -> None:
    """Say in words what a token is; without a meter, what its digits tell to anyone.

    Example: `sts describe "5649 3153 7254 5031 3471"`
    """
    digits = parse_token_digits(token)
    rows = describe_digits(digits)
    if options.meter_configuration() is not None:
        read, base_date = options.read(digits)
        rows = [rows[0], *words_of(read, base_date)]
    if as_json:
        print_json(
            {"token": digits, **{label.replace(" ", "_"): value for label, value in rows[1:]}}
        )
    else:
        print_rows(rows)
