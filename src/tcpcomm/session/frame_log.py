"""
A log of frames, one line each: :class:`FrameLog`.

::

    06:46:24.123456  192.168.0.10:50432     --  ready
    06:46:24.124001  192.168.0.10:50432     <-  54 52 47 2c 33                                   |TRG,3|
    06:46:24.125235  192.168.0.10:50432     ->  4f 4b 2c 31 2e 35                                |OK,1.5|
    06:46:24.998100  192.168.0.10:50432     ~~  dropped the reply OK,1.5
    06:46:25.000000  192.168.0.10:50432     --  closed: the peer closed the connection
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from datetime import datetime
from functools import partial
from typing import Any, ClassVar, Final, TextIO

from attrs import define, field
from twisted.logger import Logger

from tcpcomm.errors import ConfigurationError, FramingError
from tcpcomm.runtime.log_writer import LogWriter, stream_writer
from tcpcomm.runtime.safe_text import one_line
from tcpcomm.session.observer import ObservedMessage, SessionObserver

SHOWN: Final = 256
"""Bytes of a frame that ``--frames`` or ``log=`` shows. The rest is left out."""

LONGEST_LINE: Final = 4000
"""Characters of the text of a line of the frame log. The rest is cut."""

PEER_WIDTH: Final = len("192.168.100.100:65535")
HEX_WIDTH: Final = len(bytes(16).hex(" "))
MESSAGE_WIDTH: Final = 40
MOST_REASONS: Final = 30
"""Lines about the states of one outage in a frame log. Further reasons of this outage are not shown."""

_OF_OUTAGES: Final = frozenset(["connecting", "handshaking", "down"])

RECEIVED: Final = "<-"
SENT: Final = "->"
STATE: Final = "--"
FAULT: Final = "!!"
ALTERED: Final = "~~"


@define(eq=False)
class FrameLog(SessionObserver):
    """
    Writes one line for each frame, fault, and change of a session or link.

    A line has the local time to the microsecond, the peer, a mark (``<-`` received, ``->`` sent, ``!!``
    fault, ``~~`` changed by a tool, ``--`` state), and the frame in hexadecimal and as text. If the
    conversation is declared, the decoded message comes first. An answer shows its command and the time that
    it took. In an outage of a link, each state is one line for each reason, and not for each attempt.

    Args:
        write: gets each line, without a line end; by default Twisted's log at level info gets it.
        encoding: of the text. Bytes that are not text in it, and control characters, are shown as escapes.
        shown: bytes of a frame that are shown.
        clock: returns the seconds since 1970.
        marks: the marks of received and of sent frames, if others than ``<-`` and ``->`` are clearer.
    """

    log: ClassVar[Logger] = Logger()

    _write: Callable[[str], object] | None = None
    _encoding: str = field(default="ascii", kw_only=True)
    _shown: int = field(default=SHOWN, kw_only=True)
    _clock: Callable[[], float] = field(default=time.time, kw_only=True)
    _marks: tuple[str, str] = field(default=(RECEIVED, SENT), kw_only=True)
    _peer_width: int = field(default=PEER_WIDTH, init=False)
    _told: dict[str, set[tuple[str, str]]] = field(factory=dict, init=False)  # of each link's outage

    def opened(self, session: Any) -> None:
        self._line(session.peer, STATE, "opened")

    def ready(self, session: Any) -> None:
        identity = getattr(session, "identity", None)
        self._line(session.peer, STATE, f"ready as {identity}" if identity else "ready")

    def frame_received(self, session: Any, frame: bytes) -> None:
        if not getattr(session, "is_declared", False):
            self._line(session.peer, self._mark(sent=False), self._frame_text(frame))

    def frame_sent(self, session: Any, frame: bytes) -> None:
        if not getattr(session, "is_declared", False):
            self._line(session.peer, self._mark(sent=True), self._frame_text(frame))

    def message(self, session: Any, message: ObservedMessage) -> None:
        text = f"{_message_text(message):<{MESSAGE_WIDTH}}  {self._frame_text(message.frame)}"
        self._line(session.peer, self._mark(sent=message.sent), text)

    def frame_stalled(self, session: Any, description: str, *, sent: bool = False) -> None:
        self._line(session.peer, self._mark(sent=sent), f"half a frame: {description or 'a secret'}")

    def fault(self, session: Any, fault: FramingError, *, sent: bool = False) -> None:
        text = f"{fault}: {fault.details}" if fault.details else str(fault)
        self._line(session.peer, FAULT, f"{self._mark(sent=True)} {text}" if sent else text)

    def altered(self, session: Any, description: str, *, sent: bool) -> None:
        self._line(session.peer, ALTERED, f"{self._mark(sent=sent)} {description}")

    def closed(self, session: Any, reason: str) -> None:
        self._line(session.peer, STATE, f"closed: {reason}")

    def link_state(self, link: Any, state: Any, reason: str) -> None:
        value = getattr(state, "value", state)
        name = getattr(link, "name", None) or getattr(getattr(link, "engine", None), "name", None) or "link"
        if self._is_news(name, value, reason):
            self._line(name, STATE, f"link {value}: {reason}" if reason else f"link {value}")

    def _is_news(self, name: str, state: str, reason: str) -> bool:
        """Return False for an attempt of an outage that is like one before: there are many a second."""
        told = self._told.setdefault(name, set())
        if state not in _OF_OUTAGES:
            told.clear()
            return True
        if (state, reason) in told or len(told) >= MOST_REASONS:
            return False
        told.add((state, reason))
        return True

    def listening(self, server: Any, address: str) -> None:
        self._line(address, STATE, "listening")

    def note(self, peer: str, text: str, *, sent: bool | None = None) -> None:
        """
        Write a line of a tool.

        Args:
            peer: the peer, or another name for its place in the line.
            text: the text.
            sent: True if it is about the direction of sent frames, False about the other; None: about none.
        """
        self._line(peer, STATE if sent is None else self._mark(sent=sent), text)

    def _mark(self, *, sent: bool) -> str:
        return self._marks[sent]

    def _line(self, peer: str, mark: str, text: str) -> None:
        self._peer_width = max(self._peer_width, len(peer))  # later lines are aligned to the longest name
        now = datetime.fromtimestamp(self._clock()).strftime("%H:%M:%S.%f")
        wide = max(map(len, self._marks))
        line = f"{now}  {peer:<{self._peer_width}}  {mark:<{wide}}  {one_line(text, LONGEST_LINE)}".rstrip()
        if self._write is None:
            self.log.info("{line}", line=line, log_asked_for=True)
        else:
            self._write(line)

    def _frame_text(self, frame: bytes) -> str:
        shown = frame[: self._shown]
        text = one_line(shown.decode(self._encoding, "backslashreplace"))
        rest = f" … {len(frame):,} bytes in all" if len(frame) > len(shown) else ""
        return f"{shown.hex(' '):<{HEX_WIDTH}}  |{text}|{rest}"


def frame_log(log: bool | TextIO | Callable[[str], object] | None) -> list[SessionObserver]:
    """
    Make the observers for an option ``log``.

    Args:
        log: True for Twisted's log, an open text file such as ``sys.stderr``, or a function that gets each
            line. None and False: no log.

    Raises:
        ConfigurationError: it is none of these.
    """
    if log is None or log is False:
        return []
    if log is True:
        return [FrameLog()]
    if callable(log):
        return [FrameLog(log)]
    if hasattr(log, "write"):
        return [FrameLog(line_writer(log))]
    raise ConfigurationError(f"log must be True, an open text file or a function of a line, not {log!r}")


def line_writer(file: TextIO) -> Callable[[str], object]:
    """Return a function that writes a line to a file. A pipe that nobody reads does not block it."""
    write = stream_writer(file)
    if write is None:  # it is in memory, or the program's own object
        return partial(print, file=file, flush=True)
    writer = LogWriter(write)
    return lambda line: writer.put(f"{line}\n")


def _message_text(message: ObservedMessage) -> str:
    values = _values_text(message.values)
    text = values if message.answers is not None or not message.name else f"{message.name}({values})"
    parts = [f"{message.kind.value:<9}", text]
    if message.answers is not None:
        took = f" after {message.seconds * 1000:.3f} ms" if message.seconds is not None else ""
        asked = f"{message.answers.name}({_values_text(message.answers.values)})"
        parts.append(f"answers {asked if message.answers.name else 'it'}{took}")
    if message.problem:
        parts.append(f"! {message.problem}")
    return " ".join(part for part in parts if part)


def _values_text(values: Mapping[str, Any]) -> str:
    return ", ".join(f"{name}={_cut(repr(value))}" for name, value in values.items() if value is not None)


def _cut(text: str) -> str:
    return text if len(text) <= SHOWN else f"{text[:SHOWN]} …"
