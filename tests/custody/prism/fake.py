"""A token service that stands in for hardware, written from its documented operations.

It makes tokens with the example keys, keeps results by message id, and does what connections and
hardware do: answers get lost, sessions run out, it is slow, it declines.
"""

from __future__ import annotations

import socket
import threading
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from thriftpy2.protocol import TBinaryProtocolFactory
from thriftpy2.thrift import TException, TProcessor
from thriftpy2.transport import TFramedTransportFactory, TSocket

from sts.errors import (
    AlgorithmRefused,
    CrcMismatch,
    KeyExpired,
    StsError,
    TokenMalformed,
    TokenNotAllowed,
    VendingKeyNotFound,
)
from sts.key_data import EncryptionAlgorithm, KeyRevisionNumber, SupplyGroupCode, TariffIndex
from sts.meter_number import ManufacturerCode, MeterPan
from sts.security_module import (
    IssueRequest,
    KeyChangeRequest,
    MeterConfiguration,
    SecurityModule,
    VerifyRequest,
)
from sts.token_identifier import TokenIdentifier
from sts.tokens import management
from sts.tokens.credit import Resource, TransferCredit
from sts.tokens.currency_credit import CurrencyCredit
from sts.tokens.meter_test import InitiateMeterTest
from sts.units import CurrencyAmount, PowerLimit, TransferAmount
from vending_api.custody.prism.link import SERVICE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from ssl import SSLContext

    from sts.tokens.kinds import DatedToken, Token

REALM: Final = "local"
USER: Final = "vending"
PASSWORD: Final = "correct horse battery staple"
_CODES: Final = {
    VendingKeyNotFound: "key_not_found",
    TokenNotAllowed: "default_key",
    KeyExpired: "key_expired",
    AlgorithmRefused: "algorithm_refused",
    CrcMismatch: "bad_crc",
    TokenMalformed: "malformed",
}
_SETTINGS: Final[dict[int, tuple[type[Any], str]]] = {
    0: (management.SetMaximumPowerLimit, "power"),
    1: (management.ClearCredit, "register"),
    2: (management.SetTariffRate, "rate"),
    5: (management.ClearTamperCondition, "pad"),
    6: (management.SetMaximumPhasePowerUnbalanceLimit, "power"),
    7: (management.SetWaterMeterFactor, "factor"),
}


class Dropped(Exception):
    """The connection is to end without an answer."""


@dataclass
class Trouble:
    """What becomes of the next call of an operation."""

    operation: str
    is_lost_before: bool = False
    """The connection ends, and nothing is done."""
    is_lost_after: bool = False
    """All is done, and the connection ends."""
    decline: str = ""
    """The code that it is declined with."""
    wait: threading.Event | None = None
    """All is done, and no answer comes before this is set."""
    alter: Callable[[Any], None] | None = None
    """Changes the result."""


