"""The target as a peer sees it: how to connect, how to ask, and how to know the reply."""

from __future__ import annotations

import hmac
import json
import secrets
import socket
import ssl
from collections.abc import Callable
from contextlib import suppress
from itertools import count
from time import monotonic
from typing import Final

from attrs import frozen

from tcpcomm.errors import FramingError
from tcpcomm.framing.base import decode
from tcpcomm.framing.delimited import Delimited
from tcpcomm.framing.length import LengthPrefixed
from tcpcomm.testing.hostile.connection import CLOSED, OPEN, RESET, Connection
from tcpcomm.testing.hostile.evidence import Evidence
from tcpcomm.testing.hostile.options import TargetOptions
from tcpcomm.testing.hostile.verdict import BINARY, ECHO, JSON, JSON_RPC, PSK, TLS, NotRun, wrong

ATTACKER: Final = 0
BYSTANDER: Final = 1
NEWCOMER: Final = 2

ANSWERED: Final = "answered"
SILENT: Final = "silent"

PSK_VERSION: Final = "TCPCOMM-PSK/1"

_numbers = count(1)


@frozen
class Request:
    """
    A request, and how to know its reply.

    Attributes:
        payload: the message without its framing.
        wire: the message with its framing.
        is_reply: returns True for a frame that answers it.
    """

    payload: bytes
    wire: bytes
    is_reply: Callable[[bytes], bool]


class CannotConnect(Exception):
    """The target did not accept a connection, or not in time."""


