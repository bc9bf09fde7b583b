"""Who sells: all that happens inside transactions, by the names of the operations.

`vending serve` gives a teller a process of its own, so that it and the process which talks to the
world work at the same time; there it is asked over a socket (`kit.far_lanes`), elsewhere by the
committer of the same process. Neither has a key: tokens are made by the security module, in a
third process (`custody`).
"""

from __future__ import annotations

import secrets
import signal
import threading
import time
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from vending_api.custody.client import SecurityModuleElsewhere
from vending_api.database import database_of, require_data_keys
from vending_api.domain.advices.service import advise, note_sale
from vending_api.domain.faults.service import report_fault
from vending_api.domain.issuing.service import TokenMaker
from vending_api.domain.reprints.service import reprint
from vending_api.domain.sales.types import Sale
from vending_api.domain.selling import service as selling
from vending_api.kit.errors import Refusal, SecurityModuleUnavailable
from vending_api.kit.far_lanes import serve_lanes
from vending_api.kit.far_process import StartFailed, refuse_to_begin
from vending_api.kit.garbage import keep_what_is_loaded
from vending_api.kit.lanes import lanes_for
from vending_api.kit.logging import configure_logging
from vending_api.kit.prctl import name_this_process
from vending_api.kit.private_memory import keep_memory_private
from vending_api.sandbox.rehearsal import Rehearsal
from vending_api.settings import Settings, SettingsInvalid, load_settings

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from sts.security_module import SecurityModule
    from vending_api.domain.sales.types import ChangeKey, SellCredit
    from vending_api.kit.group import Unfinished

Tell = Callable[[Any], bytes]
"""Makes an answer of an outcome: a function of a module, or such a one with arguments."""

_AFTER_ALL_METERS: Final = "~"
"""The place of advices in a group: after the sales that they may be about."""
_MINUTE: Final = timedelta(minutes=1)
_START_LIMIT_SECONDS: Final = 60


class Asked(NamedTuple):
    """What a teller is asked to do."""

    operation: str
    """Which of the teller's functions."""
    command: Any
    tell: Tell | None = None
    """None where nobody wants to know more than that it is done."""
    is_new: bool = False
    """Whether it is a purchase under an id that nobody should have used before."""


class Act(NamedTuple):
    """A piece of work in a transaction, for whoever has no operation of its own here."""

    run: Callable[[Connection, TokenMaker], Any]
    """A function of a module, with arguments; what it returns or raises must be picklable."""
    key: str
    """Whom its lane is for."""
    order: str
    """What it locks."""


class Told(NamedTuple):
    """What a teller answers."""

    answer: bytes
    is_repeated: bool = False
    """Whether it is the answer of a sale that was made before."""
    lead_minutes: int | None = None
    """How far the newest token identifier of a sale was ahead of the clock, if it has one."""
    external_meter_id: str = ""
    """The meter that was sold to."""