@dataclass
class TokenService:
    """The operations, over a module of this process."""

    module: SecurityModule
    troubles: list[Trouble] = field(default_factory=list)
    made: list[tuple[str, str]] = field(default_factory=list)
    """Operation and message id of all that made something."""
    calls: list[str] = field(default_factory=list)
    sessions: set[str] = field(default_factory=set)
    results: dict[str, Any] = field(default_factory=dict)
    finds_results: bool = True
    tells_random: bool = True
    refusal: str = "no"
    """The text of what it declines."""

    def ping(self, echo: str) -> Any:
        return self._done("ping", lambda: echo)

    def sign_in(self, _message_id: str, realm: str, user: str, password: str) -> Any:
        def session() -> Any:
            if (realm, user, password) != (REALM, USER, PASSWORD):
                raise self._declined("sign_in_refused")
            token = f"session {len(self.calls)}"
            self.sessions.add(token)
            return SERVICE.Session(access_token=token)

        return self._done("sign_in", session)

    def issue_credit(self, *arguments: Any) -> Any:
        return self._issued("issue_credit", *arguments)

    def issue_management(self, *arguments: Any) -> Any:
        return self._issued("issue_management", *arguments)

    def _issued(
        self,
        operation: str,
        message_id: str,
        access_token: str,
        meter: Any,
        saying: Any,
        external_clock: bool,  # noqa: FBT001 (as Thrift calls it)
        issued_at: int,
    ) -> Any:
        def issued() -> Any:
            assert external_clock
            assert (operation == "issue_credit") == (saying.token_class == 0)
            token = self._token(meter, saying, issued_at)
            (outcome,) = self.module.issue([IssueRequest(_meter(meter), token)])
            return self._result([self._good(outcome).digits], meter)

        return self._made(operation, message_id, access_token, issued)

    def issue_meter_test(
        self, message_id: str, access_token: str, subclass: int, control: int, code: str
    ) -> Any:
        def issued() -> Any:
            token = InitiateMeterTest(control=control, manufacturer_code=ManufacturerCode(code))
            assert token.subclass == subclass
            meter = MeterConfiguration(
                MeterPan.parse("600727000000000009"),
                SupplyGroupCode("123457"),
                KeyRevisionNumber(1),
                TariffIndex("01"),
                EncryptionAlgorithm.EA07,
            )
            (outcome,) = self.module.issue([IssueRequest(meter, token)])
            return self._result([self._good(outcome).digits], None)

        return self._made("issue_meter_test", message_id, access_token, issued)

    def issue_key_change(self, message_id: str, access_token: str, meter: Any, new_key: Any) -> Any:
        def issued() -> Any:
            request = KeyChangeRequest(
                _meter(meter),
                SupplyGroupCode(new_key.supply_group_code),
                KeyRevisionNumber(new_key.key_revision_number),
                TariffIndex(f"{new_key.tariff_index:02}"),
            )
            (outcome,) = self.module.change_key([request])
            return self._result(self._good(outcome), meter)

        return self._made("issue_key_change", message_id, access_token, issued)

    def verify(self, _message_id: str, access_token: str, meter: Any, digits: str) -> Any:
        def read() -> Any:
            self._require_session(access_token)
            (outcome,) = self.module.verify([VerifyRequest(_meter(meter), digits)])
            return self._saying(self._good(outcome))

        return self._done("verify", read)

    def fetch_result(self, _message_id: str, access_token: str, of_message_id: str) -> Any:
        def fetched() -> Any:
            self._require_session(access_token)
            if not self.finds_results or of_message_id not in self.results:
                raise self._declined("result_not_found")
            result = self.results[of_message_id]
            if isinstance(result, Exception):
                raise result
            return result

        return self._done("fetch_result", fetched)

    def _made(
        self, operation: str, message_id: str, access_token: str, make: Callable[[], Any]
    ) -> Any:
        def made() -> Any:
            self._require_session(access_token)
            assert message_id not in self.results
            try:
                self.results[message_id] = make()
            except SERVICE.Declined as declined:
                self.results[message_id] = declined
                raise
            self.made.append((operation, message_id))
            return self.results[message_id]

        return self._done(operation, made)

    def _done(self, operation: str, do: Callable[[], Any]) -> Any:
        """Do what is asked, with the trouble that waits for it."""
        self.calls.append(operation)
        trouble = next((one for one in self.troubles if one.operation == operation), None)
        if trouble is None:
            return do()
        self.troubles.remove(trouble)
        if trouble.is_lost_before:
            raise Dropped
        if trouble.decline:
            raise self._declined(trouble.decline)
        try:
            result = do()
        finally:
            if trouble.is_lost_after:
                raise Dropped
        if trouble.alter is not None:
            trouble.alter(result)
        if trouble.wait is not None:
            trouble.wait.wait(20)
        return result

    def _require_session(self, access_token: str) -> None:
        if access_token not in self.sessions:
            raise self._declined("session_expired")

    def _declined(self, code: str) -> Any:
        return SERVICE.Declined(code=code, text=self.refusal)

    def _good(self, outcome: Any) -> Any:
        if isinstance(outcome, StsError):
            raise self._declined(_CODES[type(outcome)])
        return outcome

    def _token(self, meter: Any, saying: Any, issued_at: int) -> DatedToken:
        configuration = _meter(meter)
        try:
            base_date = self.module.vending_key_for(
                configuration.supply_group_code, configuration.key_revision_number
            ).base_date
        except VendingKeyNotFound:
            raise self._declined("key_not_found") from None
        moment = datetime.fromtimestamp(issued_at, UTC)
        facts = {"token_identifier": TokenIdentifier.at(moment, base_date)}
        value = int(saying.value)
        if saying.token_class == 2:
            kind, name = _SETTINGS[saying.subclass]
            setting = PowerLimit(value) if name == "power" else value
            token: DatedToken = kind(**facts, random=saying.random, **{name: setting})
            return token
        resource = Resource(saying.subclass % 4)
        if saying.subclass > 3:
            return CurrencyCredit(resource=resource, amount=CurrencyAmount.covering(value), **facts)
        return TransferCredit(
            resource=resource, amount=TransferAmount(value), random=saying.random, **facts
        )

    def _result(self, tokens: Sequence[str], meter: Any) -> Any:
        key_check_value = None
        if meter is not None:
            of_meter = _meter(meter)
            key_check_value = self.module.vending_key_for(
                of_meter.supply_group_code, of_meter.key_revision_number
            ).key_check_value
        return SERVICE.Result(
            tokens=[SERVICE.Token(digits=digits) for digits in tokens],
            key_check_value=key_check_value,
            module_id="fake",
        )

    def _saying(self, token: Token) -> Any:
        saying = SERVICE.Saying(token_class=token.token_class, subclass=token.subclass)
        identifier = getattr(token, "token_identifier", None)
        if identifier is None:
            return saying
        saying.token_identifier = identifier.minutes
        if self.tells_random:
            saying.random = getattr(token, "random", None)
        if isinstance(token, CurrencyCredit):
            saying.value = str(token.amount.hundred_thousandths)
        elif isinstance(token, TransferCredit):
            saying.value = str(token.amount.tenths)
        else:
            _, name = _SETTINGS[token.subclass]
            saying.value = str(getattr(token, name))
        return saying


