"""A security module that others ask over a Unix socket: who may ask is who may open the socket.

What is asked comes from somebody who is not trusted with keys. So a message that makes no sense
ends its connection, a row that makes no sense is an error in its place, and what is made is
counted here, under limits that nothing on the socket can change.
"""

from __future__ import annotations

import socket
import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final, TypeVar

import structlog

from sts.errors import InvalidField, StsError, TokenNotAllowed, VendingKeyNotFound
from sts.key_data import KeyRevisionNumber, SupplyGroupCode, TariffIndex
from sts.security_module import IssueRequest, KeyChangeRequest, MeterConfiguration, VerifyRequest
from sts.tokens.credit import TransferCredit
from sts.tokens.key_change import KeySection
from sts.tokens.reserved import ReservedToken
from vending_api.custody.counters import CountersNotWritten
from vending_api.custody.wire import (
    Malformed,
    error_row,
    facts_row,
    meter_of,
    receive,
    send,
    token_of,
    token_row,
)
from vending_api.kit.errors import SecurityModuleUnavailable

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import date

    from sts.security_module import SecurityModule
    from sts.tokens.kinds import Token
    from vending_api.custody.counters import Counters

_Asked = TypeVar("_Asked")
_Made = TypeVar("_Made")
_Request = TypeVar("_Request", IssueRequest, KeyChangeRequest)

_WAITING: Final = 64
_PATIENCE_SECONDS: Final = 5.0
"""For an answer that is being made when the module is told to end."""
_OF_A_KEY_CHANGE: Final = 3
_NO_KEY: Final = "none"
"""What needs no key, as tokens of class 1, is made for meters of any."""

_log = structlog.get_logger(__name__)


