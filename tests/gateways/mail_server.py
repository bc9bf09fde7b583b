"""A mail server on loopback that does as it is told, for one connection after the other."""

from __future__ import annotations

import base64
import socketserver
import threading
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import ssl
    from collections.abc import Iterator, Mapping

DROP: Final = "drop"
"""Instead of a reply: the connection ends."""
HANG: Final = "hang"
"""Instead of a reply: nothing comes."""


@dataclass
class Mailbox:
    """How the server replies, and what it was given."""

    replies: Mapping[str, str] = field(default_factory=dict)
    """Other replies than the usual, by the verb that they answer."""
    tls: ssl.SSLContext | None = None
    is_encrypted_from_the_start: bool = False
    commands: list[str] = field(default_factory=list)
    mails: list[bytes] = field(default_factory=list)
    encrypted: list[bool] = field(default_factory=list)
    """For each mail, whether it came encrypted."""
    port: int = 0
    released: threading.Event = field(default_factory=threading.Event)

    @property
    def verbs(self) -> list[str]:
        """What was asked, without arguments."""
        return [one.split()[0].upper() for one in self.commands]


@contextmanager
def serving(mailbox: Mailbox) -> Iterator[Mailbox]:
    """Serve on a free port of loopback until the block and all conversations end."""

    class Handler(_Handler):
        box = mailbox

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler) as server:
        mailbox.port = server.server_address[1]
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield mailbox
        finally:
            mailbox.released.set()
            server.shutdown()
            thread.join()


class _Handler(socketserver.StreamRequestHandler):
    """One conversation by RFC 5321."""

    box: Mailbox

    def handle(self) -> None:
        self._is_encrypted = False
        with suppress(_Ended, OSError):  # some tests make the client go away
            if self.box.is_encrypted_from_the_start:
                self._encrypt()
            self._converse()

    def finish(self) -> None:
        super().finish()
        self.connection.close()

    def _converse(self) -> None:
        self._reply("CONNECT", "220 mail.test")
        while line := self.rfile.readline().decode().strip():
            self.box.commands.append(line)
            verb = line.split()[0].upper()
            if verb == "EHLO":
                self._reply("EHLO", self._extensions())
            elif verb == "STARTTLS":
                self._reply("STARTTLS", "220 go ahead")
                self._encrypt()
            elif verb == "AUTH":
                self._authenticate(line)
            elif verb == "DATA":
                self._take()
            elif verb == "QUIT":
                self._reply("QUIT", "221 bye")
                return
            else:
                self._reply(verb, "250 ok")

    def _extensions(self) -> str:
        can_encrypt = self.box.tls is not None and not self._is_encrypted
        return "250-mail.test\r\n" + ("250-STARTTLS\r\n" if can_encrypt else "") + "250 AUTH PLAIN"

    def _authenticate(self, line: str) -> None:
        _, user, password = base64.b64decode(line.split()[2]).decode().split("\0")
        is_right = (user, password) == ("vending", "hunter2")
        self._reply("AUTH", "235 welcome" if is_right else "535 5.7.8 who are you")

    def _take(self) -> None:
        self._reply("DATA", "354 go on")
        octets = b""
        while not octets.endswith(b"\r\n.\r\n"):
            line = self.rfile.readline()
            if not line:
                raise _Ended  # else this would go round for as long as the process lives
            octets += line
        self.box.mails.append(octets.removesuffix(b".\r\n"))
        self.box.encrypted.append(self._is_encrypted)
        self._reply(".", "250 taken")

    def _encrypt(self) -> None:
        assert self.box.tls is not None
        self.request = self.connection = self.box.tls.wrap_socket(self.request, server_side=True)
        self._is_encrypted = True
        self.rfile = self.connection.makefile("rb")

    def _reply(self, verb: str, usual: str) -> None:
        reply = self.box.replies.get(verb, usual)
        if reply == DROP:
            raise _Ended
        if reply == HANG:
            self.box.released.wait()
            raise _Ended
        self.connection.sendall(reply.encode() + b"\r\n")


class _Ended(Exception):
    """The server ends the connection."""