class Teller:
    """Carries out what it is asked, each in the transaction of the connection that it is given."""

    def __init__(
        self, security_module: SecurityModule, *, rehearsal: Rehearsal | None = None
    ) -> None:
        process = secrets.token_hex(8)
        self._maker = TokenMaker(
            security_module,
            random_nibble=lambda: secrets.token_bytes(1)[0] & 0xF,
            log_writer=lambda: f"{process}-{threading.current_thread().name}",
        )
        self._base_dates = {
            (key.supply_group_code, key.key_revision_number): key.base_date
            for key in security_module.facts()
        }
        self._rehearsal = rehearsal
        self._functions: dict[str, Callable[[Connection, Any], Any]] = {
            "look_up": selling.look_up,
            "try_out": self._try_out,
            "sell": self._sell,
            "retry": self._retry,
            "change_key": self._change_key,
            "reprint": reprint,
            "advise": advise,
            "note_sale": note_sale,
            "report_fault": report_fault,
        }

    def fields_of(self, asked: Asked | Act) -> dict[str, Any]:
        """Return what is asked as the fields of a `Command` of the lanes."""
        if isinstance(asked, Act):
            run = asked.run
            return {
                "key": asked.key,
                "order": asked.order,
                "act": lambda connection: run(connection, self._maker),
            }
        command = asked.command
        do = self._functions[asked.operation]
        return {
            # A client's sales share its credit and its terminals' numbers, so they take turns.
            "key": command.client.user_name,
            "act": lambda connection: do(connection, command),
            "tell": partial(self._told, asked),
            "order": getattr(command, "external_meter_id", _AFTER_ALL_METERS),
            "foreseen": command if asked.is_new else None,
        }

    def _told(self, asked: Asked, outcome: Any) -> Told:
        if isinstance(outcome, Refusal):
            raise outcome.reason
        answer = b"" if asked.tell is None else asked.tell(outcome)
        if not isinstance(outcome, Sale):
            return Told(answer)
        return Told(
            answer,
            is_repeated=outcome.sold_at != asked.command.received_at,
            lead_minutes=self._lead_of(outcome),
            external_meter_id=outcome.meter.external_id,
        )

    def _try_out(self, connection: Connection, command: Any) -> Any:
        return selling.try_out(connection, self._maker, command)

    def _sell(
        self, connection: Connection, command: SellCredit
    ) -> Sale | Unfinished[Sale] | Refusal:
        return self._rehearsed(connection, partial(selling.sell, connection, self._maker, command))

    def _retry(
        self, connection: Connection, command: SellCredit
    ) -> Sale | Unfinished[Sale] | Refusal:
        return self._rehearsed(connection, partial(selling.retry, connection, self._maker, command))

    def _rehearsed(
        self, connection: Connection, sale: Callable[[], Sale | Unfinished[Sale] | Refusal]
    ) -> Sale | Unfinished[Sale] | Refusal:
        return sale() if self._rehearsal is None else self._rehearsal.sell(connection, sale)

    def _change_key(self, connection: Connection, command: ChangeKey) -> Sale | Refusal:
        change = partial(selling.change_key, connection, self._maker, command)
        if self._rehearsal is None:
            return change()
        return self._rehearsal.change_key(connection, command, change)

    def _lead_of(self, sale: Sale) -> int | None:
        minutes = [token.identifier_minutes for token in sale.tokens]
        newest = max((one for one in minutes if one is not None), default=None)
        if newest is None:
            return None
        base_date = sale.meter.base_date
        if sale.new_key_data is not None:  # which may have moved what its identifiers count from
            group, revision, _ = sale.new_key_data
            base_date = self._base_dates.get((group, revision), base_date)
        return newest - (sale.sold_at - base_date.moment) // _MINUTE


def main() -> None:
    """Be the process of a teller."""
    name_this_process("vending-teller")
    keep_memory_private()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)  # it ends when the process does that it works for
    configure_logging()
    try:
        settings = load_settings()
        url = settings.database_url.get_secret_value()
        lanes = lanes_for(url.split(":")[0].split("+")[0])
        require_data_keys(settings)
        engine = database_of(settings, connections=lanes, is_quick=True)
        security_module = _security_module_of(settings)
    except (SettingsInvalid, SecurityModuleUnavailable) as error:
        refuse_to_begin(error if isinstance(error, SettingsInvalid) else StartFailed(str(error)))
        return
    teller = Teller(security_module, rehearsal=rehearsal_of(settings))
    keep_what_is_loaded()
    serve_lanes(
        engine,
        teller.fields_of,
        greeting=security_module.facts(),
        monotonic_seconds=time.monotonic,
        foresee=selling.foresee,
    )
    security_module.close()
    engine.dispose()


def rehearsal_of(settings: Settings) -> Rehearsal | None:
    """Return what a demo does around its sales; None where nobody asked for a demo."""
    return Rehearsal(settings.demo_timeout_seconds) if settings.demo else None


def _security_module_of(settings: Settings) -> SecurityModuleElsewhere:
    """Return what asks the security module; raises SettingsInvalid, SecurityModuleUnavailable."""
    if settings.security_module is None:
        raise SettingsInvalid("VENDING_SECURITY_MODULE: it is not set; name a module's socket")
    # It may have been started just now, as this process was.
    return SecurityModuleElsewhere(settings.security_module, wait_seconds=_START_LIMIT_SECONDS)
