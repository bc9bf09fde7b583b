"""`sts keys`: look at key files, seal them, and share what opens them.

An edge: salts, nonces and shares are drawn here. Annotations are read at run time.
"""

import secrets
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from Crypto.Protocol.SecretSharing import Shamir
from typer.core import TyperGroup

from sts.cli.opening import (
    ByOption,
    NewFileOption,
    NewVariableOption,
    OpeningOptions,
    new_secret,
)
from sts.cli.options import KEYS_VARIABLE, JsonOption, expanded
from sts.cli.output import print_json, print_table
from sts.cli.private_file import require_free, write_private
from sts.cli.program import WrongUsage, complain
from sts.errors import KeyFileInvalid
from sts.keys.custody import SHARE_SET_OCTETS, require_custodians, set_name, shares_of
from sts.keys.key_file import KeyStore, load_key_file, parse_key_file
from sts.keys.sealed_file import (
    SealedKeyFile,
    parse_sealed_key_file,
    read_key_file,
    seal_keys,
)
from sts.keys.sealing import (
    CUSTODY_OCTETS,
    DEFAULT_COST,
    NONCE_OCTETS,
    SALT_OCTETS,
    Custody,
    OpenedBy,
    OpeningSecret,
    ScryptCost,
    SealHeader,
)
from sts.security_module import InProcessSecurityModule
from sts.tokens.codec import TokenCodec

_LIST: Final = "list"
_HEADINGS: Final = ("SGC", "KRN", "key type", "base date", "KEN", "DKGA", "check value")
_WIPE: Final = "\x1b[2J\x1b[3J\x1b[H"
"""Clears a terminal, and what can be scrolled back to."""
_STANDARD_INPUT: Final = Path("-")


class _ListUnlessTold(TyperGroup):
    """`sts keys FILE` lists the file: what is no command is what the list is of."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Put the name of the list before the arguments of one."""
        if not args or (args[0] not in self.commands and args[0] != "--help"):
            args = [_LIST, *args]
        return super().parse_args(ctx, args)


app: Final = typer.Typer(
    cls=_ListUnlessTold,
    help="List a key file (`sts keys FILE`), seal it, open it, share what opens it.\n\n"
    "A service takes sealed key files only. From a plain file to a sealed one: "
    "`sts keys seal keys.toml keys.sealed`, compare the check values with those that came with "
    "the keys, then destroy the plain file. With custodians: `sts keys split` first.",
)

PlainArgument = Annotated[
    Path,
    typer.Argument(
        metavar="PLAIN",
        allow_dash=True,
        help="A plain key file (TOML, as in keys.example), or - for standard input.",
    ),
]
SealedArgument = Annotated[
    Path, typer.Argument(metavar="FILE", exists=True, dir_okay=False, help="A sealed key file.")
]
CostOption = Annotated[
    int,
    typer.Option(
        "--scrypt-n",
        metavar="N",
        help="Cost of a guess at a passphrase: a power of two; 131072 takes 128 MiB.",
    ),
]


@app.command(_LIST)
@expanded
def list_keys(
    file: Annotated[
        Path,
        typer.Argument(
            metavar="FILE",
            envvar=KEYS_VARIABLE,
            exists=True,
            dir_okay=False,
            help="A key file (TOML, as in keys.example), or a sealed one.",
        ),
    ],
    *,
    options: OpeningOptions,
    as_json: JsonOption = False,
) -> None:
    """List a key file's entries with their check values, never the keys.

    Compare the check values with the ones that came with the keys: they tell that a key was
    entered right without telling the key.
    """
    keys = read_key_file(file)
    store = keys if isinstance(keys, KeyStore) else keys.open(options.opened(keys).key)
    rows = _rows(store)
    if as_json:
        print_json({"keys": rows, "holds_well_known_keys": store.holds_well_known_keys})
    else:
        _print_keys(rows)
    _note_published(store)


@app.command()
def seal(
    plain: PlainArgument,
    sealed: Annotated[
        Path, typer.Argument(metavar="SEALED", dir_okay=False, help="The sealed file to write.")
    ],
    *,
    by: ByOption = OpenedBy.PASSPHRASE,
    passphrase_file: NewFileOption = None,
    passphrase_variable: NewVariableOption = None,
    replace: Annotated[
        bool, typer.Option("--replace", help="Write over SEALED if it exists.")
    ] = False,
    scrypt_n: CostOption = DEFAULT_COST.n,
) -> None:
    """Seal a plain key file: AES-256-GCM for each key, and nothing in it can be edited.

    SEALED is written with mode 0600, and opened again before this says that it is done. PLAIN
    stays as it is: destroy it, and every copy of it.

    For example `sts keys seal keys.toml keys.sealed`
    """
    cost = ScryptCost(scrypt_n)
    require_free(sealed, replace=replace)  # before anybody is asked for anything
    if plain != _STANDARD_INPUT:
        store = load_key_file(plain)
    elif passphrase_file is None and passphrase_variable is None:
        raise WrongUsage("keys on standard input leave no room for a question: give what opens it")
    else:
        store = parse_key_file(sys.stdin.read(), path="standard input")
    secret, custody = new_secret(by, passphrase_file, passphrase_variable)
    text = _sealed(store, secret, custody, cost)
    write_private(sealed, text, replace=replace)
    _note_published(store)
    complain(f"{sealed} holds {_count(store)}; destroy the plain file, it opens every meter")


