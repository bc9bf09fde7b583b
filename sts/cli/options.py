"""Options that several commands share, and what they are turned into.

A command takes a dataclass of options as an argument, and `expanded` gives it one
command-line option for every field. Annotations are read at run time here.
"""

import functools
import inspect
from collections.abc import Callable
from dataclasses import MISSING, dataclass, fields, is_dataclass
from pathlib import Path
from typing import Annotated, Any, Final, TypeVar, get_type_hints

import typer

from sts.cli.opening import OpeningOptions
from sts.cli.program import WrongUsage, complain
from sts.errors import StsError
from sts.key_data import EncryptionAlgorithm, KeyRevisionNumber, SupplyGroupCode, TariffIndex
from sts.keys.key_file import KeyStore
from sts.keys.sealed_file import read_key_file
from sts.keys.sta_tables import SAMPLE_TABLES, load_sta_tables
from sts.meter_number import MeterPan
from sts.security_module import MeterConfiguration
from sts.tokens.codec import TokenCodec

KEYS_VARIABLE: Final = "VENDING_KEYS_FILE"
TABLES_VARIABLE: Final = "VENDING_STA_TABLES"
SAMPLE_TABLES_NOTE: Final = (
    "note: EA07 with the standard's sample tables, for tests only; give --sta-tables FILE for "
    "meters in the field"
)

_Given = TypeVar("_Given")
_Value = TypeVar("_Value")
_KEYS_PANEL: Final = "Keys"
_METER_PANEL: Final = "The meter, as it is now"

TablesOption = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE",
        exists=True,
        dir_okay=False,
        envvar=TABLES_VARIABLE,
        rich_help_panel=_KEYS_PANEL,
        help="Your licensed EA07 tables (TOML or JSON). Without them EA07 uses the sample "
        "tables of the standard, for tests only.",
    ),
]
JsonOption = Annotated[
    bool, typer.Option("--json", help="Print one JSON object, for programs.", show_default=False)
]


@dataclass(frozen=True, kw_only=True)
class KeyOptions(OpeningOptions):
    """Where the secrets are: files, so that no key ever stands on a command line."""

    keys: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            exists=True,
            dir_okay=False,
            envvar=KEYS_VARIABLE,
            rich_help_panel=_KEYS_PANEL,
            help="Your vending keys: a file that `sts keys seal` made, or one as keys.example.",
        ),
    ] = None
    sta_tables: TablesOption = None

    def store(self) -> KeyStore:
        """Return the vending keys, once they are opened; raises WrongUsage if no file was named."""
        keys = read_key_file(self.key_path())
        return keys if isinstance(keys, KeyStore) else keys.open(self.opened(keys).key)

    def key_path(self) -> Path:
        """Return where the vending keys are; raises WrongUsage if no file was named."""
        if self.keys is None:
            raise WrongUsage(
                f"no vending keys: give --keys FILE or set {KEYS_VARIABLE}; "
                "keys.example shows what the file holds",
            )
        return self.keys

    def codec(self, algorithm: EncryptionAlgorithm) -> TokenCodec:
        """Return a codec with the tables; says so when EA07 falls back to the sample tables."""
        codec = TokenCodec(
            SAMPLE_TABLES if self.sta_tables is None else load_sta_tables(self.sta_tables)
        )
        if algorithm is EncryptionAlgorithm.EA07 and codec.uses_sample_tables:
            complain(SAMPLE_TABLES_NOTE)
        return codec


_METER: Final = typer.Option(
    metavar="PAN", rich_help_panel=_METER_PANEL, help="Meter number, 18 digits."
)
_SGC: Final = typer.Option(
    metavar="SGC", rich_help_panel=_METER_PANEL, help="Supply group code, 6 digits."
)
_KRN: Final = typer.Option(
    metavar="KRN", rich_help_panel=_METER_PANEL, help="Key revision number, 1 to 9."
)
_TI: Final = typer.Option(
    metavar="TI", rich_help_panel=_METER_PANEL, help="Tariff index, 2 digits."
)
_EA: Final = typer.Option(
    rich_help_panel=_METER_PANEL,
    help="Encryption algorithm: 07 is STA, 09 DEA (deprecated), 11 MISTY1.",
)


@dataclass(frozen=True, kw_only=True)
class MeterOptions:
    """The meter that a token is for, with the key that it has now."""

    meter: Annotated[str, _METER]
    sgc: Annotated[str, _SGC]
    krn: Annotated[int, _KRN]
    ti: Annotated[str, _TI]
    ea: Annotated[EncryptionAlgorithm, _EA]

    def configuration(self) -> MeterConfiguration:
        """Return the meter; raises WrongUsage that names the wrong option."""
        return MeterConfiguration(
            pan=from_option("--meter", MeterPan.parse, self.meter),
            supply_group_code=from_option("--sgc", SupplyGroupCode, self.sgc),
            key_revision_number=from_option("--krn", KeyRevisionNumber, self.krn),
            tariff_index=from_option("--ti", TariffIndex, self.ti),
            encryption_algorithm=self.ea,
        )


@dataclass(frozen=True, kw_only=True)
class MeterIfKnownOptions:
    """A meter that may be left out, as a whole."""

    meter: Annotated[str | None, _METER] = None
    sgc: Annotated[str | None, _SGC] = None
    krn: Annotated[int | None, _KRN] = None
    ti: Annotated[str | None, _TI] = None
    ea: Annotated[EncryptionAlgorithm | None, _EA] = None

    def meter_configuration(self) -> MeterConfiguration | None:
        """Return the meter, or None without options; raises WrongUsage for some or wrong ones."""
        names = [field.name for field in fields(MeterOptions)]
        given = {name: getattr(self, name) for name in names}
        missing = [f"--{name}" for name, value in given.items() if value is None]
        if len(missing) == len(given):
            return None
        if missing:
            raise WrongUsage(f"a meter needs all of its options; missing: {', '.join(missing)}")
        return MeterOptions(**given).configuration()


def from_option(name: str, make: Callable[[_Given], _Value], given: _Given) -> _Value:
    """Return what `make` makes of an option; raises WrongUsage that names the option."""
    try:
        return make(given)
    except StsError as error:
        raise WrongUsage(f"{name}: {error}") from error


def expanded(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command one option for each field of the dataclasses that it takes."""
    hints = get_type_hints(command, include_extras=True)
    groups: dict[str, Any] = {name: hint for name, hint in hints.items() if is_dataclass(hint)}
    parameters = []
    for parameter in inspect.signature(command).parameters.values():
        if parameter.name in groups:
            parameters += _parameters_of(groups[parameter.name])
        else:
            parameters.append(parameter.replace(annotation=hints[parameter.name]))

    @functools.wraps(command)
    def run(**values: Any) -> None:
        made = {
            name: group(**{field.name: values.pop(field.name) for field in fields(group)})
            for name, group in groups.items()
        }
        command(**values, **made)

    run.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]  # typer reads it
    return run


def _parameters_of(group: type) -> list[inspect.Parameter]:
    hints = get_type_hints(group, include_extras=True)
    return [
        inspect.Parameter(
            field.name,
            inspect.Parameter.KEYWORD_ONLY,
            annotation=hints[field.name],
            default=inspect.Parameter.empty if field.default is MISSING else field.default,
        )
        for field in fields(group)
    ]
