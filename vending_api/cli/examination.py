"""What `vending doctor` looks at: plain functions from settings and database to objections."""

from __future__ import annotations

import stat
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final

from sqlalchemy import make_url

from sts.errors import KeyFileInvalid
from sts.keys.key_file import KeyStore
from sts.keys.sealed_file import read_key_file
from sts.keys.sealing import OpenedBy
from vending_api.cli.approved_keys import is_approved
from vending_api.domain.clients.errors import CredentialsRejected
from vending_api.domain.clients.service import check_credentials
from vending_api.domain.issuing.service import has_tokens_before, has_tokens_to_seal
from vending_api.domain.operators.service import all_operators, can_act
from vending_api.domain.operators.types import Role
from vending_api.domain.reconciling.service import newest_identifiers
from vending_api.domain.token_log import checkpoints
from vending_api.migrations.grants import changeable_tables, current_role, owned_tables
from vending_api.sandbox.demo_data import DEMO_PASSWORD, DEMO_USER

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Connection

    from vending_api.settings import Settings

_OTHERS: Final = stat.S_IRWXG | stat.S_IRWXO
_LOOPBACK: Final = frozenset({"127.0.0.1", "::1", "localhost"})
_EVIDENCE: Final = ("token_log", "token", "audit_trail", "proposal")
"""Tables in which nothing is ever changed."""
_FOUR_EYES: Final = 2
_LATE: Final = 3 * checkpoints.BETWEEN
_GRACE: Final = timedelta(days=2)
"""A night may fail to forget tokens."""
_LEAD: Final = timedelta(days=1)
"""How far ahead of the clock the newest token identifier may be; a sale takes a minute of it."""


@dataclass(frozen=True, slots=True)
class Objection:
    """Something that an auditor would not let pass."""

    area: str
    """A variable, or what of the database."""
    problem: str
    mend: str


def objections_to_settings(settings: Settings) -> list[Objection]:
    """Return what is to be said of an installation's environment and files."""
    return [
        *_keys(settings),
        *_module(settings),
        *_network(settings),
        *_evidence(settings),
        *_data_keys(settings),
        *_database_file(settings),
    ]


def objections_to_database(
    connection: Connection, settings: Settings, now: datetime
) -> list[Objection]:
    """Return what is to be said of an installation's database at a moment."""
    return [
        *_rights(connection),
        *_demo_client(connection),
        *_checkpoints(connection, settings, now),
        *_identifiers(connection, now),
        *_stored_tokens(connection, settings, now),
        *_operators(connection),
        *_approved_keys(connection, settings),
    ]


def _keys(settings: Settings) -> Iterator[Objection]:
    if settings.demo:
        yield Objection(
            "VENDING_DEMO", "this is a demo, with published keys", "run it without for real meters"
        )
        return
    if settings.prism_address is not None:
        yield from _hardware(settings)
        return
    if settings.sta_tables is None:
        yield Objection(
            "VENDING_STA_TABLES",
            "EA07 tokens are made with the sample tables of the standard; no meter takes them",
            "name your licensed tables, unless all your meters are EA11",
        )
    if settings.security_module is not None:
        return  # the keys are that one's affair, and its environment says where they are
    if settings.keys_file is None:
        yield Objection("VENDING_KEYS_FILE", "no keys are named", "name a sealed key file")
        return
    yield from _key_file(settings.keys_file)
    yield from _opening(settings, settings.keys_file)


def _hardware(settings: Settings) -> Iterator[Objection]:
    yield Objection(
        "VENDING_PRISM_ADDRESS",
        "the way to hardware is experimental: no real device has been asked",
        "try each kind of token on meters of yours, before you sell any",
    )
    if settings.prism_password_file is not None:
        yield from _seen_by_others("VENDING_PRISM_PASSWORD_FILE", settings.prism_password_file)