class Target:
    """
    A target of the suite.

    Args:
        options: the facts about it.
    """

    def __init__(self, options: TargetOptions) -> None:
        self.options = options
        self.kind = options.kind
        self.evidence: Evidence | None = None
        """The target's process at the beginning; None: its number was not given."""
        self._worst_seen: Callable[[float], float] = lambda since: 0.0

    # Connections

    def connect(
        self, *, role: int = ATTACKER, receive_buffer: int | None = None, within: float | None = None
    ) -> Connection:
        """
        Connect by TCP alone.

        Raises:
            CannotConnect: the target refused, or did not answer in time.
        """
        options = self.options
        family = socket.AF_INET6 if ":" in options.host else socket.AF_INET
        made = socket.socket(family, socket.SOCK_STREAM)
        try:
            made.settimeout(options.within * 2 if within is None else within)
            if receive_buffer is not None:
                made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
            if role != ATTACKER and options.bystander_from is not None:
                with suppress(OSError):  # only Linux has all of 127.0.0.0/8
                    made.bind((options.bystander_from, 0))
            with suppress(ConnectionResetError):  # accepted and dropped already: reading shows the end
                made.connect((options.host, options.port))
        except OSError as error:
            made.close()
            raise CannotConnect(f"cannot connect: {error}") from None
        return Connection(made, within=self.patient(2.0))

    def patient(self, seconds: float) -> float:
        """Return so many seconds for much work, or more if a reply may take more than a second."""
        return seconds * max(1.0, self.options.within)

    def open(
        self, *, role: int = ATTACKER, address: int | None = None, receive_buffer: int | None = None
    ) -> Connection:
        """
        Connect, with TLS or the proof of a key if the kind has them.

        Args:
            address: the role from whose address to connect; by default that of ``role``.

        Raises:
            CannotConnect: the target refused, or did not answer in time.
        """
        connection = self.connect(role=role if address is None else address, receive_buffer=receive_buffer)
        try:
            if self.kind == TLS:
                self._start_tls(connection)
            elif self.kind == PSK:
                self.prove(connection, role=role)
        except BaseException:
            connection.close()
            raise
        return connection

    def tls_context(self) -> ssl.SSLContext:
        """Return the TLS context of a good client."""
        options = self.options
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        if options.ca is not None:
            context.load_verify_locations(options.ca)
            context.verify_mode = ssl.CERT_REQUIRED
        if options.certificate is not None:
            context.load_cert_chain(options.certificate, options.private_key)
        return context

    def _start_tls(self, connection: Connection) -> None:
        connection.socket.settimeout(self.options.within * 2)
        try:
            wrapped = self.tls_context().wrap_socket(connection.socket, server_hostname="localhost")
        except (OSError, ssl.SSLError) as error:
            raise CannotConnect(f"no TLS: {error}") from None
        connection.socket = wrapped

    # The proof of a key

    def identity(self, role: int = ATTACKER) -> tuple[str, bytes]:
        """Return the name and the key of a role; with too few keys, those of the last one."""
        keys = self.options.keys
        if not keys:
            raise NotRun("no --key was given")
        return keys[min(role, len(keys) - 1)]

    def challenge(self, connection: Connection) -> str:
        """Return the nonce of the target's challenge."""
        connection.receive_until(lambda data: b"\n" in data, within=self.options.within * 2)
        line, ended, rest = bytes(connection.received).partition(b"\n")
        words = line.decode("latin-1").split(" ")
        if not ended or len(words) != 3 or words[:2] != [PSK_VERSION, "CHALLENGE"]:
            raise CannotConnect(f"no challenge came, but {line[:80]!r}")
        connection.received[:] = rest
        return words[2]

    def proof(
        self,
        theirs: str,
        ours: str | None = None,
        *,
        role: int = ATTACKER,
        side: str = "dialler",
        version: str = PSK_VERSION,
        key: bytes | None = None,
        name: str | None = None,
        server: str | None = None,
    ) -> bytes:
        """Return the line of a proof; each part of it may be wrong."""
        own_name, own_key = self.identity(role)
        name = own_name if name is None else name
        ours = secrets.token_hex(32) if ours is None else ours
        mac = self.mac(
            side, theirs, ours, key=own_key if key is None else key, name=name, server=server,
            version=version,
        )  # fmt: skip
        return f"{version} PROOF {name} {ours} {mac}\n".encode()

    def mac(
        self,
        side: str,
        theirs: str,
        ours: str,
        *,
        key: bytes,
        name: str,
        server: str | None = None,
        version: str = PSK_VERSION,
    ) -> str:
        """Return the HMAC of a proof in hexadecimal."""
        server = self.options.server if server is None else server
        lines = f"{version}\n{side}\n{name}\n{server}\n{ours}\n{theirs}\n"
        return hmac.new(key, lines.encode(), "sha256").hexdigest()

    def prove(self, connection: Connection, *, role: int = ATTACKER) -> None:
        """Prove the identity of a role, and verify the target's own proof."""
        theirs, ours = self.challenge(connection), secrets.token_hex(32)
        connection.send(self.proof(theirs, ours, role=role))
        connection.receive_until(lambda data: b"\n" in data, within=self.options.within * 2)
        line, _, rest = bytes(connection.received).partition(b"\n")
        name, key = self.identity(role)
        expected = f"{PSK_VERSION} ACCEPT {self.mac('acceptor', theirs, ours, key=key, name=name)}"
        if line.decode("latin-1") != expected:
            raise CannotConnect(f"the proof of {name} was not accepted: {line[:80]!r}")
        connection.received[:] = rest

    # Messages

    @property
    def delimiter(self) -> bytes:
        """The bytes that end a message that the suite sends."""
        framing = self.options.framing
        if isinstance(framing, Delimited):
            return framing.delimiters[0]
        return getattr(framing, "send", b"\r\n")

    def wire(self, payload: bytes) -> bytes:
        """Return a message with its framing. Bytes that a line cannot hold are not checked."""
        framing = self.options.framing
        if isinstance(framing, LengthPrefixed):
            return framing.encode(payload)
        return payload + self.delimiter

    def header(self, value: int) -> bytes:
        """Return a header with any value in its length field."""
        framing = self.options.framing
        assert isinstance(framing, LengthPrefixed)
        before = self.options.ask[: framing.offset] if framing.strip == 0 else framing.sync
        if framing.form in ("decimal", "hex"):
            return before + (b"%0*d" if framing.form == "decimal" else b"%0*X") % (framing.width, value)
        return before + value.to_bytes(framing.width, "little" if framing.form == "little" else "big")

    @property
    def largest_length(self) -> int:
        """The largest number that the length field can hold."""
        framing = self.options.framing
        assert isinstance(framing, LengthPrefixed)
        return int({"decimal": 10, "hex": 16}.get(framing.form, 256) ** framing.width) - 1

    def request(self) -> Request:
        """Return a good request. Where the kind allows it, its reply differs from all others."""
        options, number = self.options, next(_numbers)
        if self.kind == ECHO:
            payload = options.ask + b" %d." % number
            return Request(payload, self.wire(payload), lambda frame: frame.endswith(payload))
        if self.kind == JSON_RPC:
            message = options.json_ask()
            message["id"] = number + 1_000_000
            payload = json.dumps(message, separators=(",", ":")).encode()
            return Request(payload, self.wire(payload), lambda frame: _answers(frame, message["id"]))
        wire = self.wire(options.ask)
        if self.kind == BINARY:
            return Request(options.ask, wire, lambda frame: frame.startswith(options.expect))
        return Request(options.ask, wire, lambda frame: options.expect in frame)

    def frames(self, data: bytes) -> list[bytes]:
        """Return the complete frames in bytes that the target sent."""
        found: list[bytes] = []
        for part in decode(self.options.framing.decoder(), data):
            if isinstance(part, FramingError):
                break
            found += part
        return found

    def count_replies(self, data: bytes, request: Request) -> int:
        """Return the number of frames in these bytes that answer a request."""
        return sum(map(request.is_reply, self.frames(data)))

    # What became of it

    def outcome(self, connection: Connection, request: Request, *, within: float | None = None) -> str:
        """
        Wait for the reply to a request.

        Returns:
            ``answered``, ``closed``, ``reset``, or ``silent``.
        """
        within = max(2.0, 2 * self.options.within) if within is None else within
        deadline = monotonic() + within
        decoder, seen = self.options.framing.decoder(), 0
        while True:
            fresh, seen = bytes(connection.received[seen:]), len(connection.received)
            for part in decode(decoder, fresh):
                if isinstance(part, FramingError):
                    return self._garbled(connection, part)
                if any(map(request.is_reply, part)):
                    return ANSWERED
            if connection.state is not OPEN:
                return connection.state
            left = deadline - monotonic()
            if left <= 0 or (not connection.receive(left) and connection.state is OPEN):
                return SILENT

    @staticmethod
    def _garbled(connection: Connection, fault: FramingError) -> str:
        return wrong(f"sent bytes that are not a message of its own framing: {fault}")

    def ask(self, connection: Connection, *, within: float | None = None) -> str:
        """Send a good request, and return its outcome as :meth:`outcome` does."""
        request = self.request()
        connection.send(request.wire)
        return self.outcome(connection, request, within=within)

    def served_or_closed(self, data: bytes) -> str:
        """
        Send bytes, then a good request on the same connection, which must be answered once or closed.

        Returns:
            ``answered``, ``closed`` or ``reset``.
        """
        with self.open() as peer:
            return self.goes_on(peer, data)

    def goes_on(self, peer: Connection, data: bytes) -> str:
        """Do the same as :meth:`served_or_closed` on an open connection."""
        request = self.request()
        peer.send(data + request.wire)
        outcome = self.outcome(peer, request)
        if outcome == SILENT:
            wrong(
                "neither answered the request that followed nor closed the connection; "
                f"it sent {bytes(peer.received[:60])!r}"
            )
        if outcome == ANSWERED and self.kind == JSON:
            # The bytes before it may be a good request in another form, whose reply looks the same.
            peer.receive(0.02)
            peer.received.clear()
            if self.ask(peer) == SILENT:
                wrong("did not answer the second request that followed")
        elif outcome == ANSWERED:
            peer.receive(0.02)
            count = self.count_replies(bytes(peer.received), request)
            if count > 1:
                wrong(f"answered one request {count} times")
        return outcome

    def must_be_served(self, data: bytes = b"") -> None:
        """Send bytes, then a good request on the same connection, which must be answered."""
        outcome = self.served_or_closed(data)
        if outcome != ANSWERED:
            wrong(f"did not answer a good request: {outcome}")

    def must_close(self, peer: Connection, *, within: float | None = None) -> str:
        """Wait until the target closes; a reply before that is wrong. Return ``closed`` or ``reset``."""
        within = self.options.patience if within is None else within
        state = peer.end(within=within)
        if state is OPEN:
            wrong(f"kept the connection open for {within:g} s")
        return state

    def must_not_answer(self, peer: Connection) -> None:
        """Check that nothing which was received holds the reply to a request."""
        if self.options.expect in peer.received:
            wrong(f"carried out a request that it must not: it sent {bytes(peer.received[-80:])!r}")

    def watch(self, worst: Callable[[float], float]) -> None:
        """Use a function that returns the worst delay of the bystander since a time."""
        self._worst_seen = worst

    def worst_delay(self, since: float) -> float:
        """Return the longest time in seconds that the bystander has waited since a time."""
        return self._worst_seen(since)


def _answers(frame: bytes, id: object) -> bool:
    try:
        message = json.loads(frame)
    except ValueError:
        return False
    return type(message) is dict and message.get("id") == id and "result" in message


__all__ = [
    "ANSWERED", "ATTACKER", "BYSTANDER", "CLOSED", "NEWCOMER", "OPEN", "PSK_VERSION", "RESET", "SILENT",
    "CannotConnect", "Request", "Target",
]  # fmt: skip
