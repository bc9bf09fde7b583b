"""The process that has the keys, and what it is given.

`vending serve` and `vending worker` start one for themselves (`beside`), on a socket that only
their user may open. `vending security-module` runs one by itself, maybe as another user of the
machine; then services are told its socket and never see a key file.
"""

from __future__ import annotations

import os
import signal
import socket
import ssl
import sys
import threading
from contextlib import suppress
from datetime import UTC, date, datetime
from getpass import getpass
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import structlog
from pydantic import SecretStr

from sts.errors import StsError
from sts.keys.files import read_secret_line
from sts.keys.sta_tables import SAMPLE_TABLES, load_sta_tables
from vending_api.custody.counters import Counters, CountersInvalid, Limits
from vending_api.custody.kernels import SecurityModuleWithKernels
from vending_api.custody.prism.facts import load_facts
from vending_api.custody.server import Server
from vending_api.keys import key_store
from vending_api.kit.errors import SecurityModuleUnavailable
from vending_api.kit.garbage import keep_what_is_loaded
from vending_api.kit.logging import configure_logging
from vending_api.kit.prctl import name_this_process
from vending_api.kit.private_memory import keep_memory_private
from vending_api.settings import SettingsInvalid, load_settings

if TYPE_CHECKING:
    from sts.security_module import SecurityModule
    from vending_api.custody.prism.client import PrismSecurityModule
    from vending_api.keys import Ask
    from vending_api.settings import Settings


_log = structlog.get_logger(__name__)


def main() -> None:
    """Be the process of a module that a service has started.

    Its arguments are the path of its socket, and "ask" where somebody may be asked; the first line
    of its standard input is the passphrase, or empty. Says "ready" on standard output, or why it
    cannot begin: the kind of error, and its text. Its end is that of its standard input, so it ends
    with the service, whatever the end of that.
    """
    name_this_process("vending-module")
    keep_memory_private()
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    configure_logging()
    try:
        server = _server_as_told()
    except (SettingsInvalid, StsError, CountersInvalid, OSError) as error:
        _tell_starter(f"{type(error).__name__}: {error}")
        return
    except (KeyboardInterrupt, EOFError):  # whoever was asked went away
        return
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _tell_starter("ready")
    threading.Thread(target=_end_with_input, args=(server,), daemon=True).start()
    keep_what_is_loaded()
    server.serve()
    _leave_nothing(Path(sys.argv[1]))


def _server_as_told() -> Server:
    passphrase = sys.stdin.buffer.readline().decode().rstrip("\n")
    settings = load_settings()
    if passphrase:
        settings = settings.model_copy(update={"keys_passphrase": SecretStr(passphrase)})
    _, path, *more = sys.argv
    return server_of(settings, Path(path), ask=getpass if "ask" in more else None)


def server_of(settings: Settings, path: Path, *, ask: Ask | None) -> Server:
    """Return a server of the keys of an installation, bound to a socket that is ours alone.

    `ask` asks for what opens the keys where the settings do not say. Raises SettingsInvalid,
    CountersInvalid, OSError, or the StsError of a key or table file.
    """
    units = settings.module_units_a_day
    limits = Limits(
        tokens_a_day=settings.module_tokens_a_day,
        tenths_a_day=None if units is None else units * 10,
    )
    module = security_module_of(settings, ask=ask)
    return Server(module, Counters(limits, settings.module_counters), _today, _bound(path))


def security_module_of(settings: Settings, *, ask: Ask | None = None) -> SecurityModule:
    """Return the module with the keys of an installation.

    Raises SettingsInvalid, or the StsError of a key or table file.
    """
    if settings.prism_address is not None:
        return _prism_of(settings, settings.prism_address)
    keys = key_store(settings, ask=ask, say=_say)
    tables = SAMPLE_TABLES if settings.sta_tables is None else load_sta_tables(settings.sta_tables)
    if tables.is_sample:
        _log.warning(
            "sample_sta_tables",
            effect="EA07 tokens are for tests; no real meter accepts them",
            mend="set VENDING_STA_TABLES to the licensed tables",
        )
    return SecurityModuleWithKernels(keys, tables)


def _prism_of(settings: Settings, address: str) -> SecurityModule:
    """Return hardware as a module; raises SettingsInvalid unless it answers and knows us."""
    try:
        prism = import_module("vending_api.custody.prism.client")
        link = import_module("vending_api.custody.prism.link")
    except ImportError as error:
        raise SettingsInvalid(
            f"VENDING_PRISM_ADDRESS: it needs {error.name}, which is not installed: "
            "pip install 'sts-vending[prism]'"
        ) from None
    parts = urlsplit(address)
    assert settings.prism_password_file is not None  # noqa: S101 (the settings were checked)
    assert settings.prism_keys_file is not None  # noqa: S101 (likewise)
    module: PrismSecurityModule = prism.PrismSecurityModule(
        link.Access(
            host=parts.hostname,
            port=parts.port,
            tls=_tls_of(settings) if parts.scheme == "tls" else None,
            realm=settings.prism_realm,
            user=settings.prism_user,
            password=SecretStr(read_secret_line(settings.prism_password_file)),
        ),
        load_facts(settings.prism_keys_file),
    )
    try:
        module.sign_in()
    except link.DeclinedByService:
        raise SettingsInvalid(
            "VENDING_PRISM_USER: the token service does not take this user with the password of "
            "VENDING_PRISM_PASSWORD_FILE"
        ) from None
    except SecurityModuleUnavailable:
        raise SettingsInvalid(
            f"VENDING_PRISM_ADDRESS: no token service answers at {address}"
        ) from None
    _log.warning("prism_is_experimental", effect="no real device has been asked yet")
    return module


def _tls_of(settings: Settings) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=settings.prism_ca_file)
    except OSError:
        raise SettingsInvalid(
            f"VENDING_PRISM_CA_FILE: {settings.prism_ca_file} holds no certificates in PEM"
        ) from None


def _leave_nothing(path: Path) -> None:
    """Remove the socket and its folder: who made them may have been killed, and removes nothing."""
    with suppress(OSError):
        path.unlink(missing_ok=True)
        path.parent.rmdir()


def _tell_starter(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def _say(line: str) -> None:
    sys.stderr.write(f"{line}\n")


def _bound(path: Path) -> socket.socket:
    """Return a socket bound to a path; what was left there gives way."""
    listener = socket.socket(socket.AF_UNIX)
    mask = os.umask(0o177)
    try:
        path.unlink(missing_ok=True)
        listener.bind(str(path))
    finally:
        os.umask(mask)
    return listener


def _end_with_input(server: Server) -> None:
    sys.stdin.buffer.read()
    server.stop()


def _today() -> date:
    return datetime.now(UTC).date()