def _key_file(file: Path) -> Iterator[Objection]:
    try:
        keys = read_key_file(file)
    except KeyFileInvalid as error:
        yield Objection("VENDING_KEYS_FILE", str(error), "name a file that `sts keys seal` made")
        return
    yield from _seen_by_others("VENDING_KEYS_FILE", file)
    if isinstance(keys, KeyStore):
        yield Objection(
            "VENDING_KEYS_FILE",
            "the keys are not sealed: whoever reads the file has them",
            "seal it with `sts keys seal`, and destroy this one",
        )
    elif keys.header.opened_by is not OpenedBy.CUSTODIANS:
        yield Objection(
            "VENDING_KEYS_FILE",
            "one secret opens the keys, so one person can carry them away",
            "seal it by custodians: `sts keys split`, `sts keys rotate --by custodians`",
        )


def _opening(settings: Settings, keys: Path) -> Iterator[Objection]:
    if settings.keys_passphrase is not None:
        yield Objection(
            "VENDING_KEYS_PASSPHRASE",
            "what opens the keys stands in the environment of the service",
            "use VENDING_KEYS_PASSPHRASE_FILE, or custodians",
        )
    opens = settings.keys_passphrase_file
    if opens is None:
        return
    yield from _seen_by_others("VENDING_KEYS_PASSPHRASE_FILE", opens)
    if opens.resolve().parent == keys.resolve().parent:
        yield Objection(
            "VENDING_KEYS_PASSPHRASE_FILE",
            "it lies beside the key file: whoever copies the folder has both",
            "keep it on another disk, or in a secret manager",
        )


def _module(settings: Settings) -> Iterator[Objection]:
    if settings.demo:
        return
    if settings.security_module is None:
        yield Objection(
            "VENDING_SECURITY_MODULE",
            "keys, or the password of what has them, belong to the user that talks to the world",
            "run `vending security-module` as a user of its own",
        )
    if settings.security_module is None and settings.module_tokens_a_day is None:
        yield Objection(
            "VENDING_MODULE_TOKENS_A_DAY",
            "nothing limits how many tokens are made in a day",
            "set it, and VENDING_MODULE_UNITS_A_DAY, to some times your best day",
        )
    limits = (settings.module_tokens_a_day, settings.module_units_a_day)
    if any(one is not None for one in limits) and settings.module_counters is None:
        yield Objection(
            "VENDING_MODULE_COUNTERS",
            "a restart of the security module sets the limits of the day back",
            "name a file that it may write",
        )


def _network(settings: Settings) -> Iterator[Objection]:
    if settings.tls_cert is None and settings.host not in _LOOPBACK:
        yield Objection(
            "VENDING_HOST",
            f"it listens on {settings.host} without TLS: passwords and tokens can be read",
            "set VENDING_TLS_CERT and VENDING_TLS_KEY, or listen on loopback behind a proxy",
        )
    if settings.tls_key is not None:
        yield from _seen_by_others("VENDING_TLS_KEY", settings.tls_key)
    if any(one.prefixlen == 0 for one in settings.trusted_proxies):
        yield Objection(
            "VENDING_TRUSTED_PROXIES",
            "everybody may say from which address they come",
            "name the proxies alone",
        )


def _evidence(settings: Settings) -> Iterator[Objection]:
    if settings.log_key_file is None:
        yield Objection(
            "VENDING_LOG_KEY_FILE",
            "the token log has no signed checkpoints: its end can be cut off unseen",
            "`vending log key FILE --new`, and give the public key to the auditor",
        )
    else:
        yield from _seen_by_others("VENDING_LOG_KEY_FILE", settings.log_key_file)


def _data_keys(settings: Settings) -> Iterator[Objection]:
    if settings.data_keys_file is None:
        yield Objection(
            "VENDING_DATA_KEYS_FILE",
            "sold tokens are stored as they are: who has the database or a backup can read them",
            "`vending data-key new FILE`, then `vending data-key apply`",
        )
    else:
        yield from _seen_by_others("VENDING_DATA_KEYS_FILE", settings.data_keys_file)
    if settings.tokens_kept_days is None:
        yield Objection(
            "VENDING_TOKENS_KEPT_DAYS",
            "the digits of sold tokens are kept for ever",
            "set it, and run `vending data-key forget` every night",
        )


def _stored_tokens(
    connection: Connection, settings: Settings, now: datetime
) -> Iterator[Objection]:
    if settings.data_keys_file is not None and has_tokens_to_seal(connection):
        yield Objection(
            "stored tokens",
            "some are not encrypted under the newest data key",
            "`vending data-key apply`",
        )
    kept = settings.tokens_kept_days
    if kept is not None and has_tokens_before(connection, now - timedelta(days=kept) - _GRACE):
        yield Objection(
            "stored tokens",
            f"digits are kept of tokens that are older than {kept} days",
            "run `vending data-key forget` every night",
        )


