"""
The refusal of web browsers: :class:`WebGuard` looks at the first bytes of a session.

A web page can make the browser of its reader send a request to any address that this machine reaches, such
as ``127.0.0.1:9999``. The lines of such a request could be read as commands. TLS of a browser can carry
lines that the page chose, too.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from enum import Enum
from typing import Any, Final, NoReturn, Protocol, cast

from tcpcomm.errors import FramingError, UnexpectedBytes
from tcpcomm.framing.base import Decoder

HTTP: Final = (
    "the peer sent an HTTP request, as a web browser does, and a web page must not command equipment: "
    "allow_http=True (twistd tcpcomm --allow-http) allows it"
)
TLS: Final = (
    "the peer speaks TLS, as a web browser does, and this port does not: listen at ssl:, or connect "
    "without TLS; allow_http=True (twistd tcpcomm --allow-http) turns this check off"
)

LONGEST_FIRST_LINE: Final = 4096
"""
Bytes of a first line that begins like the request of a web browser. Without an end by then, it is taken
for a browser's request, and the session ends.
"""

_REQUEST: Final = re.compile(
    rb"[A-Za-z]{1,64} (?:/.*|(?i:https?)://.*|\*|[A-Za-z0-9._:\[\]-]{1,255}) HTTP/[0-9]"
)
"""The first line of a request, by any method."""

_TARGET: Final = re.compile(rb"[A-Za-z]{1,64} (?:/|(?i:https?)://)")
"""The begin of such a line, from where the web page chooses the bytes."""

_PART: Final = re.compile(
    rb"[A-Za-z]{1,64}(?: (?:(?i:https?):/|(?:\*|[A-Za-z0-9._:\[\]-]{1,255})"
    rb"(?: (?:H(?:T(?:T(?:P/?)?)?)?)?)?)?)?"
)
"""A part of such a line that has no byte of the page's: more bytes must come to tell."""

_HELLO: Final = re.compile(rb"\x16\x03[\x00-\x04]..\x01", re.DOTALL)
"""The begin of TLS: a record of the type handshake, with the first message of a client."""

_HELLO_PART: Final = re.compile(rb"\x16(\x03([\x00-\x04](?s:.{0,2}))?)?")

_LINE_END: Final = re.compile(rb"[\r\n]")


class Opening(Enum):
    """The state of a session after its first bytes were accepted."""

    FINE = "no web browser sends these bytes, whatever follows"
    SHORT = "more bytes must come to tell; the decoder may have these"
    HELD = "more bytes must come to tell; the decoder must wait, because a page may have chosen these"


class GuardedSession(Protocol):
    """The part of a session that is needed here."""

    def use_decoder(self, decoder: Decoder) -> object: ...


class WebGuard:
    """
    Stands before the decoder of a session until its first bytes show that no web browser sends them.

    It holds the bytes back from a request's target on, which the web page chose, until the first line has
    ended. It raises an unrecoverable fault if the line is a request's. The verdict depends on the bytes
    alone, in whatever chunks they arrive.
    """

    __slots__ = ("_decoder", "_fault", "_fed", "_held", "_opening", "_session")

    def __init__(self, session: GuardedSession, decoder: Decoder) -> None:
        self._session = session
        self._decoder = decoder
        self._opening = b""
        self._fed = 0  # the bytes of the opening that the decoder has
        self._held = False
        self._fault: FramingError | None = None

    def feed(self, data: bytes) -> list[bytes]:
        """Return the frames that the data completes, or raise a fault if a web browser sent it."""
        if self._fault is not None:
            raise self._fault
        opening = self._opening + data if self._opening else data
        verdict = judged(opening)
        if isinstance(verdict, str):
            self._refuse(verdict)
        self._held = verdict is Opening.HELD
        if self._held:
            self._opening = opening
            return []
        data = opening[self._fed :]
        if verdict is Opening.SHORT:
            self._opening, self._fed = opening, len(opening)
        else:
            self._session.use_decoder(self._decoder)
        return self._decoder.feed(data)

    def cut_chunk(self, data: bytes) -> list[bytes] | None:
        """Return None: nothing is cut past the guard."""
        return None

    def cut_text(self, data: bytes, charset: str) -> list[str] | None:
        """Return None, too."""
        return None

    def read_by(self, decoder: Decoder) -> tuple[Decoder, Decoder]:
        """Let another decoder cut the frames. The guard stays before it."""
        self._decoder, replaced = self._decoder.read_by(decoder)
        return cast("Decoder", self), replaced

    def flush(self) -> list[bytes]:
        """End a frame by silence. Raise a fault if bytes are held back: the silence does not clear them."""
        return self._end(self._decoder.flush)

    def close(self) -> list[bytes]:
        """End the stream. Raise a fault if bytes are held back."""
        return self._end(self._decoder.close)

    def _end(self, end: Callable[[], list[bytes]]) -> list[bytes]:
        if self._fault is not None:
            raise self._fault
        if self._held:
            self._refuse(HTTP)
        self._session.use_decoder(self._decoder)
        return end()

    def _refuse(self, problem: str) -> NoReturn:
        self._held = False
        self._fault = UnexpectedBytes(problem, offset=0, recoverable=False)
        raise self._fault

    @property
    def idle(self) -> bool:
        """False while bytes are held back."""
        return not self._held and self._decoder.idle

    @property
    def mid_frame(self) -> bool:
        """True while bytes are held back, so that the time limit of a frame ends the session."""
        return self._held or self._decoder.mid_frame

    @property
    def ends_by_silence(self) -> bool:
        """True while bytes are held back: a silence ends their session."""
        return self._held or self._decoder.ends_by_silence

    @property
    def buffered(self) -> int:
        """The bytes that are kept."""
        held = len(self._opening) - self._fed if self._held else 0
        return held + self._decoder.buffered

    @property
    def unfinished(self) -> str:
        """A log text about what has begun and not ended, to follow the words "the peer"."""
        if not self._held:
            return self._decoder.unfinished
        return (
            f"sent {self._opening[:80]!r}, and then not the end of this line, which could be that of an "
            "HTTP request: allow_http=True (twistd tcpcomm --allow-http) reads it without a line end"
        )

    @property
    def progress(self) -> str:
        """A log text about what has begun and may go on, to follow the words "the peer"."""
        return f"sent {self._opening[:80]!r} so far" if self._held else self._decoder.progress

    def __getattr__(self, name: str) -> Any:
        return getattr(self._decoder, name)


def judged(opening: bytes) -> str | Opening:
    """Return the reason why the first bytes of a session are refused, or their state if they are not."""
    if opening[:1] == b"\x16":
        if _HELLO.match(opening):
            return TLS
        return Opening.SHORT if _HELLO_PART.fullmatch(opening) else Opening.FINE
    ended = _LINE_END.search(opening, 0, LONGEST_FIRST_LINE)
    line = opening[: LONGEST_FIRST_LINE if ended is None else ended.start()]
    if _REQUEST.match(line):
        return HTTP
    if ended is not None:
        return Opening.FINE
    if _TARGET.match(line):
        return HTTP if len(opening) >= LONGEST_FIRST_LINE else Opening.HELD
    return Opening.SHORT if not opening or _PART.fullmatch(line) else Opening.FINE


def problem_with(opening: bytes) -> str | None:
    """Return the reason why the first bytes of a session are refused, or None if they are not so far."""
    verdict = judged(opening)
    return verdict if isinstance(verdict, str) else None
