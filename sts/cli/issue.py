"""`sts issue KIND`: make a token, have it read back, print it.

An edge: here the clock is read and the random bits are drawn. Annotations are read at run
time, so nothing they name is imported for types only.
"""

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Final

import typer

from sts.cli.options import JsonOption, KeyOptions, MeterOptions, expanded, from_option
from sts.cli.output import print_tokens
from sts.cli.program import WrongUsage
from sts.conformance.inputs import parse_issue_time
from sts.errors import InvalidField, StsError
from sts.key_data import KeyRevisionNumber, SupplyGroupCode, TariffIndex
from sts.meter_number import ManufacturerCode
from sts.security_module import (
    InProcessSecurityModule,
    IssueRequest,
    KeyChangeRequest,
    VerifyRequest,
)
from sts.token_identifier import TokenIdentifier
from sts.tokens.codec import TokenCodec
from sts.tokens.credit import Resource, TransferCredit
from sts.tokens.currency_credit import CurrencyCredit
from sts.tokens.key_change import KeyChangeToken
from sts.tokens.kinds import Token
from sts.tokens.management import (
    ALL_REGISTERS,
    ClearCredit,
    ClearTamperCondition,
    SetMaximumPhasePowerUnbalanceLimit,
    SetMaximumPowerLimit,
    SetTariffRate,
    SetWaterMeterFactor,
)
from sts.tokens.meter_test import InitiateMeterTest
from sts.units import CurrencyAmount, PowerLimit, TransferAmount

_RANDOM_VALUES: Final = 16
_PANEL: Final = "The token"
_NEW_KEY_PANEL: Final = "The meter, as it will be (what is left out stays)"

app = typer.Typer(no_args_is_help=True)

ResourceOption = Annotated[
    str,
    typer.Option(
        metavar="NAME",
        rich_help_panel=_PANEL,
        help="electricity, water, gas or time.",
    ),
]
Watts = Annotated[int, typer.Argument(metavar="WATTS", help="Whole watts, up to 18201624.")]


@dataclass(frozen=True, kw_only=True)
class MomentOptions:
    """What makes a token unique: its minute, and four random bits."""

    at: Annotated[
        str | None,
        typer.Option(
            metavar="TIME",
            rich_help_panel=_PANEL,
            help="Time of issue as 2026-03-01T13:55, in UTC; now if left out. A meter takes one "
            "token for each minute, so give every further token a later one.",
        ),
    ] = None
    rnd: Annotated[
        int | None,
        typer.Option(
            metavar="0-15", rich_help_panel=_PANEL, help="The random bits; drawn if left out."
        ),
    ] = None

    def time(self) -> datetime:
        """Return the time of issue; raises WrongUsage if it cannot be read."""
        if self.at is None:
            return datetime.now(UTC)
        return from_option("--at", parse_issue_time, self.at)

    def random(self) -> int:
        """Return RND as given, or 4 bits from the system's secure source."""
        return secrets.randbelow(_RANDOM_VALUES) if self.rnd is None else self.rnd


@dataclass(frozen=True, kw_only=True)
class IssueOptions(KeyOptions, MeterOptions, MomentOptions):
    """Everything that a token for one meter needs besides what it is to do."""


@dataclass(frozen=True, kw_only=True)
class KeyChangeOptions(KeyOptions, MeterOptions):
    """A meter, and what is to become of its key."""

    new_sgc: Annotated[
        str | None,
        typer.Option(
            metavar="SGC", rich_help_panel=_NEW_KEY_PANEL, help="New supply group code, 6 digits."
        ),
    ] = None
    new_krn: Annotated[
        int | None,
        typer.Option(
            metavar="KRN", rich_help_panel=_NEW_KEY_PANEL, help="New key revision number, 1 to 9."
        ),
    ] = None
    new_ti: Annotated[
        str | None,
        typer.Option(
            metavar="TI", rich_help_panel=_NEW_KEY_PANEL, help="New tariff index, 2 digits."
        ),
    ] = None

    def request(self) -> KeyChangeRequest:
        """Return the change; raises WrongUsage if nothing would change."""
        meter = self.configuration()
        new = (self.new_sgc, self.new_krn, self.new_ti)
        if new == (None, None, None):
            raise WrongUsage("nothing would change: give --new-sgc, --new-krn or --new-ti")
        return KeyChangeRequest(
            meter=meter,
            new_supply_group_code=meter.supply_group_code
            if self.new_sgc is None
            else from_option("--new-sgc", SupplyGroupCode, self.new_sgc),
            new_key_revision_number=meter.key_revision_number
            if self.new_krn is None
            else from_option("--new-krn", KeyRevisionNumber, self.new_krn),
            new_tariff_index=meter.tariff_index
            if self.new_ti is None
            else from_option("--new-ti", TariffIndex, self.new_ti),
        )


