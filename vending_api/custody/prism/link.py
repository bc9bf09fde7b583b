"""A connection to the token service: signed in, and nothing made twice whatever breaks."""

from __future__ import annotations

import socket
import struct
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from uuid import uuid4

import structlog
import thriftpy2
from thriftpy2.protocol import TBinaryProtocolFactory
from thriftpy2.thrift import TClient, TException
from thriftpy2.transport import TFramedTransportFactory, TSocket

from vending_api.kit.errors import SecurityModuleUnavailable

if TYPE_CHECKING:
    from ssl import SSLContext

    from pydantic import SecretStr

SERVICE: Final = thriftpy2.load(
    str(Path(__file__).with_name("token_service.thrift")),
    module_name="vending_api.custody.prism.token_service_thrift",
)
SIGN_IN_REFUSED: Final = "sign_in_refused"
_SESSION_EXPIRED: Final = "session_expired"
_RESULT_NOT_FOUND: Final = "result_not_found"
_KNOWN: Final = frozenset(
    {
        *(SIGN_IN_REFUSED, _SESSION_EXPIRED, _RESULT_NOT_FOUND, "key_not_found", "key_expired"),
        *("key_expired_at_verify", "before_base_date", "default_key", "bad_crc", "malformed"),
        "algorithm_refused",
    }
)
_BROKEN: Final = (OSError, EOFError, TException, struct.error, ValueError, MemoryError)
"""What a connection that breaks raises, or an answer that is none."""

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """Where the service is, and who asks."""

    host: str
    port: int
    tls: SSLContext | None
    realm: str
    user: str
    password: SecretStr


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How long is waited, in seconds, and how often a result is looked for."""

    answer: float = 4.0
    """Less than who sells waits for a whole column (`custody/client.py`)."""
    idle: float = 20.0
    """A connection that nobody has used for so long is tried before it is trusted."""
    fetches: int = 5
    pause: float = 0.5
    """Before each of them but the first."""


class DeclinedByService(Exception):
    """The service does not do what it was asked; the code is one that we know, or "other"."""

    def __init__(self, code: str) -> None:
        """Take a code; what else the service says may repeat what it was told, so it is left."""
        self.code = code if code in _KNOWN else "other"
        super().__init__(self.code)


class _Lost(Exception):
    """The connection broke while an answer was waited for: nobody knows what was done."""


class Link:
    """One connection, for one thread at a time; it comes back by itself.

    Its methods raise DeclinedByService, and SecurityModuleUnavailable where there is no answer.
    """

    def __init__(self, access: Access, patience: Patience) -> None:
        """Connect to nothing yet."""
        self._access = access
        self._patience = patience
        self._client: Any = None
        self._access_token = ""
        self._used_at = 0.0

    def close(self) -> None:
        """Close the connection; it is opened again when it is used."""
        if self._client is not None:
            self._client.close()
            self._client = None

    def sign_in(self) -> None:
        """Have a connection and a session on it."""
        self._ready()

    def make(self, operation: str, *arguments: Any) -> Any:
        """Have something made, once, and return its result.

        Where the answer is lost the result is fetched by the id of the message. It is never asked
        for a second time: the first request may still be under way.
        """
        message_id = uuid4().hex
        try:
            return self._asked(operation, message_id, *arguments)
        except _Lost:
            return self._fetched(message_id)

    def read(self, operation: str, *arguments: Any) -> Any:
        """Ask for what makes nothing, a second time where the first answer is lost."""
        for _ in range(2):
            try:
                return self._asked(operation, uuid4().hex, *arguments)
            except _Lost:
                continue
        raise SecurityModuleUnavailable

    def _asked(self, operation: str, message_id: str, *arguments: Any) -> Any:
        """Return an answer; a session that has run out is renewed once, for nothing was done."""
        self._ready()
        try:
            return self._answer(operation, message_id, self._access_token, *arguments)
        except DeclinedByService as declined:
            if declined.code != _SESSION_EXPIRED:
                raise
        _log.info("prism_session_expired")
        self._begin_session()
        return self._answer(operation, message_id, self._access_token, *arguments)

    def _fetched(self, message_id: str) -> Any:
        """Return the result of a message whose answer was lost."""
        for number in range(self._patience.fetches):
            if number:
                time.sleep(self._patience.pause)
            try:
                result = self._asked("fetch_result", uuid4().hex, message_id)
            except DeclinedByService as declined:
                if declined.code != _RESULT_NOT_FOUND:
                    raise
            except (_Lost, SecurityModuleUnavailable):
                continue
            else:
                _log.info("prism_result_fetched")
                return result
        _log.error("prism_result_not_found", message_id=message_id)
        raise SecurityModuleUnavailable

    def _answer(self, operation: str, *arguments: Any) -> Any:
        try:
            answer = getattr(self._client, operation)(*arguments)
        except SERVICE.Declined as declined:
            self._used_at = time.monotonic()
            raise DeclinedByService(declined.code) from None
        except _BROKEN as error:
            self._forget(error)
            raise _Lost from None
        except BaseException:
            self.close()  # its answer may still come, and answers have no numbers
            raise
        self._used_at = time.monotonic()
        return answer

    def _ready(self) -> None:
        """Have a connection that lives and a session."""
        if self._client is not None and time.monotonic() - self._used_at >= self._patience.idle:
            with suppress(_Lost):  # it was an old one, and nothing was asked on it
                self._answer("ping", "")
        if self._client is None:
            self._connect()
            self._begin_session()

    def _connect(self) -> None:
        access = self._access
        try:
            connection = socket.create_connection((access.host, access.port), self._patience.answer)
        except OSError as error:
            raise self._unavailable(error) from None
        try:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if access.tls is not None:
                connection = access.tls.wrap_socket(connection, server_hostname=access.host)
        except OSError as error:
            connection.close()
            raise self._unavailable(error) from None
        transport = TFramedTransportFactory().get_transport(TSocket(sock=connection))
        protocol = TBinaryProtocolFactory().get_protocol(transport)
        self._client = TClient(SERVICE.TokenService, protocol)

    def _begin_session(self) -> None:
        access = self._access
        try:
            session = self._answer(
                *("sign_in", uuid4().hex, access.realm, access.user),
                access.password.get_secret_value(),
            )
        except _Lost:
            raise SecurityModuleUnavailable from None
        except DeclinedByService:
            self.close()
            raise
        self._access_token = session.access_token

    def _forget(self, error: Exception) -> None:
        self.close()
        _log.warning("prism_connection_lost", reason=type(error).__name__)

    def _unavailable(self, error: Exception) -> SecurityModuleUnavailable:
        _log.error("prism_unavailable", reason=type(error).__name__)
        return SecurityModuleUnavailable()