class Server:
    """Answers who connects to a socket, a thread for each connection."""

    def __init__(
        self,
        module: SecurityModule,
        counters: Counters,
        today: Callable[[], date],
        listener: socket.socket,
    ) -> None:
        """`listener` is bound; `today` is the day in UTC."""
        self._module = module
        self._counters = counters
        self._today = today
        self._listener = listener
        self._counting = threading.Lock()
        self._beginning = threading.Lock()
        self._answering: dict[threading.Thread, socket.socket] = {}
        self._is_ending = False
        self._ended = threading.Event()
        listener.listen(_WAITING)  # who connects from now on is answered once it serves
        self._does: dict[str, Callable[[Sequence[Any]], list[Any]]] = {
            "facts": self._facts,
            "issue": self._issue,
            "change_key": self._change_key,
            "verify": self._verify,
        }

    def serve(self) -> None:
        """Answer until `stop`, and return when that has."""
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                if not self._is_ending:
                    raise
                self._ended.wait()
                return
            self._begin_to_answer(connection)

    def stop(self) -> None:
        """Answer what was asked and nothing more, and have the counters written."""
        with self._beginning:
            if self._is_ending:
                return
            self._is_ending = True
        try:
            self._end()
        finally:
            self._ended.set()  # or its process would not end

    def _end(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for thread, connection in list(self._answering.items()):
            with suppress(OSError):  # its other end may be gone
                connection.shutdown(socket.SHUT_RD)
            thread.join(_PATIENCE_SECONDS)
        with self._counting:
            try:
                self._counters.close()
            except CountersNotWritten as error:  # the file says more than was made, so it is safe
                _log.error("counters_not_written", reason=str(error))

    def _begin_to_answer(self, connection: socket.socket) -> None:
        thread = threading.Thread(target=self._answer, args=(connection,), daemon=True)
        with self._beginning:  # whoever ends this waits for threads that have begun, and for all
            if self._is_ending:
                connection.close()
                return
            self._answering[thread] = connection
            thread.start()

    def _answer(self, connection: socket.socket) -> None:
        with connection:
            try:
                while (message := receive(connection)) is not None:
                    send(connection, self._answered(message))
            except Malformed as error:
                _log.warning("message_refused", reason=str(error))
            except CountersNotWritten as error:
                _log.error("counters_not_written", reason=str(error))
            except (OSError, SecurityModuleUnavailable):
                pass  # whoever asked is gone; or hardware is, which has been logged
            except Exception:  # noqa: BLE001 (its connection ends; the others go on)
                _log.exception("request_failed")
        del self._answering[threading.current_thread()]

    def _answered(self, message: Any) -> dict[str, Any]:
        if not isinstance(message, dict) or message.keys() != {"number", "do", "rows"}:
            raise Malformed("not a number, what to do, and rows")
        do, rows = self._does.get(str(message["do"])), message["rows"]
        if do is None or not isinstance(rows, list):
            raise Malformed("it asks for what this module does not do")
        return {"number": message["number"], "rows": do(rows)}

    def _facts(self, _rows: Sequence[Any]) -> list[Any]:
        return [facts_row(one) for one in self._module.facts()]

    def _issue(self, rows: Sequence[Any]) -> list[Any]:
        asked = self._counted([_parsed(_issue_request, row) for row in rows], _tenths_of)
        outcomes = _in_place(asked, self._module.issue)
        return [error_row(one) if isinstance(one, StsError) else one.digits for one in outcomes]

    def _change_key(self, rows: Sequence[Any]) -> list[Any]:
        asked = self._counted([_parsed(_key_change_request, row) for row in rows], lambda _: 0)
        outcomes = _in_place(asked, self._module.change_key)
        return [error_row(one) if isinstance(one, StsError) else one for one in outcomes]

    def _verify(self, rows: Sequence[Any]) -> list[Any]:
        asked = [_parsed(_verify_request, row) for row in rows]
        outcomes = _in_place(asked, self._module.verify)
        return [_said_row(one) for one in outcomes]

    def _counted(
        self, asked: Sequence[_Request | StsError], tenths_of: Callable[[_Request], int]
    ) -> list[_Request | StsError]:
        """Return what may be made, counted before it is, with an error where it may not."""
        today = self._today()
        counted: list[_Request | StsError] = []
        with self._counting:
            for one in asked:
                if not isinstance(one, StsError):
                    try:
                        self._counters.count(self._key_of(one.meter), today, tenths=tenths_of(one))
                    except StsError as error:
                        counted.append(error)
                        continue
                counted.append(one)
            self._counters.write_ahead()
        return counted

    def _key_of(self, meter: MeterConfiguration) -> str:
        """Return what a meter's tokens are counted under.

        Keys that the module has not are one, so that whoever asks cannot make the counters grow.
        """
        group, revision = meter.supply_group_code, meter.key_revision_number
        try:
            self._module.vending_key_for(group, revision)
        except VendingKeyNotFound:
            return _NO_KEY
        return f"{group.digits}/{revision.value}"


def _in_place(
    asked: Sequence[_Asked | StsError],
    make: Callable[[list[_Asked]], Sequence[_Made]],
) -> list[_Made | StsError]:
    """Return what is made of requests, with the errors among them in their places."""
    made = iter(make([one for one in asked if not isinstance(one, StsError)]))
    return [one if isinstance(one, StsError) else next(made) for one in asked]


def _parsed(parse: Callable[[Any], _Asked], row: Any) -> _Asked | StsError:
    """Return the request of a row, or what is wrong with it."""
    try:
        return parse(row)
    except StsError as error:
        return error.with_traceback(None)


def _issue_request(row: Any) -> IssueRequest:
    meter, rest = meter_of(row)
    token = token_of(rest)
    if isinstance(token, ReservedToken):
        raise InvalidField("token", "its class and subclass are reserved", "a known token")
    return IssueRequest(meter, token)


def _key_change_request(row: Any) -> KeyChangeRequest:
    meter, rest = meter_of(row)
    if len(rest) != _OF_A_KEY_CHANGE:
        raise InvalidField("key change", "not three values", "SGC, KRN and TI")
    group, revision, tariff_index = rest
    if not isinstance(group, str) or not isinstance(tariff_index, str) or type(revision) is not int:
        raise InvalidField("key change", "values of other types", "SGC, KRN and TI")
    return KeyChangeRequest(
        meter, SupplyGroupCode(group), KeyRevisionNumber(revision), TariffIndex(tariff_index)
    )


def _verify_request(row: Any) -> VerifyRequest:
    meter, rest = meter_of(row)
    if len(rest) != 1 or not isinstance(rest[0], str):
        raise InvalidField("digits", "not one text", "20 digits")
    return VerifyRequest(meter, rest[0])


def _said_row(outcome: Token | ReservedToken | StsError) -> list[int] | dict[str, Any]:
    """Return what a token says, or why it says nothing; no section of a key is read out."""
    if isinstance(outcome, KeySection):
        outcome = TokenNotAllowed("what a section of a key change says is told to its meter alone")
    return error_row(outcome) if isinstance(outcome, StsError) else token_row(outcome)


def _tenths_of(request: IssueRequest) -> int:
    token = request.token
    return token.amount.tenths if isinstance(token, TransferCredit) else 0
