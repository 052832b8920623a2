"""
The refusal of web browsers: :class:`WebGuard` looks at the first bytes of a session.

A web page can make the browser of its reader send a request to any address that this machine reaches, such
as ``127.0.0.1:9999``. The lines of such a request could be read as commands. TLS of a browser can carry
lines that the page chose, too.
"""

from __future__ import annotations

import re
from typing import Any, Final, Protocol

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

_REQUEST: Final = re.compile(rb"[A-Za-z]+ .* HTTP/[0-9]")
"""The first line of a request, by any method."""

_BEGIN: Final = re.compile(rb"(?i:get|head|post|options|put|patch|delete|trace|pri) (?i:/|\*|http)")
"""The begin of a request whose first line is not complete. A page can make that line very long."""

_HELLO: Final = re.compile(rb"\x16\x03[\x00-\x04]..\x01", re.DOTALL)
"""The begin of TLS: a record of the type handshake, with the first message of a client."""

_PERHAPS: Final = re.compile(rb"[A-Za-z]{1,16}( [^\r\n]{0,1000})?|\x16(\x03([\x00-\x04](?s:.{0,2}))?)?")
"""A part of such a begin: more bytes must come to tell."""

_LINE_END: Final = re.compile(rb"[\r\n]")


class GuardedSession(Protocol):
    """The part of a session that is needed here."""

    def use_decoder(self, decoder: Decoder) -> None: ...


class WebGuard:
    """
    Stands before the decoder of a session until its first bytes show that no web browser sends them.

    It raises an unrecoverable fault before the decoder gets any byte of a request's target, which the web
    page chose.
    """

    __slots__ = ("_decoder", "_fault", "_opening", "_session")

    def __init__(self, session: GuardedSession, decoder: Decoder) -> None:
        self._session = session
        self._decoder = decoder
        self._opening = b""
        self._fault: FramingError | None = None

    def feed(self, data: bytes) -> list[bytes]:
        """Return the frames that the data completes, or raise a fault if a web browser sent it."""
        if self._fault is not None:
            raise self._fault
        opening = self._opening + data if self._opening else data
        problem = problem_with(opening)
        if problem is not None:
            self._fault = UnexpectedBytes(problem, offset=0, recoverable=False)
            raise self._fault
        if _PERHAPS.fullmatch(opening):
            self._opening = opening
        else:
            self._session.use_decoder(self._decoder)
        return self._decoder.feed(data)

    def flush(self) -> list[bytes]:
        """End a frame by silence. The first message was complete, and no request."""
        self._session.use_decoder(self._decoder)
        return self._decoder.flush()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._decoder, name)


def problem_with(opening: bytes) -> str | None:
    """Return the reason why the first bytes of a session are refused, or None if they are not so far."""
    if _HELLO.match(opening):
        return TLS
    ended = _LINE_END.search(opening)
    if ended is None:
        return HTTP if _BEGIN.match(opening) else None
    return HTTP if _REQUEST.match(opening[: ended.start()]) else None