@app.callback()
def issue() -> None:
    """Make a token of any kind, read back before it is printed.

    Amounts are rounded up to what a token can carry, never down; the output says what the
    token carries. Time of issue and random bits make each token unique.
    """


@app.command()
@expanded
def credit(
    amount: Annotated[str, typer.Argument(metavar="AMOUNT", help="In kWh, m3 or minutes: 25.6")],
    *,
    resource: ResourceOption = "electricity",
    options: IssueOptions,
    as_json: JsonOption = False,
) -> None:
    """Credit in kWh, cubic metres or minutes.

    Example: `sts issue credit 25.6 --keys keys.example --meter 600727000000000009 --sgc 123457
    --krn 2 --ti 01 --ea 11`
    """
    kind = from_option("--resource", _resource, resource)
    carried = TransferAmount.parse(amount)
    _issue(
        lambda identifier, random: TransferCredit(
            resource=kind, amount=carried, token_identifier=identifier, random=random
        ),
        options,
        as_json=as_json,
    )


@app.command()
@expanded
def currency(
    amount: Annotated[
        str, typer.Argument(metavar="AMOUNT", help="In whole currency: 12.50, or -3 for a debit.")
    ],
    *,
    resource: ResourceOption = "electricity",
    options: IssueOptions,
    as_json: JsonOption = False,
) -> None:
    """Credit in money, for meters that price their own units.

    Such tokens carry no random bits. Put `--` before a negative amount.
    """
    kind = from_option("--resource", _resource, resource)
    carried = CurrencyAmount.parse(amount)
    _issue(
        lambda identifier, _: CurrencyCredit(
            resource=kind, amount=carried, token_identifier=identifier
        ),
        options,
        as_json=as_json,
    )


@app.command()
@expanded
def power_limit(watts: Watts, *, options: IssueOptions, as_json: JsonOption = False) -> None:
    """Set the load at which the meter disconnects."""
    power = PowerLimit.covering(watts)
    _issue(
        lambda identifier, random: SetMaximumPowerLimit(
            power=power, token_identifier=identifier, random=random
        ),
        options,
        as_json=as_json,
    )


@app.command()
@expanded
def phase_unbalance(watts: Watts, *, options: IssueOptions, as_json: JsonOption = False) -> None:
    """Set how far the phases of a three-phase meter may differ in load."""
    power = PowerLimit.covering(watts)
    _issue(
        lambda identifier, random: SetMaximumPhasePowerUnbalanceLimit(
            power=power, token_identifier=identifier, random=random
        ),
        options,
        as_json=as_json,
    )


@app.command()
@expanded
def clear_credit(
    *,
    register: Annotated[
        str,
        typer.Option(
            metavar="all|N",
            rich_help_panel=_PANEL,
            help="Which register to empty: all, or one by the subclass of its credit, 0 to 7.",
        ),
    ] = "all",
    options: IssueOptions,
    as_json: JsonOption = False,
) -> None:
    """Empty the meter's credit registers."""
    number = ALL_REGISTERS if register == "all" else from_option("--register", _whole, register)
    _issue(
        lambda identifier, random: ClearCredit(
            register=number, token_identifier=identifier, random=random
        ),
        options,
        as_json=as_json,
    )


@app.command()
@expanded
def clear_tamper(*, options: IssueOptions, as_json: JsonOption = False) -> None:
    """Tell the meter to forget that it was opened."""
    _issue(
        lambda identifier, random: ClearTamperCondition(token_identifier=identifier, random=random),
        options,
        as_json=as_json,
    )