def _meter(told: Any) -> MeterConfiguration:
    assert told.token_carrier == 2
    return MeterConfiguration(
        MeterPan.parse(told.pan),
        SupplyGroupCode(told.supply_group_code),
        KeyRevisionNumber(told.key_revision_number),
        TariffIndex(f"{told.tariff_index:02}"),
        EncryptionAlgorithm(f"{told.encryption_algorithm:02}"),
    )


class Listening:
    """The service on a port of loopback, a thread for each connection."""

    def __init__(self, service: TokenService, tls: SSLContext | None) -> None:
        self._processor = TProcessor(SERVICE.TokenService, service)
        self._tls = tls
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._open: list[socket.socket] = []
        self._threads = [threading.Thread(target=self._accept)]
        self._threads[0].start()

    def break_all(self) -> None:
        """End all connections."""
        for connection in self._open:
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Take no more connections and end those there are."""
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self.break_all()
        for thread in self._threads:
            thread.join()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            thread = threading.Thread(target=self._serve, args=(connection,))
            self._threads.append(thread)
            thread.start()

    def _serve(self, connection: socket.socket) -> None:
        try:
            if self._tls is not None:
                connection = self._tls.wrap_socket(connection, server_side=True)
        except OSError:
            connection.close()
            return
        self._open.append(connection)
        with connection, suppress(Dropped, OSError, EOFError, TException):
            transport = TFramedTransportFactory().get_transport(TSocket(sock=connection))
            protocol = TBinaryProtocolFactory().get_protocol(transport)
            while True:
                self._processor.process(protocol, protocol)


@contextmanager
def serving(service: TokenService, tls: SSLContext | None = None) -> Iterator[Listening]:
    """Serve until the end of the block."""
    listening = Listening(service, tls)
    try:
        yield listening
    finally:
        listening.close()