def _database_file(settings: Settings) -> Iterator[Objection]:
    address = make_url(settings.database_url.get_secret_value())
    if address.get_backend_name() == "sqlite":
        yield from _seen_by_others("VENDING_DATABASE_URL", Path(address.database or ""))
    elif address.host and address.host not in _LOOPBACK and not address.host.startswith("/"):
        mode = str(address.query.get("sslmode", ""))
        if mode not in {"verify-ca", "verify-full"}:
            yield Objection(
                "VENDING_DATABASE_URL",
                f"the connection to {address.host} does not prove who is there",
                "add ?sslmode=verify-full to the address",
            )


def _seen_by_others(area: str, file: Path) -> Iterator[Objection]:
    try:
        mode = file.stat().st_mode
    except OSError as error:
        yield Objection(area, f"{file}: {error.strerror}", "name a file that is there")
        return
    if mode & _OTHERS:
        yield Objection(area, f"{file} is open to other users", f"chmod 600 {file}")


def _rights(connection: Connection) -> Iterator[Objection]:
    if connection.dialect.name != "postgresql":
        return
    role = current_role(connection)
    if owned_tables(connection, role):
        yield Objection(
            "rights",
            f"role {role} owns the tables, so the service may change any of its records",
            "let another role own them, and see `vending database grants`",
        )
        return
    open_to = changeable_tables(connection, _EVIDENCE)
    if open_to:
        yield Objection(
            "rights",
            f"role {role} may change or delete rows of {', '.join(open_to)}",
            f"`vending database grants {role} --apply`",
        )


def _demo_client(connection: Connection) -> Iterator[Objection]:
    try:
        check_credentials(connection, DEMO_USER, DEMO_PASSWORD)
    except CredentialsRejected:
        return
    yield Objection(
        f"client {DEMO_USER}",
        "it has the password of the demo, which everybody knows",
        f"`vending client switch-off {DEMO_USER}`, or give it another password",
    )


def _checkpoints(connection: Connection, settings: Settings, now: datetime) -> Iterator[Objection]:
    if settings.log_key_file is None:
        return
    # What was logged since the last checkpoint, and how long ago that is.
    waits = checkpoints.draft(connection, "", now) is not None
    if waits and checkpoints.is_due(connection, now - _LATE + checkpoints.BETWEEN):
        yield Objection(
            "token log",
            f"no checkpoint was made for {_LATE.total_seconds() / 3600:.0f} hours, and tokens were",
            "see that `vending serve` or `vending worker` runs with VENDING_LOG_KEY_FILE",
        )


def _identifiers(connection: Connection, now: datetime) -> Iterator[Objection]:
    for base_date, newest in newest_identifiers(connection):
        ahead = newest - now
        if ahead > _LEAD:
            yield Objection(
                "token identifiers",
                f"the newest is {ahead.days} days ahead of the clock (base date "
                f"{base_date.value}): a "
                "clock was wrong, or tokens were made for later",
                "set the clock right; find the meter with `vending reconcile`",
            )


def _operators(connection: Connection) -> Iterator[Objection]:
    found = all_operators(connection)
    if not found:
        yield Objection(
            "operators",
            "there are none: whoever may run `vending` may do all of it, alone and unnamed",
            "`vending operator add NAME --role supervisor`",
        )
    elif can_act(found, Role.SUPERVISOR) < _FOUR_EYES:
        yield Objection(
            "operators",
            "there is one supervisor only, so nobody can approve what that one proposes",
            "`vending operator add NAME --role supervisor`",
        )


def _approved_keys(connection: Connection, settings: Settings) -> Iterator[Objection]:
    file = settings.keys_file
    if settings.demo or file is None or not file.is_file() or is_approved(connection, file):
        return
    yield Objection(
        "VENDING_KEYS_FILE",
        f"{file} is not one that key custodians have approved",
        f"`vending keys propose-load {file}`, and let another custodian approve it",
    )
