"""
The echo/command server that ``twistd tcpcomm`` runs, as a first peer for a new link.

A message that begins with a command, in capitals, is carried out; any other comes back after ``Echo: ``.
For a command of your own, subclass :class:`EchoProtocol` and add a ``command_…`` method.
"""

from __future__ import annotations

import codecs
from contextlib import suppress
from datetime import datetime
from typing import Any, cast

from tcpcomm.codec.encoding import charset, likely_charset
from tcpcomm.errors import ConfigurationError, EncodeError
from tcpcomm.framing.autodetect import AutoDetect, AutoDetectDecoder
from tcpcomm.framing.base import Framing
from tcpcomm.runtime.bounded_logger import BoundedLogger
from tcpcomm.runtime.timer import clock_of
from tcpcomm.session.factory import FrameFactory
from tcpcomm.session.protocol import FrameProtocol

_MOST_PEERS_NAMED = 20

_NOT_FOR_TEXT = {"idna", "punycode", "undefined"}
"""Codecs that Python lists as text encodings, but that fail on ordinary text."""


def check_encoding(encoding: str, framing: Framing) -> None:
    """
    Raise ConfigurationError if the framing cannot carry text in this encoding.

    An encoding with other bytes than CR and LF for line ends, such as UTF-16, needs a framing that carries
    any byte.
    """
    try:
        info = codecs.lookup(encoding)
        if info.name in _NOT_FOR_TEXT or not getattr(info, "_is_text_encoding", True):
            raise LookupError(encoding)
    except LookupError:
        raise ConfigurationError(
            f"no text encoding is called {encoding!r}: use utf-8, cp949, euc-kr, shift_jis, latin-1, "
            "ascii or another one that Python knows"
        ) from None
    if "Echo: \r\n".encode(charset(encoding)) == b"Echo: \r\n":
        return
    try:
        framing.encode("\r\n".encode(charset(encoding)))
    except EncodeError:
        raise ConfigurationError(
            f"text in {encoding} can hold bytes that look like line ends: use it with a framing such as "
            "length:4"
        ) from None


class EchoProtocol(FrameProtocol):
    """One session of the echo/command server."""

    framing: Framing = AutoDetect()
    gap: float | None = 0.05
    log = BoundedLogger()

    encoding = "utf-8"
    charset = "utf-8"
    """Python's name of the encoding."""

    def sessionLost(self, reason: str) -> None:
        self.log.info("{peer}: disconnected: {reason}", peer=self.peer, reason=reason)

    def frameReceived(self, frame: bytes) -> None:
        decoder = self._decoder
        message = decoder.text(frame) if isinstance(decoder, AutoDetectDecoder) else frame
        try:
            text = message.decode(self.charset)
        except UnicodeDecodeError as error:
            found = f"byte 0x{message[error.start]:02x} at position {error.start}"
            likely = likely_charset(message, self.charset)
            hint = f"; it may be {likely}: start the server with --encoding {likely}" if likely else ""
            problem = f"the message is not {self.encoding}: {found}{hint}"
            self.log_fault(problem)
            self._answer(frame, f"Error: {problem}")
            return
        word, _, rest = text.partition(" ")
        command = getattr(self, f"command_{word.strip()}", None) if word.isupper() else None
        self._answer(frame, command(rest) if command else f"Echo: {text}")

    def _answer(self, frame: bytes, text: str) -> None:
        """Send a reply or, if it cannot be sent, an error that fits. Close the session if none fits."""
        try:
            self._send_text(frame, text)
        except EncodeError as error:
            problem = f"the reply cannot be sent: {error}"
            self.log_fault(problem)
            for each in (f"Error: {problem}", "Error"):
                with suppress(EncodeError):
                    self._send_text(frame, each)
                    break
            else:
                self.close(problem)
                return
        if self._quitting:
            self.close("the peer said QUIT")

    def _send_text(self, frame: bytes, text: str) -> None:
        reply = text.encode(self.charset, "replace")
        decoder = self._decoder
        if isinstance(decoder, AutoDetectDecoder):
            data = decoder.answer(frame, reply)  # with the end of line or the length that the peer uses
            self.send_framed([data], [data])
        else:
            self.sendFrame(reply)

    _quitting = False

    def command_HELP(self, rest: str) -> str:
        """HELP: this list."""
        commands = [name for name in dir(self) if name.startswith("command_")]
        texts = [(getattr(self, name).__doc__ or name[8:]).strip().rstrip(".") for name in commands]
        return f"Commands: {'; '.join(texts)}. Anything else comes back as 'Echo: ' and itself."

    def command_PING(self, rest: str) -> str:
        """PING: PONG comes back."""
        return "PONG"

    def command_TIME(self, rest: str) -> str:
        """TIME: the server's date and time, in ISO 8601."""
        return datetime.now().astimezone().isoformat(timespec="milliseconds")

    def command_STATUS(self, rest: str) -> str:
        """STATUS: uptime, sessions and frame counts."""
        factory = cast("EchoFactory", self.factory)
        uptime = clock_of(factory).seconds() - factory.started
        return (
            f"uptime={uptime:.1f}s sessions={len(factory.sessions)} "
            f"sessions_total={factory.sessions_total} "
            f"frames_received={factory.frames_received} frames_sent={factory.frames_sent}"
        )

    def command_WHO(self, rest: str) -> str:
        """WHO: the peers of all sessions, yours first."""
        sessions = cast("EchoFactory", self.factory).sessions
        names = [self.peer, *sorted(each.peer for each in sessions if each is not self)]
        more = len(names) - _MOST_PEERS_NAMED
        return ", ".join(names[:_MOST_PEERS_NAMED]) + (f" and {more} more" if more > 0 else "")

    def command_ECHO(self, rest: str) -> str:
        """ECHO text: the text comes back as it is."""
        return rest

    def command_QUIT(self, rest: str) -> str:
        """QUIT: the server says BYE and closes the session."""
        self._quitting = True
        return "BYE"


class EchoFactory(FrameFactory):
    """
    All sessions of one echo/command server.

    Args:
        encoding: the name of the text encoding, for both directions.
        options: as for :class:`~tcpcomm.session.factory.FrameFactory`.

    Raises:
        ConfigurationError: the encoding does not exist, or the framing cannot carry it.
    """

    protocol = EchoProtocol

    def __init__(self, protocol: Any = None, *, encoding: str = "utf-8", **options: Any) -> None:
        super().__init__(protocol, **options)
        check_encoding(encoding, options.get("framing", self.protocol.framing))
        self._overrides["encoding"] = encoding
        self._overrides["charset"] = charset(encoding)
        self.started = clock_of(self).seconds()