@app.command()
@expanded
def tariff_rate(
    rate: Annotated[int, typer.Argument(metavar="RATE", help="16 raw bits, 0 to 65535.")],
    *,
    options: IssueOptions,
    as_json: JsonOption = False,
) -> None:
    """Set the tariff rate; the STS Association reserves the use of this token."""
    _issue(
        lambda identifier, random: SetTariffRate(
            rate=rate, token_identifier=identifier, random=random
        ),
        options,
        as_json=as_json,
    )


@app.command()
@expanded
def water_factor(
    factor: Annotated[int, typer.Argument(metavar="FACTOR", help="16 raw bits, 0 to 65535.")],
    *,
    options: IssueOptions,
    as_json: JsonOption = False,
) -> None:
    """Set a water meter's factor; the STS Association reserves the use of this token."""
    _issue(
        lambda identifier, random: SetWaterMeterFactor(
            factor=factor, token_identifier=identifier, random=random
        ),
        options,
        as_json=as_json,
    )


@app.command("test")
def meter_test(
    control: Annotated[
        str,
        typer.Argument(
            metavar="CONTROL", help="One bit for each test, as 1, 0x2000 or 68719476735."
        ),
    ],
    *,
    manufacturer: Annotated[
        str,
        typer.Option(
            metavar="CODE",
            help="Manufacturer code; 2 digits leave room for 36 control bits, 4 digits for 28.",
        ),
    ] = "00",
    as_json: JsonOption = False,
) -> None:
    """Ask a meter to test itself or to show something; needs no key.

    The token is not encrypted: it works in every meter that knows the manufacturer code, any
    number of times. Which bit means which test is told by the standard and the manufacturer.
    """
    code = from_option("--manufacturer", ManufacturerCode, manufacturer)
    token = InitiateMeterTest(control=_whole(control), manufacturer_code=code)
    codec = TokenCodec()
    digits = codec.encode(token, None)
    print_tokens([(digits, codec.decode(digits, None))], as_json=as_json)


@app.command()
@expanded
def key_change(*, options: KeyChangeOptions, as_json: JsonOption = False) -> None:
    """Move a meter to another key: supply group, key revision or tariff index.

    Prints 2 tokens, or 4 for EA11. All must be entered; the meter changes its key with the last.
    Both keys must be in the key file.

    Example: `sts issue key-change --keys keys.example --meter 600727000000000009 --sgc 123457
    --krn 1 --ti 01 --ea 11 --new-krn 2`
    """
    request = options.request()
    store, codec = options.store(), options.codec(options.ea)
    module = InProcessSecurityModule(store, codec)
    [outcome] = module.change_key([request])
    if isinstance(outcome, StsError):
        raise outcome
    read = module.verify([VerifyRequest(request.meter, digits) for digits in outcome])
    sections = [one for one in read if isinstance(one, KeyChangeToken)]
    print_tokens(list(zip(outcome, sections, strict=True)), as_json=as_json)


def _issue(
    make: Callable[[TokenIdentifier, int], Token], options: IssueOptions, *, as_json: bool
) -> None:
    """Make a token for the minute of issue, have the security module encode it, print it.

    Raises WrongUsage for wrong options, StsError when the token is refused.
    """
    meter = options.configuration()
    store, codec = options.store(), options.codec(options.ea)
    key = store.find(meter.supply_group_code, meter.key_revision_number)
    token = make(TokenIdentifier.at(options.time(), key.base_date), options.random())
    [outcome] = InProcessSecurityModule(store, codec).issue([IssueRequest(meter, token)])
    if isinstance(outcome, StsError):
        raise outcome
    print_tokens([(outcome.digits, outcome.token)], base_date=key.base_date, as_json=as_json)


def _resource(name: str) -> Resource:
    for resource in Resource:
        if resource.name.lower() == name.lower():
            return resource
    raise InvalidField("resource", f"{name!r} is not one", "electricity, water, gas or time")


def _whole(text: str) -> int:
    """Return a whole number, decimal or with 0x; raises InvalidField."""
    try:
        return int(text, 0)
    except ValueError:
        raise InvalidField("number", f"{text[:24]!r} is not one", "as 10 or 0xA") from None