@app.command()
@expanded
def unseal_check(
    file: SealedArgument, *, options: OpeningOptions, as_json: JsonOption = False
) -> None:
    """Open a sealed key file, and list its keys by check values: proof that it is whole."""
    sealed = _read_sealed(file)
    rows = _rows(sealed.open(options.opened(sealed).key))
    if as_json:
        print_json({"keys": rows})
    else:
        _print_keys(rows)


@app.command()
@expanded
def rotate(
    file: SealedArgument,
    *,
    options: OpeningOptions,
    by: ByOption = OpenedBy.PASSPHRASE,
    new_passphrase_file: NewFileOption = None,
    new_passphrase_variable: NewVariableOption = None,
    scrypt_n: CostOption = DEFAULT_COST.n,
) -> None:
    """Seal a sealed key file anew, under another passphrase, key or set of shares.

    The keys are the same, and are never written down open. The file is replaced in one step.
    Copies of it from before are still opened by what opened them.

    For example `sts keys rotate keys.sealed --by custodians`
    """
    cost = ScryptCost(scrypt_n)
    sealed = _read_sealed(file)
    store = sealed.open(options.opened(sealed).key)
    secret, custody = new_secret(by, new_passphrase_file, new_passphrase_variable)
    write_private(file, _sealed(store, secret, custody, cost), replace=True)
    complain(f"{file} is sealed anew, with {_count(store)}")


@app.command()
@expanded
def add(
    file: SealedArgument,
    plain: Annotated[
        Path,
        typer.Argument(
            metavar="PLAIN", exists=True, dir_okay=False, help="A plain file of the new keys."
        ),
    ],
    *,
    options: OpeningOptions,
) -> None:
    """Add the keys of a plain file to a sealed one, which goes on to be opened as before.

    For example `sts keys add keys.sealed revision-2.toml`
    """
    more = load_key_file(plain)
    sealed = _read_sealed(file)
    secret, key = options.opened(sealed)
    store = KeyStore([*sealed.open(key), *more])
    header = sealed.header
    text = _sealed(store, secret, header.custody, header.scrypt or DEFAULT_COST)
    write_private(file, text, replace=True)
    complain(f"{file} holds {_count(store)} now; destroy the plain file, it opens every meter")


@app.command()
def split(
    *,
    needed: Annotated[
        int, typer.Option(metavar="M", help="How many shares open the file, from 2.")
    ],
    custodians: Annotated[
        int, typer.Option(metavar="N", help="How many shares there are, up to 15.")
    ],
) -> None:
    """Make a new secret, and the shares of it that custodians keep.

    Nobody ever sees the secret: any M of the shares make it anew, and fewer tell nothing of it.
    Each custodian writes the share down or prints it, and keeps it apart from the others'. On a
    terminal they are shown one at a time. What is sealed with them (`sts keys seal --by
    custodians`) opens only when M custodians enter theirs, also when the service starts.

    A share is 40 letters and digits. Capitals, spaces and dashes do not matter, and a mistyped
    one is noticed. Lost shares are replaced by a new set: split again, then `sts keys rotate`.

    Example: `sts keys split --needed 2 --custodians 3`
    """
    require_custodians(needed, needed, custodians)
    parts = Shamir.split(needed, custodians, secrets.token_bytes(CUSTODY_OCTETS))
    share_set = secrets.token_bytes(SHARE_SET_OCTETS)
    is_watched = sys.stdin.isatty() and sys.stdout.isatty()
    for share in shares_of(parts, needed=needed, share_set=share_set):
        which = f"Share {share.number} of {custodians}, set {set_name(share_set)}"
        typer.echo(f"{which}; {needed} open the file\n{share.text()}")
        if is_watched:
            input("Its custodian alone should see this. Enter wipes it.")
            typer.echo(_WIPE, nl=False)


def _read_sealed(path: Path) -> SealedKeyFile:
    file = read_key_file(path)
    if isinstance(file, KeyStore):
        raise KeyFileInvalid(path, "it is a plain key file; `sts keys seal` makes a sealed one")
    return file


def _sealed(
    store: KeyStore, secret: OpeningSecret, custody: Custody | None, cost: ScryptCost
) -> str:
    """Return the text of a sealed file, which has been opened again."""
    header = SealHeader(
        number_of_keys=len(store),
        salt=secrets.token_bytes(SALT_OCTETS),
        opened_by=secret.kind,
        scrypt=cost if secret.kind is OpenedBy.PASSPHRASE else None,
        custody=custody,
    )
    text = seal_keys(store, header, secret, [secrets.token_bytes(NONCE_OCTETS) for _ in store])
    again = parse_sealed_key_file(text, path="the sealed file")
    if list(again.open(again.key_for(secret))) != list(store):
        raise KeyFileInvalid("the sealed file", "it does not hold what was sealed; nothing is kept")
    return text


def _note_published(store: KeyStore) -> None:
    if store.holds_well_known_keys:
        complain("note: published test keys are among them; anyone can make tokens under those")


def _rows(store: KeyStore) -> list[dict[str, Any]]:
    return [
        {
            "supply_group_code": str(fact.supply_group_code),
            "key_revision_number": fact.key_revision_number.value,
            "key_type": int(fact.key_type),
            "base_date": int(fact.base_date),
            "key_expiry_number": fact.key_expiry_number.value,
            "decoder_key_generation_algorithm": str(fact.algorithm),
            "key_check_value": fact.key_check_value,
        }
        for fact in InProcessSecurityModule(store, TokenCodec()).facts()
    ]


def _print_keys(rows: Sequence[dict[str, Any]]) -> None:
    print_table(_HEADINGS, [[str(value) for value in row.values()] for row in rows])


def _count(store: KeyStore) -> str:
    return f"{len(store)} key{'s' * (len(store) > 1)}"
